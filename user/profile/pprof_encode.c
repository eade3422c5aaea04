// SPDX-License-Identifier: GPL-2.0-only
/*
 * Encodes a profile as gzipped protobuf. The file is a row of small Profile messages, which
 * together are one message. So no second copy of the profile is ever built: the samples come first
 * and number locations and strings as they meet them, then come the locations and strings. What no
 * written sample uses is not written, except for the mappings.
 */
#include "pprof_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile.pb-c.h"

/* New dense numbers for old ones, in the order in which they are asked for. */
struct numbering {
	uint32_t *number_plus_1;	/* by old number; 0: none yet */
	uint32_t *order;		/* old number by new one */
	uint32_t count;
};

struct function_item {
	uint32_t name;			/* old string numbers */
	uint32_t system_name;
	uint32_t file;
	uint32_t zero;
	int64_t start_line;
};

struct writer {
	const struct lsp_profile *p;
	struct lsp_gzip *z;
	struct numbering strings;
	struct numbering locations;
	struct lsp_intern functions;	/* struct function_item */
	bool count_first;		/* the first value is a count */
	unsigned char *buffer;
	size_t buffer_bytes;
	/* A sample or location under construction. */
	uint64_t *ids;
	size_t nids;
	Lsp__Pprof__Label *labels;
	Lsp__Pprof__Label **label_list;
	size_t nlabels;
	Lsp__Pprof__Line *lines;
	Lsp__Pprof__Line **line_list;
	size_t nlines;
};

static int numbering_init(struct numbering *n, uint32_t count)
{
	n->number_plus_1 = calloc((size_t)count + 1, sizeof(*n->number_plus_1));
	n->order = malloc(((size_t)count + 1) * sizeof(*n->order));
	return n->number_plus_1 && n->order ? 0 : -ENOMEM;
}

static void numbering_uninit(struct numbering *n)
{
	free(n->number_plus_1);
	free(n->order);
}

static uint32_t numbering_get(struct numbering *n, uint32_t old)
{
	if (!n->number_plus_1[old]) {
		n->order[n->count++] = old;
		n->number_plus_1[old] = n->count;
	}
	return n->number_plus_1[old] - 1;
}

static int64_t string_number(struct writer *w, const char *canonical)
{
	return numbering_get(&w->strings, lsp_intern_id(canonical));
}

/* Room for @count pieces of @bytes in *@list. What was there is lost. */
static int room(void *list, size_t *have, size_t count, size_t bytes)
{
	void **pointer = list;

	if (count <= *have && *pointer)
		return 0;
	free(*pointer);
	*have = 2 * count + 8;
	*pointer = calloc(*have, bytes);
	return *pointer ? 0 : -ENOMEM;
}

static int emit(struct writer *w, const Lsp__Pprof__Profile *piece)
{
	size_t bytes = protobuf_c_message_get_packed_size(&piece->base);

	if (room(&w->buffer, &w->buffer_bytes, bytes, 1))
		return -ENOMEM;
	protobuf_c_message_pack(&piece->base, w->buffer);
	return lsp_gzip_write(w->z, w->buffer, bytes);
}

static int emit_types(struct writer *w)
{
	Lsp__Pprof__Profile piece = LSP__PPROF__PROFILE__INIT;
	Lsp__Pprof__ValueType types[LSP_PROFILE_MAX_TYPES];
	Lsp__Pprof__ValueType *list[LSP_PROFILE_MAX_TYPES];
	size_t i;

	for (i = 0; i < w->p->ntypes; i++) {
		lsp__pprof__value_type__init(&types[i]);
		types[i].type = string_number(w, w->p->types[i].type);
		types[i].unit = string_number(w, w->p->types[i].unit);
		list[i] = &types[i];
	}
	piece.sample_type = list;
	piece.n_sample_type = w->p->ntypes;
	return emit(w, &piece);
}

/* Returns false if all values are 0, so that the sample is not written. */
static bool values_round(const struct writer *w, const double *values, int64_t *ret)
{
	bool any = false;
	size_t i;

	for (i = 0; i < w->p->ntypes; i++) {
		ret[i] = lsp_profile_round(values[i]);
		/* Something happened, so the rounded count must not be 0. */
		if (!i && w->count_first && values[i] > 0 && !ret[i])
			ret[i] = 1;
		any |= ret[i] != 0;
	}
	return any;
}

static int labels_make(struct writer *w, const struct lsp_profile_sample *s)
{
	size_t i, have = w->nlabels;

	if (room(&w->label_list, &have, s->nlabels, sizeof(*w->label_list)) ||
	    room(&w->labels, &w->nlabels, s->nlabels, sizeof(*w->labels)))
		return -ENOMEM;
	for (i = 0; i < s->nlabels; i++) {
		Lsp__Pprof__Label *label = w->label_list[i] = &w->labels[i];

		lsp__pprof__label__init(label);
		label->key = string_number(w, s->labels[i].key);
		if (s->labels[i].str) {
			label->str = string_number(w, s->labels[i].str);
		} else {
			label->num = s->labels[i].num;
			label->num_unit = string_number(w, s->labels[i].unit);
		}
	}
	return 0;
}

static int emit_sample(struct writer *w, size_t index)
{
	Lsp__Pprof__Profile piece = LSP__PPROF__PROFILE__INIT;
	Lsp__Pprof__Sample sample = LSP__PPROF__SAMPLE__INIT;
	Lsp__Pprof__Sample *list = &sample;
	int64_t values[LSP_PROFILE_MAX_TYPES];
	struct lsp_profile_sample s;
	size_t i;

	lsp_profile_sample(w->p, index, &s);
	if (!values_round(w, s.values, values))
		return 0;
	if (room(&w->ids, &w->nids, s.nlocations, sizeof(*w->ids)) || labels_make(w, &s))
		return -ENOMEM;
	for (i = 0; i < s.nlocations; i++)
		w->ids[i] = numbering_get(&w->locations, (uint32_t)(s.locations[i] - 1)) + 1;
	sample.location_id = w->ids;
	sample.n_location_id = s.nlocations;
	sample.value = values;
	sample.n_value = w->p->ntypes;
	sample.label = w->label_list;
	sample.n_label = s.nlabels;
	piece.sample = &list;
	piece.n_sample = 1;
	return emit(w, &piece);
}

/* Descending by the last value; equal ones in the order of their making. */
static int samples_compare(const void *left, const void *right, void *arg)
{
	const struct lsp_profile *p = arg;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	double x = p->values[(size_t)a * p->ntypes + p->ntypes - 1];
	double y = p->values[(size_t)b * p->ntypes + p->ntypes - 1];

	if (x != y)
		return x > y ? -1 : 1;
	return (a > b) - (a < b);
}

static int emit_samples(struct writer *w)
{
	uint32_t count = w->p->samples.count;
	uint32_t *order = malloc(((size_t)count + 1) * sizeof(*order));
	uint32_t i;
	int ret = 0;

	if (!order)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		order[i] = i;
	qsort_r(order, count, sizeof(*order), samples_compare, (void *)w->p);
	for (i = 0; i < count && !ret; i++)
		ret = emit_sample(w, order[i]);
	free(order);
	return ret;
}

static int emit_mappings(struct writer *w)
{
	Lsp__Pprof__Profile piece = LSP__PPROF__PROFILE__INIT;
	Lsp__Pprof__Mapping mapping = LSP__PPROF__MAPPING__INIT;
	Lsp__Pprof__Mapping *list = &mapping;
	uint32_t i;
	int ret = 0;

	piece.mapping = &list;
	piece.n_mapping = 1;
	for (i = 0; i < w->p->mappings.count && !ret; i++) {
		const struct lsp_mapping_item *m = lsp_intern_get(&w->p->mappings, i, NULL);

		mapping.id = (uint64_t)i + 1;
		mapping.memory_start = m->start;
		mapping.memory_limit = m->limit;
		mapping.file_offset = m->offset;
		mapping.filename = string_number(w, m->filename);
		mapping.build_id = string_number(w, m->build_id);
		mapping.has_functions = !!(m->has & LSP_MAPPING_FUNCTIONS);
		mapping.has_filenames = !!(m->has & LSP_MAPPING_FILENAMES);
		mapping.has_line_numbers = !!(m->has & LSP_MAPPING_LINES);
		mapping.has_inline_frames = !!(m->has & LSP_MAPPING_INLINES);
		ret = emit(w, &piece);
	}
	return ret;
}

static int64_t function_id(struct writer *w, const struct lsp_profile_line *line)
{
	struct function_item item = {
		.name = lsp_intern_id(line->function),
		.system_name = lsp_intern_id(line->system_name),
		.file = lsp_intern_id(line->file),
		.start_line = line->start_line,
	};
	int64_t id = lsp_intern_add(&w->functions, &item, sizeof(item));

	return id < 0 ? id : id + 1;
}

static int emit_location(struct writer *w, uint32_t number)
{
	Lsp__Pprof__Profile piece = LSP__PPROF__PROFILE__INIT;
	Lsp__Pprof__Location location = LSP__PPROF__LOCATION__INIT;
	Lsp__Pprof__Location *list = &location;
	const struct lsp_location_item *item;
	size_t i, have = w->nlines, bytes, nlines;
	int64_t function;

	item = lsp_intern_get(&w->p->locations, w->locations.order[number], &bytes);
	nlines = (bytes - sizeof(*item)) / sizeof(item->lines[0]);
	if (room(&w->line_list, &have, nlines, sizeof(*w->line_list)) ||
	    room(&w->lines, &w->nlines, nlines, sizeof(*w->lines)))
		return -ENOMEM;
	for (i = 0; i < nlines; i++) {
		Lsp__Pprof__Line *line = w->line_list[i] = &w->lines[i];

		lsp__pprof__line__init(line);
		function = function_id(w, &item->lines[i]);
		if (function < 0)
			return (int)function;
		line->function_id = (uint64_t)function;
		line->line = item->lines[i].line;
	}
	location.id = (uint64_t)number + 1;
	location.mapping_id = item->mapping;
	location.address = item->address;
	location.is_folded = !!item->folded;
	location.line = w->line_list;
	location.n_line = nlines;
	piece.location = &list;
	piece.n_location = 1;
	return emit(w, &piece);
}

static int emit_function(struct writer *w, uint32_t number)
{
	const struct function_item *item = lsp_intern_get(&w->functions, number, NULL);
	Lsp__Pprof__Profile piece = LSP__PPROF__PROFILE__INIT;
	Lsp__Pprof__Function function = LSP__PPROF__FUNCTION__INIT;
	Lsp__Pprof__Function *list = &function;

	function.id = (uint64_t)number + 1;
	function.name = numbering_get(&w->strings, item->name);
	function.system_name = numbering_get(&w->strings, item->system_name);
	function.filename = numbering_get(&w->strings, item->file);
	function.start_line = item->start_line;
	piece.function = &list;
	piece.n_function = 1;
	return emit(w, &piece);
}

static int emit_string(struct writer *w, uint32_t number)
{
	Lsp__Pprof__Profile piece = LSP__PPROF__PROFILE__INIT;
	char *text = (char *)lsp_intern_get(&w->p->strings, w->strings.order[number], NULL);

	piece.string_table = &text;
	piece.n_string_table = 1;
	return emit(w, &piece);
}

static int emit_rest(struct writer *w)
{
	Lsp__Pprof__Profile piece = LSP__PPROF__PROFILE__INIT;
	Lsp__Pprof__ValueType period_type = LSP__PPROF__VALUE_TYPE__INIT;
	const struct lsp_profile *p = w->p;
	int64_t *comments = malloc((p->ncomments + 1) * sizeof(*comments));
	size_t i;
	int ret;

	if (!comments)
		return -ENOMEM;
	for (i = 0; i < p->ncomments; i++)
		comments[i] = string_number(w, p->comments[i]);
	period_type.type = string_number(w, p->period_type.type);
	period_type.unit = string_number(w, p->period_type.unit);
	piece.comment = comments;
	piece.n_comment = p->ncomments;
	piece.period_type = period_type.type || period_type.unit ? &period_type : NULL;
	piece.period = p->period;
	piece.time_nanos = p->time_ns;
	piece.duration_nanos = p->duration_ns;
	piece.default_sample_type = string_number(w, p->default_type);
	piece.drop_frames = string_number(w, p->drop_frames);
	piece.keep_frames = string_number(w, p->keep_frames);
	piece.doc_url = string_number(w, p->doc_url);
	ret = emit(w, &piece);
	free(comments);
	return ret;
}

static int emit_all(struct writer *w)
{
	uint32_t i;
	int ret;

	numbering_get(&w->strings, 0);		/* "" is string 0 of every file */
	ret = emit_types(w);
	if (!ret)
		ret = emit_samples(w);
	if (!ret)
		ret = emit_mappings(w);
	for (i = 0; i < w->locations.count && !ret; i++)
		ret = emit_location(w, i);
	for (i = 0; i < w->functions.count && !ret; i++)
		ret = emit_function(w, i);
	if (!ret)
		ret = emit_rest(w);
	for (i = 0; i < w->strings.count && !ret; i++)
		ret = emit_string(w, i);
	return ret ? ret : lsp_gzip_finish(w->z);
}

int lsp_profile_encode(const struct lsp_profile *p, lsp_gzip_sink sink, void *arg)
{
	struct writer w = {
		.p = p,
		.count_first = p->ntypes && !strcmp(p->types[0].unit, "count"),
	};
	int ret = -ENOMEM;

	w.z = lsp_gzip_create(sink, arg);
	if (w.z && !numbering_init(&w.strings, p->strings.count) &&
	    !numbering_init(&w.locations, p->locations.count))
		ret = emit_all(&w);
	lsp_gzip_destroy(w.z);
	numbering_uninit(&w.strings);
	numbering_uninit(&w.locations);
	lsp_intern_uninit(&w.functions);
	free(w.buffer);
	free(w.ids);
	free(w.labels);
	free(w.label_list);
	free(w.lines);
	free(w.line_list);
	return ret;
}
