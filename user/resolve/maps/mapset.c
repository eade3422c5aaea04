/* SPDX-License-Identifier: GPL-2.0-only */
/* A sorted array of mappings, looked into by bisection, and what is known of stacks beside it. */
#include "mapset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's own default limit is 65530 a process. */
#define MAPS_MAX 131072

#define STACKS_MAX 4096

/* Stack windows closer together than this belong to one stack. */
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

int lsp_mapset_push(struct lsp_mapset *set, const struct lsp_map *map)
{
	if (set->n == MAPS_MAX)
		return -E2BIG;
	if (set->n == set->room) {
		size_t room = set->room ? 2 * set->room : 32;
		struct lsp_map *maps = realloc(set->maps, room * sizeof(*maps));

		if (!maps)
			return -ENOMEM;
		set->maps = maps;
		set->room = room;
	}
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

static bool overlaps(const struct lsp_map *sorted, size_t n, const struct lsp_map *map)
{
	size_t lo = 0, hi = n;

	/* the first that ends behind the start of @map */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (sorted[mid].end <= map->start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && sorted[lo].start < map->end;
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

/* The same file once more. */
static int push_copy(struct lsp_mapset *set, const struct lsp_map *map)
{
	int err = lsp_mapset_push(set, map);

	if (!err && map->elf)
		map->elf->refs++;
	return err;
}

int lsp_mapset_copy(struct lsp_mapset *set, const struct lsp_mapset *from)
{
	int err = 0;

	for (size_t i = 0; i < from->n && !err; i++)
		err = push_copy(set, &from->maps[i]);
	return err;
}

int lsp_mapset_cut(struct lsp_mapset *set, uint64_t start, uint64_t end)
{
	size_t n = set->n, kept = 0;
	struct lsp_map rest;
	bool split = false;
	int err;

	for (size_t i = 0; i < n; i++) {
		struct lsp_map map = set->maps[i];

		if (map.start < start && map.end > end) {
			rest = map;
			rest.offset += end - map.start;
			rest.start = end;
			split = true;
		}
		if (map.start < start && map.end > start) {
			map.end = start;
		} else if (map.start < end && map.end > end) {
			map.offset += end - map.start;
			map.start = end;
		} else if (map.start >= start && map.end <= end) {
			lsp_elf_put(map.elf);
			continue;
		}
		set->maps[kept++] = map;
	}
	set->n = kept;
	err = split ? push_copy(set, &rest) : 0;
	lsp_mapset_sort(set);
	return err;
}

int lsp_mapset_lay(struct lsp_mapset *set, const struct lsp_map *map)
{
	int err;

	if (map->start >= map->end)
		return 0;
	err = lsp_mapset_cut(set, map->start, map->end);
	if (!err)
		err = push_copy(set, map);
	lsp_mapset_sort(set);
	return err;
}

struct lsp_map *lsp_mapset_lookup(struct lsp_mapset *set, uint64_t addr)
{
	size_t lo = 0, hi = set->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (set->maps[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < set->n && set->maps[lo].start <= addr ? &set->maps[lo] : NULL;
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

/* Index of the first range that ends behind @addr. */
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
	if (!(set->nstacks & (set->nstacks - 1))) {
		s = realloc(set->stacks, (set->nstacks ? 2 * set->nstacks : 1) * sizeof(*s));
		if (!s)
			return;
		set->stacks = s;
	}
	memmove(&set->stacks[i + 1], &set->stacks[i], (set->nstacks - i) * sizeof(*s));
	set->stacks[i] = (struct lsp_map_stack){ start, end };
	set->nstacks++;
}

bool lsp_mapset_stack_has(const struct lsp_mapset *set, uint64_t addr)
{
	size_t i = stack_first(set, addr);

	return i < set->nstacks && set->stacks[i].start <= addr;
}
