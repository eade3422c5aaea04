/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checks whether text is UTF-8 and makes it so, which protobuf requires. Thread names and symbols can be any bytes, and a
 * strict reader refuses a whole profile for one string that is not UTF-8.
 */
#ifndef LSP_PROFILE_UTF8_H
#define LSP_PROFILE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether @text is UTF-8 without a NUL. */
bool lsp_utf8_valid(const char *text, size_t bytes);

/*
 * Returns a malloc'ed, terminated copy with U+FFFD in place of NUL and of each byte that is not
 * part of a character. NULL: no memory.
 */
char *lsp_utf8_clean(const char *text, size_t bytes);

#endif
