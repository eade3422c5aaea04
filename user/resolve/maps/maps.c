/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of mappings by (process, generation). A set is built from records or
 * from text, sorted when it is first looked into, and dropped when it is the
 * one least recently used of too many. What frames keep of it (objects, paths)
 * is kept apart and lives on.
 */
#include "maps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/maptext.h"
#include "../../base/arena.h"

/* Some 30 mappings of 100 bytes each: 25 MB when full. */
#define SETS_MAX 8192
#define SETS_SLOTS (4 * SETS_MAX)
/* Changes between a set and a whole one that it is made of. */
#define CHANGES_MAX 1024

struct object_slot {
	uint64_t hash;
	struct lsp_object *object;
};

struct lsp_maps {
	struct lsp_elf_cache *elves;
	struct lsp_arena text;
	struct lsp_mapset **slots;	/* open addressing by (tgid, generation) */
	size_t nsets;
	uint64_t requests;
	uint32_t serial;
	struct object_slot *objects;
	size_t nobjects;
	size_t objects_room;
};

int lsp_maps_create(struct lsp_elf_cache *elves, struct lsp_maps **ret)
{
	struct lsp_maps *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->slots = calloc(SETS_SLOTS, sizeof(*m->slots));
	if (!m->slots) {
		free(m);
		return -ENOMEM;
	}
	m->elves = elves;
	*ret = m;
	return 0;
}

/* ---- sets ---- */

/* Forgets what was derived from the mappings. */
static void set_changed(struct lsp_maps *m, struct lsp_mapset *set)
{
	if (set->walker_free)
		set->walker_free(set->walker);
	set->walker = NULL;
	set->walker_free = NULL;
	set->serial = ++m->serial;
}

void lsp_maps_destroy(struct lsp_maps *m)
{
	size_t i;

	if (!m)
		return;
	for (i = 0; i < SETS_SLOTS; i++)
		lsp_mapset_destroy(m->slots[i]);
	lsp_arena_uninit(&m->text);
	free(m->objects);
	free(m->slots);
	free(m);
}

static size_t set_home(uint32_t tgid, uint32_t generation)
{
	uint64_t key = (uint64_t)tgid << 32 | generation;

	return (size_t)((key * 0x9e3779b97f4a7c15ULL) >> 32) % SETS_SLOTS;
}

static size_t set_slot(const struct lsp_maps *m, uint32_t tgid, uint32_t generation)
{
	size_t i = set_home(tgid, generation);

	while (m->slots[i] && (m->slots[i]->tgid != tgid || m->slots[i]->generation != generation))
		i = (i + 1) % SETS_SLOTS;
	return i;
}

/* Empties a slot and closes the gap, so that probing finds what lies behind it. */
static void slot_remove(struct lsp_maps *m, size_t hole)
{
	size_t i = hole;

	m->slots[hole] = NULL;
	for (;;) {
		struct lsp_mapset *s;

		i = (i + 1) % SETS_SLOTS;
		s = m->slots[i];
		if (!s)
			return;
		m->slots[i] = NULL;
		m->slots[set_slot(m, s->tgid, s->generation)] = s;
	}
}

static void evict(struct lsp_maps *m)
{
	size_t i, oldest = SETS_SLOTS;

	for (i = 0; i < SETS_SLOTS; i++)
		if (m->slots[i] && (oldest == SETS_SLOTS ||
				    m->slots[i]->used < m->slots[oldest]->used))
			oldest = i;
	lsp_mapset_destroy(m->slots[oldest]);
	slot_remove(m, oldest);
	m->nsets--;
}

static struct lsp_mapset *set_at(struct lsp_maps *m, uint32_t tgid, uint32_t generation)
{
	size_t slot = set_slot(m, tgid, generation);
	struct lsp_mapset *set = m->slots[slot];

	if (!set) {
		if (m->nsets == SETS_MAX) {
			evict(m);
			slot = set_slot(m, tgid, generation);
		}
		set = calloc(1, sizeof(*set));
		if (!set)
			return NULL;
		set->tgid = tgid;
		set->generation = generation;
		m->slots[slot] = set;
		m->nsets++;
		set_changed(m, set);
	}
	set->used = ++m->requests;
	return set;
}

static struct lsp_elf *elf_open(struct lsp_maps *m, const struct lsp_mapset *set,
				const struct lsp_map *map, bool quiet)
{
	struct lsp_elf_origin origin = {
		.path = map->path, .tgid = set->tgid,
		.start = map->start, .end = map->end, .offset = map->offset,
		.dev_major = map->dev_major, .dev_minor = map->dev_minor, .ino = map->ino,
		.quiet = quiet,
	};
	struct lsp_elf *elf;

	return lsp_elf_get(m->elves, &origin, &elf) ? NULL : elf;
}

static void elf_attach(struct lsp_map *map, struct lsp_elf *elf)
{
	map->elf_tried = true;
	if (elf && !lsp_elf_bias(elf, map->start, map->offset, &map->bias)) {
		lsp_elf_put(elf);
		elf = NULL;
	}
	map->elf = elf;
}

/*
 * Opens the code's files while the process still lives, so that they are found
 * when it and they are gone. What fails now is tried again, and complained of,
 * when a frame needs it.
 */
static void set_complete(struct lsp_maps *m, struct lsp_mapset *set)
{
	size_t i;

	set_changed(m, set);
	lsp_mapset_sort(set);
	set->whole = true;
	for (i = 0; i < set->n; i++) {
		struct lsp_map *map = &set->maps[i];
		struct lsp_elf *elf;

		if (!map->exec || map->elf_tried || !*map->path)
			continue;
		elf = elf_open(m, set, map, true);
		if (elf)
			elf_attach(map, elf);
	}
}

/* ---- sets of which only the changes are told ---- */

static struct lsp_mapset *set_of(const struct lsp_maps *m, uint32_t tgid, uint32_t generation)
{
	return m->slots[set_slot(m, tgid, generation)];
}

/*
 * Makes @set out of the nearest whole one that it came of, by the changes between them. They may be
 * told in any order, so this is tried when the set is asked for.
 */
static void set_derive(struct lsp_maps *m, struct lsp_mapset *set)
{
	struct lsp_mapset *way[CHANGES_MAX], *from = set;
	size_t n = 0;
	int err;

	while (from && !from->whole) {
		if (!from->remapped || n == CHANGES_MAX)
			return;
		way[n++] = from;
		if (!from->base)
			break;
		from = set_of(m, from->base_tgid, from->base);
	}
	if (!from)
		return;
	lsp_mapset_clear(set);
	if (from->whole)
		lsp_mapset_sort(from);
	err = from->whole ? lsp_mapset_copy(set, from) : 0;
	lsp_mapset_sort(set);
	while (n-- && !err)
		err = lsp_mapset_lay(set, &way[n]->change);
	if (!err)
		set_complete(m, set);
}

/*
 * A whole set tells of those that led to it too: what did not change had been the same. What the
 * changes hid is not known; code there has no names.
 */
static int set_derive_back(struct lsp_maps *m, struct lsp_mapset *set)
{
	struct lsp_mapset *before;
	int err = 0;

	for (size_t n = 0; n < CHANGES_MAX && !err; n++) {
		if (!set->remapped || !set->base || set->base_tgid != set->tgid)
			return 0;
		before = set_at(m, set->base_tgid, set->base);
		if (!before)
			return -ENOMEM;
		if (before->whole)
			return 0;
		lsp_mapset_clear(before);
		err = lsp_mapset_copy(before, set);
		lsp_mapset_sort(before);
		if (!err)
			err = lsp_mapset_cut(before, set->change.start, set->change.end);
		if (!err && before->remapped)
			err = lsp_mapset_lay(before, &before->change);
		set_complete(m, before);
		set = before;
	}
	return err;
}

/* A whole set begins: what the changes have told stays, where it does not contradict. */
static void set_begin(struct lsp_maps *m, struct lsp_mapset *set)
{
	if (set->remapped && !set->whole)
		set_derive(m, set);
	if (set->remapped && !set->whole && set->change.start < set->change.end)
		lsp_mapset_lay(set, &set->change);
	if (set->remapped && !set->old) {
		set->old = set->maps;
		set->nold = set->n;
		set->maps = NULL;
		set->n = set->room = 0;
	}
	lsp_mapset_clear(set);
	set_changed(m, set);
}

static int set_end(struct lsp_maps *m, struct lsp_mapset *set)
{
	int err = lsp_mapset_keep_old(set, set->old, set->nold);

	free(set->old);
	set->old = NULL;
	set->nold = 0;
	set_complete(m, set);
	return err ? err : set_derive_back(m, set);
}

int lsp_maps_remap(struct lsp_maps *m, const struct lockspan_remap *rec, const char *path)
{
	struct lsp_mapset *set = set_at(m, rec->map.tgid, rec->map.generation);
	struct lsp_map map = {
		.start = rec->map.start, .end = rec->map.end, .offset = rec->map.offset,
		.ino = rec->map.ino, .dev_major = rec->map.dev_major, .dev_minor = rec->map.dev_minor,
		.exec = true, .write = rec->map.rec.flags & LOCKSPAN_MAP_WRITE,
	};
	struct lsp_elf *elf;

	if (!set)
		return -ENOMEM;
	if (set->remapped || map.start > map.end || map.offset > UINT64_MAX - (map.end - map.start))
		return 0;
	map.path = lsp_arena_intern(&m->text, path);
	if (!map.path)
		return -ENOMEM;
	/* While the process lives, as in set_complete(). */
	elf = *map.path && map.start < map.end ? elf_open(m, set, &map, true) : NULL;
	if (elf)
		elf_attach(&map, elf);
	set->change = map;
	set->base = rec->base;
	set->base_tgid = rec->base_tgid;
	set->remapped = true;
	return 0;
}

int lsp_maps_add(struct lsp_maps *m, const struct lockspan_map *rec, const char *path)
{
	struct lsp_mapset *set = set_at(m, rec->tgid, rec->generation);
	struct lsp_map map = {
		.start = rec->start, .end = rec->end, .offset = rec->offset, .ino = rec->ino,
		.dev_major = rec->dev_major, .dev_minor = rec->dev_minor,
		.exec = !(rec->rec.flags & LOCKSPAN_MAP_DATA),
		.write = rec->rec.flags & LOCKSPAN_MAP_WRITE,
	};
	int err = 0;

	if (!set)
		return -ENOMEM;
	if (rec->rec.flags & LOCKSPAN_MAP_FIRST)
		set_begin(m, set);
	if (!(rec->rec.flags & LOCKSPAN_MAP_GONE) && map.start < map.end &&
	    map.offset <= UINT64_MAX - (map.end - map.start)) {
		map.path = lsp_arena_intern(&m->text, path);
		err = map.path ? lsp_mapset_push(set, &map) : -ENOMEM;
		if (!err)
			set_changed(m, set);
	}
	if (rec->rec.flags & LOCKSPAN_MAP_LAST && !err)
		err = set_end(m, set);
	return err;
}

static const char *path_intern(struct lsp_maps *m, const struct lsp_maptext *line)
{
	char path[4096 + 32];
	size_t n = line->path_len < sizeof(path) ? line->path_len : sizeof(path) - 1;

	memcpy(path, line->path, n);
	path[n] = '\0';
	return lsp_arena_intern(&m->text, path);
}

int lsp_maps_add_text(struct lsp_maps *m, uint32_t tgid, uint32_t generation,
		      const char *text, size_t bytes)
{
	struct lsp_mapset *set = set_at(m, tgid, generation);
	struct lsp_map *old;
	struct lsp_maptext line;
	const char *at = text;
	size_t nold;
	int err = 0;

	if (!set)
		return -ENOMEM;
	lsp_mapset_sort(set);
	old = set->maps;
	nold = set->n;
	set->maps = NULL;
	set->n = set->room = 0;
	while (!err && lsp_maptext_next(&at, text + bytes, &line)) {
		struct lsp_map map = {
			.start = line.start, .end = line.end, .offset = line.offset,
			.ino = line.ino, .dev_major = line.dev_major, .dev_minor = line.dev_minor,
			.exec = line.exec, .write = line.write,
		};

		/* anonymous data says nothing */
		if (!line.exec && !line.path_len)
			continue;
		map.path = path_intern(m, &line);
		err = map.path ? lsp_mapset_push(set, &map) : -ENOMEM;
	}
	if (!err)
		err = lsp_mapset_keep_old(set, old, nold);
	free(old);
	set_complete(m, set);
	return err;
}

/* What was written to since it was opened tells nothing more, of names and of how to unwind. */
static void set_refresh(struct lsp_maps *m, struct lsp_mapset *set)
{
	bool changed = false;

	for (size_t i = 0; i < set->n; i++) {
		struct lsp_map *map = &set->maps[i];

		if (!map->elf || lsp_elf_is_fresh(map->elf))
			continue;
		lsp_elf_put(map->elf);
		map->elf = NULL;
		map->object = NULL;
		changed = true;
	}
	if (changed)
		set_changed(m, set);
}

struct lsp_mapset *lsp_maps_find(struct lsp_maps *m, uint32_t tgid, uint32_t generation)
{
	struct lsp_mapset *set = set_of(m, tgid, generation);

	if (set && set->remapped && !set->whole && !set->old)
		set_derive(m, set);
	if (set) {
		set->used = ++m->requests;
		lsp_mapset_sort(set);
		set_refresh(m, set);
	}
	return set;
}

bool lsp_maps_whole(struct lsp_maps *m, uint32_t tgid, uint32_t generation)
{
	struct lsp_mapset *set = set_of(m, tgid, generation);

	if (set && set->remapped && !set->whole && !set->old)
		set_derive(m, set);
	return set && set->whole;
}

/* ---- one mapping ---- */

struct lsp_elf *lsp_map_elf(struct lsp_maps *m, const struct lsp_mapset *set, struct lsp_map *map)
{
	if (!map->elf_tried)
		elf_attach(map, *map->path ? elf_open(m, set, map, false) : NULL);
	return map->elf;
}

static uint64_t object_hash(const struct lsp_object *o)
{
	uint64_t h = (uintptr_t)o->path;

	h = (h ^ o->start) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ h >> 29 ^ o->offset) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ h >> 29 ^ o->end) * 0x9e3779b97f4a7c15ULL;
	return (h ^ h >> 29) | 1;
}

static size_t object_slot(const struct object_slot *slots, size_t room, uint64_t hash,
			  const struct lsp_object *o)
{
	size_t i = hash & (room - 1);

	while (slots[i].object) {
		const struct lsp_object *x = slots[i].object;

		if (o && slots[i].hash == hash && x->path == o->path && x->start == o->start &&
		    x->end == o->end && x->offset == o->offset && x->build_id == o->build_id)
			break;
		i = (i + 1) & (room - 1);
	}
	return i;
}

static int objects_grow(struct lsp_maps *m)
{
	size_t room = m->objects_room ? 2 * m->objects_room : 64, i;
	struct object_slot *slots = calloc(room, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (i = 0; i < m->objects_room; i++)
		if (m->objects[i].object)
			slots[object_slot(slots, room, m->objects[i].hash, NULL)] = m->objects[i];
	free(m->objects);
	m->objects = slots;
	m->objects_room = room;
	return 0;
}

/* One object for all processes that have the same file at the same place. */
const struct lsp_object *lsp_map_object(struct lsp_maps *m, const struct lsp_mapset *set,
					struct lsp_map *map)
{
	struct lsp_elf *elf;
	struct lsp_object o, *copy;
	uint64_t hash;
	size_t slot;
	uint32_t type;
	Elf *symbols;

	if (map->object)
		return map->object;
	elf = lsp_map_elf(m, set, map);
	o = (struct lsp_object){
		.path = *map->path ? map->path : "//anon",
		.build_id = lsp_arena_intern(&m->text, elf ? elf->build_id : ""),
		.start = map->start, .end = map->end, .offset = map->offset,
		.symbolised = elf && !lsp_elf_symtab_elf(elf, &symbols, &type),
	};
	if (!o.build_id || (2 * m->nobjects >= m->objects_room && objects_grow(m)))
		return NULL;
	hash = object_hash(&o);
	slot = object_slot(m->objects, m->objects_room, hash, &o);
	if (!m->objects[slot].object) {
		copy = lsp_arena_alloc(&m->text, sizeof(*copy));
		if (!copy)
			return NULL;
		*copy = o;
		m->objects[slot] = (struct object_slot){ hash, copy };
		m->nobjects++;
	}
	map->object = m->objects[slot].object;
	return map->object;
}

struct lsp_map *lsp_maps_static(struct lsp_maps *m, struct lsp_mapset *set, uint64_t addr,
				  uint64_t *vaddr)
{
	size_t i, j;

	for (i = 0; i < set->n; i++) {
		struct lsp_map *map = &set->maps[i];
		struct lsp_elf *elf;

		/* code tells where the file lies; its data are within 4 GiB of it */
		if (!map->exec || !*map->path || addr - map->start + (1ULL << 32) > 1ULL << 33)
			continue;
		elf = lsp_map_elf(m, set, map);
		if (!elf)
			continue;
		*vaddr = addr - map->bias;
		for (j = 0; j < elf->nloads; j++)
			if (*vaddr >= elf->loads[j].vaddr &&
			    *vaddr - elf->loads[j].vaddr < elf->loads[j].memsz)
				return map;
	}
	return NULL;
}
