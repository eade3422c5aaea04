/* SPDX-License-Identifier: GPL-2.0-only */
/* The mappings of one process while one generation of them held. */
#ifndef LSP_MAPS_MAPSET_H
#define LSP_MAPS_MAPSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../elf/file.h"
#include "../trace.h"

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
	bool remapped;		/* it came of base, with change laid over it */
	uint32_t base;		/* 0: nothing was executable before */
	uint32_t base_tgid;
	uint32_t next;		/* the generation of the same process that came of this one; 0: none is known */
	bool derived;		/* made out of neighbours, and can be so again */
	size_t weight;		/* mappings that mapsets.c has counted for it */
	struct lsp_map change;	/* start = end: none, a copy of the base */
	struct lsp_map *old;	/* what was known when a whole set began to come */
	size_t nold;
	uint32_t serial;	/* changes whenever the set does; never 0, never reused */
	bool whole;		/* all mappings of the generation are in it */
	bool sorted;
	struct lsp_map *maps;	/* ascending, disjoint once sorted */
	size_t n;
	size_t room;
	struct lsp_map_stack *stacks; /* ascending, disjoint */
	size_t nstacks;
	size_t stacks_room;
	uint64_t used;		/* when last asked for, in requests */
	void *walker;		/* of dwfl.c, or NULL */
	void (*walker_free)(void *walker);
};

/* Adds one, in any order; its file's reference is taken over. 0, -E2BIG or -ENOMEM. */
int lsp_mapset_push(struct lsp_mapset *set, const struct lsp_map *map);

/* Sorts, and leaves out what overlaps: damaged input must not make a lookup ambiguous. */
void lsp_mapset_sort(struct lsp_mapset *set);

/* Adds of @old, @n mappings, those that the new ones leave room for, and drops the others. */
int lsp_mapset_keep_old(struct lsp_mapset *set, const struct lsp_map *old, size_t n);

/* Adds copies of all of @from to the empty @set. 0, -E2BIG or -ENOMEM. */
int lsp_mapset_copy(struct lsp_mapset *set, const struct lsp_mapset *from);

/* Takes [start, end) out of @set, which is sorted then; and puts @map there, whose file it refers to once more. As above. */
int lsp_mapset_cut(struct lsp_mapset *set, uint64_t start, uint64_t end);
int lsp_mapset_lay(struct lsp_mapset *set, const struct lsp_map *map);

/* Drops all mappings; and frees the set itself too. */
void lsp_mapset_clear(struct lsp_mapset *set);
void lsp_mapset_destroy(struct lsp_mapset *set);

/* The mapping that holds @addr, or NULL. */
struct lsp_map *lsp_mapset_lookup(struct lsp_mapset *set, uint64_t addr);

/* The executable mapping of the program itself, or NULL. */
struct lsp_map *lsp_mapset_main(struct lsp_mapset *set);

/* Remembers that [start, end) is part of a thread's stack; and whether @addr is. */
void lsp_mapset_stack_add(struct lsp_mapset *set, uint64_t start, uint64_t end);
bool lsp_mapset_stack_has(const struct lsp_mapset *set, uint64_t addr);

#endif
