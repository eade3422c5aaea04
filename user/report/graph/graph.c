// SPDX-License-Identifier: GPL-2.0-only
#include "graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../site.h"
#include "../words.h"

/* What the label "why" begins with if the holder waited for a lock. */
static const char lock_prefix[] = "lock ";

struct work {
	const struct lsp_recording *r;
	struct lsp_uses uses;
	struct lsp_graph *g;
	struct lsp_index index;
};

static bool edge_equal(const void *arg, uint32_t place, const void *key)
{
	const struct lsp_graph_edge *a = &((const struct lsp_graph *)arg)->edges[place], *b = key;

	return a->kind == b->kind && !strcmp(a->who, b->who) && !strcmp(a->lock, b->lock) && !strcmp(a->held, b->held);
}

static int edge_add(struct work *k, const struct lsp_graph_edge *e)
{
	uint64_t hash = lsp_hash(e->who, strlen(e->who), e->kind);
	uint32_t place;

	hash = lsp_hash(e->lock, strlen(e->lock), hash);
	hash = lsp_hash(e->held, strlen(e->held), hash);
	k->g->total_ns[e->kind] += e->ns;
	place = lsp_index_find(&k->index, hash, edge_equal, k->g, e);
	if (place != LSP_INDEX_NONE) {
		k->g->edges[place].ns += e->ns;
		return 0;
	}
	if (lsp_array_grow(&k->g->edges, &k->g->room, k->g->n, sizeof(*k->g->edges)) ||
	    lsp_index_add(&k->index, hash, (uint32_t)k->g->n))
		return -ENOMEM;
	k->g->edges[k->g->n++] = *e;
	return 0;
}

static const char *who_of(const struct work *k, enum lsp_part part, const struct lsp_profile_sample *s)
{
	struct lsp_site site;

	if (lsp_sample_given_up(s))
		return "[given up]";
	if (k->g->threads)
		return lsp_sample_text(s, "comm");
	lsp_site_find(k->r->parts[part], s, &site);
	return site.function;
}

/* Idle threads wait longest, so the graph has only what is used as a lock. */
static bool is_lock(const struct work *k, const struct lsp_profile_sample *s)
{
	return lsp_uses_of(&k->uses, lsp_sample_text(s, "lock"), lsp_sample_text(s, "sync")) == LSP_USE_LOCK;
}

static int sample_add(struct work *k, enum lsp_part part, const struct lsp_profile_sample *s, double ns)
{
	const char *lock = lsp_sample_text(s, "lock"), *why = lsp_sample_text(s, "why");
	struct lsp_graph_edge e = {
		.kind = part == LSP_PART_BLOCK ? LSP_GRAPH_WAIT : LSP_GRAPH_HOLD, .who = who_of(k, part, s), .lock = lock,
		.held = "", .ns = ns,
	};
	int err = 0;

	if (ns <= 0)
		return 0;
	err = edge_add(k, &e);
	if (err || strncmp(why, lock_prefix, sizeof(lock_prefix) - 1))
		return err;
	e.kind = LSP_GRAPH_NESTED;
	e.held = lock;
	e.lock = why + sizeof(lock_prefix) - 1;
	return edge_add(k, &e);
}

static int part_add(struct work *k, enum lsp_part part)
{
	const struct lsp_profile *p = k->r->parts[part];
	int column = p ? lsp_part_column(p, "delay") : -1, err = 0;
	struct lsp_profile_sample s;

	for (size_t i = 0; !err && column >= 0 && lsp_profile_sample(p, i, &s); i++)
		if (lsp_recording_takes(k->r, &s) && (part == LSP_PART_MUTEX || is_lock(k, &s)))
			err = sample_add(k, part, &s, s.values[column]);
	return err;
}

static int edge_compare(const void *a, const void *b)
{
	const struct lsp_graph_edge *x = a, *y = b;
	int order;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	order = strcmp(x->lock, y->lock);
	return order ? order : strcmp(x->who, y->who);
}

int lsp_graph_create(const struct lsp_recording *r, bool threads, struct lsp_graph *ret)
{
	struct work k = { .r = r, .g = ret };
	int err;

	*ret = (struct lsp_graph){ .threads = threads };
	err = lsp_uses_create(r, &k.uses);
	if (err)
		return err;
	err = part_add(&k, LSP_PART_BLOCK);
	if (!err)
		err = part_add(&k, LSP_PART_MUTEX);
	if (!err && ret->n)
		qsort(ret->edges, ret->n, sizeof(*ret->edges), edge_compare);
	lsp_index_uninit(&k.index);
	lsp_uses_destroy(&k.uses);
	if (err)
		lsp_graph_destroy(ret);
	return err;
}

void lsp_graph_destroy(struct lsp_graph *g)
{
	free(g->edges);
	memset(g, 0, sizeof(*g));
}
