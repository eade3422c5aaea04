/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory of a captured stack, whole (RAW) or reduced to its pointers (SPARSE). */
#ifndef LSP_UNWIND_SNAPSHOT_H
#define LSP_UNWIND_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../capture/span.h"

/* The largest window that is read: 128 KiB. */
#define LSP_SNAPSHOT_BITMAP_MAX 256

struct lsp_snapshot {
	uint64_t start;		/* address of the first byte: rsp */
	uint64_t bytes;		/* bytes from there on that were looked at */
	const uint8_t *words;	/* all words, or the kept ones in order */
	size_t nwords;		/* kept ones, SPARSE only */
	const uint8_t *bitmap;	/* SPARSE only */
	size_t nranked;		/* entries of rank that are filled so far */
	uint16_t rank[LSP_SNAPSHOT_BITMAP_MAX]; /* number of kept words before each bitmap word */
};

enum lsp_snapshot_read {
	LSP_SNAPSHOT_OK,
	LSP_SNAPSHOT_DROPPED,	/* in the window, but not a pointer */
	LSP_SNAPSHOT_OUTSIDE,	/* not in the window */
};

/*
 * Makes a snapshot of @s, which is RAW or SPARSE and is followed by its payload. A payload that
 * contradicts itself is cut.
 */
void lsp_snapshot_init(struct lsp_snapshot *snap, const struct lockspan_stack *s);

/* Reads the 8 bytes at @addr. *@ret is 0 unless the result is OK. */
enum lsp_snapshot_read lsp_snapshot_word(struct lsp_snapshot *snap, uint64_t addr, uint64_t *ret);

#endif
