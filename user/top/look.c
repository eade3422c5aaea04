// SPDX-License-Identifier: GPL-2.0-only
#include "look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"

const char *const lsp_top_sort_names[LSP_TOP_SORT_COUNT] = { "waiting", "waits", "waited", "blamed", "name" };

void lsp_top_before_uninit(struct lsp_top_before *b)
{
	lsp_intern_uninit(&b->names);
	free(b->sums);
	memset(b, 0, sizeof(*b));
}

/* Returns the place where the sums of the lock @name are kept, which are 0 if it is new; NULL: no memory. */
static struct lsp_top_sums *sums_at(struct lsp_top_before *b, const char *name)
{
	size_t known = b->names.count;
	int64_t id = lsp_intern_add(&b->names, name, strlen(name) + 1);

	if (id < 0 || lsp_array_grow(&b->sums, &b->room, (size_t)id, sizeof(*b->sums)))
		return NULL;
	if ((size_t)id == known)
		b->sums[id] = (struct lsp_top_sums){ 0 };
	return &b->sums[id];
}

/* A row can lose something when more is known of it, so a difference may be below 0. */
static double grown(double now, double before)
{
	return now > before ? now - before : 0;
}

static int locks_fill(struct lsp_top_look *l, struct lsp_top_before *b, double interval_s)
{
	l->locks = calloc(l->table.shown ? l->table.shown : 1, sizeof(*l->locks));
	if (!l->locks)
		return -ENOMEM;
	for (size_t i = 0; i < l->table.shown; i++) {
		const struct lsp_table_row *row = &l->table.rows[i];
		struct lsp_top_sums *sums = sums_at(b, row->name);
		struct lsp_top_lock *lock = &l->locks[l->n];

		if (!sums)
			return -ENOMEM;
		if (row->v[LSP_V_WAITS] > 0) {
			l->n++;
			lock->row = row;
			lock->waiting = grown(row->v[LSP_V_WAITED], sums->waited_ns) / 1e9 / interval_s;
			lock->waits = grown(row->v[LSP_V_WAITS], sums->waits) / interval_s;
			l->waiting[row->use] += lock->waiting;
		}
		*sums = (struct lsp_top_sums){ row->v[LSP_V_WAITED], row->v[LSP_V_WAITS] };
	}
	return 0;
}

int lsp_top_look_create(struct lsp_recording *r, struct lsp_top_before *b, double interval_s,
			struct lsp_top_look *ret)
{
	int err;

	*ret = (struct lsp_top_look){ .recording = *r };
	memset(r, 0, sizeof(*r));
	err = lsp_table_create(&ret->recording, LSP_BY_LOCK, false, &ret->table);
	if (!err) {
		err = lsp_parties_create(&ret->recording, &ret->parties);
		if (!err)
			err = locks_fill(ret, b, interval_s);
		if (err)
			lsp_table_destroy(&ret->table);
	}
	if (err) {
		lsp_parties_destroy(&ret->parties);
		free(ret->locks);
		lsp_recording_uninit(&ret->recording);
		memset(ret, 0, sizeof(*ret));
		return err;
	}
	lsp_top_look_sort(ret, LSP_TOP_WAITING);
	return 0;
}

void lsp_top_look_destroy(struct lsp_top_look *l)
{
	lsp_table_destroy(&l->table);
	lsp_parties_destroy(&l->parties);
	free(l->locks);
	lsp_recording_uninit(&l->recording);
	memset(l, 0, sizeof(*l));
}

static double key(const struct lsp_top_lock *lock, enum lsp_top_sort sort)
{
	switch (sort) {
	case LSP_TOP_WAITING:
		return lock->waiting;
	case LSP_TOP_WAITS:
		return lock->waits;
	case LSP_TOP_BLAMED:
		return lock->row->v[LSP_V_BLAMED];
	case LSP_TOP_WAITED:
		return lock->row->v[LSP_V_WAITED];
	default:
		return 0;
	}
}

static int lock_compare(const void *a, const void *b, void *sort)
{
	const struct lsp_top_lock *x = a, *y = b;
	double left = key(x, *(enum lsp_top_sort *)sort), right = key(y, *(enum lsp_top_sort *)sort);

	if (x->row->use != y->row->use)
		return x->row->use < y->row->use ? -1 : 1;
	if (left != right)
		return left > right ? -1 : 1;
	return strcmp(x->row->name, y->row->name);
}

void lsp_top_look_sort(struct lsp_top_look *l, enum lsp_top_sort sort)
{
	qsort_r(l->locks, l->n, sizeof(*l->locks), lock_compare, &sort);
}

const struct lsp_top_lock *lsp_top_look_find(const struct lsp_top_look *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->locks[i].row->name, name))
			return &l->locks[i];
	return NULL;
}
