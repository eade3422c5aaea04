/* SPDX-License-Identifier: GPL-2.0-only */
/* What the holders of a row did: the parts of its releases' hold, summed by what they are. */
#ifndef LSP_COLLECT_WHY_H
#define LSP_COLLECT_WHY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../capture/span.h"

struct lsp_why_sum {
	uint64_t what;		/* as in struct lockspan_why_part */
	uint64_t ns;
};

/* One row's. What has found no place is missing, and whoever reads the sums takes it for unknown. */
struct lsp_why {
	size_t n;
	size_t room;
	struct lsp_why_sum sums[];
};

/*
 * Adds the parts of a release, or the sums of another row. *@to: NULL, or what was made before; the
 * owner frees it.
 */
void lsp_why_add(struct lsp_why **to, const struct lockspan_release *r);
void lsp_why_add_part(struct lsp_why **to, uint64_t what, uint64_t ns);
void lsp_why_merge(struct lsp_why **to, const struct lsp_why *from);

#endif
