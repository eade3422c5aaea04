// SPDX-License-Identifier: GPL-2.0-only
#include "diff.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"

static const struct lsp_bounds nothing = { .trust = LSP_TRUST_EXACT };

/* A side without the row has waited for exactly 0 ns. */
static void row_fill(const struct lsp_diff *d, struct lsp_diff_row *row)
{
	const struct lsp_table_row *b = row->base, *n = row->new;
	struct lsp_bounds base, new;

	for (int i = 0; i < LSP_V_COUNT; i++) {
		row->before[i] = b ? b->v[i] / d->base_divisor : 0;
		row->after[i] = n ? n->v[i] / d->new_divisor : 0;
	}
	base = lsp_bounds_scale(b ? b->waited : nothing, 1 / d->base_divisor);
	new = lsp_bounds_scale(n ? n->waited : nothing, 1 / d->new_divisor);
	row->waited = lsp_bounds_difference(row->after[LSP_V_WAITED], &new,
					    row->before[LSP_V_WAITED], &base);
	base = lsp_bounds_scale(b ? b->blamed : nothing, 1 / d->base_divisor);
	new = lsp_bounds_scale(n ? n->blamed : nothing, 1 / d->new_divisor);
	row->blamed = lsp_bounds_difference(row->after[LSP_V_BLAMED], &new,
					    row->before[LSP_V_BLAMED], &base);
}

static double change(const struct lsp_diff *d, const struct lsp_diff_row *row)
{
	return (d->block ? fabs(row->after[LSP_V_WAITED] - row->before[LSP_V_WAITED]) : 0) +
	       (d->mutex ? fabs(row->after[LSP_V_BLAMED] - row->before[LSP_V_BLAMED]) : 0);
}

static int by_change(const void *a, const void *b, void *arg)
{
	const struct lsp_diff_row *x = a, *y = b;
	double difference = change(arg, y) - change(arg, x);

	return difference ? (difference > 0 ? 1 : -1) : strcmp(x->name, y->name);
}

static int rows_make(struct lsp_diff *d)
{
	d->rows = calloc(d->base.shown + d->new.shown + 1, sizeof(*d->rows));
	if (!d->rows)
		return -ENOMEM;
	for (size_t i = 0; i < d->new.shown; i++) {
		struct lsp_diff_row *row = &d->rows[d->n++];

		row->new = &d->new.rows[i];
		row->name = row->new->name;
		row->base = lsp_table_find(&d->base, row->name);
		row_fill(d, row);
	}
	for (size_t i = 0; i < d->base.shown; i++) {
		const struct lsp_table_row *base = &d->base.rows[i], *met;
		struct lsp_diff_row *row = &d->rows[d->n];

		met = lsp_table_find(&d->new, base->name);
		if (met && lsp_table_row_shown(met))
			continue;
		row->base = base;
		row->new = met;
		row->name = base->name;
		row_fill(d, row);
		d->n++;
	}
	qsort_r(d->rows, d->n, sizeof(*d->rows), by_change, d);
	return 0;
}

static void total_make(struct lsp_diff *d)
{
	for (int i = 0; i < LSP_V_COUNT; i++) {
		d->total.before[i] = d->base.total[i] / d->base_divisor;
		d->total.after[i] = d->new.total[i] / d->new_divisor;
	}
	d->total.name = "all";
}

int lsp_diff_create(const struct lsp_recording *base, const struct lsp_recording *new,
		    enum lsp_by by, enum lsp_per per, double base_divisor, double new_divisor,
		    struct lsp_diff *ret)
{
	bool both[LSP_PART_COUNT];
	int err;

	memset(ret, 0, sizeof(*ret));
	for (int part = 0; part < LSP_PART_COUNT; part++)
		both[part] = base->parts[part] && new->parts[part];
	if (!both[LSP_PART_BLOCK] && !both[LSP_PART_MUTEX])
		return -EINVAL;
	ret->block = both[LSP_PART_BLOCK];
	ret->mutex = both[LSP_PART_MUTEX];
	ret->ext = both[LSP_PART_EXT];
	ret->per = per;
	ret->base_divisor = base_divisor;
	ret->new_divisor = new_divisor;
	ret->base_min_ns = base->facts.min_delay_ns;
	ret->new_min_ns = new->facts.min_delay_ns;
	err = lsp_table_create(base, by, true, &ret->base);
	if (!err)
		err = lsp_table_create(new, by, true, &ret->new);
	if (!err)
		err = rows_make(ret);
	if (!err)
		total_make(ret);
	else
		lsp_diff_destroy(ret);
	return err;
}

void lsp_diff_destroy(struct lsp_diff *d)
{
	free(d->rows);
	lsp_table_destroy(&d->base);
	lsp_table_destroy(&d->new);
	memset(d, 0, sizeof(*d));
}
