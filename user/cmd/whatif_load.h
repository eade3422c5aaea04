/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the single events of a recording for lockspan whatif. */
#ifndef LSP_CMD_WHATIF_LOAD_H
#define LSP_CMD_WHATIF_LOAD_H

#include <stdbool.h>

#include "../base/intern.h"
#include "../whatif/predict.h"

/* A site and a lock, and what its releases were charged with. */
struct lsp_whatif_place {
	uint32_t site;
	uint32_t lock_name;	/* in names */
	double hold_ns;
};

struct lsp_whatif_loaded {
	struct lsp_whatif_recorded recorded;
	struct lsp_intern names;	/* of sites; their ids are the numbers of sites */
	struct lsp_intern lock_names;
	struct lsp_intern keys;		/* their ids are the numbers of locks */
	uint32_t *lock_name;		/* by lock */
	bool *fair;			/* by lock */
	bool *known;			/* by lock: it is a mutex, whose rules are known */
	size_t nlocks, locks_room[3];
	struct lsp_whatif_place *places;	/* that with the largest charge first */
	size_t nplaces, places_room;
	double elsewhere_ns;
};

/*
 * Reads the recording in the folder @path. If that fails, *@why says why, or is NULL where there is nothing to add to
 * the -errno that is returned: -ENOENT, -ENODATA and -EOPNOTSUPP are refusals. The result must be freed in any case.
 */
int lsp_whatif_load(const char *path, struct lsp_whatif_loaded *ret, const char **why);
void lsp_whatif_loaded_uninit(struct lsp_whatif_loaded *l);

#endif
