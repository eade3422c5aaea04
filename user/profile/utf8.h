/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text as protobuf wants it. Thread names and symbols are any bytes, and strict
 * readers refuse a whole profile for one string that is not UTF-8.
 */
#ifndef LSP_PROFILE_UTF8_H
#define LSP_PROFILE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether @text is UTF-8 without a NUL. */
bool lsp_utf8_valid(const char *text, size_t bytes);

/*
 * A malloc'ed, terminated copy with U+FFFD in place of each byte that is not
 * part of a character, and of NUL. NULL: no memory.
 */
char *lsp_utf8_clean(const char *text, size_t bytes);

#endif
