/* SPDX-License-Identifier: GPL-2.0-only */
/* Sums of blame by where it ends. */
#ifndef LSP_COLLECT_ROOTS_SUMS_H
#define LSP_COLLECT_ROOTS_SUMS_H

#include "roots.h"

/* A sum of parts that end at releases of one stack on locks of one name, or in one other way. */
struct lsp_root_sum {
	enum lsp_root_end end;
	uint32_t trace;		/* SITE: the owner's number of the releaser's stack */
	uint32_t kind;		/* SITE: whose stack it is, in the owner's terms */
	uint32_t lock;		/* the owner's number of a name */
	uint64_t ns;
};

/* All zero is empty. */
struct lsp_root_sums {
	struct lsp_root_sum *sums;
	size_t n;
	size_t room;
	struct lsp_index index;
	const char *missing;	/* why roots are not known; NULL: they are */
};

void lsp_root_sums_uninit(struct lsp_root_sums *s);

/* Adds @part to the sum of its kind. 0 or -ENOMEM. */
int lsp_root_sums_add(struct lsp_root_sums *s, const struct lsp_root_sum *part);

#endif
