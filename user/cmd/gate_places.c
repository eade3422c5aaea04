// SPDX-License-Identifier: GPL-2.0-only
#include "gate_places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"
#include "../report/recording.h"
#include "../report/site.h"
#include "../report/words.h"

#define LOCKS_NAMED 5

void lsp_gate_places_init(struct lsp_gate_places *p)
{
	memset(p, 0, sizeof(*p));
	lsp_intern_init(&p->names);
	lsp_intern_init(&p->keys);
}

void lsp_gate_places_uninit(struct lsp_gate_places *p)
{
	lsp_intern_uninit(&p->names);
	lsp_intern_uninit(&p->keys);
	free(p->places);
	memset(p, 0, sizeof(*p));
}

/* A copy of @text that lives as long as @p; NULL: no memory. */
static const char *name_keep(struct lsp_gate_places *p, const char *text, int64_t *id_ret)
{
	*id_ret = lsp_intern_add(&p->names, text, strlen(text) + 1);
	return *id_ret < 0 ? NULL : lsp_intern_get(&p->names, (uint32_t)*id_ret, NULL);
}

int lsp_gate_places_add(struct lsp_gate_places *p, const struct lsp_profile *profile,
			const struct lsp_profile_sample *s, enum lsp_sync sync, int side)
{
	const char *lock, *site;
	struct lsp_site where;
	int64_t key[3] = { 0, 0, sync }, id;

	lsp_site_find(profile, s, &where);
	lock = name_keep(p, lsp_sample_text(s, "lock"), &key[0]);
	site = name_keep(p, where.function, &key[1]);
	id = lock && site ? lsp_intern_add(&p->keys, key, sizeof(key)) : -ENOMEM;
	if (id < 0)
		return -ENOMEM;
	if ((size_t)id == p->n) {
		if (lsp_array_grow(&p->places, &p->room, p->n, sizeof(*p->places)))
			return -ENOMEM;
		p->places[p->n++] = (struct lsp_gate_place){ lock, site, sync, { 0, 0 } };
	}
	p->places[id].delay_ns[side] += s->values[1];
	return 0;
}

static int by_lock(const void *a, const void *b)
{
	const struct lsp_gate_place *x = a, *y = b;

	return strcmp(x->lock, y->lock);
}

/* All places, lock by lock; NULL: no memory, or there are none. */
static struct lsp_gate_place *places_sort(const struct lsp_gate_places *p)
{
	struct lsp_gate_place *sorted = p->n ? malloc(p->n * sizeof(*sorted)) : NULL;

	if (!sorted)
		return NULL;
	memcpy(sorted, p->places, p->n * sizeof(*sorted));
	qsort(sorted, p->n, sizeof(*sorted), by_lock);
	return sorted;
}

bool lsp_gate_places_worst(const struct lsp_gate_places *p, unsigned int classes, const char *lock,
			   const double divisor[2], struct lsp_gate_place *ret)
{
	struct lsp_gate_place *sorted = places_sort(p);
	double most = 0;

	for (size_t i = 0, end; sorted && i < p->n; i = end) {
		struct lsp_gate_place sum = { .lock = sorted[i].lock };
		double site_most = 0, grown;

		for (end = i; end < p->n && !strcmp(sorted[end].lock, sum.lock); end++) {
			const struct lsp_gate_place *one = &sorted[end];

			if (lock ? strcmp(lock, one->lock) : !(classes >> one->sync & 1))
				continue;
			sum.delay_ns[0] += one->delay_ns[0] / divisor[0];
			sum.delay_ns[1] += one->delay_ns[1] / divisor[1];
			grown = one->delay_ns[1] / divisor[1] - one->delay_ns[0] / divisor[0];
			if (!sum.site || grown > site_most) {
				site_most = grown;
				sum.site = one->site;
				sum.sync = one->sync;
			}
		}
		if (sum.site && sum.delay_ns[1] - sum.delay_ns[0] > most) {
			most = sum.delay_ns[1] - sum.delay_ns[0];
			*ret = sum;
		}
	}
	free(sorted);
	return most > 0;
}

const char *lsp_gate_places_most(const struct lsp_gate_places *p, const char *lock, int side,
				 double *share_ret)
{
	const struct lsp_gate_place *most = NULL;
	double all = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct lsp_gate_place *one = &p->places[i];

		if (strcmp(one->lock, lock))
			continue;
		all += one->delay_ns[side];
		if (!most || one->delay_ns[side] > most->delay_ns[side])
			most = one;
	}
	if (!(all > 0))
		return NULL;
	*share_ret = most->delay_ns[side] / all;
	return most->site;
}

void lsp_gate_places_locks(const struct lsp_gate_places *p, int side, FILE *to)
{
	struct lsp_gate_place *sorted = places_sort(p);
	size_t n = 0, left = 0;

	/* One entry a lock. */
	for (size_t i = 0; sorted && i < p->n; i++) {
		if (n && !strcmp(sorted[n - 1].lock, sorted[i].lock))
			sorted[n - 1].delay_ns[side] += sorted[i].delay_ns[side];
		else
			sorted[n++] = sorted[i];
	}
	for (int shown = 0; shown < LOCKS_NAMED; shown++) {
		struct lsp_gate_place *most = NULL;

		for (size_t i = 0; i < n; i++)
			if (sorted[i].delay_ns[side] > (most ? most->delay_ns[side] : 0))
				most = &sorted[i];
		if (!most)
			break;
		fputs(shown ? ", " : "", to);
		lsp_words_name(to, most->lock);
		most->delay_ns[side] = 0;
	}
	for (size_t i = 0; i < n; i++)
		left += sorted[i].delay_ns[side] > 0;
	if (left)
		fprintf(to, " and %zu more", left);
	free(sorted);
}
