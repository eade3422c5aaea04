/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each process has mapped where, by generation: a set is what held while
 * the generation did, so a stack is always read with the mappings of its time.
 */
#ifndef LSP_RESOLVE_MAPS_H
#define LSP_RESOLVE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "object.h"
#include "resolve.h"

struct lsp_maps;

struct lsp_map {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	uint64_t ino;
	uint32_t dev_major;
	uint32_t dev_minor;
	bool exec;
	bool write;
	const char *path;	/* "" anonymous; lives as long as the lsp_maps */

	/* Filled when first asked for. */
	bool elf_tried;
	struct lsp_elf *elf;	/* NULL: no file, or not to be used */
	uint64_t bias;		/* address - vaddr */
	const struct lsp_object *object;
};

/* Where a thread's stack was seen. */
struct lsp_map_stack {
	uint64_t start;
	uint64_t end;
};

struct lsp_mapset {
	uint32_t tgid;
	uint32_t generation;
	uint32_t serial;	/* changes whenever the set does; never 0, never reused */
	bool whole;		/* all mappings of the generation are in it */
	bool sorted;
	struct lsp_map *maps;	/* ascending, disjoint once sorted */
	size_t n;
	size_t room;
	struct lsp_map_stack *stacks; /* ascending, disjoint */
	size_t nstacks;
	uint64_t used;		/* when last asked for, in requests */
	void *walker;		/* of dwfl.c, or NULL */
	void (*walker_free)(void *walker);
};

/* @elves must outlive it. 0 or -ENOMEM. */
int lsp_maps_create(struct lsp_elf_cache *elves, struct lsp_maps **ret);
void lsp_maps_destroy(struct lsp_maps *m);

/* A record of the module; @path is the text behind it. 0 or -errno. */
int lsp_maps_add(struct lsp_maps *m, const struct lockspan_map *rec, const char *path);

/*
 * A set in the form of /proc/PID/maps. When the generation is known already,
 * what the text does not contradict stays: libraries that were closed since.
 */
int lsp_maps_add_text(struct lsp_maps *m, uint32_t tgid, uint32_t generation,
		      const char *text, size_t bytes);

/* The set of this generation as far as it is known, or NULL. Valid until the next lsp_maps_add*(). */
struct lsp_mapset *lsp_maps_find(struct lsp_maps *m, uint32_t tgid, uint32_t generation);

/* The same, without counting as a use; only complete sets. */
bool lsp_maps_whole(const struct lsp_maps *m, uint32_t tgid, uint32_t generation);

/* The mapping that holds @addr, or NULL. */
struct lsp_map *lsp_mapset_lookup(struct lsp_mapset *set, uint64_t addr);

/* The file of @map, opened when first asked for; NULL when there is none to be used. */
struct lsp_elf *lsp_map_elf(struct lsp_maps *m, const struct lsp_mapset *set, struct lsp_map *map);

/* The object of @map as frames refer to it, or NULL (no memory). Lives as long as @m. */
const struct lsp_object *lsp_map_object(struct lsp_maps *m, const struct lsp_mapset *set,
					struct lsp_map *map);

/* The file whose segments, .bss included, cover @addr, and the vaddr there. NULL: none. */
struct lsp_map *lsp_mapset_static(struct lsp_maps *m, struct lsp_mapset *set, uint64_t addr,
				  uint64_t *vaddr);

/* The executable mapping of the program itself, or NULL. */
struct lsp_map *lsp_mapset_main(struct lsp_mapset *set);

/* Remembers that [start, end) is part of a thread's stack; and whether @addr is. */
void lsp_mapset_stack_add(struct lsp_mapset *set, uint64_t start, uint64_t end);
bool lsp_mapset_stack_has(const struct lsp_mapset *set, uint64_t addr);

#endif
