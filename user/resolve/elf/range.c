/* SPDX-License-Identifier: GPL-2.0-only */
/* Sweeps once over the sorted ranges, with a heap of those that are open. */
#include "range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/index.h"

struct sweep {
	struct lsp_ranges out;
	struct lsp_range *open;		/* a heap: the first one owns the current address */
	size_t nopen;
	uint64_t at;
};

void lsp_ranges_uninit(struct lsp_ranges *r)
{
	free(r->ranges);
	memset(r, 0, sizeof(*r));
}

int lsp_ranges_add(struct lsp_ranges *r, uint64_t start, uint64_t end, uint32_t id, uint32_t rank)
{
	if (start >= end)
		return 0;
	if (lsp_array_grow(&r->ranges, &r->room, r->n, sizeof(*r->ranges)))
		return -ENOMEM;
	r->ranges[r->n++] = (struct lsp_range){ start, end, id, rank };
	return 0;
}

static int start_compare(const void *a, const void *b)
{
	const struct lsp_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static bool is_before(const struct lsp_range *x, const struct lsp_range *y)
{
	if (x->rank != y->rank)
		return x->rank > y->rank;
	if (x->start != y->start)
		return x->start > y->start;
	if (x->end != y->end)
		return x->end < y->end;
	return x->id > y->id;
}

static void swap(struct lsp_range *x, struct lsp_range *y)
{
	struct lsp_range r = *x;

	*x = *y;
	*y = r;
}

static void heap_push(struct sweep *s, const struct lsp_range *r)
{
	struct lsp_range *h = s->open;
	size_t i = s->nopen++;

	h[i] = *r;
	for (; i && is_before(&h[i], &h[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&h[i], &h[(i - 1) / 2]);
}

static void heap_pop(struct sweep *s)
{
	struct lsp_range *h = s->open;
	size_t i = 0, child;

	h[0] = h[--s->nopen];
	while ((child = 2 * i + 1) < s->nopen) {
		if (child + 1 < s->nopen && is_before(&h[child + 1], &h[child]))
			child++;
		if (!is_before(&h[child], &h[i]))
			break;
		swap(&h[i], &h[child]);
		i = child;
	}
}

static int emit(struct sweep *s, uint64_t end)
{
	struct lsp_range *own = &s->open[0], *last = NULL;

	if (s->out.n)
		last = &s->out.ranges[s->out.n - 1];
	if (last && last->end == s->at && last->id == own->id) {
		last->end = end;
		return 0;
	}
	return lsp_ranges_add(&s->out, s->at, end, own->id, own->rank);
}

/* Puts out everything that lies before @to. */
static int advance(struct sweep *s, uint64_t to)
{
	int err;

	while (s->nopen && s->at < to) {
		uint64_t end = s->open[0].end;

		if (end <= s->at) {
			heap_pop(s);
			continue;
		}
		if (end > to)
			end = to;
		err = emit(s, end);
		if (err)
			return err;
		s->at = end;
	}
	s->at = to;
	return 0;
}

int lsp_ranges_flatten(struct lsp_ranges *r)
{
	struct sweep s = { .at = 0 };
	int err = 0;
	size_t i;

	if (!r->n)
		return 0;
	qsort(r->ranges, r->n, sizeof(*r->ranges), start_compare);
	s.open = calloc(r->n, sizeof(*s.open));
	if (!s.open)
		return -ENOMEM;
	for (i = 0; !err && i < r->n; i++) {
		err = advance(&s, r->ranges[i].start);
		heap_push(&s, &r->ranges[i]);
	}
	if (!err)
		err = advance(&s, UINT64_MAX);
	free(s.open);
	if (err) {
		lsp_ranges_uninit(&s.out);
		return err;
	}
	free(r->ranges);
	*r = s.out;
	return 0;
}

/* Returns how many ranges start at or before @addr. */
static size_t started(const struct lsp_ranges *r, uint64_t addr)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->ranges[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct lsp_range *lsp_ranges_find(const struct lsp_ranges *r, uint64_t addr)
{
	size_t n = started(r, addr);

	return n && addr < r->ranges[n - 1].end ? &r->ranges[n - 1] : NULL;
}

const struct lsp_range *lsp_ranges_after(const struct lsp_ranges *r, uint64_t addr)
{
	size_t n = started(r, addr);

	return n < r->n ? &r->ranges[n] : NULL;
}
