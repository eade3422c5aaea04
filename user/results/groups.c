// SPDX-License-Identifier: GPL-2.0-only
#include "groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"

struct build {
	struct lsp_groups *out;
	size_t room;
	struct lsp_index index;
	enum lsp_grouping by;
};

/* Each name and each trace exists once, so their addresses identify them. */
static const void *row_key(const struct build *b, const char *lock, const struct lsp_trace *trace)
{
	return b->by == LSP_GROUP_LOCK ? (const void *)lock : (const void *)trace;
}

static bool group_equal(const void *arg, uint32_t place, const void *key)
{
	const struct build *b = arg;
	const struct lsp_group *g = &b->out->groups[place];

	return row_key(b, g->lock, g->trace) == key;
}

static struct lsp_group *group_at(struct build *b, const struct lsp_row *row)
{
	const void *key = row_key(b, row->lock, row->trace);
	uint64_t hash = lsp_hash(&key, sizeof(key), 0);
	uint32_t place = lsp_index_find(&b->index, hash, group_equal, b, key);
	struct lsp_group *g;

	if (place != LSP_INDEX_NONE)
		return &b->out->groups[place];
	if (lsp_array_grow(&b->out->groups, &b->room, b->out->n, sizeof(*g)) ||
	    lsp_index_add(&b->index, hash, (uint32_t)b->out->n))
		return NULL;
	g = &b->out->groups[b->out->n++];
	memset(g, 0, sizeof(*g));
	g->lock = row->lock;
	g->trace = row->trace;
	return g;
}

static int row_group(void *arg, const struct lsp_row *row)
{
	const struct lsp_estimate *e = &row->sums->estimate;
	struct build *b = arg;
	struct lsp_group *g;

	/* These rows have no stack of a releaser. */
	if (row->given_up && b->by == LSP_GROUP_STACK)
		return 0;
	g = group_at(b, row);
	if (!g)
		return -ENOMEM;
	if (row->given_up) {
		if (lsp_row_is_blamed(row))
			lsp_estimate_merge(&g->given_up, e);
		return 0;
	}
	g->handoff_ns += row->sums->handoff_ns;
	g->tail_ns += row->sums->tail_ns;
	if (b->by == LSP_GROUP_LOCK)
		g->tail_ns -= row->sums->carried_ns;
	if (row->kind == LSP_ROW_BLOCK)
		lsp_estimate_merge(&g->block, e);
	else if (lsp_row_is_blamed(row))
		lsp_estimate_merge(&g->mutex, e);
	if (row->kind == LSP_ROW_MUTEX && e->delay_ns >= g->role_ns) {
		g->role = row->role;
		g->role_ns = e->delay_ns;
	}
	if (e->delay_ns >= g->sync_ns) {
		g->sync = row->sync;
		g->sync_ns = e->delay_ns;
	}
	return 0;
}

static int key_group(void *arg, const struct lsp_key_role *key, const char *lock)
{
	const struct build *b = arg;
	uint64_t hash = lsp_hash(&lock, sizeof(lock), 0);
	uint32_t place = lsp_index_find(&b->index, hash, group_equal, b, lock);

	if (place != LSP_INDEX_NONE)
		lsp_evidence_merge(&b->out->groups[place].evidence, &key->evidence);
	return 0;
}

static int group_compare(const void *a, const void *b)
{
	const struct lsp_group *x = a, *y = b;
	double difference = x->block.delay_ns + x->mutex.delay_ns - y->block.delay_ns -
			    y->mutex.delay_ns;

	if (difference != 0)
		return difference < 0 ? 1 : -1;
	return strcmp(x->lock, y->lock);
}

int lsp_groups_create(const struct lsp_collector *c, enum lsp_grouping by, struct lsp_groups *ret)
{
	struct build b = { .out = ret, .by = by };
	int err;

	memset(ret, 0, sizeof(*ret));
	err = lsp_collector_rows(c, row_group, &b);
	if (!err && by == LSP_GROUP_LOCK)
		err = lsp_collector_keys(c, key_group, &b);
	lsp_index_uninit(&b.index);
	if (err) {
		lsp_groups_destroy(ret);
		return err;
	}
	if (ret->n)
		qsort(ret->groups, ret->n, sizeof(*ret->groups), group_compare);
	return 0;
}

void lsp_groups_destroy(struct lsp_groups *g)
{
	free(g->groups);
	memset(g, 0, sizeof(*g));
}
