/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sets of mappings of all processes, by (process, generation), bounded in
 * number and in the mappings that they hold together. A set of which only the change
 * against another one is known is made out of that one when somebody asks for it.
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

/* The set of this generation, or NULL. */
struct lsp_mapset *lsp_mapsets_of(const struct lsp_mapsets *sets, uint32_t tgid, uint32_t generation);

/*
 * The same; one that is not there is made, empty, for which the one least recently used of too many
 * is dropped. NULL: no memory.
 */
struct lsp_mapset *lsp_mapsets_at(struct lsp_mapsets *sets, uint32_t tgid, uint32_t generation);

/* @set is asked for now. */
void lsp_mapsets_used(struct lsp_mapsets *sets, struct lsp_mapset *set);

/* Forgets what was derived from the mappings of @set, and gives it a new serial number. */
void lsp_mapsets_changed(struct lsp_mapsets *sets, struct lsp_mapset *set);

/* Counts the mappings that @set has now. For too many in all, others that are not used give theirs up. */
void lsp_mapsets_weigh(struct lsp_mapsets *sets, struct lsp_mapset *set);

/* Notes for the base of @set that @set came of it. 0 or -ENOMEM. */
int lsp_mapsets_follow(struct lsp_mapsets *sets, const struct lsp_mapset *set);

/*
 * Makes @set out of the nearest whole one before it, or else after it, by the changes that lie between.
 * False when there is none; the set is what it was then. The caller completes it.
 */
bool lsp_mapset_derive(struct lsp_mapsets *sets, struct lsp_mapset *set);

#endif
