/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of the contract's numbers, the lock wait and the sched delay of a span, the check of a
 * record, and the way through a run of records. Everything in user/ that reads spans uses this.
 */
#ifndef LSP_CAPTURE_SPAN_H
#define LSP_CAPTURE_SPAN_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kmod/uapi/lockspan.h"

/* The class of what a stack waits for or releases, see docs/semantics.md. */
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

/*
 * A record that the userspace recorder alone sends, beside those of the
 * contract: a lock that is waited for, and the stack that initialised it.
 */
#define LSP_REC_LOCK 0x100

struct lsp_rec_lock {
	struct lockspan_rec rec;
	uint64_t key;
	uint64_t uaddr;
	uint64_t stack;		/* its name */
	uint32_t tgid;
	uint32_t object_bytes;	/* size of the object at uaddr */
	uint32_t stack_tgid;	/* the process to which the stack belongs: tgid, or one that it was forked from */
	uint32_t reserved;
};

/*
 * Is returned in place of a record whose content contradicts itself or is shorter than its type.
 * Such a record has a sequence number, and the records beside it are good. Nobody sends this type.
 */
#define LSP_REC_UNFIT 0x101
extern const struct lockspan_rec lsp_rec_unfit;

/* Never NULL; "?" for a number out of range. */
const char *lsp_sync_name(unsigned int sync);
const char *lsp_op_name(unsigned int op);
const char *lsp_outcome_name(unsigned int outcome);
const char *lsp_counter_name(unsigned int counter);

/* Whether a release of this class is blamed in a mutex profile. */
bool lsp_sync_is_lock(enum lsp_sync sync);

/* A record whose times run backwards must not become a wait of 584 years. */
static inline uint64_t lsp_elapsed_ns(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* Lock wait and sched delay of a span, ns, as semantics has them. */
static inline uint64_t lsp_span_lock_wait_ns(const struct lockspan_span *s)
{
	return lsp_elapsed_ns(s->enq_ns, s->wake_ns ? s->wake_ns : s->run_ns);
}

static inline uint64_t lsp_span_sched_delay_ns(const struct lockspan_span *s)
{
	return s->wake_ns ? lsp_elapsed_ns(s->wake_ns, s->run_ns) : 0;
}

/* Whether the span belongs in a block profile: the task slept, and the end of the wait was seen. */
static inline bool lsp_span_is_contention(const struct lockspan_span *s)
{
	const unsigned int others = 1U << LOCKSPAN_NOSLEEP | 1U << LOCKSPAN_OPEN | 1U << LOCKSPAN_ERROR;

	return s->outcome < LOCKSPAN_OUTCOME_COUNT && !(others >> s->outcome & 1);
}

/*
 * Returns the next record of a run of @bytes bytes, or NULL at its end. *@at starts at 0. A record
 * that is cut off, misaligned or too short sets *@error to -EBADMSG and ends the walk, because
 * nobody knows where the next one begins. A record is skipped if its type is unknown or its content
 * does not fit its type.
 */
const struct lockspan_rec *lsp_rec_next(const void *run, size_t bytes, size_t *at, int *error);

/*
 * Whether the content of @rec agrees with its type: it is long enough, and the lengths within it
 * add up. All rec->bytes bytes must be readable; lsp_rec_any() makes sure of that.
 */
bool lsp_rec_fits(const struct lockspan_rec *rec);

/*
 * Like lsp_rec_next(), but also returns fillers and records of unknown types, and returns
 * lsp_rec_unfit for a record that does not fit its type. All of these have sequence numbers.
 */
static inline const struct lockspan_rec *lsp_rec_any(const void *run, size_t bytes, size_t *at,
						     int *error)
{
	const struct lockspan_rec *rec = (const void *)((const char *)run + *at);
	size_t left = bytes - *at;
	bool fits;

	if (!left)
		return NULL;
	if (__builtin_expect(left < sizeof(*rec) || ((uintptr_t)rec | rec->bytes) % 8 || rec->bytes > left ||
			     rec->bytes < sizeof(*rec), 0)) {
		*error = -EBADMSG;
		return NULL;
	}
	*at += rec->bytes;
	/* The two most frequent types are checked here, without a call. */
	if (rec->type == LOCKSPAN_REC_SPAN)
		fits = rec->bytes >= sizeof(struct lockspan_span);
	else if (rec->type == LOCKSPAN_REC_RELEASE)
		fits = rec->bytes >= sizeof(struct lockspan_release);
	else
		fits = lsp_rec_fits(rec);
	return __builtin_expect(fits, 1) ? rec : &lsp_rec_unfit;
}

#endif
