/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words of the contract in their readable form, and the walk over a run of
 * records. Everything in user/ that speaks of spans stands on this.
 */
#ifndef LSP_CAPTURE_SPAN_H
#define LSP_CAPTURE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kmod/uapi/lockspan.h"

/* Kind of primitive that a stack waits on or releases. */
#define LSP_SYNCS(X)			\
	X(OTHER, "other")		\
	X(MUTEX, "mutex")		\
	X(RWLOCK_RD, "rwlock_rd")	\
	X(RWLOCK_WR, "rwlock_wr")	\
	X(COND, "cond")			\
	X(SEM, "sem")			\
	X(BARRIER, "barrier")		\
	X(JOIN, "join")			\
	X(ONCE, "once")			\
	X(PI, "pi")			\
	X(RUNTIME, "runtime")

#define LSP_ENUM_SYNC(id, name) LSP_SYNC_##id,
enum lsp_sync { LSP_SYNCS(LSP_ENUM_SYNC) LSP_SYNC_COUNT };

/* Never NULL; "?" for a number out of range. */
const char *lsp_sync_name(unsigned int sync);
const char *lsp_op_name(unsigned int op);
const char *lsp_outcome_name(unsigned int outcome);
const char *lsp_counter_name(unsigned int counter);

/* Lock wait and sched delay of a span, ns, as semantics has them. */
uint64_t lsp_span_lock_wait_ns(const struct lockspan_span *s);
uint64_t lsp_span_sched_delay_ns(const struct lockspan_span *s);

/* Whether it belongs in a block profile: it slept and ended, in whatever way but an error. */
bool lsp_span_is_contention(const struct lockspan_span *s);

/*
 * Next record of a run of @bytes, or NULL at its end. *@at starts at 0. A
 * record that is cut, misaligned, or shorter than its type sets *@error to
 * -EBADMSG and ends the walk; types that are not known are skipped.
 */
const struct lockspan_rec *lsp_rec_next(const void *run, size_t bytes, size_t *at, int *error);

/* The same, but stops at fillers and unknown types too: they take sequence numbers. */
const struct lockspan_rec *lsp_rec_any(const void *run, size_t bytes, size_t *at, int *error);

#endif
