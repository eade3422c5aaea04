// SPDX-License-Identifier: GPL-2.0-only
/* Compares sums, if there are no single events. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "../report/site.h"
#include "compare.h"

static bool is_go(const struct lsp_profile *p)
{
	struct lsp_profile_sample s;
	struct lsp_profile_location l;

	if (!p || !lsp_profile_sample(p, 0, &s) || !s.nlocations ||
	    !lsp_profile_location(p, s.locations[0], &l) || !l.nlines)
		return false;
	return !strncmp(l.lines[0].function, "sync.(", 6) ||
	       !strncmp(l.lines[0].function, "runtime.", 8);
}

/* Rows are by site alone if the user's side has no names of locks, as Go's profiles have none. */
static int block_add(struct lsp_compare *c, const struct lsp_profile *p, bool user)
{
	int count = p ? lsp_part_column(p, "contentions") : -1;
	int delay = p ? lsp_part_column(p, "delay") : -1;
	struct lsp_profile_sample s;

	for (size_t i = 0; delay >= 0 && lsp_profile_sample(p, i, &s); i++) {
		struct lsp_compare_row *row;
		struct lsp_site site;

		lsp_site_find(p, &s, &site);
		row = lsp_compare_row(c, site.function, c->go ? "" : lsp_sample_text(&s, "lock"));
		if (!row)
			return -ENOMEM;
		if (user) {
			row->user_wait_ns += s.values[delay];
			row->user_waits += count >= 0 ? s.values[count] : 0;
		} else {
			row->parts[LSP_COMPARE_KERNEL_WAIT] += s.values[delay];
			row->kernel_spans += count >= 0 ? s.values[count] : 0;
		}
	}
	return 0;
}

static int sched_add(struct lsp_compare *c, const struct lsp_profile *p)
{
	int sched = p ? lsp_part_column(p, "sched_delay") : -1;
	struct lsp_profile_sample s;

	for (size_t i = 0; sched >= 0 && lsp_profile_sample(p, i, &s); i++) {
		struct lsp_compare_row *row;
		struct lsp_site site;

		if (!(s.values[sched] > 0))
			continue;
		lsp_site_find(p, &s, &site);
		row = lsp_compare_row(c, site.function, c->go ? "" : lsp_sample_text(&s, "lock"));
		if (!row)
			return -ENOMEM;
		row->parts[LSP_COMPARE_SCHED_DELAY] += s.values[sched];
	}
	return 0;
}

/*
 * If the kernel saw more than the user's side in a row, the rest was seen by the kernel alone. If
 * it saw less, the rest is parking for a Go program. For others, sums do not tell what it is.
 */
static void row_settle(const struct lsp_compare *c, struct lsp_compare_row *row)
{
	double *wait = &row->parts[LSP_COMPARE_KERNEL_WAIT];
	double *sched = &row->parts[LSP_COMPARE_SCHED_DELAY];
	double rest = row->user_wait_ns - *wait - *sched;

	if (rest >= 0) {
		row->parts[c->go ? LSP_COMPARE_PARKING : LSP_COMPARE_UNEXPLAINED] = rest;
		return;
	}
	row->kernel_only_ns = -rest;
	if (row->user_waits <= 0) {
		row->kernel_only = row->kernel_spans;
		row->kernel_spans = 0;
	}
	*sched = fmin(*sched, row->user_wait_ns);
	*wait = row->user_wait_ns - *sched;
}

/* Half the interval of the sum over the locks of one side, by their own intervals. */
static double half_interval_squared(const struct lsp_facts *f)
{
	struct lsp_facts_group g;
	double sum = 0;

	for (size_t i = 0; lsp_facts_lock(f, i, &g); i++)
		if (g.block.bounds.trust == LSP_TRUST_SHOWN)
			sum += pow((g.block.bounds.high_ns - g.block.bounds.low_ns) / 2, 2);
	return sum;
}

int lsp_compare_profiles(const struct lsp_recording *kernel, const struct lsp_recording *user,
			 struct lsp_compare *c)
{
	int err;

	lsp_compare_init(c);
	c->kernel_handoff_ns = c->user_handoff_ns = NAN;
	c->go = is_go(user->parts[LSP_PART_BLOCK]) || is_go(user->parts[LSP_PART_MUTEX]);
	c->kernel_partial = lsp_facts_partial(&kernel->facts, NULL, NULL);
	c->user_partial = lsp_facts_partial(&user->facts, NULL, NULL);
	err = block_add(c, user->parts[LSP_PART_BLOCK], true);
	if (!err)
		err = block_add(c, kernel->parts[LSP_PART_BLOCK], false);
	if (!err)
		err = sched_add(c, kernel->parts[LSP_PART_EXT]);
	if (!err)
		err = lsp_compare_blame(c, kernel->parts[LSP_PART_MUTEX], user->parts[LSP_PART_MUTEX]);
	if (err) {
		lsp_compare_uninit(c);
		return err;
	}
	for (size_t i = 0; i < c->n; i++)
		row_settle(c, &c->rows[i]);
	c->noise_ns = sqrt(half_interval_squared(&kernel->facts) + half_interval_squared(&user->facts));
	lsp_compare_finish(c);
	return 0;
}
