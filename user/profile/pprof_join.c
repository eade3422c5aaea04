// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sums and differences of profiles. The result is built beside the two profiles, and at the end
 * takes the place of the first one. So processes of one program that were apart in the first
 * profile come together, too, and a failure changes nothing.
 */
#include "pprof_private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAPPING_ROUND_BYTES 4096

/* What identifies a mapping in two runs. No padding. */
struct mapping_key {
	uint64_t bytes;
	uint64_t offset;
	const char *name;		/* build id, or else file; canonical in the result */
};

struct join {
	struct lsp_profile *result;
	struct lsp_intern keys;		/* struct mapping_key; numbers are those of the mappings */
	/* Of the source that is being added, by its number; 0 or NULL: not known yet. */
	const char **string;		/* canonical in the result */
	uint64_t *mapping;		/* the result's id */
	uint64_t *start;		/* where the result's mapping starts */
	uint64_t *location;		/* the result's id */
	/* For the sample at hand. */
	uint64_t *stack;
	size_t stack_capacity;
	struct lsp_profile_label *labels;
	size_t label_capacity;
};

static bool types_equal(const struct lsp_profile_type *a, const struct lsp_profile_type *b)
{
	return !strcmp(a->type, b->type) && !strcmp(a->unit, b->unit);
}

static bool compatible(const struct lsp_profile *a, const struct lsp_profile *b)
{
	size_t i;

	if (a->ntypes != b->ntypes || !types_equal(&a->period_type, &b->period_type))
		return false;
	for (i = 0; i < a->ntypes; i++)
		if (!types_equal(&a->types[i], &b->types[i]))
			return false;
	return true;
}

static const char *join_string(struct join *j, const char *theirs)
{
	const char **ours = &j->string[lsp_intern_id(theirs)];

	if (!*ours)
		*ours = lsp_profile_string(j->result, theirs);
	return *ours;
}

static int64_t join_mapping(struct join *j, const struct lsp_profile *from, uint32_t index)
{
	const struct lsp_mapping_item *m = lsp_intern_get(&from->mappings, index, NULL);
	struct lsp_mapping_item item = *m;
	const struct lsp_mapping_item *have;
	struct mapping_key key;
	int64_t id;

	if (j->mapping[index])
		return (int64_t)j->mapping[index];
	item.filename = join_string(j, m->filename);
	item.build_id = join_string(j, m->build_id);
	if (!item.filename || !item.build_id)
		return -ENOMEM;
	key.bytes = (m->limit - m->start + MAPPING_ROUND_BYTES - 1) & -(uint64_t)MAPPING_ROUND_BYTES;
	key.offset = m->offset;
	key.name = item.build_id[0] ? item.build_id : item.filename;
	id = lsp_intern_add(&j->keys, &key, sizeof(key));
	if (id < 0)
		return id;
	/* A new key gets the next number, and so does its mapping. */
	if (id == j->result->mappings.count &&
	    lsp_profile_mapping_intern(j->result, &item) < 0)
		return -ENOMEM;
	have = lsp_intern_get(&j->result->mappings, (uint32_t)id, NULL);
	j->start[index] = have->start;
	j->mapping[index] = (uint64_t)id + 1;
	return id + 1;
}

static int join_lines(struct join *j, struct lsp_profile_line *to,
		      const struct lsp_profile_line *from, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		to[i].function = join_string(j, from[i].function);
		to[i].system_name = join_string(j, from[i].system_name);
		to[i].file = join_string(j, from[i].file);
		to[i].line = from[i].line;
		to[i].start_line = from[i].start_line;
		if (!to[i].function || !to[i].system_name || !to[i].file)
			return -ENOMEM;
	}
	return 0;
}

static int64_t join_location(struct join *j, const struct lsp_profile *from, uint64_t theirs)
{
	const struct lsp_location_item *l;
	struct lsp_location_item *item;
	const struct lsp_mapping_item *m;
	size_t bytes, nlines;
	int64_t id;

	if (j->location[theirs - 1])
		return (int64_t)j->location[theirs - 1];
	l = lsp_intern_get(&from->locations, (uint32_t)(theirs - 1), &bytes);
	nlines = (bytes - sizeof(*l)) / sizeof(l->lines[0]);
	item = lsp_profile_scratch(j->result, bytes);
	if (!item || join_lines(j, item->lines, l->lines, nlines))
		return -ENOMEM;
	item->mapping = 0;
	item->address = l->address;
	item->folded = l->folded;
	if (l->mapping) {
		id = join_mapping(j, from, (uint32_t)(l->mapping - 1));
		if (id < 0)
			return id;
		m = lsp_intern_get(&from->mappings, (uint32_t)(l->mapping - 1), NULL);
		item->mapping = (uint64_t)id;
		item->address += j->start[l->mapping - 1] - m->start;
	}
	id = lsp_profile_location_intern(j->result, item, nlines);
	if (id > 0)
		j->location[theirs - 1] = (uint64_t)id;
	return id;
}

static int room(void *list, size_t *capacity, size_t count, size_t item_bytes)
{
	void **pointer = list;

	if (count <= *capacity)
		return 0;
	free(*pointer);
	*capacity = 2 * count;
	*pointer = malloc(*capacity * item_bytes);
	if (!*pointer)
		*capacity = 0;
	return *pointer ? 0 : -ENOMEM;
}

static int join_labels(struct join *j, const struct lsp_profile_sample *s)
{
	size_t i;

	if (room(&j->labels, &j->label_capacity, s->nlabels, sizeof(*j->labels)))
		return -ENOMEM;
	for (i = 0; i < s->nlabels; i++) {
		struct lsp_profile_label *label = &j->labels[i];

		label->key = join_string(j, s->labels[i].key);
		label->str = s->labels[i].str ? join_string(j, s->labels[i].str) : NULL;
		label->num = s->labels[i].num;
		label->unit = join_string(j, s->labels[i].unit);
		if (!label->key || !label->unit || (s->labels[i].str && !label->str))
			return -ENOMEM;
	}
	return 0;
}

static bool all_zero(const double *values, size_t count)
{
	while (count)
		if (values[--count] != 0)
			return false;
	return true;
}

static int join_sample(struct join *j, const struct lsp_profile *from, size_t index, double scale)
{
	double values[LSP_PROFILE_MAX_TYPES];
	struct lsp_profile_sample s;
	int64_t id;
	size_t i;

	lsp_profile_sample(from, index, &s);
	for (i = 0; i < from->ntypes; i++)
		values[i] = s.values[i] * scale;
	if (all_zero(values, from->ntypes))
		return 0;
	if (room(&j->stack, &j->stack_capacity, s.nlocations, sizeof(*j->stack)) ||
	    join_labels(j, &s))
		return -ENOMEM;
	for (i = 0; i < s.nlocations; i++) {
		id = join_location(j, from, s.locations[i]);
		if (id < 0)
			return (int)id;
		j->stack[i] = (uint64_t)id;
	}
	return lsp_profile_sample_intern(j->result, j->stack, s.nlocations, j->labels, s.nlabels,
					 values);
}

/* Adds all samples of @from. The first mapping stays first, even if no sample needs it. */
static int join_profile(struct join *j, const struct lsp_profile *from, double scale)
{
	int64_t id = 0;
	int ret = -ENOMEM;
	size_t i;

	j->string = calloc(from->strings.count, sizeof(*j->string));
	j->mapping = calloc((size_t)from->mappings.count + 1, sizeof(*j->mapping));
	j->start = calloc((size_t)from->mappings.count + 1, sizeof(*j->start));
	j->location = calloc((size_t)from->locations.count + 1, sizeof(*j->location));
	if (!j->string || !j->mapping || !j->start || !j->location)
		goto out;
	if (from->mappings.count && !j->result->mappings.count)
		id = join_mapping(j, from, 0);
	ret = id < 0 ? (int)id : 0;
	for (i = 0; i < from->samples.count && !ret; i++)
		ret = join_sample(j, from, i, scale);
out:
	free(j->string);
	free(j->mapping);
	free(j->start);
	free(j->location);
	return ret;
}

static int comments_unite(struct lsp_profile *to, const struct lsp_profile *from)
{
	size_t i, k;
	int ret;

	for (i = 0; i < from->ncomments; i++) {
		for (k = 0; k < to->ncomments; k++)
			if (!strcmp(to->comments[k], from->comments[i]))
				break;
		ret = k < to->ncomments ? 0 : lsp_profile_comment_add(to, from->comments[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/* An empty profile with what @like says beside its samples. */
static struct lsp_profile *header_copy(const struct lsp_profile *like)
{
	struct lsp_profile *p = lsp_profile_alloc();
	size_t i;

	if (!p)
		return NULL;
	for (i = 0; i < like->ntypes; i++) {
		p->types[i].type = lsp_profile_string(p, like->types[i].type);
		p->types[i].unit = lsp_profile_string(p, like->types[i].unit);
		if (!p->types[i].type || !p->types[i].unit)
			goto err_profile;
	}
	p->ntypes = like->ntypes;
	p->period = like->period;
	p->time_ns = like->time_ns;
	p->duration_ns = like->duration_ns;
	p->period_type.type = lsp_profile_string(p, like->period_type.type);
	p->period_type.unit = lsp_profile_string(p, like->period_type.unit);
	p->default_type = lsp_profile_string(p, like->default_type);
	p->drop_frames = lsp_profile_string(p, like->drop_frames);
	p->keep_frames = lsp_profile_string(p, like->keep_frames);
	p->doc_url = lsp_profile_string(p, like->doc_url);
	if (!p->period_type.type || !p->period_type.unit || !p->default_type ||
	    !p->drop_frames || !p->keep_frames || !p->doc_url || comments_unite(p, like))
		goto err_profile;
	return p;

err_profile:
	lsp_profile_destroy(p);
	return NULL;
}

static int header_join(struct lsp_profile *to, const struct lsp_profile *from)
{
	if (!to->time_ns || (from->time_ns && from->time_ns < to->time_ns))
		to->time_ns = from->time_ns;
	to->duration_ns = (int64_t)((uint64_t)to->duration_ns + (uint64_t)from->duration_ns);
	if (to->period < from->period)
		to->period = from->period;
	if (!to->default_type[0]) {
		to->default_type = lsp_profile_string(to, from->default_type);
		if (!to->default_type)
			return -ENOMEM;
	}
	return comments_unite(to, from);
}

/* Returns a new profile with @a and, unless it is NULL, @b times @scale. */
static int join(const struct lsp_profile *a, const struct lsp_profile *b, double scale,
		struct lsp_profile **ret)
{
	struct join j = { .result = header_copy(a) };
	int error;

	if (!j.result)
		return -ENOMEM;
	error = join_profile(&j, a, 1);
	if (!error && b)
		error = header_join(j.result, b);
	if (!error && b)
		error = join_profile(&j, b, scale);
	lsp_intern_uninit(&j.keys);
	free(j.stack);
	free(j.labels);
	if (error)
		lsp_profile_destroy(j.result);
	else
		*ret = j.result;
	return error;
}

static bool any_zero(const struct lsp_profile *p)
{
	size_t i;

	for (i = 0; i < p->samples.count; i++)
		if (all_zero(p->values + i * p->ntypes, p->ntypes))
			return true;
	return false;
}

static void exchange(struct lsp_profile *a, struct lsp_profile *b)
{
	struct lsp_profile kept = *a;

	*a = *b;
	*b = kept;
}

int lsp_profile_add(struct lsp_profile *to, const struct lsp_profile *from, double scale)
{
	struct lsp_profile *sum, *rest;
	int ret;

	if (!isfinite(scale) || !compatible(to, from))
		return -EINVAL;
	ret = join(to, from, scale, &sum);
	if (ret)
		return ret;
	if (any_zero(sum)) {
		ret = join(sum, NULL, 0, &rest);
		lsp_profile_destroy(sum);
		if (ret)
			return ret;
		sum = rest;
	}
	exchange(to, sum);
	lsp_profile_destroy(sum);
	return 0;
}

int lsp_profile_subtract(struct lsp_profile *from, const struct lsp_profile *base)
{
	return lsp_profile_add(from, base, -1);
}
