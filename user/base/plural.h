/* SPDX-License-Identifier: GPL-2.0-only */
/* The ending of a noun that is printed behind a count: "1 wait", "2 waits", "0 waits". */
#ifndef LSP_BASE_PLURAL_H
#define LSP_BASE_PLURAL_H

#include <stdint.h>

/* Returns @ending ("s" or "es"), or "" if @count is 1. */
static inline const char *lsp_plural(uint64_t count, const char *ending)
{
	return count == 1 ? "" : ending;
}

#endif
