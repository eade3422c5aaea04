/* SPDX-License-Identifier: GPL-2.0-only */
/* A sorted array of mappings, searched by bisection, and the stacks that were seen. */
#include "mapset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/index.h"

/* The kernel's own default limit is 65530 a process. */
#define MAPS_MAX 131072

#define STACKS_MAX 4096

/* Windows of stacks that are closer together than this count as one stack. */
#define STACK_GAP_BYTES 65536

void lsp_mapset_clear(struct lsp_mapset *set)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		lsp_elf_put(set->maps[i].elf);
	set->n = 0;
	set->whole = false;
}

void lsp_mapset_destroy(struct lsp_mapset *set)
{
	if (!set)
		return;
	if (set->walker_free)
		set->walker_free(set->walker);
	lsp_mapset_clear(set);
	for (size_t i = 0; i < set->nold; i++)
		lsp_elf_put(set->old[i].elf);
	free(set->old);
	lsp_elf_put(set->change.elf);
	free(set->maps);
	free(set->stacks);
	free(set);
}

/* Makes room for @n mappings. If @set has outgrown its first room, doubles the room. */
static int room_make(struct lsp_mapset *set, size_t n)
{
	size_t room = set->room ? set->room : n + 8;
	struct lsp_map *maps;

	if (n > MAPS_MAX)
		return -E2BIG;
	if (n <= set->room)
		return 0;
	while (room < n)
		room *= 2;
	maps = realloc(set->maps, room * sizeof(*maps));
	if (!maps)
		return -ENOMEM;
	set->maps = maps;
	set->room = room;
	return 0;
}

int lsp_mapset_push(struct lsp_mapset *set, const struct lsp_map *map)
{
	int err = room_make(set, set->n + 1);

	if (err)
		return err;
	set->maps[set->n++] = *map;
	set->sorted = false;
	return 0;
}

static int map_compare(const void *a, const void *b)
{
	const struct lsp_map *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

void lsp_mapset_sort(struct lsp_mapset *set)
{
	size_t i, kept = 0;
	uint64_t end = 0;

	if (set->sorted)
		return;
	if (set->n)
		qsort(set->maps, set->n, sizeof(*set->maps), map_compare);
	for (i = 0; i < set->n; i++) {
		struct lsp_map *map = &set->maps[i];

		if (map->start < end) {
			lsp_elf_put(map->elf);
			continue;
		}
		end = map->end;
		set->maps[kept++] = *map;
	}
	set->n = kept;
	set->sorted = true;
}

/* The first of @n sorted mappings that ends behind @addr. */
static size_t first_behind(const struct lsp_map *sorted, size_t n, uint64_t addr)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (sorted[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool overlaps(const struct lsp_map *sorted, size_t n, const struct lsp_map *map)
{
	size_t i = first_behind(sorted, n, map->start);

	return i < n && sorted[i].start < map->end;
}

int lsp_mapset_keep_old(struct lsp_mapset *set, const struct lsp_map *old, size_t n)
{
	size_t i, nnew;
	int err = 0;

	lsp_mapset_sort(set);
	nnew = set->n;
	for (i = 0; i < n; i++)
		if (err || overlaps(set->maps, nnew, &old[i]))
			lsp_elf_put(old[i].elf);
		else
			err = lsp_mapset_push(set, &old[i]);
	return err;
}

int lsp_mapset_copy(struct lsp_mapset *set, const struct lsp_mapset *from)
{
	int err = room_make(set, from->n);

	if (err)
		return err;
	for (size_t i = 0; i < from->n; i++) {
		set->maps[i] = from->maps[i];
		if (set->maps[i].elf)
			set->maps[i].elf->refs++;
	}
	set->n = from->n;
	set->sorted = from->sorted;
	return 0;
}

struct lsp_map *lsp_mapset_lookup(struct lsp_mapset *set, uint64_t addr)
{
	size_t i = first_behind(set->maps, set->n, addr);

	return i < set->n && set->maps[i].start <= addr ? &set->maps[i] : NULL;
}

/* Puts @map before the one that stands at @at. */
static int insert(struct lsp_mapset *set, size_t at, const struct lsp_map *map)
{
	int err = room_make(set, set->n + 1);

	if (err)
		return err;
	memmove(&set->maps[at + 1], &set->maps[at], (set->n - at) * sizeof(*set->maps));
	set->maps[at] = *map;
	set->n++;
	if (map->elf)
		map->elf->refs++;
	return 0;
}

static void move_start(struct lsp_map *map, uint64_t start)
{
	map->offset += start - map->start;
	map->start = start;
}

int lsp_mapset_cut(struct lsp_mapset *set, uint64_t start, uint64_t end)
{
	struct lsp_map before;
	size_t at, to;
	int err;

	lsp_mapset_sort(set);
	at = first_behind(set->maps, set->n, start);
	if (start >= end || at == set->n)
		return 0;
	if (set->maps[at].start < start) {
		/* What lies before the cut stays, as a mapping of its own. */
		before = set->maps[at];
		before.end = start;
		err = insert(set, at++, &before);
		if (err)
			return err;
		move_start(&set->maps[at], start);
	}
	for (to = at; to < set->n && set->maps[to].end <= end; to++)
		lsp_elf_put(set->maps[to].elf);
	memmove(&set->maps[at], &set->maps[to], (set->n - to) * sizeof(*set->maps));
	set->n -= to - at;
	if (at < set->n && set->maps[at].start < end)
		move_start(&set->maps[at], end);
	return 0;
}

int lsp_mapset_lay(struct lsp_mapset *set, const struct lsp_map *map)
{
	struct lsp_map *same;
	int err;

	if (map->start >= map->end)
		return 0;
	lsp_mapset_sort(set);
	same = lsp_mapset_lookup(set, map->start);
	if (same && same->start == map->start && same->end == map->end) {
		lsp_elf_put(same->elf);
		*same = *map;
		if (map->elf)
			map->elf->refs++;
		return 0;
	}
	err = lsp_mapset_cut(set, map->start, map->end);
	return err ? err : insert(set, first_behind(set->maps, set->n, map->start), map);
}

struct lsp_map *lsp_mapset_main(struct lsp_mapset *set)
{
	size_t i;

	/* the kernel puts libraries and itself above the program, wherever it is */
	for (i = 0; i < set->n; i++)
		if (set->maps[i].exec && set->maps[i].path[0] == '/')
			return &set->maps[i];
	return NULL;
}

/* ---- stacks ---- */

/* Returns the index of the first range that ends behind @addr. */
static size_t stack_first(const struct lsp_mapset *set, uint64_t addr)
{
	size_t lo = 0, hi = set->nstacks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (set->stacks[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void lsp_mapset_stack_add(struct lsp_mapset *set, uint64_t start, uint64_t end)
{
	uint64_t near = start > STACK_GAP_BYTES ? start - STACK_GAP_BYTES : 0;
	size_t i = stack_first(set, near);
	struct lsp_map_stack *s;

	if (start >= end)
		return;
	if (i < set->nstacks && set->stacks[i].start < end) {
		s = &set->stacks[i];
		s->start = start < s->start ? start : s->start;
		s->end = end > s->end ? end : s->end;
		if (i + 1 < set->nstacks && set->stacks[i + 1].start < s->end)
			s->end = set->stacks[i + 1].start;
		return;
	}
	if (set->nstacks == STACKS_MAX)
		return;
	if (lsp_array_grow(&set->stacks, &set->stacks_room, set->nstacks, sizeof(*set->stacks)))
		return;
	memmove(&set->stacks[i + 1], &set->stacks[i], (set->nstacks - i) * sizeof(*s));
	set->stacks[i] = (struct lsp_map_stack){ start, end };
	set->nstacks++;
}

bool lsp_mapset_stack_has(const struct lsp_mapset *set, uint64_t addr)
{
	size_t i = stack_first(set, addr);

	return i < set->nstacks && set->stacks[i].start <= addr;
}
