/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal that a live view is shown on. Only this file's source knows curses. */
#ifndef LSP_TOP_TERMINAL_H
#define LSP_TOP_TERMINAL_H

#include <stdio.h>

#include "screen.h"

struct lsp_terminal;

/*
 * Takes the terminal over. Returns 0, or -ENOTTY if @out or @in is no terminal or if its type ($TERM) is not known;
 * then nothing has changed. Changes of its size and the keys are taken by lsp_terminal_key().
 */
int lsp_terminal_create(FILE *out, FILE *in, struct lsp_terminal **ret);

/* Gives it back as it was. NULL is allowed. */
void lsp_terminal_destroy(struct lsp_terminal *t);

/* Writes the size of the terminal to @s. */
void lsp_terminal_size(struct lsp_terminal *t, struct lsp_top_screen *s);
void lsp_terminal_show(struct lsp_terminal *t, const struct lsp_top_lines *lines);

/* Does not wait. LSP_TOP_KEY_NONE: nothing was pressed. @any: something was, or the size has changed. */
enum lsp_top_key lsp_terminal_key(struct lsp_terminal *t, bool *any);

#endif
