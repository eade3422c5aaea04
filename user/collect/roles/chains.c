// SPDX-License-Identifier: GPL-2.0-only
#include "chains.h"

#include <errno.h>
#include <stdlib.h>

#include "pairs.h"

/* The sites that are known of a wait's two ends are one. */
static void sites_join(const struct lsp_wait *waits, size_t n, uint32_t *site_sets)
{
	for (size_t i = 0; i < n; i++)
		if (waits[i].site != LSP_INDEX_NONE && waits[i].by_site != LSP_INDEX_NONE)
			lsp_set_join(site_sets, waits[i].site, waits[i].by_site);
}

static uint32_t wait_set(const struct lsp_wait *w, uint32_t *site_sets)
{
	uint32_t site = w->site != LSP_INDEX_NONE ? w->site : w->by_site;

	return site == LSP_INDEX_NONE ? LSP_INDEX_NONE : lsp_set_find(site_sets, site);
}

/* @w's releaser passes on the lock of its latest wait at this site, if it got a lock by that wait. */
static void given_on(const struct lsp_wait *waits, const struct lsp_moment *m, const struct lsp_pairs *latest,
		     uint32_t set, uint32_t *joined)
{
	const struct lsp_wait *w = &waits[m->wait];
	struct lsp_pair_slot *slot = lsp_pairs_find(latest, w->by, set);

	if (!slot || slot->wait == LSP_INDEX_NONE)
		return;
	if (!waits[slot->wait].wake_ns || waits[slot->wait].run_ns > m->time_ns)
		return;
	lsp_set_join(joined, slot->wait, m->wait);
	slot->wait = LSP_INDEX_NONE;
}

/* The thread has released, unseen, the lock of its latest wait here; unless it did not get that lock at all. */
static int queued(const struct lsp_wait *waits, const struct lsp_moment *m, struct lsp_pairs *latest,
		  uint32_t set, uint32_t *joined)
{
	const struct lsp_wait *w = &waits[m->wait];
	struct lsp_pair_slot *slot = lsp_pairs_at(latest, w->tid, set);

	if (!slot)
		return -ENOMEM;
	if (slot->wait != LSP_INDEX_NONE && lsp_wait_is_back(&waits[slot->wait], w))
		lsp_set_join(joined, slot->wait, m->wait);
	slot->wait = m->wait;
	return 0;
}

/* Sets by their first wait become numbers without gaps. */
static uint32_t groups_number(struct lsp_wait *waits, size_t n, uint32_t *joined)
{
	uint32_t groups = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t first = lsp_set_find(joined, i);

		waits[i].group = first == i ? groups++ : waits[first].group;
	}
	return groups;
}

int lsp_chains_find(struct lsp_wait *waits, size_t n, uint32_t *site_sets, uint32_t *groups_ret)
{
	uint32_t *joined = malloc((n ? n : 1) * sizeof(*joined));
	size_t nmoments;
	struct lsp_moment *moments = lsp_moments_create(waits, n, &nmoments);
	struct lsp_pairs latest = { 0 };
	int err = joined && moments ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < n; i++)
		joined[i] = i;
	sites_join(waits, n, site_sets);
	for (size_t i = 0; !err && i < nmoments; i++) {
		const struct lsp_moment *m = &moments[i];
		uint32_t set = wait_set(&waits[m->wait], site_sets);

		if (m->kind == LSP_MOMENT_WAKE)
			given_on(waits, m, &latest, set, joined);
		else if (m->kind != LSP_MOMENT_RUN)
			err = queued(waits, m, &latest, set, joined);
	}
	if (!err)
		*groups_ret = groups_number(waits, n, joined);
	lsp_pairs_uninit(&latest);
	free(moments);
	free(joined);
	return err;
}
