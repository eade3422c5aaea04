// SPDX-License-Identifier: GPL-2.0-only
#include "crowd.h"

#include <errno.h>
#include <stdlib.h>

int lsp_crowd_init(struct lsp_crowd *c, uint64_t begin_ns, uint64_t end_ns)
{
	*c = (struct lsp_crowd){ .begin_ns = begin_ns };
	c->width_ns = end_ns > begin_ns ? (end_ns - begin_ns - 1) / LSP_CROWD_INTERVALS + 1 : 1;
	c->parts_ns = calloc(LSP_CROWD_INTERVALS, sizeof(*c->parts_ns));
	c->steps = calloc(LSP_CROWD_INTERVALS + 1, sizeof(*c->steps));
	return c->parts_ns && c->steps ? 0 : -ENOMEM;
}

void lsp_crowd_uninit(struct lsp_crowd *c)
{
	free(c->parts_ns);
	free(c->steps);
	c->parts_ns = NULL;
	c->steps = NULL;
}

void lsp_crowd_add(struct lsp_crowd *c, uint64_t from_ns, uint64_t to_ns)
{
	const uint64_t all_ns = c->width_ns * LSP_CROWD_INTERVALS;
	uint64_t from = from_ns > c->begin_ns ? from_ns - c->begin_ns : 0;
	uint64_t to = to_ns > c->begin_ns ? to_ns - c->begin_ns : 0;
	size_t first, last;

	to = to < all_ns ? to : all_ns;
	if (from >= to)
		return;
	first = from / c->width_ns;
	last = (to - 1) / c->width_ns;
	if (first == last) {
		c->parts_ns[first] += to - from;
		return;
	}
	c->parts_ns[first] += (first + 1) * c->width_ns - from;
	c->parts_ns[last] += to - last * c->width_ns;
	c->steps[first + 1]++;
	c->steps[last]--;
}

void lsp_crowd_each(const struct lsp_crowd *c, void (*give)(void *arg, uint64_t time_ns, double mean), void *arg)
{
	int64_t whole = 0;

	for (size_t i = 0; i < LSP_CROWD_INTERVALS; i++) {
		whole += c->steps[i];
		give(arg, c->begin_ns + i * c->width_ns, (double)whole + (double)c->parts_ns[i] / (double)c->width_ns);
	}
	give(arg, c->begin_ns + LSP_CROWD_INTERVALS * c->width_ns, 0);
}
