/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each process has mapped where, by generation: a set is what held while
 * the generation did, so a stack is always read with the mappings of its time.
 */
#ifndef LSP_MAPS_MAPS_H
#define LSP_MAPS_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../elf/cache.h"
#include "mapset.h"

struct lsp_maps;

/* @elves must outlive it. 0 or -ENOMEM. */
int lsp_maps_create(struct lsp_elf_cache *elves, struct lsp_maps **ret);
void lsp_maps_destroy(struct lsp_maps *m);

/* A record of the module; @path is the text behind it. 0 or -errno. */
int lsp_maps_add(struct lsp_maps *m, const struct lockspan_map *rec, const char *path);

/* The same of a REMAP record. */
int lsp_maps_remap(struct lsp_maps *m, const struct lockspan_remap *rec, const char *path);

/*
 * A set in the form of /proc/PID/maps. When the generation is known already,
 * what the text does not contradict stays: libraries that were closed since.
 */
int lsp_maps_add_text(struct lsp_maps *m, uint32_t tgid, uint32_t generation,
		      const char *text, size_t bytes);

/* The set of this generation as far as it is known, or NULL. Valid until the next lsp_maps_add*(). */
struct lsp_mapset *lsp_maps_find(struct lsp_maps *m, uint32_t tgid, uint32_t generation);

/* The same, without counting as a use; only complete sets. */
bool lsp_maps_whole(struct lsp_maps *m, uint32_t tgid, uint32_t generation);

/* The file of @map, opened when first asked for; NULL when there is none to be used. */
struct lsp_elf *lsp_map_elf(struct lsp_maps *m, const struct lsp_mapset *set, struct lsp_map *map);

/* The object of @map as frames refer to it, or NULL (no memory). Lives as long as @m. */
const struct lsp_object *lsp_map_object(struct lsp_maps *m, const struct lsp_mapset *set,
					struct lsp_map *map);

/* The file whose segments, .bss included, cover @addr, and the vaddr there. NULL: none. */
struct lsp_map *lsp_maps_static(struct lsp_maps *m, struct lsp_mapset *set, uint64_t addr,
				  uint64_t *vaddr);

#endif
