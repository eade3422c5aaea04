/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a live view shows: all locks, or one of them with who waits, who holds it and their heaviest
 * stacks. It is made of lines of text, so that it can be written to a pipe as well. Also: what the
 * press of a key changes. It knows no terminal.
 */
#ifndef LSP_TOP_SCREEN_H
#define LSP_TOP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "look.h"

enum lsp_top_key {
	LSP_TOP_KEY_NONE, LSP_TOP_KEY_UP, LSP_TOP_KEY_DOWN, LSP_TOP_KEY_SORT, LSP_TOP_KEY_FREEZE, LSP_TOP_KEY_OPEN,
	LSP_TOP_KEY_CLOSE, LSP_TOP_KEY_WRITE, LSP_TOP_KEY_QUIT
};

struct lsp_top_screen {
	size_t columns;		/* 0: any number */
	size_t lines;		/* 0: any number */
	bool keys;		/* somebody can press keys: show which, and which lock is chosen */
	bool frozen;
	bool opened;		/* the chosen lock alone */
	enum lsp_top_sort sort;
	char *chosen;		/* the name of a lock; NULL: the first one */
	char message[160];	/* shown until the next key; "" none */
};

enum lsp_top_style { LSP_TOP_PLAIN, LSP_TOP_HEAD, LSP_TOP_CHOSEN };

struct lsp_top_line {
	char *text;
	enum lsp_top_style style;
};

struct lsp_top_lines {
	struct lsp_top_line *lines;
	size_t n;
	size_t room;
};

/*
 * Changes the screen as a key asks; @l is sorted anew where that is asked. Writing and quitting are the caller's.
 * Returns 0 or -ENOMEM.
 */
int lsp_top_screen_key(struct lsp_top_screen *s, struct lsp_top_look *l, enum lsp_top_key key);

/* Writes the lines into @ret, which is empty before. Returns 0 or -ENOMEM. */
int lsp_top_screen_lines(const struct lsp_top_screen *s, const struct lsp_top_look *l, struct lsp_top_lines *ret);
void lsp_top_lines_destroy(struct lsp_top_lines *l);
void lsp_top_screen_uninit(struct lsp_top_screen *s);

#endif
