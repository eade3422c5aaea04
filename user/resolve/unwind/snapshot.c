/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads words out of a captured stack. The payload comes from a file or a socket: it is not trusted. */
#include "snapshot.h"

#include <string.h>

static void sparse_init(struct lsp_snapshot *snap, const struct lockspan_stack *s)
{
	uint64_t nbits = s->window_bytes / 8;
	uint64_t nmaps = (nbits + 63) / 64;

	if (nmaps > LSP_SNAPSHOT_BITMAP_MAX)
		nmaps = LSP_SNAPSHOT_BITMAP_MAX;
	if (nmaps > s->payload_bytes / 8)
		nmaps = s->payload_bytes / 8;
	snap->bitmap = (const uint8_t *)(s + 1);
	/* the words begin after the whole bitmap, which may be longer than what is read */
	if ((nbits + 63) / 64 > s->payload_bytes / 8)
		nbits = 0;
	else
		snap->nwords = s->payload_bytes / 8 - (nbits + 63) / 64;
	snap->words = snap->bitmap + (nbits + 63) / 64 * 8;
	snap->bytes = (nbits < nmaps * 64 ? nbits : nmaps * 64) * 8;
	snap->rank[0] = 0;
	snap->nranked = 1;
}

/*
 * Returns how many words are kept before those of bitmap word number @i. The counts are made as far as they are
 * needed, because most stacks end in the first few words.
 */
static unsigned int rank(struct lsp_snapshot *snap, uint64_t i)
{
	uint64_t word;

	for (; snap->nranked <= i; snap->nranked++) {
		memcpy(&word, snap->bitmap + 8 * (snap->nranked - 1), 8);
		snap->rank[snap->nranked] = (uint16_t)(snap->rank[snap->nranked - 1] +
						       __builtin_popcountll(word));
	}
	return snap->rank[i];
}

void lsp_snapshot_init(struct lsp_snapshot *snap, const struct lockspan_stack *s)
{
	snap->start = s->regs[LOCKSPAN_REG_RSP];
	snap->nwords = 0;
	snap->bitmap = NULL;
	snap->words = (const uint8_t *)(s + 1);
	snap->bytes = s->payload_bytes;
	if (s->mode == LOCKSPAN_STACK_SPARSE)
		sparse_init(snap, s);
	else if (s->mode != LOCKSPAN_STACK_RAW)
		snap->bytes = 0;
	if (snap->start > UINT64_MAX - snap->bytes)
		snap->bytes = 0;
}

enum lsp_snapshot_read lsp_snapshot_word(struct lsp_snapshot *snap, uint64_t addr, uint64_t *ret)
{
	uint64_t at = addr - snap->start, bits, index;

	*ret = 0;
	if (addr < snap->start || at >= snap->bytes || snap->bytes - at < 8)
		return LSP_SNAPSHOT_OUTSIDE;
	if (!snap->bitmap) {
		memcpy(ret, snap->words + at, 8);
		return LSP_SNAPSHOT_OK;
	}
	if (at & 7)
		return LSP_SNAPSHOT_DROPPED;
	memcpy(&bits, snap->bitmap + at / 512 * 8, 8);
	if (!(bits >> (at / 8 & 63) & 1))
		return LSP_SNAPSHOT_DROPPED;
	index = rank(snap, at / 512) +
		(uint64_t)__builtin_popcountll(bits & ((1ULL << (at / 8 & 63)) - 1));
	if (index >= snap->nwords)
		return LSP_SNAPSHOT_OUTSIDE;
	memcpy(ret, snap->words + index * 8, 8);
	return LSP_SNAPSHOT_OK;
}
