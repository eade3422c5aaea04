/* SPDX-License-Identifier: GPL-2.0-only */
/* The mappings of one process in one generation. */
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
	const char *path;	/* "": anonymous; the text lives as long as the lsp_maps */

	/* Filled when first asked for. */
	bool elf_tried;
	struct lsp_elf *elf;	/* NULL: there is no file, or it must not be used */
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
	bool remapped;		/* the generation is base with change laid over it */
	uint32_t base;		/* 0: nothing was executable before */
	uint32_t base_tgid;
	uint32_t next;		/* the next generation of the process, made from this one; 0: none is known */
	bool derived;		/* was derived from neighbouring generations, and can be again */
	size_t weight;		/* number of mappings for which mapsets.c has counted it */
	struct lsp_map change;	/* start = end: there is none, the set is a copy of the base */
	struct lsp_map *old;	/* the mappings that were known when a whole set began to come */
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
	uint64_t used;		/* the number of the request that last asked for it */
	void *walker;		/* of dwfl.c, or NULL */
	void (*walker_free)(void *walker);
};

/*
 * Adds one mapping, in any order. Takes over its reference to a file. Returns 0, -E2BIG or -ENOMEM.
 */
int lsp_mapset_push(struct lsp_mapset *set, const struct lsp_map *map);

/*
 * Sorts the mappings, and leaves out those that overlap, so that damaged input does not make a
 * lookup ambiguous.
 */
void lsp_mapset_sort(struct lsp_mapset *set);

/* Adds those of the @n mappings in @old for which the new ones leave room, and drops the others. */
int lsp_mapset_keep_old(struct lsp_mapset *set, const struct lsp_map *old, size_t n);

/* Adds copies of all of @from to the empty @set. 0, -E2BIG or -ENOMEM. */
int lsp_mapset_copy(struct lsp_mapset *set, const struct lsp_mapset *from);

/*
 * cut removes [start, end) from @set, which is sorted afterwards. lay also puts @map there, with
 * one more reference to its file. They return what copy returns.
 */
int lsp_mapset_cut(struct lsp_mapset *set, uint64_t start, uint64_t end);
int lsp_mapset_lay(struct lsp_mapset *set, const struct lsp_map *map);

/* clear drops all mappings. destroy also frees the set. */
void lsp_mapset_clear(struct lsp_mapset *set);
void lsp_mapset_destroy(struct lsp_mapset *set);

/* The mapping that holds @addr, or NULL. */
struct lsp_map *lsp_mapset_lookup(struct lsp_mapset *set, uint64_t addr);

/* The executable mapping of the program itself, or NULL. */
struct lsp_map *lsp_mapset_main(struct lsp_mapset *set);

/*
 * stack_add notes that [start, end) is part of a thread's stack. stack_has tells whether @addr is
 * in such a part.
 */
void lsp_mapset_stack_add(struct lsp_mapset *set, uint64_t start, uint64_t end);
bool lsp_mapset_stack_has(const struct lsp_mapset *set, uint64_t addr);

#endif
