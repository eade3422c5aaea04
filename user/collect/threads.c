// SPDX-License-Identifier: GPL-2.0-only
#include "threads.h"

#include <stdlib.h>
#include <string.h>

/* This limits the memory to 5 MiB when threads come and go. */
#define THREADS_MAX 65536

void lsp_threads_uninit(struct lsp_threads *t)
{
	free(t->threads);
	lsp_index_uninit(&t->index);
	memset(t, 0, sizeof(*t));
}

static bool thread_equal(const void *arg, uint32_t place, const void *key)
{
	const struct lsp_threads *t = arg;
	const struct lsp_thread *a = &t->threads[place], *b = key;

	return a->tid == b->tid && a->tgid == b->tgid;
}

struct lsp_thread *lsp_threads_at(struct lsp_threads *t, uint32_t tgid, uint32_t tid)
{
	struct lsp_thread key = { .tgid = tgid, .tid = tid };
	uint64_t hash = lsp_hash(&tid, sizeof(tid), tgid);
	uint32_t place = lsp_index_find(&t->index, hash, thread_equal, t, &key);

	if (place != LSP_INDEX_NONE)
		return &t->threads[place];
	if (t->n >= THREADS_MAX && tid)
		return lsp_threads_at(t, 0, 0);
	if (lsp_array_grow(&t->threads, &t->room, t->n, sizeof(*t->threads)) ||
	    lsp_index_add(&t->index, hash, (uint32_t)t->n))
		return NULL;
	t->threads[t->n] = key;
	return &t->threads[t->n++];
}
