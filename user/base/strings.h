/* SPDX-License-Identifier: GPL-2.0-only */
/* Strings by number: each distinct one once. All zero is an empty set. */
#ifndef LSP_BASE_STRINGS_H
#define LSP_BASE_STRINGS_H

#include <stddef.h>
#include <stdint.h>

#include "index.h"

struct lsp_strings {
	char **strings;
	size_t n;
	size_t room;
	struct lsp_index index;
};

void lsp_strings_uninit(struct lsp_strings *s);

/* The number of the string of at most @max bytes at @text (a NUL ends it earlier). 0 or -ENOMEM. */
int lsp_strings_place(struct lsp_strings *s, const char *text, size_t max, uint32_t *ret);

#endif
