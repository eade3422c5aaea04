// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of the contract's numbers and the walk over a run of records. Records
 * come from a socket or a file: nothing in them is believed before its length
 * has been checked here.
 */
#include "span.h"

#include <errno.h>
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

/* A record whose times run backwards must not turn into 584 years of waiting. */
static uint64_t elapsed(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

uint64_t lsp_span_lock_wait_ns(const struct lockspan_span *s)
{
	return elapsed(s->enq_ns, s->wake_ns ? s->wake_ns : s->run_ns);
}

uint64_t lsp_span_sched_delay_ns(const struct lockspan_span *s)
{
	return s->wake_ns ? elapsed(s->wake_ns, s->run_ns) : 0;
}

bool lsp_span_is_contention(const struct lockspan_span *s)
{
	switch (s->outcome) {
	case LOCKSPAN_WOKEN:
	case LOCKSPAN_WOKEN_LATE:
	case LOCKSPAN_TIMEOUT:
	case LOCKSPAN_SIGNAL:
	case LOCKSPAN_REQUEUED:
	case LOCKSPAN_OWNER_DIED:
		return true;
	}
	return false;
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

static bool rec_fits(const struct lockspan_rec *rec)
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
	}
	return true;
}

const struct lockspan_rec *lsp_rec_any(const void *run, size_t bytes, size_t *at, int *error)
{
	const struct lockspan_rec *rec;

	if (*at == bytes)
		return NULL;
	rec = (const void *)((const char *)run + *at);
	if ((uintptr_t)rec % 8 || *at > bytes || bytes - *at < sizeof(*rec) ||
	    rec->bytes < sizeof(*rec) || rec->bytes % 8 || rec->bytes > bytes - *at ||
	    !rec_fits(rec)) {
		*error = -EBADMSG;
		return NULL;
	}
	*at += rec->bytes;
	return rec;
}

const struct lockspan_rec *lsp_rec_next(const void *run, size_t bytes, size_t *at, int *error)
{
	const struct lockspan_rec *rec;

	do {
		rec = lsp_rec_any(run, bytes, at, error);
	} while (rec && (rec->type == LOCKSPAN_REC_PAD || rec->type > LOCKSPAN_REC_MAP));
	return rec;
}
