// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of the contract's numbers, and the walk over a run of records. Records come from a socket
 * or a file, so no record is used before its length has been checked here.
 */
#include "span.h"

#include <stdbool.h>
#include <string.h>

#define NAME_OF(id, name) name,

static const char *const sync_names[] = { LSP_SYNCS(NAME_OF) };
static const char *const op_names[] = { LOCKSPAN_OPS(NAME_OF) };
static const char *const outcome_names[] = { LOCKSPAN_OUTCOMES(NAME_OF) };
static const char *const counter_names[] = { LOCKSPAN_COUNTERS(NAME_OF) };

const char *lsp_sync_name(unsigned int sync)
{
	return sync < LSP_SYNC_COUNT ? sync_names[sync] : "?";
}

bool lsp_sync_is_lock(enum lsp_sync sync)
{
	return sync == LSP_SYNC_MUTEX || sync == LSP_SYNC_RWLOCK_RD ||
	       sync == LSP_SYNC_RWLOCK_WR || sync == LSP_SYNC_PI;
}

const char *lsp_op_name(unsigned int op)
{
	return op < LOCKSPAN_OP_COUNT ? op_names[op] : "?";
}

const char *lsp_outcome_name(unsigned int outcome)
{
	return outcome < LOCKSPAN_OUTCOME_COUNT ? outcome_names[outcome] : "?";
}

const char *lsp_counter_name(unsigned int counter)
{
	return counter < LOCKSPAN_C_COUNT ? counter_names[counter] : "?";
}

static bool sparse_fits(const struct lockspan_stack *s)
{
	size_t words = ((size_t)s->window_bytes / 8 + 63) / 64;
	const uint64_t *bitmap = (const uint64_t *)(s + 1);
	size_t set = 0;

	if (words * 8 > s->payload_bytes)
		return false;
	for (size_t i = 0; i < words; i++)
		set += (size_t)__builtin_popcountll(bitmap[i]);
	if (set > LOCKSPAN_SPARSE_WORDS)
		set = LOCKSPAN_SPARSE_WORDS;
	return (words + set) * 8 <= s->payload_bytes;
}

static bool stack_fits(const struct lockspan_rec *rec)
{
	const struct lockspan_stack *s = (const void *)rec;

	if (rec->bytes < sizeof(*s) || s->payload_bytes > rec->bytes - sizeof(*s))
		return false;
	return s->mode != LOCKSPAN_STACK_SPARSE || sparse_fits(s);
}

static bool map_fits(const struct lockspan_rec *rec)
{
	const struct lockspan_map *m = (const void *)rec;

	return rec->bytes > sizeof(*m) && memchr(m + 1, '\0', rec->bytes - sizeof(*m));
}

const struct lockspan_rec lsp_rec_unfit = { .bytes = sizeof(lsp_rec_unfit), .type = LSP_REC_UNFIT };

static bool remap_fits(const struct lockspan_rec *rec)
{
	const struct lockspan_remap *m = (const void *)rec;

	return rec->bytes > sizeof(*m) && memchr(m + 1, '\0', rec->bytes - sizeof(*m));
}

bool lsp_rec_fits(const struct lockspan_rec *rec)
{
	switch (rec->type) {
	case LOCKSPAN_REC_SPAN:
		return rec->bytes >= sizeof(struct lockspan_span);
	case LOCKSPAN_REC_RELEASE:
		return rec->bytes >= sizeof(struct lockspan_release);
	case LOCKSPAN_REC_LATE:
		return rec->bytes >= sizeof(struct lockspan_late);
	case LOCKSPAN_REC_STACK:
		return stack_fits(rec);
	case LOCKSPAN_REC_MAP:
		return map_fits(rec);
	case LOCKSPAN_REC_REMAP:
		return remap_fits(rec);
	case LOCKSPAN_REC_GIVEN_UP:
		return rec->bytes >= sizeof(struct lockspan_given_up);
	case LOCKSPAN_REC_TIMES:
		return rec->bytes >= sizeof(struct lockspan_times);
	case LSP_REC_LOCK:
		return rec->bytes >= sizeof(struct lsp_rec_lock);
	}
	return true;
}

const struct lockspan_rec *lsp_rec_next(const void *run, size_t bytes, size_t *at, int *error)
{
	const struct lockspan_rec *rec;

	do {
		rec = lsp_rec_any(run, bytes, at, error);
	} while (rec && (rec->type == LOCKSPAN_REC_PAD || rec->type > LOCKSPAN_REC_MAX));
	return rec;
}
