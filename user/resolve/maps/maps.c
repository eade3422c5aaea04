/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of mappings by (process, generation). A set is built from records or from text, and sorted
 * when something is first looked up in it. What frames refer to (objects, paths) is kept apart from
 * it, and lives on when the set is dropped.
 */
#include "maps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/maptext.h"
#include "../../base/intern.h"
#include "../elf/debugfile.h"
#include "mapsets.h"

struct object_slot {
	uint64_t hash;
	struct lsp_object *object;
};

struct lsp_maps {
	struct lsp_elf_cache *elves;
	struct lsp_intern text;
	struct lsp_mapsets sets;
	struct object_slot *objects;
	size_t nobjects;
	size_t objects_room;
};

int lsp_maps_create(struct lsp_elf_cache *elves, struct lsp_maps **ret)
{
	struct lsp_maps *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	if (lsp_mapsets_init(&m->sets)) {
		free(m);
		return -ENOMEM;
	}
	m->elves = elves;
	*ret = m;
	return 0;
}

void lsp_maps_destroy(struct lsp_maps *m)
{
	if (!m)
		return;
	lsp_mapsets_uninit(&m->sets);
	lsp_intern_uninit(&m->text);
	free(m->objects);
	free(m);
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
 * Opens the files of executable mappings while the process still lives. Later the process, and with
 * it the way to the file, may be gone. What fails now is tried again when a frame needs it, and
 * warned of only then.
 */
static void set_complete(struct lsp_maps *m, struct lsp_mapset *set)
{
	size_t i;

	lsp_mapsets_changed(&m->sets, set);
	lsp_mapset_sort(set);
	set->whole = true;
	lsp_mapsets_weigh(&m->sets, set);
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

/* Makes @set whole out of what is known of its neighbours, if that is possible. */
static void set_derive(struct lsp_maps *m, struct lsp_mapset *set)
{
	if (!set->whole && !set->old && lsp_mapset_derive(&m->sets, set))
		set_complete(m, set);
}

/*
 * A whole set begins. The changes that were reported before stay, as far as it does not contradict
 * them.
 */
static void set_begin(struct lsp_maps *m, struct lsp_mapset *set)
{
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
	lsp_mapsets_changed(&m->sets, set);
}

static int set_end(struct lsp_maps *m, struct lsp_mapset *set)
{
	int err = lsp_mapset_keep_old(set, set->old, set->nold);

	free(set->old);
	set->old = NULL;
	set->nold = 0;
	set_complete(m, set);
	return err;
}

int lsp_maps_remap(struct lsp_maps *m, const struct lockspan_remap *rec, const char *path)
{
	struct lsp_mapset *set = lsp_mapsets_at(&m->sets, rec->map.tgid, rec->map.generation);
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
	map.path = lsp_intern_string(&m->text, path);
	if (!map.path)
		return -ENOMEM;
	/* This is done while the process lives, as in set_complete(). */
	elf = *map.path && map.start < map.end ? elf_open(m, set, &map, true) : NULL;
	if (elf)
		elf_attach(&map, elf);
	set->change = map;
	set->base = rec->base;
	set->base_tgid = rec->base_tgid;
	set->remapped = true;
	return set->base && set->base_tgid == set->tgid ? lsp_mapsets_follow(&m->sets, set) : 0;
}

int lsp_maps_add(struct lsp_maps *m, const struct lockspan_map *rec, const char *path)
{
	struct lsp_mapset *set = lsp_mapsets_at(&m->sets, rec->tgid, rec->generation);
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
		map.path = lsp_intern_string(&m->text, path);
		err = map.path ? lsp_mapset_push(set, &map) : -ENOMEM;
		if (!err)
			lsp_mapsets_changed(&m->sets, set);
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
	return lsp_intern_string(&m->text, path);
}

int lsp_maps_add_text(struct lsp_maps *m, uint32_t tgid, uint32_t generation,
		      const char *text, size_t bytes)
{
	struct lsp_mapset *set = lsp_mapsets_at(&m->sets, tgid, generation);
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

/*
 * A file that was written to since it was opened is used no more, neither for names nor for
 * unwinding.
 */
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
		lsp_mapsets_changed(&m->sets, set);
}

struct lsp_mapset *lsp_maps_find(struct lsp_maps *m, uint32_t tgid, uint32_t generation)
{
	struct lsp_mapset *set = lsp_mapsets_of(&m->sets, tgid, generation);

	if (set)
		set_derive(m, set);
	if (set && !set->n && !set->remapped && !set->whole)
		return NULL;	/* only the fact that another generation follows is known */
	if (set) {
		lsp_mapsets_used(&m->sets, set);
		lsp_mapset_sort(set);
		set_refresh(m, set);
	}
	return set;
}

bool lsp_maps_whole(struct lsp_maps *m, uint32_t tgid, uint32_t generation)
{
	struct lsp_mapset *set = lsp_mapsets_of(&m->sets, tgid, generation);

	if (set)
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

/* Returns the one object for all processes that have the same file at the same place. */
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
		.build_id = lsp_intern_string(&m->text, elf ? elf->build_id : ""),
		.start = map->start, .end = map->end, .offset = map->offset,
		.symbolised = elf && !lsp_elf_symtab_elf(elf, &symbols, &type),
	};
	if (!o.build_id || (2 * m->nobjects >= m->objects_room && objects_grow(m)))
		return NULL;
	hash = object_hash(&o);
	slot = object_slot(m->objects, m->objects_room, hash, &o);
	if (!m->objects[slot].object) {
		copy = lsp_arena_alloc(&m->text.arena, sizeof(*copy));
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

		/* the code tells where the file is mapped; its data lie within 4 GiB of it */
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
