// SPDX-License-Identifier: GPL-2.0-only
/*
 * The profile in memory: adding to it, and reading it. There is no table of functions; the writer
 * makes one from the lines. A profile belongs to one thread.
 */
#include "pprof_private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"
#include "utf8.h"

/* Invented addresses begin above all addresses that a process can map. */
#define INVENTED_ADDRESS (1ULL << 56)

const struct lsp_profile_type lsp_profile_contention_types[2] = {
	{ "contentions", "count" },
	{ "delay", "nanoseconds" },
};

const char *lsp_profile_string_bytes(struct lsp_profile *p, const char *text, size_t bytes)
{
	char *copy = lsp_utf8_clean(text, bytes);
	int64_t id;

	if (!copy)
		return NULL;
	id = lsp_intern_add(&p->strings, copy, strlen(copy) + 1);
	free(copy);
	return id < 0 ? NULL : lsp_intern_get(&p->strings, (uint32_t)id, NULL);
}

const char *lsp_profile_string(struct lsp_profile *p, const char *text)
{
	size_t bytes;
	int64_t id;

	if (!text)
		text = "";
	bytes = strlen(text);
	if (!lsp_utf8_valid(text, bytes))
		return lsp_profile_string_bytes(p, text, bytes);
	id = lsp_intern_add(&p->strings, text, bytes + 1);
	return id < 0 ? NULL : lsp_intern_get(&p->strings, (uint32_t)id, NULL);
}

void *lsp_profile_scratch(struct lsp_profile *p, size_t bytes)
{
	void *scratch;

	if (!bytes)
		bytes = 1;
	if (bytes > p->scratch_bytes) {
		scratch = realloc(p->scratch, 2 * bytes);
		if (!scratch)
			return NULL;
		p->scratch = scratch;
		p->scratch_bytes = 2 * bytes;
	}
	return p->scratch;
}

struct lsp_profile *lsp_profile_alloc(void)
{
	struct lsp_profile *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->default_type = lsp_profile_string(p, "");
	if (!p->default_type) {
		lsp_profile_destroy(p);
		return NULL;
	}
	p->drop_frames = p->keep_frames = p->doc_url = p->default_type;
	p->period_type.type = p->period_type.unit = p->default_type;
	return p;
}

static int type_set(struct lsp_profile *p, struct lsp_profile_type *type,
		    const struct lsp_profile_type *from)
{
	type->type = lsp_profile_string(p, from->type);
	type->unit = lsp_profile_string(p, from->unit);
	return type->type && type->unit ? 0 : -ENOMEM;
}

struct lsp_profile *lsp_profile_create(const struct lsp_profile_type *types, size_t ntypes)
{
	struct lsp_profile *p;
	size_t i;

	if (!ntypes || ntypes > LSP_PROFILE_MAX_TYPES) {
		errno = EINVAL;
		return NULL;
	}
	p = lsp_profile_alloc();
	if (!p)
		return NULL;
	for (i = 0; i < ntypes; i++) {
		if (type_set(p, &p->types[i], &types[i]))
			goto err_profile;
		if (ntypes > 2 && !strcmp(types[i].type, "delay"))
			p->default_type = p->types[i].type;
	}
	p->ntypes = ntypes;
	if (type_set(p, &p->period_type, &lsp_profile_contention_types[0]))
		goto err_profile;
	p->period = 1;
	return p;

err_profile:
	lsp_profile_destroy(p);
	errno = ENOMEM;
	return NULL;
}

int lsp_profile_period_set(struct lsp_profile *p, const struct lsp_profile_type *type,
			   int64_t period)
{
	p->period = period;
	return type_set(p, &p->period_type, type);
}

void lsp_profile_destroy(struct lsp_profile *p)
{
	if (!p)
		return;
	lsp_intern_uninit(&p->strings);
	lsp_intern_uninit(&p->mappings);
	lsp_intern_uninit(&p->locations);
	lsp_intern_uninit(&p->stacks);
	lsp_intern_uninit(&p->labels);
	lsp_intern_uninit(&p->samples);
	free(p->comments);
	free(p->values);
	free(p->scratch);
	free(p);
}

void lsp_profile_time_set(struct lsp_profile *p, int64_t time_ns, int64_t duration_ns)
{
	p->time_ns = time_ns;
	p->duration_ns = duration_ns;
}

int lsp_profile_comment_add(struct lsp_profile *p, const char *text)
{
	const char *canonical = lsp_profile_string(p, text);

	if (!canonical)
		return -ENOMEM;
	if (lsp_array_grow(&p->comments, &p->comments_room, p->ncomments, sizeof(*p->comments)))
		return -ENOMEM;
	p->comments[p->ncomments++] = canonical;
	return 0;
}

int64_t lsp_profile_mapping_intern(struct lsp_profile *p, const struct lsp_mapping_item *m)
{
	int64_t id = lsp_intern_add(&p->mappings, m, sizeof(*m));

	return id < 0 ? id : id + 1;
}

int64_t lsp_profile_mapping_add(struct lsp_profile *p, const struct lsp_profile_mapping *m)
{
	struct lsp_mapping_item item = {
		.start = m->start,
		.limit = m->limit,
		.offset = m->offset,
		.filename = lsp_profile_string(p, m->filename),
		.build_id = lsp_profile_string(p, m->build_id),
		.has = m->has_functions ? LSP_MAPPING_HAS_ALL : 0,
	};

	if (!item.filename || !item.build_id)
		return -ENOMEM;
	return lsp_profile_mapping_intern(p, &item);
}

/*
 * Invents an address for a frame that has none, such as "[handoff]". It is made from the names, so
 * it is the same in every run. Some scrapers know a frame by its address alone.
 */
static uint64_t address_invent(const struct lsp_profile_line *lines, size_t nlines)
{
	uint64_t hash = nlines;
	size_t i;

	for (i = 0; i < nlines; i++) {
		hash = lsp_hash(lines[i].function, strlen(lines[i].function), hash);
		hash = lsp_hash(lines[i].system_name, strlen(lines[i].system_name), hash);
		hash = lsp_hash(lines[i].file, strlen(lines[i].file), hash);
		hash = lsp_hash(&lines[i].line, sizeof(lines[i].line), hash);
	}
	return INVENTED_ADDRESS + (hash >> 8);
}

int64_t lsp_profile_location_intern(struct lsp_profile *p, const struct lsp_location_item *l,
				    size_t nlines)
{
	int64_t id = lsp_intern_add(&p->locations, l, sizeof(*l) + nlines * sizeof(l->lines[0]));

	return id < 0 ? id : id + 1;
}

int64_t lsp_profile_location_add(struct lsp_profile *p, uint64_t mapping, uint64_t address,
				 const struct lsp_profile_line *lines, size_t nlines)
{
	struct lsp_location_item *item;
	size_t i;

	if (mapping > p->mappings.count || (!address && (mapping || !nlines)))
		return -EINVAL;
	item = lsp_profile_scratch(p, sizeof(*item) + nlines * sizeof(*lines));
	if (!item)
		return -ENOMEM;
	item->mapping = mapping;
	item->folded = 0;
	for (i = 0; i < nlines; i++) {
		struct lsp_profile_line *line = &item->lines[i];

		line->function = lsp_profile_string(p, lines[i].function);
		line->system_name = lsp_profile_string(p, lines[i].system_name);
		line->file = lsp_profile_string(p, lines[i].file);
		line->line = lines[i].line;
		line->start_line = lines[i].start_line;
		if (!line->function || !line->system_name || !line->file)
			return -ENOMEM;
	}
	item->address = address ? address : address_invent(item->lines, nlines);
	return lsp_profile_location_intern(p, item, nlines);
}

static int labels_compare(const void *left, const void *right)
{
	const struct lsp_profile_label *a = left, *b = right;
	int order = strcmp(a->key, b->key);

	if (order)
		return order;
	if (a->str && b->str)
		return strcmp(a->str, b->str);
	if (a->str || b->str)
		return a->str ? -1 : 1;
	if (a->num != b->num)
		return a->num < b->num ? -1 : 1;
	return strcmp(a->unit, b->unit);
}

int lsp_profile_sample_intern(struct lsp_profile *p, const uint64_t *locations, size_t nlocations,
			      struct lsp_profile_label *labels, size_t nlabels,
			      const double *values)
{
	uint32_t before = p->samples.count;
	struct lsp_sample_item item;
	int64_t stack, set, id;
	double *sums;
	size_t i;
	int ret;

	if (nlabels > 1)
		qsort(labels, nlabels, sizeof(*labels), labels_compare);
	stack = lsp_intern_add(&p->stacks, locations, nlocations * sizeof(*locations));
	if (stack < 0)
		return (int)stack;
	set = lsp_intern_add(&p->labels, labels, nlabels * sizeof(*labels));
	if (set < 0)
		return (int)set;
	ret = lsp_array_grow(&p->values, &p->values_room, p->samples.count, p->ntypes * sizeof(*p->values));
	if (ret)
		return ret;
	item.stack = (uint32_t)stack;
	item.labels = (uint32_t)set;
	id = lsp_intern_add(&p->samples, &item, sizeof(item));
	if (id < 0)
		return (int)id;
	sums = p->values + (size_t)id * p->ntypes;
	for (i = 0; i < p->ntypes; i++)
		sums[i] = values[i] + (p->samples.count == before ? sums[i] : 0);
	return 0;
}

/* Makes the canonical form of one label. Returns 1 if there is nothing to keep of it. */
static int label_set(struct lsp_profile *p, struct lsp_profile_label *label,
		     const struct lsp_profile_label *from)
{
	if (!from->key || !from->key[0] || !strncmp(from->key, "pprof::", 7))
		return -EINVAL;
	if (from->str && !from->str[0])
		return 1;
	label->key = lsp_profile_string(p, from->key);
	label->str = from->str ? lsp_profile_string(p, from->str) : NULL;
	label->num = from->str ? 0 : from->num;
	label->unit = lsp_profile_string(p, from->str ? "" : from->unit);
	return label->key && label->unit && (label->str || !from->str) ? 0 : -ENOMEM;
}

int lsp_profile_sample_add(struct lsp_profile *p, const uint64_t *locations, size_t nlocations,
			   const struct lsp_profile_label *labels, size_t nlabels,
			   const double *values)
{
	struct lsp_profile_label *copy = lsp_profile_scratch(p, nlabels * sizeof(*copy));
	size_t i, j, kept = 0;
	int ret;

	if (!copy)
		return -ENOMEM;
	for (i = 0; i < nlocations; i++)
		if (!locations[i] || locations[i] > p->locations.count)
			return -EINVAL;
	for (i = 0; i < p->ntypes; i++)
		if (!isfinite(values[i]))
			return -EINVAL;
	for (i = 0; i < nlabels; i++) {
		ret = label_set(p, &copy[kept], &labels[i]);
		if (ret < 0)
			return ret;
		if (ret)
			continue;
		for (j = 0; j < kept; j++)
			if (copy[j].key == copy[kept].key)
				return -EINVAL;
		kept++;
	}
	return lsp_profile_sample_intern(p, locations, nlocations, copy, kept, values);
}

int64_t lsp_profile_round(double value)
{
	double rest;
	int64_t whole;

	if (value >= 0x1p63)
		return INT64_MAX;
	if (value < -0x1p63)
		return INT64_MIN;
	whole = (int64_t)value;
	rest = value - (double)whole;
	return whole + (rest >= 0.5) - (rest <= -0.5);
}

size_t lsp_profile_samples(const struct lsp_profile *p)
{
	return p->samples.count;
}

bool lsp_profile_sample(const struct lsp_profile *p, size_t index, struct lsp_profile_sample *ret)
{
	const struct lsp_sample_item *item;
	size_t bytes;

	if (index >= p->samples.count)
		return false;
	item = lsp_intern_get(&p->samples, (uint32_t)index, NULL);
	ret->locations = lsp_intern_get(&p->stacks, item->stack, &bytes);
	ret->nlocations = bytes / sizeof(*ret->locations);
	ret->labels = lsp_intern_get(&p->labels, item->labels, &bytes);
	ret->nlabels = bytes / sizeof(*ret->labels);
	ret->values = p->values + index * p->ntypes;
	return true;
}

bool lsp_profile_location(const struct lsp_profile *p, uint64_t id, struct lsp_profile_location *ret)
{
	const struct lsp_location_item *item;
	size_t bytes;

	if (!id || id > p->locations.count)
		return false;
	item = lsp_intern_get(&p->locations, (uint32_t)(id - 1), &bytes);
	ret->mapping = item->mapping;
	ret->address = item->address;
	ret->lines = item->lines;
	ret->nlines = (bytes - sizeof(*item)) / sizeof(item->lines[0]);
	return true;
}

bool lsp_profile_mapping(const struct lsp_profile *p, uint64_t id, struct lsp_profile_mapping *ret)
{
	const struct lsp_mapping_item *item;

	if (!id || id > p->mappings.count)
		return false;
	item = lsp_intern_get(&p->mappings, (uint32_t)(id - 1), NULL);
	ret->start = item->start;
	ret->limit = item->limit;
	ret->offset = item->offset;
	ret->filename = item->filename;
	ret->build_id = item->build_id;
	ret->has_functions = item->has & LSP_MAPPING_FUNCTIONS;
	return true;
}

size_t lsp_profile_types(const struct lsp_profile *p)
{
	return p->ntypes;
}

const struct lsp_profile_type *lsp_profile_type(const struct lsp_profile *p, size_t index)
{
	return index < p->ntypes ? &p->types[index] : NULL;
}

const char *lsp_profile_comment(const struct lsp_profile *p, size_t index)
{
	return index < p->ncomments ? p->comments[index] : NULL;
}

int64_t lsp_profile_time_ns(const struct lsp_profile *p)
{
	return p->time_ns;
}

int64_t lsp_profile_duration_ns(const struct lsp_profile *p)
{
	return p->duration_ns;
}
