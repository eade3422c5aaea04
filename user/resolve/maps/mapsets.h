/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sets of mappings of all processes, by (process, generation). Their number is limited, and so
 * is the number of mappings in all of them. Of some sets only the change to another set is known.
 * Such a set is derived from the other one when somebody asks for it.
 */
#ifndef LSP_USER_MAPSETS_H
#define LSP_USER_MAPSETS_H

#include "mapset.h"

struct lsp_mapsets {
	struct lsp_mapset **slots;	/* open addressing by (tgid, generation) */
	size_t n;
	size_t weight;			/* mappings in all of them */
	uint64_t requests;
	uint32_t serial;
};

/* 0 or -ENOMEM. */
int lsp_mapsets_init(struct lsp_mapsets *sets);
void lsp_mapsets_uninit(struct lsp_mapsets *sets);

/* Returns the set of this generation, or NULL. */
struct lsp_mapset *lsp_mapsets_of(const struct lsp_mapsets *sets, uint32_t tgid, uint32_t generation);

/*
 * Returns the set of this generation, and makes an empty one if it does not exist. For that, the
 * least recently used set may be dropped. NULL: no memory.
 */
struct lsp_mapset *lsp_mapsets_at(struct lsp_mapsets *sets, uint32_t tgid, uint32_t generation);

/* Notes that @set is asked for now. */
void lsp_mapsets_used(struct lsp_mapsets *sets, struct lsp_mapset *set);

/* Forgets what was derived from the mappings of @set, and gives it a new serial number. */
void lsp_mapsets_changed(struct lsp_mapsets *sets, struct lsp_mapset *set);

/*
 * Counts the mappings that @set has now. If all sets together have too many, sets that are not in
 * use lose theirs.
 */
void lsp_mapsets_weigh(struct lsp_mapsets *sets, struct lsp_mapset *set);

/* Notes in the base of @set that @set was made from it. Returns 0 or -ENOMEM. */
int lsp_mapsets_follow(struct lsp_mapsets *sets, const struct lsp_mapset *set);

/*
 * Derives @set from the nearest complete set before it, or else after it, by the changes between
 * them. Returns false, and leaves @set as it was, if there is none. The caller completes the set.
 */
bool lsp_mapset_derive(struct lsp_mapsets *sets, struct lsp_mapset *set);

#endif
