/* SPDX-License-Identifier: GPL-2.0-only */
#include "mapsets.h"

#include <errno.h>
#include <stdlib.h>

#define SETS_MAX 8192
#define SETS_SLOTS (4 * SETS_MAX)
/* The maximum number of mappings in all sets; each takes some 100 bytes. */
#define WEIGHT_MAX (1U << 19)
/* The maximum number of changes between a set and the complete one from which it is derived. */
#define CHANGES_MAX 1024

int lsp_mapsets_init(struct lsp_mapsets *sets)
{
	*sets = (struct lsp_mapsets){ .slots = calloc(SETS_SLOTS, sizeof(*sets->slots)) };
	return sets->slots ? 0 : -ENOMEM;
}

void lsp_mapsets_uninit(struct lsp_mapsets *sets)
{
	for (size_t i = 0; i < SETS_SLOTS; i++)
		lsp_mapset_destroy(sets->slots[i]);
	free(sets->slots);
}

static size_t set_home(uint32_t tgid, uint32_t generation)
{
	uint64_t key = (uint64_t)tgid << 32 | generation;

	return (size_t)((key * 0x9e3779b97f4a7c15ULL) >> 32) % SETS_SLOTS;
}

static size_t set_slot(const struct lsp_mapsets *sets, uint32_t tgid, uint32_t generation)
{
	size_t i = set_home(tgid, generation);

	while (sets->slots[i] && (sets->slots[i]->tgid != tgid || sets->slots[i]->generation != generation))
		i = (i + 1) % SETS_SLOTS;
	return i;
}

struct lsp_mapset *lsp_mapsets_of(const struct lsp_mapsets *sets, uint32_t tgid, uint32_t generation)
{
	return sets->slots[set_slot(sets, tgid, generation)];
}

void lsp_mapsets_used(struct lsp_mapsets *sets, struct lsp_mapset *set)
{
	set->used = ++sets->requests;
}

void lsp_mapsets_changed(struct lsp_mapsets *sets, struct lsp_mapset *set)
{
	if (set->walker_free)
		set->walker_free(set->walker);
	set->walker = NULL;
	set->walker_free = NULL;
	set->serial = ++sets->serial;
}

/* ---- bounds ---- */

/* Empties a slot and closes the gap, so that a search finds what lies behind it. */
static void slot_remove(struct lsp_mapsets *sets, size_t hole)
{
	size_t i = hole;

	sets->slots[hole] = NULL;
	for (;;) {
		struct lsp_mapset *s;

		i = (i + 1) % SETS_SLOTS;
		s = sets->slots[i];
		if (!s)
			return;
		sets->slots[i] = NULL;
		sets->slots[set_slot(sets, s->tgid, s->generation)] = s;
	}
}

/*
 * Returns the slot of the least recently used set with at least @min mappings. A set that can be
 * derived again comes before all others. SETS_SLOTS: there is none.
 */
static size_t oldest_find(const struct lsp_mapsets *sets, size_t min, const struct lsp_mapset *but)
{
	const struct lsp_mapset *oldest = NULL;
	size_t i, slot = SETS_SLOTS;

	for (i = 0; i < SETS_SLOTS; i++) {
		const struct lsp_mapset *s = sets->slots[i];

		if (!s || s == but || s->weight < min)
			continue;
		if (oldest && (s->derived != oldest->derived ? oldest->derived : oldest->used < s->used))
			continue;
		oldest = s;
		slot = i;
	}
	return slot;
}

static void evict(struct lsp_mapsets *sets, size_t slot)
{
	sets->weight -= sets->slots[slot]->weight;
	lsp_mapset_destroy(sets->slots[slot]);
	slot_remove(sets, slot);
	sets->n--;
}

/* A set that can be derived again keeps only its change. */
static void give_up(struct lsp_mapsets *sets, size_t slot)
{
	struct lsp_mapset *set = sets->slots[slot];

	if (!set->derived) {
		evict(sets, slot);
		return;
	}
	sets->weight -= set->weight;
	set->weight = 0;
	set->derived = false;
	lsp_mapset_clear(set);
	free(set->maps);
	set->maps = NULL;
	set->room = 0;
	lsp_mapsets_changed(sets, set);
}

void lsp_mapsets_weigh(struct lsp_mapsets *sets, struct lsp_mapset *set)
{
	size_t slot;

	sets->weight += set->n - set->weight;
	set->weight = set->n;
	while (sets->weight > WEIGHT_MAX) {
		slot = oldest_find(sets, 1, set);
		if (slot == SETS_SLOTS)
			return;
		give_up(sets, slot);
	}
}

struct lsp_mapset *lsp_mapsets_at(struct lsp_mapsets *sets, uint32_t tgid, uint32_t generation)
{
	size_t slot = set_slot(sets, tgid, generation);
	struct lsp_mapset *set = sets->slots[slot];

	if (!set) {
		if (sets->n == SETS_MAX) {
			evict(sets, oldest_find(sets, 0, NULL));
			slot = set_slot(sets, tgid, generation);
		}
		set = calloc(1, sizeof(*set));
		if (!set)
			return NULL;
		set->tgid = tgid;
		set->generation = generation;
		sets->slots[slot] = set;
		sets->n++;
		lsp_mapsets_changed(sets, set);
	}
	lsp_mapsets_used(sets, set);
	return set;
}

/* ---- sets of which only the changes are told ---- */

int lsp_mapsets_follow(struct lsp_mapsets *sets, const struct lsp_mapset *set)
{
	struct lsp_mapset *base = lsp_mapsets_at(sets, set->base_tgid, set->base);

	if (!base)
		return -ENOMEM;
	base->next = set->generation;
	return 0;
}

/* Changes may arrive in any order, so this is tried when the set is asked for. */
static bool derive_forwards(struct lsp_mapsets *sets, struct lsp_mapset *set)
{
	struct lsp_mapset *way[CHANGES_MAX], *from = set;
	size_t n = 0;
	int err;

	while (from && !from->whole) {
		if (!from->remapped || n == CHANGES_MAX)
			return false;
		way[n++] = from;
		if (!from->base)
			break;
		from = lsp_mapsets_of(sets, from->base_tgid, from->base);
	}
	if (!from)
		return false;
	lsp_mapset_clear(set);
	if (from->whole)
		lsp_mapset_sort(from);
	err = from->whole ? lsp_mapset_copy(set, from) : 0;
	lsp_mapset_sort(set);
	while (n-- && !err)
		err = lsp_mapset_lay(set, &way[n]->change);
	return !err;
}

/*
 * A complete set also tells of the generations before it: what did not change was the same then.
 * What the changes hid is not known, and code there has no names.
 */
static bool derive_backwards(struct lsp_mapsets *sets, struct lsp_mapset *set)
{
	struct lsp_mapset *way[CHANGES_MAX], *from = set;
	size_t n = 0;
	int err;

	/* A set whose own mappings are arriving is left alone. */
	if (!set->remapped && set->n)
		return false;
	do {
		from = from->next ? lsp_mapsets_of(sets, set->tgid, from->next) : NULL;
		if (!from || !from->remapped || n == CHANGES_MAX)
			return false;
		way[n++] = from;
	} while (!from->whole);
	lsp_mapset_sort(from);
	lsp_mapset_clear(set);
	err = lsp_mapset_copy(set, from);
	lsp_mapset_sort(set);
	while (n-- && !err)
		err = lsp_mapset_cut(set, way[n]->change.start, way[n]->change.end);
	if (!err && set->remapped)
		err = lsp_mapset_lay(set, &set->change);
	return !err;
}

bool lsp_mapset_derive(struct lsp_mapsets *sets, struct lsp_mapset *set)
{
	set->derived = (set->remapped && derive_forwards(sets, set)) || derive_backwards(sets, set);
	return set->derived;
}
