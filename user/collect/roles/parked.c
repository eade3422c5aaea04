// SPDX-License-Identifier: GPL-2.0-only
#include "parked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chains.h"
#include "pairs.h"

void lsp_parked_uninit(struct lsp_parked *p)
{
	free(p->words);
	free(p->waits);
	free(p->virtuals);
	free(p->sets);
	free(p->parents);
	memset(p, 0, sizeof(*p));
}

/* ---- words ---- */

static int key_compare(const void *a, const void *b)
{
	const struct lsp_word *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

struct lsp_word *lsp_parked_word(const struct lsp_parked *p, uint64_t key)
{
	const struct lsp_word wanted = { .key = key };

	return p->nwords ? bsearch(&wanted, p->words, p->nwords, sizeof(wanted), key_compare) : NULL;
}

int lsp_parked_words(struct lsp_parked *p, struct lsp_wait *waits, size_t n)
{
	size_t last = 0;

	p->words = calloc(n + 1, sizeof(*p->words));
	if (!p->words)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		p->words[i].key = waits[i].key;
	qsort(p->words, n, sizeof(*p->words), key_compare);
	for (size_t i = 1; i < n; i++)
		if (p->words[i].key != p->words[last].key)
			p->words[++last] = p->words[i];
	p->nwords = n ? last + 1 : 0;
	for (size_t i = 0; i < n; i++)
		waits[i].group = (uint32_t)(lsp_parked_word(p, waits[i].key) - p->words);
	return 0;
}

/* ---- which are threads' ---- */

static uint64_t wait_end_ns(const struct lsp_wait *w)
{
	return w->wake_ns ? w->wake_ns : w->run_ns;
}

/* When each thread was last seen, by its slot in @threads. */
static uint64_t *last_seen(const struct lsp_wait *waits, size_t n, struct lsp_pairs *threads)
{
	uint64_t *seen = calloc(2 * n + 1, sizeof(*seen));

	for (size_t i = 0; seen && i < n; i++) {
		const struct { uint32_t tid; uint64_t time_ns; } ends[2] = {
			{ waits[i].tid, waits[i].run_ns }, { waits[i].by, wait_end_ns(&waits[i]) },
		};

		for (int k = 0; k < (waits[i].release == LSP_INDEX_NONE ? 1 : 2); k++) {
			struct lsp_pair_slot *slot = lsp_pairs_at(threads, ends[k].tid, 0);

			if (!slot) {
				free(seen);
				return NULL;
			}
			if (ends[k].time_ns > seen[slot - threads->slots])
				seen[slot - threads->slots] = ends[k].time_ns;
		}
	}
	return seen;
}

/* A word is a thread's while nobody else waits on it; the next thread may have it when that one is gone. */
static int words_try(struct lsp_parked *p, const struct lsp_wait *waits, size_t n)
{
	uint32_t *latest = malloc((p->nwords + 1) * sizeof(*latest));
	struct lsp_pairs threads = { 0 };
	uint64_t *seen = last_seen(waits, n, &threads);
	int err = latest && seen ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < p->nwords; i++) {
		latest[i] = LSP_INDEX_NONE;
		p->words[i].parked = !p->words[i].lock;
	}
	for (uint32_t i = 0; !err && i < n; i++) {
		const struct lsp_wait *w = &waits[i], *before;

		if (latest[w->group] != LSP_INDEX_NONE) {
			before = &waits[latest[w->group]];
			if (wait_end_ns(before) > w->enq_ns ||
			    (before->tid != w->tid &&
			     seen[lsp_pairs_find(&threads, before->tid, 0) - threads.slots] > w->enq_ns))
				p->words[w->group].parked = false;
		}
		latest[w->group] = i;
	}
	lsp_pairs_uninit(&threads);
	free(seen);
	free(latest);
	return err;
}

static int waits_take(struct lsp_parked *p, const struct lsp_wait *waits, size_t n)
{
	p->waits = malloc((n + 1) * sizeof(*p->waits));
	if (!p->waits)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (p->words[waits[i].group].parked)
			p->waits[p->n++] = waits[i];
	return 0;
}

/* ---- virtual keys ---- */

static uint32_t wait_set(const struct lsp_parked *p, const struct lsp_wait *w)
{
	uint32_t site = w->site != LSP_INDEX_NONE ? w->site : w->by_site;

	return site == LSP_INDEX_NONE ? p->nsites : lsp_set_find(p->parents, site);
}

/* Numbers the groups again: each set of @one is a single one. */
static void groups_renumber(struct lsp_parked *p, const bool *one, uint32_t *of_set, uint32_t *of_group)
{
	uint32_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		uint32_t set = wait_set(p, &p->waits[i]);
		uint32_t *number = one[set] ? &of_set[set] : &of_group[p->waits[i].group];

		if (*number == LSP_INDEX_NONE)
			*number = n++;
		p->waits[i].group = *number;
	}
	p->nvirtuals = n;
}

/*
 * A chain ends where the queue runs empty, or where somebody takes the lock in passing. If the chains of a site
 * never have the lock at once, they are all of one lock. Then the waits of all of them are in its queue.
 */
static int chains_unite(struct lsp_parked *p)
{
	size_t nsets = (size_t)p->nsites + 1;
	struct lsp_evidence *all = calloc(nsets, sizeof(*all));
	uint32_t *of_set = malloc(nsets * sizeof(*of_set));
	uint32_t *of_group = malloc(((size_t)p->nvirtuals + 1) * sizeof(*of_group));
	uint32_t *groups = malloc((p->n + 1) * sizeof(*groups));
	bool *one = calloc(nsets, sizeof(*one));
	int err = all && of_set && of_group && groups && one ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < p->n; i++) {
		groups[i] = p->waits[i].group;
		p->waits[i].group = wait_set(p, &p->waits[i]);
	}
	if (!err)
		err = lsp_evidence_add(p->waits, p->n, all);
	for (size_t i = 0; !err && i < p->n; i++)
		p->waits[i].group = groups[i];
	for (size_t i = 0; !err && i < nsets; i++) {
		of_set[i] = LSP_INDEX_NONE;
		one[i] = i < p->nsites && lsp_evidence_is_one_lock(&all[i]);
	}
	for (size_t i = 0; !err && i < p->nvirtuals; i++)
		of_group[i] = LSP_INDEX_NONE;
	if (!err)
		groups_renumber(p, one, of_set, of_group);
	free(one);
	free(groups);
	free(of_group);
	free(of_set);
	free(all);
	return err;
}

static int virtuals_sum(struct lsp_parked *p)
{
	double *by_site = calloc((size_t)p->nsites + 1, sizeof(*by_site));

	if (!by_site)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++) {
		const struct lsp_wait *w = &p->waits[i];
		struct lsp_virtual *v = &p->virtuals[w->group];
		struct lsp_virtual_set *set = &p->sets[wait_set(p, w)];
		double wait_ns = (double)(wait_end_ns(w) - w->enq_ns);
		uint32_t site = w->site == LSP_INDEX_NONE ? p->nsites : w->site;

		if (!v->words) {
			v->words = 1;
			v->key = w->key;
			v->set = wait_set(p, w);
			v->first_ns = w->enq_ns;
			v->first = (uint32_t)i;
		}
		if (v->key != w->key)
			v->words = 2;
		v->wait_ns += wait_ns;
		set->joined |= v->words > 1;
		by_site[site] += wait_ns;
		if (by_site[site] > set->site_ns || set->site == LSP_INDEX_NONE) {
			set->site = site;
			set->site_ns = by_site[site];
		}
	}
	free(by_site);
	for (size_t i = 0; i < p->n; i++)
		if (p->sets[wait_set(p, &p->waits[i])].joined)
			lsp_parked_word(p, p->waits[i].key)->joined = true;
	return 0;
}

struct rank {
	const struct lsp_virtual *v;
	uint32_t place;
};

static int rank_compare(const void *a, const void *b)
{
	const struct lsp_virtual *x = ((const struct rank *)a)->v, *y = ((const struct rank *)b)->v;

	if (x->set != y->set)
		return x->set < y->set ? -1 : 1;
	if (x->wait_ns != y->wait_ns)
		return x->wait_ns > y->wait_ns ? -1 : 1;
	return x->first_ns < y->first_ns ? -1 : x->first_ns > y->first_ns;
}

/* Numbers by weight: what matters has the same one in the next run, whatever came first. */
static int virtuals_number(struct lsp_parked *p)
{
	struct rank *ranks = calloc((size_t)p->nvirtuals + 1, sizeof(*ranks));
	uint32_t number = 0;

	if (!ranks)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->nvirtuals; i++)
		ranks[i] = (struct rank){ &p->virtuals[i], i };
	qsort(ranks, p->nvirtuals, sizeof(*ranks), rank_compare);
	for (uint32_t i = 0; i < p->nvirtuals; i++) {
		number = i && ranks[i].v->set == ranks[i - 1].v->set ? number + 1 : 1;
		p->virtuals[ranks[i].place].number = number;
	}
	free(ranks);
	return 0;
}

static int evidence_find(struct lsp_parked *p)
{
	struct lsp_evidence *all = calloc((size_t)p->nvirtuals + 1, sizeof(*all));
	int err = all ? lsp_evidence_add(p->waits, p->n, all) : -ENOMEM;

	for (uint32_t i = 0; !err && i < p->nvirtuals; i++) {
		p->virtuals[i].evidence = all[i];
		lsp_evidence_merge(&p->sets[p->virtuals[i].set].evidence, &all[i]);
	}
	free(all);
	return err;
}

static int charges_find(struct lsp_parked *p)
{
	struct lsp_given *given = calloc((size_t)p->nvirtuals + 1, sizeof(*given));
	int err = given ? lsp_charges_find(p->waits, p->n, p->nvirtuals, given, NULL) : -ENOMEM;

	for (uint32_t i = 0; !err && i < p->nvirtuals; i++)
		p->virtuals[i].given = given[i];
	free(given);
	return err;
}

int lsp_parked_find(struct lsp_parked *p, const struct lsp_wait *waits, size_t n, uint32_t nsites)
{
	int err = words_try(p, waits, n);

	p->nsites = nsites;
	p->parents = malloc(((size_t)nsites + 1) * sizeof(*p->parents));
	p->sets = calloc((size_t)nsites + 1, sizeof(*p->sets));
	if (!p->parents || !p->sets)
		return -ENOMEM;
	for (uint32_t i = 0; i <= nsites; i++) {
		p->parents[i] = i;
		p->sets[i].site = LSP_INDEX_NONE;
	}
	if (!err)
		err = waits_take(p, waits, n);
	if (!err)
		err = lsp_chains_find(p->waits, p->n, p->parents, &p->nvirtuals);
	if (!err)
		err = chains_unite(p);
	if (err)
		return err;
	p->virtuals = calloc((size_t)p->nvirtuals + 1, sizeof(*p->virtuals));
	if (!p->virtuals)
		return -ENOMEM;
	err = virtuals_sum(p);
	if (!err)
		err = virtuals_number(p);
	if (!err)
		err = charges_find(p);
	return err ? err : evidence_find(p);
}
