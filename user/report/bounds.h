/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Computes intervals of sums and differences from the intervals of their parts. The distances to
 * the limits add up as independent errors do (the method of variance estimates recovery, Zou and
 * Donner 2008). The intervals cover sampling only, not that another run of the same program
 * differs.
 */
#ifndef LSP_REPORT_BOUNDS_H
#define LSP_REPORT_BOUNDS_H

#include "facts.h"

/* A sum that grows part by part. All zero is empty. */
struct lsp_bounds_sum {
	double value_ns;
	double below;		/* squared distance to the lower limit */
	double above;
	bool shown;		/* a part has an interval */
	bool too_few;		/* a part has none */
};

void lsp_bounds_add(struct lsp_bounds_sum *s, double value_ns, const struct lsp_bounds *b);

/*
 * Returns the interval of @value_ns, which should be the sum of the parts. It is TOO_FEW if the
 * parts are less than 99 % of @value_ns, or if one of them has no interval.
 */
struct lsp_bounds lsp_bounds_of(const struct lsp_bounds_sum *s, double value_ns);

/* Returns the interval of @to - @from. */
struct lsp_bounds lsp_bounds_difference(double to_ns, const struct lsp_bounds *to, double from_ns,
					const struct lsp_bounds *from);

/* Multiplies both limits by @factor, which is not negative. */
struct lsp_bounds lsp_bounds_scale(struct lsp_bounds b, double factor);

/* "exact", "95%", "too few", "unknown". */
const char *lsp_trust_name(enum lsp_trust trust);

#endif
