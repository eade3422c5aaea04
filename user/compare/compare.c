// SPDX-License-Identifier: GPL-2.0-only
#include "compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"

/* How many sites have their order compared. */
#define RANKED 10

const char *lsp_compare_part_key(enum lsp_compare_part part)
{
#define KEY(id, key) [LSP_COMPARE_##id] = key,
	static const char *const keys[] = { LSP_COMPARE_PARTS(KEY) };
#undef KEY

	return part < LSP_COMPARE_COUNT ? keys[part] : "?";
}

void lsp_compare_init(struct lsp_compare *c)
{
	memset(c, 0, sizeof(*c));
	lsp_intern_init(&c->names);
	lsp_intern_init(&c->keys);
	lsp_intern_init(&c->releasers);
}

void lsp_compare_uninit(struct lsp_compare *c)
{
	free(c->rows);
	free(c->blame);
	lsp_intern_uninit(&c->names);
	lsp_intern_uninit(&c->keys);
	lsp_intern_uninit(&c->releasers);
	memset(c, 0, sizeof(*c));
}

struct lsp_compare_row *lsp_compare_row(struct lsp_compare *c, const char *site, const char *lock)
{
	const int64_t key[2] = {
		lsp_intern_add(&c->names, site, strlen(site) + 1),
		lsp_intern_add(&c->names, lock, strlen(lock) + 1),
	};
	int64_t id = key[0] < 0 || key[1] < 0 ? -ENOMEM : lsp_intern_add(&c->keys, key, sizeof(key));

	if (id < 0)
		return NULL;
	if ((size_t)id < c->n)
		return &c->rows[id];
	if (lsp_array_grow(&c->rows, &c->room, c->n, sizeof(*c->rows)))
		return NULL;
	c->rows[c->n] = (struct lsp_compare_row){
		.site = lsp_intern_get(&c->names, (uint32_t)key[0], NULL),
		.lock = lsp_intern_get(&c->names, (uint32_t)key[1], NULL),
	};
	return &c->rows[c->n++];
}

static double seen_ns(const struct lsp_compare_row *r)
{
	return r->parts[LSP_COMPARE_KERNEL_WAIT] + r->parts[LSP_COMPARE_SCHED_DELAY];
}

double lsp_compare_coverage(const struct lsp_compare_row *row)
{
	return row->user_wait_ns > 0 ? fmin(100, 100 * seen_ns(row) / row->user_wait_ns) : 0;
}

double lsp_compare_unexplained(const struct lsp_compare_row *row)
{
	return row->user_wait_ns > 0 ?
		100 * row->parts[LSP_COMPARE_UNEXPLAINED] / row->user_wait_ns : 0;
}

static int row_compare(const void *a, const void *b)
{
	const struct lsp_compare_row *x = a, *y = b;
	double vx = x->user_wait_ns + x->kernel_only_ns, vy = y->user_wait_ns + y->kernel_only_ns;
	int order;

	if (vx != vy)
		return vx < vy ? 1 : -1;
	order = strcmp(x->site, y->site);
	return order ? order : strcmp(x->lock, y->lock);
}

static int sign(double x)
{
	return (x > 0) - (x < 0);
}

/* How far the two sides agree, pair by pair, which of the first sites is the worse one. */
static void rank(struct lsp_compare *c)
{
	double agree = 0, user = 0, kernel = 0;
	size_t n = c->n < RANKED ? c->n : RANKED;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = i + 1; k < n; k++) {
			int u = sign(c->rows[i].user_wait_ns - c->rows[k].user_wait_ns);
			int s = sign(seen_ns(&c->rows[i]) + c->rows[i].kernel_only_ns -
				     seen_ns(&c->rows[k]) - c->rows[k].kernel_only_ns);

			agree += u * s;
			user += u != 0;
			kernel += s != 0;
		}
	}
	c->ranked = n;
	c->rank = user > 0 && kernel > 0 ? agree / sqrt(user * kernel) : NAN;
}

void lsp_compare_finish(struct lsp_compare *c)
{
	struct lsp_compare_row *t = &c->total;

	for (size_t i = 0; i < c->n; i++) {
		const struct lsp_compare_row *r = &c->rows[i];

		t->user_wait_ns += r->user_wait_ns;
		t->user_waits += r->user_waits;
		t->kernel_spans += r->kernel_spans;
		t->kernel_only_ns += r->kernel_only_ns;
		t->kernel_only += r->kernel_only;
		for (int k = 0; k < LSP_COMPARE_COUNT; k++)
			t->parts[k] += r->parts[k];
	}
	c->user_empty = t->user_wait_ns <= 0;
	if (c->n)
		qsort(c->rows, c->n, sizeof(*c->rows), row_compare);
	rank(c);
}
