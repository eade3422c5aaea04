// SPDX-License-Identifier: GPL-2.0-only
/* Memory stays bounded: what nothing names any more is forgotten. */
#include "compact.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

/* Resolved stacks that are kept for events to come; beyond it the unused ones go. */
#define STACKS_KEPT 262144
/* The same as STACKS_KEPT for locks. */
#define LOCKS_KEPT 131072

/* Drops resolved stacks that nothing names any more, and renumbers what waits. */
static int stacks_compact(struct lsp_collector *c)
{
	struct lsp_aggregate old = c->pending;
	uint32_t *moved;
	int err;

	if (c->stacks.n < STACKS_KEPT || c->keep_stacks)
		return 0;
	moved = malloc(c->stacks.n * sizeof(*moved));
	if (!moved)
		return -ENOMEM;
	for (size_t i = 0; i < c->notes.n; i++)
		c->stacks.stacks[c->notes.notes[i].stack].used = true;
	for (size_t i = 0; i < c->events.nreleases; i++)
		c->stacks.stacks[c->events.releases[i].stack].used = true;
	for (size_t i = 0; i < c->watched.n; i++)
		if (c->watched.waits[i].seen)
			c->stacks.stacks[c->watched.waits[i].stack].used = true;
	err = lsp_stackset_compact(&c->stacks, moved);
	if (err)
		goto out;
	for (size_t i = 0; i < c->notes.n; i++)
		c->notes.notes[i].stack = moved[c->notes.notes[i].stack];
	for (size_t i = 0; i < c->events.nreleases; i++)
		c->events.releases[i].stack = moved[c->events.releases[i].stack];
	for (size_t i = 0; i < c->watched.n; i++)
		if (c->watched.waits[i].seen)
			c->watched.waits[i].stack = moved[c->watched.waits[i].stack];
	memset(&c->pending, 0, sizeof(c->pending));
	for (size_t i = 0; i < old.n; i++) {
		struct lsp_aggregate_key key = old.rows[i].key;
		struct lsp_sums *sums;

		key.stack = moved[key.stack];
		sums = lsp_aggregate_at(&c->pending, &key);
		if (sums)
			lsp_sums_merge(sums, &old.rows[i].sums);
		else
			c->totals.unrecorded += old.rows[i].sums.estimate.kept;
	}
	lsp_aggregate_uninit(&old);
out:
	free(moved);
	return err;
}

/* Forgets locks that are neither met any more nor needed to class a row. */
static int locks_compact(struct lsp_collector *c)
{
	if (c->locks.n < LOCKS_KEPT)
		return 0;
	for (size_t i = 0; i < c->resolved.n; i++)
		if (c->resolved.rows[i].key.key)
			lsp_locks_at(&c->locks, c->resolved.rows[i].key.key);
	return lsp_locks_compact(&c->locks);
}

int lsp_collector_compact(struct lsp_collector *c)
{
	int err = stacks_compact(c);

	return err ? err : locks_compact(c);
}
