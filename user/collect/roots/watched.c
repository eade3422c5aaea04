// SPDX-License-Identifier: GPL-2.0-only
#include "watched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/index.h"

void lsp_watched_uninit(struct lsp_watched *w)
{
	free(w->waits);
	memset(w, 0, sizeof(*w));
}

const struct lsp_watched_wait *lsp_watched_find(const struct lsp_watched *w, uint32_t tgid, uint32_t tid, uint64_t uaddr)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->waits[i].tid == tid && w->waits[i].tgid == tgid && w->waits[i].uaddr == uaddr)
			return &w->waits[i];
	return NULL;
}

int lsp_watched_add(struct lsp_watched *w, uint32_t tgid, uint32_t tid, uint64_t uaddr)
{
	if (lsp_watched_find(w, tgid, tid, uaddr))
		return 0;
	if (lsp_array_grow(&w->waits, &w->room, w->n, sizeof(*w->waits)))
		return -ENOMEM;
	w->waits[w->n++] = (struct lsp_watched_wait){ .tgid = tgid, .tid = tid, .uaddr = uaddr };
	return 0;
}

void lsp_watched_see(struct lsp_watched *w, const struct lockspan_span *s, uint32_t stack)
{
	for (size_t i = 0; i < w->n; i++) {
		struct lsp_watched_wait *one = &w->waits[i];

		if (one->tid != s->tid || one->tgid != s->tgid || one->uaddr != s->uaddr)
			continue;
		one->key = s->key;
		one->stack = stack;
		one->seen = true;
	}
}
