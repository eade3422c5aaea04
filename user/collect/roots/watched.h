/* SPDX-License-Identifier: GPL-2.0-only */
/* The waits of threads that were found to wait for each other: their stacks come only when these waits end. */
#ifndef LSP_COLLECT_ROOTS_WATCHED_H
#define LSP_COLLECT_ROOTS_WATCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../capture/span.h"

struct lsp_watched_wait {
	uint32_t tgid;
	uint32_t tid;
	uint64_t uaddr;
	uint64_t key;
	uint32_t stack;		/* of the row that the span was added to */
	bool seen;		/* the span has come: these two are known */
};

/* All zero is empty. */
struct lsp_watched {
	struct lsp_watched_wait *waits;
	size_t n;
	size_t room;
};

void lsp_watched_uninit(struct lsp_watched *w);

/* Asks for the wait of a thread for the word at @uaddr. 0 or -ENOMEM. */
int lsp_watched_add(struct lsp_watched *w, uint32_t tgid, uint32_t tid, uint64_t uaddr);

/* Whether a span is one of them; @stack: of its row. */
void lsp_watched_see(struct lsp_watched *w, const struct lockspan_span *s, uint32_t stack);

/* Returns what was asked for, or NULL. */
const struct lsp_watched_wait *lsp_watched_find(const struct lsp_watched *w, uint32_t tgid, uint32_t tid, uint64_t uaddr);

#endif
