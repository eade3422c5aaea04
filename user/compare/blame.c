// SPDX-License-Identifier: GPL-2.0-only
/* Compares whom each side blames for the waiting, by the function that released. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"
#include "../report/recording.h"
#include "../report/site.h"
#include "compare.h"

static struct lsp_compare_blame *blame_at(struct lsp_compare *c, const char *site)
{
	int64_t id = lsp_intern_add(&c->releasers, site, strlen(site) + 1);

	if (id < 0)
		return NULL;
	if ((size_t)id < c->nblame)
		return &c->blame[id];
	if (lsp_array_grow(&c->blame, &c->blame_room, c->nblame, sizeof(*c->blame)))
		return NULL;
	c->blame[c->nblame] = (struct lsp_compare_blame){
		.site = lsp_intern_get(&c->releasers, (uint32_t)id, NULL),
	};
	return &c->blame[c->nblame++];
}

static int side_add(struct lsp_compare *c, const struct lsp_profile *p, bool user)
{
	int delay = lsp_part_column(p, "delay");
	struct lsp_profile_sample s;

	for (size_t i = 0; delay >= 0 && lsp_profile_sample(p, i, &s); i++) {
		struct lsp_compare_blame *b;
		struct lsp_site site;

		/* Nobody's blame. */
		if (lsp_sample_given_up(&s))
			continue;
		lsp_site_find(p, &s, &site);
		b = blame_at(c, site.function);
		if (!b)
			return -ENOMEM;
		*(user ? &b->user_ns : &b->kernel_ns) += s.values[delay];
	}
	return 0;
}

static double larger_ns(const struct lsp_compare_blame *b)
{
	return fmax(b->user_ns, b->kernel_ns);
}

static int by_size(const void *a, const void *b)
{
	double x = larger_ns(a), y = larger_ns(b);

	if (x != y)
		return x < y ? 1 : -1;
	return strcmp(((const struct lsp_compare_blame *)a)->site,
		      ((const struct lsp_compare_blame *)b)->site);
}

int lsp_compare_blame(struct lsp_compare *c, const struct lsp_profile *kernel,
		      const struct lsp_profile *user)
{
	int err;

	if (!kernel || !user || c->go)
		return 0;
	err = side_add(c, kernel, false);
	if (!err)
		err = side_add(c, user, true);
	if (err)
		return err;
	c->has_blame = true;
	for (size_t i = 0; i < c->nblame; i++) {
		c->kernel_blame_ns += c->blame[i].kernel_ns;
		c->user_blame_ns += c->blame[i].user_ns;
	}
	/*
	 * Compares shares, so that a side which blames less time may still blame the same
	 * functions.
	 */
	for (size_t i = 0; i < c->nblame && c->kernel_blame_ns > 0 && c->user_blame_ns > 0; i++)
		c->blame_agreed += fmin(c->blame[i].kernel_ns / c->kernel_blame_ns,
					c->blame[i].user_ns / c->user_blame_ns);
	if (c->nblame)
		qsort(c->blame, c->nblame, sizeof(*c->blame), by_size);
	return 0;
}
