// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decodes protobuf into a profile. The fields may come in any order, so the message is walked once
 * for each layer: strings, then what refers to strings, then locations, then samples. Only one
 * piece is unpacked at a time. No number in the file is trusted.
 */
#include "pprof_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/plural.h"
#include "profile.pb-c.h"
#include "wire.h"

/*
 * Unpacking a piece takes up to eight times its bytes. A reasonable piece has a few hundred bytes.
 */
#define PIECE_MAX_BYTES (16 * 1024 * 1024)

enum field {
	FIELD_SAMPLE_TYPE = 1,
	FIELD_SAMPLE = 2,
	FIELD_MAPPING = 3,
	FIELD_LOCATION = 4,
	FIELD_FUNCTION = 5,
	FIELD_STRING = 6,
	FIELD_DROP_FRAMES = 7,
	FIELD_KEEP_FRAMES = 8,
	FIELD_TIME = 9,
	FIELD_DURATION = 10,
	FIELD_PERIOD_TYPE = 11,
	FIELD_PERIOD = 12,
	FIELD_COMMENT = 13,
	FIELD_DEFAULT_TYPE = 14,
	FIELD_DOC_URL = 15,
	FIELD_LAST = FIELD_DOC_URL,
};

/*
 * Marks where in the data a string lies. Pointers are even, so bit 0 tells a mark from a pointer.
 */
#define STRING_UNREAD(offset, bytes) ((uint64_t)(offset) << 32 | (uint64_t)(bytes) << 1 | 1)
_Static_assert(LSP_PROFILE_MAX_BYTES <= 1U << 30, "offset and length take 31 bits each");

/* Objects of one kind: the ids that the file gives them, and our ids in the order of appearance. */
struct ids {
	const char *noun;
	struct lsp_intern table;	/* uint64_t of the file */
	int64_t *ours;
	size_t capacity;
};

struct function {
	const char *name;
	const char *system_name;
	const char *file;
	int64_t start_line;
};

struct decoder {
	struct lsp_profile *p;
	const unsigned char *data;
	size_t bytes;
	char *why;
	size_t why_bytes;
	/* STRING_UNREAD() until a string is used, then the canonical pointer. */
	uint64_t *strings;
	size_t nstrings;
	struct ids mappings;
	struct ids locations;
	struct ids functions;		/* ours: index into @function */
	struct function *function;
	size_t function_capacity;
	uint64_t nsamples;		/* seen so far, for messages */
	struct lsp_profile_label *labels;
	size_t label_capacity;
};

typedef int (*field_visitor)(struct decoder *d, const struct lsp_wire_field *f);

static int __attribute__((format(printf, 2, 3))) bad(struct decoder *d, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(d->why, d->why_bytes, format, args);
	va_end(args);
	return -EBADMSG;
}

/* Makes *@list hold at least @count items. What is there stays. */
static int grow(void *list, size_t *capacity, size_t count, size_t item_bytes)
{
	size_t wanted = *capacity + *capacity / 2;
	void *grown;

	if (count <= *capacity)
		return 0;
	if (wanted < count)
		wanted = count + 16;
	grown = realloc(*(void **)list, wanted * item_bytes);
	if (!grown)
		return -ENOMEM;
	*(void **)list = grown;
	*capacity = wanted;
	return 0;
}

static int walk(struct decoder *d, field_visitor visit)
{
	struct lsp_wire w = { d->data, d->data + d->bytes };
	struct lsp_wire_field f;
	int ret;

	while ((ret = lsp_wire_next(&w, &f)) == 1) {
		ret = visit(d, &f);
		if (ret)
			return ret;
	}
	if (ret)
		return bad(d, "the protobuf is cut short or damaged at byte %zu of %zu",
			   (size_t)(w.at - d->data), d->bytes);
	return 0;
}

/* ---- strings ---- */

static int check_wire_type(struct decoder *d, const struct lsp_wire_field *f)
{
	bool message = f->number <= FIELD_STRING || f->number == FIELD_PERIOD_TYPE;
	bool ok;

	if (f->number > FIELD_LAST)
		return 0;		/* of a later format */
	if (f->number == FIELD_COMMENT)
		ok = f->type == LSP_WIRE_VARINT || f->type == LSP_WIRE_BYTES;
	else
		ok = f->type == (message ? LSP_WIRE_BYTES : LSP_WIRE_VARINT);
	if (!ok)
		return bad(d, "field %u has wire type %u, so this is no profile", f->number, f->type);
	if (message && f->number != FIELD_STRING && f->bytes > PIECE_MAX_BYTES)
		return bad(d, "field %u has %zu bytes, more than any real profile", f->number, f->bytes);
	return 0;
}

static int count_string(struct decoder *d, const struct lsp_wire_field *f)
{
	d->nstrings += f->number == FIELD_STRING;
	return check_wire_type(d, f);
}

static int visit_string(struct decoder *d, const struct lsp_wire_field *f)
{
	if (f->number != FIELD_STRING)
		return 0;
	if (!d->nstrings && f->bytes)
		return bad(d, "string 0 is not empty");
	d->strings[d->nstrings++] = STRING_UNREAD(f->data - d->data, f->bytes);
	return 0;
}

static int read_strings(struct decoder *d)
{
	int ret = walk(d, count_string);

	if (ret)
		return ret;
	if (!d->nstrings)
		return bad(d, "there is no string table, so this is no profile");
	d->strings = malloc(d->nstrings * sizeof(*d->strings));
	if (!d->strings)
		return -ENOMEM;
	d->nstrings = 0;
	return walk(d, visit_string);
}

static int string_get(struct decoder *d, const char *what, int64_t index, const char **ret)
{
	uint64_t *slot;

	if (index < 0 || (uint64_t)index >= d->nstrings)
		return bad(d, "a %s is string %lld of %zu", what, (long long)index, d->nstrings);
	slot = &d->strings[index];
	if (*slot & 1) {
		const char *text = (const char *)d->data + (*slot >> 32);

		text = lsp_profile_string_bytes(d->p, text, (uint32_t)*slot >> 1);
		if (!text)
			return -ENOMEM;
		*slot = (uintptr_t)text;
	}
	*ret = (const char *)(uintptr_t)*slot;
	return 0;
}

/* ---- ids ---- */

static int ids_add(struct decoder *d, struct ids *ids, uint64_t theirs, int64_t ours)
{
	uint32_t before = ids->table.count;
	int ret;

	if (!theirs)
		return bad(d, "a %s has the id 0", ids->noun);
	ret = grow(&ids->ours, &ids->capacity, (size_t)before + 1, sizeof(*ids->ours));
	if (ret)
		return ret;
	if (lsp_intern_add(&ids->table, &theirs, sizeof(theirs)) < 0)
		return -ENOMEM;
	if (ids->table.count == before)
		return bad(d, "two %ss have the id %llu", ids->noun, (unsigned long long)theirs);
	ids->ours[before] = ours;
	return 0;
}

/* Our id for theirs, or -ENOENT. */
static int64_t ids_get(const struct ids *ids, uint64_t theirs)
{
	int64_t index = lsp_intern_find(&ids->table, &theirs, sizeof(theirs));

	return index < 0 ? index : ids->ours[index];
}

static void ids_uninit(struct ids *ids)
{
	lsp_intern_uninit(&ids->table);
	free(ids->ours);
}

/* ---- what names strings ---- */

static int read_type(struct decoder *d, const struct lsp_wire_field *f,
		     struct lsp_profile_type *ret)
{
	Lsp__Pprof__ValueType *m = lsp__pprof__value_type__unpack(NULL, f->bytes, f->data);
	int error;

	if (!m)
		return bad(d, "a value type is damaged");
	error = string_get(d, "type", m->type, &ret->type);
	if (!error)
		error = string_get(d, "unit", m->unit, &ret->unit);
	lsp__pprof__value_type__free_unpacked(m, NULL);
	return error;
}

static int read_sample_type(struct decoder *d, const struct lsp_wire_field *f)
{
	if (d->p->ntypes == LSP_PROFILE_MAX_TYPES)
		return bad(d, "there are more than %d sample types", LSP_PROFILE_MAX_TYPES);
	return read_type(d, f, &d->p->types[d->p->ntypes++]);
}

static int read_mapping(struct decoder *d, const struct lsp_wire_field *f)
{
	Lsp__Pprof__Mapping *m = lsp__pprof__mapping__unpack(NULL, f->bytes, f->data);
	struct lsp_mapping_item item = { 0 };
	int64_t id;
	int ret;

	if (!m)
		return bad(d, "a mapping is damaged");
	item.start = m->memory_start;
	item.limit = m->memory_limit;
	item.offset = m->file_offset;
	item.has = (m->has_functions ? LSP_MAPPING_FUNCTIONS : 0) |
		   (m->has_filenames ? LSP_MAPPING_FILENAMES : 0) |
		   (m->has_line_numbers ? LSP_MAPPING_LINES : 0) |
		   (m->has_inline_frames ? LSP_MAPPING_INLINES : 0);
	ret = string_get(d, "mapping's file", m->filename, &item.filename);
	if (!ret)
		ret = string_get(d, "build id", m->build_id, &item.build_id);
	if (!ret) {
		id = lsp_profile_mapping_intern(d->p, &item);
		ret = id < 0 ? (int)id : ids_add(d, &d->mappings, m->id, id);
	}
	lsp__pprof__mapping__free_unpacked(m, NULL);
	return ret;
}

static int read_function(struct decoder *d, const struct lsp_wire_field *f)
{
	size_t index = d->functions.table.count;
	Lsp__Pprof__Function *m;
	struct function *function;
	int ret;

	if (grow(&d->function, &d->function_capacity, index + 1, sizeof(*function)))
		return -ENOMEM;
	m = lsp__pprof__function__unpack(NULL, f->bytes, f->data);
	if (!m)
		return bad(d, "a function is damaged");
	function = &d->function[index];
	function->start_line = m->start_line;
	ret = string_get(d, "function", m->name, &function->name);
	if (!ret)
		ret = string_get(d, "system name", m->system_name, &function->system_name);
	if (!ret)
		ret = string_get(d, "source file", m->filename, &function->file);
	if (!ret)
		ret = ids_add(d, &d->functions, m->id, (int64_t)index);
	lsp__pprof__function__free_unpacked(m, NULL);
	return ret;
}

static int comment_add(struct decoder *d, uint64_t index)
{
	const char *text;
	int ret = string_get(d, "comment", (int64_t)index, &text);

	return ret ? ret : lsp_profile_comment_add(d->p, text);
}

static int read_comments(struct decoder *d, const struct lsp_wire_field *f)
{
	struct lsp_wire w = { f->data, f->data + f->bytes };
	uint64_t index;
	int ret;

	if (f->type == LSP_WIRE_VARINT)
		return comment_add(d, f->value);
	while ((ret = lsp_wire_varint(&w, &index)) == 1) {
		ret = comment_add(d, index);
		if (ret)
			return ret;
	}
	return ret ? bad(d, "the comments are damaged") : 0;
}

static int visit_named(struct decoder *d, const struct lsp_wire_field *f)
{
	struct lsp_profile *p = d->p;

	switch (f->number) {
	case FIELD_SAMPLE_TYPE:
		return read_sample_type(d, f);
	case FIELD_MAPPING:
		return read_mapping(d, f);
	case FIELD_FUNCTION:
		return read_function(d, f);
	case FIELD_DROP_FRAMES:
		return string_get(d, "drop_frames", (int64_t)f->value, &p->drop_frames);
	case FIELD_KEEP_FRAMES:
		return string_get(d, "keep_frames", (int64_t)f->value, &p->keep_frames);
	case FIELD_TIME:
		p->time_ns = (int64_t)f->value;
		return 0;
	case FIELD_DURATION:
		p->duration_ns = (int64_t)f->value;
		return 0;
	case FIELD_PERIOD_TYPE:
		return read_type(d, f, &p->period_type);
	case FIELD_PERIOD:
		p->period = (int64_t)f->value;
		return 0;
	case FIELD_COMMENT:
		return read_comments(d, f);
	case FIELD_DEFAULT_TYPE:
		return string_get(d, "default type", (int64_t)f->value, &p->default_type);
	case FIELD_DOC_URL:
		return string_get(d, "doc_url", (int64_t)f->value, &p->doc_url);
	}
	return 0;
}

/* ---- locations ---- */

static int location_lines(struct decoder *d, const Lsp__Pprof__Location *m,
			  struct lsp_location_item *item)
{
	size_t i;

	for (i = 0; i < m->n_line; i++) {
		int64_t index = ids_get(&d->functions, m->line[i]->function_id);

		if (index < 0)
			return bad(d, "location %llu names function %llu, which does not exist",
				   (unsigned long long)m->id,
				   (unsigned long long)m->line[i]->function_id);
		item->lines[i].function = d->function[index].name;
		item->lines[i].system_name = d->function[index].system_name;
		item->lines[i].file = d->function[index].file;
		item->lines[i].line = m->line[i]->line;
		item->lines[i].start_line = d->function[index].start_line;
	}
	return 0;
}

static int location_build(struct decoder *d, const Lsp__Pprof__Location *m)
{
	int64_t id, mapping = m->mapping_id ? ids_get(&d->mappings, m->mapping_id) : 0;
	struct lsp_location_item *item;
	int ret;

	item = lsp_profile_scratch(d->p, sizeof(*item) + m->n_line * sizeof(item->lines[0]));
	if (!item)
		return -ENOMEM;
	/*
	 * Like pprof, this takes a mapping that is not there for no mapping, but a function must be
	 * there.
	 */
	item->mapping = mapping < 0 ? 0 : (uint64_t)mapping;
	item->address = m->address;
	item->folded = !!m->is_folded;
	ret = location_lines(d, m, item);
	if (ret)
		return ret;
	id = lsp_profile_location_intern(d->p, item, m->n_line);
	return id < 0 ? (int)id : ids_add(d, &d->locations, m->id, id);
}

static int visit_location(struct decoder *d, const struct lsp_wire_field *f)
{
	Lsp__Pprof__Location *m;
	int ret;

	if (f->number != FIELD_LOCATION)
		return 0;
	m = lsp__pprof__location__unpack(NULL, f->bytes, f->data);
	if (!m)
		return bad(d, "a location is damaged");
	ret = location_build(d, m);
	lsp__pprof__location__free_unpacked(m, NULL);
	return ret;
}

/* ---- samples ---- */

static int sample_labels(struct decoder *d, const Lsp__Pprof__Sample *m)
{
	size_t i;
	int ret = grow(&d->labels, &d->label_capacity, m->n_label, sizeof(*d->labels));

	for (i = 0; i < m->n_label && !ret; i++) {
		const Lsp__Pprof__Label *from = m->label[i];
		struct lsp_profile_label *label = &d->labels[i];

		if (from->str && from->num)
			return bad(d, "sample %llu has a label that is both text and number",
				   (unsigned long long)d->nsamples);
		label->str = NULL;
		label->num = from->num;
		ret = string_get(d, "label's key", from->key, &label->key);
		if (!ret)
			ret = string_get(d, "label's unit", from->num_unit, &label->unit);
		if (!ret && from->str)
			ret = string_get(d, "label", from->str, &label->str);
		if (!ret && from->str)
			ret = string_get(d, "label", 0, &label->unit);
	}
	return ret;
}

static int sample_build(struct decoder *d, Lsp__Pprof__Sample *m)
{
	double values[LSP_PROFILE_MAX_TYPES];
	int64_t id;
	size_t i;
	int ret;

	if (m->n_value != d->p->ntypes)
		return bad(d, "sample %llu has %zu value%s for %zu sample type%s",
			   (unsigned long long)d->nsamples, m->n_value, lsp_plural(m->n_value, "s"), d->p->ntypes,
			   lsp_plural(d->p->ntypes, "s"));
	for (i = 0; i < m->n_value; i++)
		values[i] = (double)m->value[i];
	for (i = 0; i < m->n_location_id; i++) {
		id = ids_get(&d->locations, m->location_id[i]);
		if (id < 0)
			return bad(d, "sample %llu names location %llu, which does not exist",
				   (unsigned long long)d->nsamples,
				   (unsigned long long)m->location_id[i]);
		m->location_id[i] = (uint64_t)id;
	}
	ret = sample_labels(d, m);
	if (ret)
		return ret;
	return lsp_profile_sample_intern(d->p, m->location_id, m->n_location_id, d->labels,
					 m->n_label, values);
}

static int visit_sample(struct decoder *d, const struct lsp_wire_field *f)
{
	Lsp__Pprof__Sample *m;
	int ret;

	if (f->number != FIELD_SAMPLE)
		return 0;
	m = lsp__pprof__sample__unpack(NULL, f->bytes, f->data);
	if (!m)
		return bad(d, "sample %llu is damaged", (unsigned long long)d->nsamples);
	ret = sample_build(d, m);
	lsp__pprof__sample__free_unpacked(m, NULL);
	d->nsamples++;
	return ret;
}

static int decode(struct decoder *d)
{
	int ret = read_strings(d);

	if (!ret)
		ret = walk(d, visit_named);
	if (!ret && !d->p->ntypes)
		ret = bad(d, "there are no sample types");
	if (!ret)
		ret = walk(d, visit_location);
	return ret ? ret : walk(d, visit_sample);
}

int lsp_profile_decode(const void *data, size_t bytes, struct lsp_profile **ret, char *why,
		       size_t why_bytes)
{
	struct decoder d = {
		.p = lsp_profile_alloc(),
		.data = data,
		.bytes = bytes,
		.why = why,
		.why_bytes = why_bytes,
		.mappings = { .noun = "mapping" },
		.locations = { .noun = "location" },
		.functions = { .noun = "function" },
	};
	int error = d.p ? decode(&d) : -ENOMEM;

	ids_uninit(&d.mappings);
	ids_uninit(&d.locations);
	ids_uninit(&d.functions);
	free(d.strings);
	free(d.function);
	free(d.labels);
	if (error)
		lsp_profile_destroy(d.p);
	else
		*ret = d.p;
	return error;
}
