/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mappings of each process, by generation. A set has the mappings that were valid in one
 * generation, so a stack is always read with the mappings of its time.
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

/* Takes a MAP record of the module; @path is the text after it. Returns 0 or -errno. */
int lsp_maps_add(struct lsp_maps *m, const struct lockspan_map *rec, const char *path);

/* The same for a REMAP record. */
int lsp_maps_remap(struct lsp_maps *m, const struct lockspan_remap *rec, const char *path);

/*
 * Takes a set as text in the form of /proc/PID/maps. If the generation is known already, its
 * mappings stay as far as the text does not contradict them: libraries that were closed since.
 */
int lsp_maps_add_text(struct lsp_maps *m, uint32_t tgid, uint32_t generation,
		      const char *text, size_t bytes);

/*
 * Returns the set of this generation as far as it is known, or NULL. Valid until the next
 * lsp_maps_add*().
 */
struct lsp_mapset *lsp_maps_find(struct lsp_maps *m, uint32_t tgid, uint32_t generation);

/* Whether the set of this generation is complete. This does not count as a use of the set. */
bool lsp_maps_whole(struct lsp_maps *m, uint32_t tgid, uint32_t generation);

/*
 * Returns the file of @map, which is opened when it is first asked for. NULL: there is none, or it
 * must not be used.
 */
struct lsp_elf *lsp_map_elf(struct lsp_maps *m, const struct lsp_mapset *set, struct lsp_map *map);

/* Returns the object of @map to which frames refer, or NULL (no memory). It lives as long as @m. */
const struct lsp_object *lsp_map_object(struct lsp_maps *m, const struct lsp_mapset *set,
					struct lsp_map *map);

/*
 * Returns the mapping of the file whose segments, .bss included, cover @addr, and the vaddr there.
 * NULL: there is none.
 */
struct lsp_map *lsp_maps_static(struct lsp_maps *m, struct lsp_mapset *set, uint64_t addr,
				  uint64_t *vaddr);

#endif
