/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many threads wait at a time: the mean in each of a fixed number of intervals of equal length. Intervals, because
 * the memory must not grow with the number of waits, and waits come in the order of their ends.
 */
#ifndef LSP_EXPORT_CROWD_H
#define LSP_EXPORT_CROWD_H

#include <stddef.h>
#include <stdint.h>

#define LSP_CROWD_INTERVALS 8192

struct lsp_crowd {
	uint64_t begin_ns;
	uint64_t width_ns;	/* of an interval */
	uint64_t *parts_ns;	/* by interval: waiting that fills only a part of it */
	int64_t *steps;		/* by interval: how many more threads than in the one before wait all of it */
};

/* Returns 0 or -ENOMEM. */
int lsp_crowd_init(struct lsp_crowd *c, uint64_t begin_ns, uint64_t end_ns);
void lsp_crowd_uninit(struct lsp_crowd *c);

/* Adds a wait. What is outside of begin and end is left out. */
void lsp_crowd_add(struct lsp_crowd *c, uint64_t from_ns, uint64_t to_ns);

/* Gives the mean of each interval with its begin, and at last the end of all. */
void lsp_crowd_each(const struct lsp_crowd *c, void (*give)(void *arg, uint64_t time_ns, double mean), void *arg);

#endif
