// SPDX-License-Identifier: GPL-2.0-only
#include "otlp.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/arena.h"
#include "../base/intern.h"
#include "../profile/utf8.h"
#include "otlp.pb-c.h"

/* An element of a table is kept as words; its place is its index in the file. Element 0 is the empty one. */
enum table { MAPPINGS, LOCATIONS, FUNCTIONS, ATTRIBUTES, STACKS, TABLES };

enum { MAPPING_START, MAPPING_LIMIT, MAPPING_OFFSET, MAPPING_FILE, MAPPING_BUILD, MAPPING_WORDS };
enum { FUNCTION_NAME, FUNCTION_SYSTEM, FUNCTION_FILE, FUNCTION_START, FUNCTION_WORDS };
enum { ATTRIBUTE_KEY, ATTRIBUTE_IS_TEXT, ATTRIBUTE_VALUE, ATTRIBUTE_UNIT, ATTRIBUTE_WORDS };
enum { LOCATION_MAPPING, LOCATION_ADDRESS, LOCATION_LINES };	/* then function and line of each */

static const size_t empty_words[TABLES] = { MAPPING_WORDS, LOCATION_LINES, FUNCTION_WORDS, ATTRIBUTE_WORDS, 0 };

struct otlp {
	struct lsp_arena arena;		/* what is to be written */
	struct lsp_intern strings;
	struct lsp_intern tables[TABLES];
	uint64_t *words;		/* of the element at work */
	size_t nwords, words_room;
	uint64_t *known;		/* locations of the profile at work, by their ids; 0: not met yet */
	int err;			/* the first error; what functions return is worth nothing after it */
};

static void *memory(struct otlp *o, size_t n, size_t bytes)
{
	void *got = lsp_arena_alloc(&o->arena, n * bytes + 1);

	if (!got && !o->err)
		o->err = -ENOMEM;
	return got;
}

static uint64_t place(struct otlp *o, int64_t id)
{
	if (id < 0 && !o->err)
		o->err = (int)id;
	return id < 0 ? 0 : (uint64_t)id;
}

static uint64_t string_add(struct otlp *o, const char *text)
{
	char *clean = lsp_utf8_clean(text, strlen(text));
	int64_t id = clean ? lsp_intern_add(&o->strings, clean, strlen(clean)) : -ENOMEM;

	free(clean);
	return place(o, id);
}

static uint64_t words_add(struct otlp *o, enum table table, const uint64_t *words, size_t n)
{
	return place(o, lsp_intern_add(&o->tables[table], words, n * sizeof(*words)));
}

static void word_push(struct otlp *o, uint64_t word)
{
	if (lsp_array_grow(&o->words, &o->words_room, o->nwords, sizeof(word))) {
		if (!o->err)
			o->err = -ENOMEM;
		return;
	}
	o->words[o->nwords++] = word;
}

static void otlp_init(struct otlp *o)
{
	static const uint64_t none[MAPPING_WORDS + ATTRIBUTE_WORDS];

	memset(o, 0, sizeof(*o));
	string_add(o, "");
	for (int i = 0; i < TABLES; i++)
		words_add(o, (enum table)i, none, empty_words[i]);
}

static void otlp_uninit(struct otlp *o)
{
	for (int i = 0; i < TABLES; i++)
		lsp_intern_uninit(&o->tables[i]);
	lsp_intern_uninit(&o->strings);
	lsp_arena_uninit(&o->arena);
	free(o->words);
}

/* ---- from a profile to the tables ---- */

static uint64_t attribute_add(struct otlp *o, const char *key, const char *text, int64_t number, const char *unit)
{
	const uint64_t words[ATTRIBUTE_WORDS] = {
		string_add(o, key), text != NULL, text ? string_add(o, text) : (uint64_t)number, string_add(o, unit) };

	return words_add(o, ATTRIBUTES, words, ATTRIBUTE_WORDS);
}

/* Names that OpenTelemetry has defined are taken from there; others get a prefix. */
static uint64_t label_add(struct otlp *o, const struct lsp_profile_label *label)
{
	static const struct {
		const char *ours, *theirs;
	} names[] = {
		{ "pid", "process.pid" }, { "comm", "thread.name" },
	};
	char key[128];

	snprintf(key, sizeof(key), "lockspan.%s", label->key);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(label->key, names[i].ours))
			snprintf(key, sizeof(key), "%s", names[i].theirs);
	return attribute_add(o, key, label->str, label->num, !label->str && label->unit && strcmp(label->unit, "id") ?
			     label->unit : "");
}

static uint64_t mapping_add(struct otlp *o, const struct lsp_profile *p, uint64_t id)
{
	struct lsp_profile_mapping m;
	uint64_t words[MAPPING_WORDS];

	if (!id || !lsp_profile_mapping(p, id, &m))
		return 0;
	words[MAPPING_START] = m.start;
	words[MAPPING_LIMIT] = m.limit;
	words[MAPPING_OFFSET] = m.offset;
	words[MAPPING_FILE] = string_add(o, m.filename);
	words[MAPPING_BUILD] = *m.build_id ? attribute_add(o, "process.executable.build_id.gnu", m.build_id, 0, "") : 0;
	return words_add(o, MAPPINGS, words, MAPPING_WORDS);
}

static uint64_t function_add(struct otlp *o, const struct lsp_profile_line *line)
{
	const uint64_t words[FUNCTION_WORDS] = {
		string_add(o, line->function), string_add(o, line->system_name), string_add(o, line->file),
		(uint64_t)line->start_line };

	return words_add(o, FUNCTIONS, words, FUNCTION_WORDS);
}

static uint64_t location_add(struct otlp *o, const struct lsp_profile *p, uint64_t id)
{
	struct lsp_profile_location l;

	if (!lsp_profile_location(p, id, &l))
		return 0;
	o->nwords = 0;
	word_push(o, mapping_add(o, p, l.mapping));
	word_push(o, l.address);
	for (size_t i = 0; i < l.nlines; i++) {
		word_push(o, function_add(o, &l.lines[i]));
		word_push(o, (uint64_t)l.lines[i].line);
	}
	return words_add(o, LOCATIONS, o->words, o->nwords);
}

static uint64_t stack_add(struct otlp *o, const struct lsp_profile *p, const struct lsp_profile_sample *s)
{
	uint64_t *stack = malloc((s->nlocations + 1) * sizeof(*stack)), id;

	if (!stack)
		return place(o, -ENOMEM);
	for (size_t i = 0; i < s->nlocations; i++) {
		uint64_t *known = &o->known[s->locations[i]];

		if (!*known)
			*known = location_add(o, p, s->locations[i]);
		stack[i] = *known;
	}
	id = words_add(o, STACKS, stack, s->nlocations);
	free(stack);
	return id;
}

/* As pprof's files have it: what was counted at all counts as 1. */
static int64_t value_round(const struct lsp_profile_type *type, double value)
{
	int64_t rounded = llround(value);

	return !strcmp(type->unit, "count") && value > 0 && !rounded ? 1 : rounded;
}

static Lsp__Otlp__Sample *sample_make(struct otlp *o, const struct lsp_profile *p, const struct lsp_profile_sample *s,
				      int64_t value)
{
	Lsp__Otlp__Sample *sample = memory(o, 1, sizeof(*sample));
	int32_t *attributes = memory(o, s->nlabels, sizeof(*attributes));
	int64_t *values = memory(o, 1, sizeof(*values));

	if (o->err)
		return NULL;
	lsp__otlp__sample__init(sample);
	sample->stack_index = (int32_t)stack_add(o, p, s);
	for (size_t i = 0; i < s->nlabels; i++)
		attributes[i] = (int32_t)label_add(o, &s->labels[i]);
	sample->attribute_indices = attributes;
	sample->n_attribute_indices = s->nlabels;
	*values = value;
	sample->values = values;
	sample->n_values = 1;
	return sample;
}

static uint64_t *known_make(struct otlp *o, const struct lsp_profile *p)
{
	struct lsp_profile_location l;
	size_t n = 1;

	while (lsp_profile_location(p, n, &l))
		n++;
	return memory(o, n, sizeof(*o->known));
}

/* What pprof's format has in comments: how it was recorded, exact totals, what was lost. */
static uint64_t comments_add(struct otlp *o, const struct lsp_profile *p)
{
	char *text = NULL;
	size_t bytes = 0;
	const char *comment;
	uint64_t id = 0;
	FILE *to = open_memstream(&text, &bytes);

	for (size_t i = 0; to && (comment = lsp_profile_comment(p, i)); i++)
		fprintf(to, "%s%s", i ? "\n" : "", comment);
	if (!to || fclose(to))
		place(o, -ENOMEM);
	else
		id = *text ? attribute_add(o, "lockspan.comments", text, 0, "") : 0;
	free(text);
	return id;
}

static Lsp__Otlp__Profile *profile_make(struct otlp *o, const struct lsp_export_otlp_view *view, size_t column)
{
	const struct lsp_profile *p = view->profile;
	const struct lsp_profile_type *type = lsp_profile_type(p, column);
	Lsp__Otlp__Profile *profile = memory(o, 1, sizeof(*profile));
	Lsp__Otlp__ValueType *of = memory(o, 1, sizeof(*of));
	Lsp__Otlp__Sample **samples = memory(o, lsp_profile_samples(p), sizeof(*samples));
	int32_t *attributes = memory(o, 2, sizeof(*attributes));
	struct lsp_profile_sample s;
	int64_t value;

	o->known = known_make(o, p);
	if (o->err)
		return NULL;
	lsp__otlp__profile__init(profile);
	lsp__otlp__value_type__init(of);
	of->type_strindex = (int32_t)string_add(o, type->type);
	of->unit_strindex = (int32_t)string_add(o, type->unit);
	profile->sample_type = of;
	profile->time_unix_nano = (uint64_t)lsp_profile_time_ns(p);
	profile->duration_nano = (uint64_t)lsp_profile_duration_ns(p);
	attributes[0] = (int32_t)attribute_add(o, "lockspan.profile", view->kind, 0, "");
	attributes[1] = (int32_t)comments_add(o, p);
	profile->attribute_indices = attributes;
	profile->n_attribute_indices = attributes[1] ? 2 : 1;
	profile->samples = samples;
	for (size_t i = 0; !o->err && lsp_profile_sample(p, i, &s); i++) {
		value = value_round(type, s.values[column]);
		if (value)
			samples[profile->n_samples++] = sample_make(o, p, &s, value);
	}
	return profile;
}

/* ---- from the tables to the file's messages ---- */

static const uint64_t *words_get(const struct otlp *o, enum table table, uint32_t i, size_t *n)
{
	const uint64_t *words = lsp_intern_get(&o->tables[table], i, n);

	*n /= sizeof(*words);
	return words;
}

/* Returns an array as long as @table, of pointers to messages of @bytes bytes. */
static void *table_make(struct otlp *o, enum table table, size_t bytes)
{
	size_t n = o->tables[table].count;
	void **list = memory(o, n, sizeof(*list));
	char *messages = memory(o, n, bytes);

	for (size_t i = 0; !o->err && i < n; i++)
		list[i] = messages + i * bytes;
	return list;
}

static void mappings_make(struct otlp *o, Lsp__Otlp__Dictionary *d)
{
	d->mapping_table = table_make(o, MAPPINGS, sizeof(**d->mapping_table));
	for (uint32_t i = 0; !o->err && i < o->tables[MAPPINGS].count; i++) {
		Lsp__Otlp__Mapping *m = d->mapping_table[i];
		int32_t *build = memory(o, 1, sizeof(*build));
		size_t n;
		const uint64_t *words = words_get(o, MAPPINGS, i, &n);

		lsp__otlp__mapping__init(m);
		m->memory_start = words[MAPPING_START];
		m->memory_limit = words[MAPPING_LIMIT];
		m->file_offset = words[MAPPING_OFFSET];
		m->filename_strindex = (int32_t)words[MAPPING_FILE];
		if (build)
			*build = (int32_t)words[MAPPING_BUILD];
		m->attribute_indices = build;
		m->n_attribute_indices = build && *build;
		d->n_mapping_table++;
	}
}

static void functions_make(struct otlp *o, Lsp__Otlp__Dictionary *d)
{
	d->function_table = table_make(o, FUNCTIONS, sizeof(**d->function_table));
	for (uint32_t i = 0; !o->err && i < o->tables[FUNCTIONS].count; i++) {
		Lsp__Otlp__Function *f = d->function_table[i];
		size_t n;
		const uint64_t *words = words_get(o, FUNCTIONS, i, &n);

		lsp__otlp__function__init(f);
		f->name_strindex = (int32_t)words[FUNCTION_NAME];
		f->system_name_strindex = (int32_t)words[FUNCTION_SYSTEM];
		f->filename_strindex = (int32_t)words[FUNCTION_FILE];
		f->start_line = (int64_t)words[FUNCTION_START];
		d->n_function_table++;
	}
}

static void locations_make(struct otlp *o, Lsp__Otlp__Dictionary *d)
{
	d->location_table = table_make(o, LOCATIONS, sizeof(**d->location_table));
	for (uint32_t i = 0; !o->err && i < o->tables[LOCATIONS].count; i++) {
		Lsp__Otlp__Location *l = d->location_table[i];
		size_t n;
		const uint64_t *words = words_get(o, LOCATIONS, i, &n);
		Lsp__Otlp__Line *lines = memory(o, n, sizeof(*lines)), **list = memory(o, n, sizeof(*list));

		lsp__otlp__location__init(l);
		l->mapping_index = (int32_t)words[LOCATION_MAPPING];
		l->address = words[LOCATION_ADDRESS];
		l->lines = list;
		for (size_t k = LOCATION_LINES; !o->err && k < n; k += 2) {
			list[l->n_lines] = &lines[l->n_lines];
			lsp__otlp__line__init(list[l->n_lines]);
			list[l->n_lines]->function_index = (int32_t)words[k];
			list[l->n_lines++]->line = (int64_t)words[k + 1];
		}
		d->n_location_table++;
	}
}

static void stacks_make(struct otlp *o, Lsp__Otlp__Dictionary *d)
{
	d->stack_table = table_make(o, STACKS, sizeof(**d->stack_table));
	for (uint32_t i = 0; !o->err && i < o->tables[STACKS].count; i++) {
		Lsp__Otlp__Stack *s = d->stack_table[i];
		size_t n;
		const uint64_t *words = words_get(o, STACKS, i, &n);
		int32_t *places = memory(o, n, sizeof(*places));

		lsp__otlp__stack__init(s);
		for (size_t k = 0; places && k < n; k++)
			places[k] = (int32_t)words[k];
		s->location_indices = places;
		s->n_location_indices = places ? n : 0;
		d->n_stack_table++;
	}
}

static void attributes_make(struct otlp *o, Lsp__Otlp__Dictionary *d)
{
	Lsp__Otlp__AnyValue *values = memory(o, o->tables[ATTRIBUTES].count, sizeof(*values));

	d->attribute_table = table_make(o, ATTRIBUTES, sizeof(**d->attribute_table));
	for (uint32_t i = 0; !o->err && i < o->tables[ATTRIBUTES].count; i++) {
		Lsp__Otlp__Attribute *a = d->attribute_table[i];
		size_t n;
		const uint64_t *words = words_get(o, ATTRIBUTES, i, &n);

		lsp__otlp__attribute__init(a);
		d->n_attribute_table++;
		if (!i)
			continue;
		a->key_strindex = (int32_t)words[ATTRIBUTE_KEY];
		a->unit_strindex = (int32_t)words[ATTRIBUTE_UNIT];
		a->value = &values[i];
		lsp__otlp__any_value__init(a->value);
		if (words[ATTRIBUTE_IS_TEXT]) {
			a->value->value_case = LSP__OTLP__ANY_VALUE__VALUE_STRING_VALUE;
			a->value->string_value = (char *)lsp_intern_get(&o->strings, (uint32_t)words[ATTRIBUTE_VALUE], NULL);
		} else {
			a->value->value_case = LSP__OTLP__ANY_VALUE__VALUE_INT_VALUE;
			a->value->int_value = (int64_t)words[ATTRIBUTE_VALUE];
		}
	}
}

static void dictionary_make(struct otlp *o, Lsp__Otlp__Dictionary *d)
{
	static Lsp__Otlp__Link no_link = LSP__OTLP__LINK__INIT, *links[] = { &no_link };

	mappings_make(o, d);
	functions_make(o, d);
	locations_make(o, d);
	stacks_make(o, d);
	attributes_make(o, d);
	d->link_table = links;
	d->n_link_table = 1;
	d->string_table = memory(o, o->strings.count, sizeof(*d->string_table));
	for (uint32_t i = 0; !o->err && i < o->strings.count; i++)
		d->string_table[d->n_string_table++] = (char *)lsp_intern_get(&o->strings, i, NULL);
}

/* The name of the program whose file is the first mapping. */
static char *service_name(const struct lsp_profile *p)
{
	struct lsp_profile_mapping m;
	const char *base;

	if (!lsp_profile_mapping(p, 1, &m) || !*m.filename)
		return strdup("unknown_service");
	base = strrchr(m.filename, '/');
	base = base ? base + 1 : m.filename;
	return lsp_utf8_clean(base, strlen(base));
}

static int message_write(FILE *to, const Lsp__Otlp__Profiles *all)
{
	size_t bytes = lsp__otlp__profiles__get_packed_size(all);
	uint8_t *data = bytes >> 32 ? NULL : malloc(bytes + 1);

	if (!data)
		return bytes >> 32 ? -EOVERFLOW : -ENOMEM;
	lsp__otlp__profiles__pack(all, data);
	fwrite(data, 1, bytes, to);
	free(data);
	return 0;
}

static int file_write(struct otlp *o, FILE *to, Lsp__Otlp__ScopeProfiles *scope, char *service)
{
	Lsp__Otlp__AnyValue value = LSP__OTLP__ANY_VALUE__INIT;
	Lsp__Otlp__KeyValue name = LSP__OTLP__KEY_VALUE__INIT, *names[] = { &name };
	Lsp__Otlp__Resource resource = LSP__OTLP__RESOURCE__INIT;
	Lsp__Otlp__ResourceProfiles one = LSP__OTLP__RESOURCE_PROFILES__INIT, *ones[] = { &one };
	Lsp__Otlp__Dictionary dictionary = LSP__OTLP__DICTIONARY__INIT;
	Lsp__Otlp__Profiles all = LSP__OTLP__PROFILES__INIT;

	value.value_case = LSP__OTLP__ANY_VALUE__VALUE_STRING_VALUE;
	value.string_value = service;
	name.key = (char *)"service.name";
	name.value = &value;
	resource.attributes = names;
	resource.n_attributes = 1;
	one.resource = &resource;
	one.scope_profiles = &scope;
	one.n_scope_profiles = 1;
	all.resource_profiles = ones;
	all.n_resource_profiles = 1;
	dictionary_make(o, &dictionary);
	all.dictionary = &dictionary;
	return o->err ? o->err : message_write(to, &all);
}

int lsp_export_otlp(FILE *to, const struct lsp_export_otlp_view *views, size_t n, const char *release)
{
	Lsp__Otlp__Scope by = LSP__OTLP__SCOPE__INIT;
	Lsp__Otlp__ScopeProfiles scope = LSP__OTLP__SCOPE_PROFILES__INIT;
	char *service = service_name(views[0].profile);
	struct otlp o;
	int err;

	otlp_init(&o);
	by.name = (char *)"lockspan";
	by.version = (char *)release;
	scope.scope = &by;
	scope.profiles = memory(&o, n * LSP_PROFILE_MAX_TYPES, sizeof(*scope.profiles));
	/* Readers show the first profile unless told otherwise: that of the times. */
	for (size_t i = 0; i < n; i++)
		for (size_t k = lsp_profile_types(views[i].profile); !o.err && k-- > 0;)
			scope.profiles[scope.n_profiles++] = profile_make(&o, &views[i], k);
	err = !service ? -ENOMEM : o.err ? o.err : file_write(&o, to, &scope, service);
	free(service);
	otlp_uninit(&o);
	return err;
}
