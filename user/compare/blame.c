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

/* If both sides blame for less than this, blame is not compared. */
#define BLAME_MIN_NS 1e6
/* Two sums are alike if neither is so many times the other. */
#define BLAME_TIMES 1.5

static struct lsp_compare_blame *blame_at(struct lsp_compare *c, const char *site, const char *lock)
{
	size_t site_bytes = strlen(site) + 1, bytes = site_bytes + strlen(lock) + 1;
	char *key = malloc(bytes);
	int64_t id;

	if (!key)
		return NULL;
	memcpy(key, site, site_bytes);
	strcpy(key + site_bytes, lock);
	id = lsp_intern_add(&c->releasers, key, bytes);
	free(key);
	if (id < 0)
		return NULL;
	if ((size_t)id < c->nblame)
		return &c->blame[id];
	if (lsp_array_grow(&c->blame, &c->blame_room, c->nblame, sizeof(*c->blame)))
		return NULL;
	site = lsp_intern_get(&c->releasers, (uint32_t)id, NULL);
	c->blame[c->nblame] = (struct lsp_compare_blame){ .site = site, .lock = site + site_bytes };
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
		b = blame_at(c, site.function, lsp_sample_text(&s, "lock"));
		if (!b)
			return -ENOMEM;
		*(user ? &b->user_ns : &b->kernel_ns) += s.values[delay];
	}
	return 0;
}

static int by_site(const void *a, const void *b)
{
	const struct lsp_compare_blame *x = a, *y = b;
	int order = strcmp(x->site, y->site);

	return order ? order : strcmp(x->lock, y->lock);
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
	return by_site(a, b);
}

/*
 * Compares shares, so that a side which blames less time may still blame the same functions. It does
 * not compare locks, because the two sides may have two names for one.
 */
static double share_agreed(struct lsp_compare *c)
{
	double agreed = 0;

	qsort(c->blame, c->nblame, sizeof(*c->blame), by_site);
	for (size_t i = 0, n; i < c->nblame; i = n) {
		double kernel_ns = 0, user_ns = 0;

		for (n = i; n < c->nblame && !strcmp(c->blame[n].site, c->blame[i].site); n++) {
			kernel_ns += c->blame[n].kernel_ns;
			user_ns += c->blame[n].user_ns;
		}
		agreed += fmin(kernel_ns / c->kernel_blame_ns, user_ns / c->user_blame_ns);
	}
	return agreed;
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
	if (c->kernel_blame_ns > 0 && c->user_blame_ns > 0)
		c->blame_agreed = share_agreed(c);
	if (c->nblame)
		qsort(c->blame, c->nblame, sizeof(*c->blame), by_size);
	return 0;
}

enum lsp_compare_trust lsp_compare_blame_trust(double kernel_ns, double user_ns)
{
	double most = fmax(kernel_ns, user_ns), least = fmin(kernel_ns, user_ns);

	if (most < BLAME_MIN_NS || most <= BLAME_TIMES * least)
		return LSP_COMPARE_EITHER;
	return kernel_ns > user_ns ? LSP_COMPARE_TRUST_KERNEL : LSP_COMPARE_TRUST_USER;
}

const struct lsp_compare_blame *lsp_compare_blame_most(const struct lsp_compare *c)
{
	const struct lsp_compare_blame *most = NULL;

	for (size_t i = 0; i < c->nblame; i++) {
		const struct lsp_compare_blame *b = &c->blame[i];

		if (lsp_compare_blame_trust(b->kernel_ns, b->user_ns) != LSP_COMPARE_EITHER &&
		    (!most || fabs(b->kernel_ns - b->user_ns) > fabs(most->kernel_ns - most->user_ns)))
			most = b;
	}
	return most;
}
