/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a hold was long: the history of a thread (what it has done lately), the crowd of a key (how its waiters came
 * and went), and the arithmetic that splits the charge of a release by both.
 *
 * A thread runs, except in its absences. An absence is the time from the moment at which the thread gives its
 * processor away to the moment at which it has one again. Only the thread's own context adds absences, so a
 * history needs no lock. When there is no room for another absence, the oldest ones are taken into a block, which
 * keeps only what they come to. When there is no room for another block, neighbours become one where
 * they are short for their age.
 *
 * While a hold lasts, waiters come to the lock and leave it. A crowd has the times at which they do, as far as the
 * ledger does not tell them. With it each moment of the hold counts once for each waiter, as in the ledger. So the
 * parts add up to the charge by themselves.
 */
#ifndef _LSP_CORE_WHY_H
#define _LSP_CORE_WHY_H

#include "../uapi/lockspan.h"
#include "ledger.h"
#include "types.h"

#define LSP_WHY_ABSENCES 48
#define LSP_WHY_BLOCK_ABSENCES 12	/* of which the absences are a multiple */
#define LSP_WHY_BLOCKS 16
#define LSP_WHY_BLOCKS_FREED 4	/* at once, at least, if that is not too coarse */
#define LSP_WHY_BLOCK_RUNS 3
#define LSP_WHY_BLOCK_SUMS 4
#define LSP_WHY_CALLS 512
#define LSP_WHY_CHANGES 29
#define LSP_WHY_PARTS 16

/* What a thread does that waits for no futex: as in struct lockspan_why_part. */
static inline u64 lsp_why_what(enum lockspan_why why, u32 call)
{
	return (u64)why << LOCKSPAN_WHY_CALL_BITS | (call < LOCKSPAN_WHY_CALL_LAST ? call : LOCKSPAN_WHY_CALL_LAST);
}

#define LSP_WHY_WHAT(why) ((u64)LOCKSPAN_WHY_##why << LOCKSPAN_WHY_CALL_BITS)

/* The thread had no processor from @out_ns to @in_ns. It did @what until @woken_ns; from then on it was runnable. */
struct lsp_why_absence {
	u64 out_ns;
	u64 what;
	u64 woken_ns;
	u64 in_ns;
};

/* No thread does this: the place is free. */
#define LSP_WHY_FREE (LOCKSPAN_WHY_KEYS - 1)

/* Old absences, and the time before each, summed up. */
struct lsp_why_block {
	u64 from_ns;
	u64 running_ns;
	u64 runnable_ns;
	u64 unknown_ns;		/* found no place of its own */
	u64 ns[LSP_WHY_BLOCK_SUMS];
	u64 what[LSP_WHY_BLOCK_SUMS];	/* or LSP_WHY_FREE */
	u64 most;		/* the one with the largest sum */
};

/* What threads did in all their time, as long as they were put on one processor. */
struct lsp_why_times {
	u64 state_ns[LOCKSPAN_WHY_COUNT];	/* by enum lockspan_why; of calls: those that have no place below */
	u64 call_ns[2][LSP_WHY_CALLS];		/* by number, 64-bit and 32-bit ones */
};

static inline void lsp_why_times_add(struct lsp_why_times *to, u64 what, u64 ns)
{
	u64 why = what >> LOCKSPAN_WHY_CALL_BITS, call = what & LOCKSPAN_WHY_CALL_LAST;

	if (what >= LOCKSPAN_WHY_KEYS)
		to->state_ns[LOCKSPAN_WHY_FUTEX] += ns;
	else if ((why == LOCKSPAN_WHY_CALL || why == LOCKSPAN_WHY_CALL_COMPAT) && call < LSP_WHY_CALLS)
		to->call_ns[why - LOCKSPAN_WHY_CALL][call] += ns;
	else
		to->state_ns[why] += ns;
}

/* One sum of LSP_WHY_TIMES: what it is of, and where it is. */
#define LSP_WHY_TIMES (LOCKSPAN_WHY_COUNT + 2 * LSP_WHY_CALLS)
static inline u64 *lsp_why_times_at(struct lsp_why_times *times, u32 i, u64 *what)
{
	u32 call = i - LOCKSPAN_WHY_COUNT;

	if (i < LOCKSPAN_WHY_COUNT) {
		bool calls = i == LOCKSPAN_WHY_CALL || i == LOCKSPAN_WHY_CALL_COMPAT;

		*what = (u64)i << LOCKSPAN_WHY_CALL_BITS | (calls ? LOCKSPAN_WHY_CALL_LAST : 0);
		return &times->state_ns[i];
	}
	*what = (u64)(LOCKSPAN_WHY_CALL + call / LSP_WHY_CALLS) << LOCKSPAN_WHY_CALL_BITS | call % LSP_WHY_CALLS;
	return &times->call_ns[call / LSP_WHY_CALLS][call % LSP_WHY_CALLS];
}

struct lsp_why_history {
	u64 woken_ns;		/* when the thread was last woken; any context may write it */
	u64 last_ns;		/* its last change */
	u64 from_ns;		/* begin of the time that the absences and what lies between them fill */
	struct lsp_why_absence *next;	/* or the one that lasts */
	struct lsp_why_absence *first;	/* the oldest; the same as next: there is none that is over */
	struct lsp_why_absence *full;	/* when next comes to it, there is work for lsp_why_turn() */
	bool known;		/* false: nothing is known of the thread */
	u8 blocks;
	u8 ratio;		/* with which to begin to join them */
	u8 order[LSP_WHY_BLOCKS];	/* places of the blocks, the oldest first, each ending where the next begins; then the free ones */
	struct lsp_why_block block[LSP_WHY_BLOCKS];
	struct lsp_why_absence absence[LSP_WHY_ABSENCES];
};

/*
 * How the waiters of one key have come and gone since its cut, in order of time. It is empty while at most one of those
 * who wait now has come since then: the ledger tells when. The key's lock protects it.
 */
struct lsp_why_crowd {
	u64 cut_ns;		/* the cut that the changes follow; another one makes them invalid */
	u32 changes;
	bool crowded;		/* there was no room for all changes */
	bool empty;		/* nobody waited before the first change */
	u64 change[LSP_WHY_CHANGES];	/* time << 1, and 1 if a waiter left */
};

/* A hold that a release ends. */
struct lsp_why_hold {
	u64 cut_ns;		/* from when on the @waiters, and who came later, have waited for the releaser */
	u64 now_ns;
	u64 charge_ns;
	u64 key;		/* hash of the key that is released */
	u32 waiters;		/* on the key before the release */
};

/* The history begins with a thread that runs, and is known to have run since @from_ns. */
void lsp_why_begin(struct lsp_why_history *h, u64 from_ns);

/*
 * There are as many more absences as a block has. If all places are full, takes the oldest ones into a block, and adds
 * them to @times, which is this processor's.
 */
void lsp_why_turn(struct lsp_why_history *h, struct lsp_why_times *times);

/* Adds what is not in @times yet, up to @end_ns. From then on nothing is known of the thread. */
void lsp_why_end(struct lsp_why_history *h, u64 end_ns, struct lsp_why_times *times);

/* At @now_ns the thread gives its processor away, to do @what. */
static inline void lsp_why_out(struct lsp_why_history *h, u64 now_ns, u64 what)
{
	struct lsp_why_absence *a = h->next;

	/* Processors may disagree a little about the time. */
	if (now_ns < h->last_ns)
		now_ns = h->last_ns;
	h->last_ns = now_ns;
	a->out_ns = now_ns;
	a->what = what;
}

/* At @now_ns the thread has this processor. @woken_ns: when it was woken, if that was during its absence. */
static inline void lsp_why_in(struct lsp_why_history *h, u64 now_ns, u64 woken_ns, struct lsp_why_times *times)
{
	struct lsp_why_absence *a = h->next;
	u64 out_ns = h->last_ns;

	if (now_ns < out_ns)
		now_ns = out_ns;
	if (woken_ns - out_ns > now_ns - out_ns)
		woken_ns = now_ns;
	a->woken_ns = woken_ns;
	a->in_ns = now_ns;
	h->last_ns = now_ns;
	h->next = ++a;
	if (a == h->full)
		lsp_why_turn(h, times);
}

/*
 * Divides the charge of @hold, and puts the LSP_WHY_PARTS parts or fewer to @to. @h: what the releaser did. NULL: it
 * has run since @running_ns, and what it did before is unknown. @c: how its waiters came and went; NULL: they were
 * the same all the time. Returns the number of parts; *@flags: LOCKSPAN_RELEASE_EVEN, LOCKSPAN_RELEASE_SUMMED.
 */
u32 lsp_why_split(const struct lsp_why_history *h, u64 running_ns, const struct lsp_why_crowd *c,
		  const struct lsp_why_hold *hold, struct lockspan_why_part *to, u16 *flags);

/* The same for nearly all holds: they had few absences. Returns 0 if @hold is another. A part may be 0 ns. */
u32 lsp_why_split_short(const struct lsp_why_history *h, const struct lsp_why_crowd *c, const struct lsp_why_hold *hold,
			struct lockspan_why_part *to);

static inline void lsp_why_crowd_init(struct lsp_why_crowd *c)
{
	c->cut_ns = ~0ULL;
	c->changes = 0;
}

/* Whether @c says how waiters came and went since the cut of @l. */
static inline bool lsp_why_crowd_is(const struct lsp_why_crowd *c, const struct lsp_ledger *l)
{
	return c->changes && c->cut_ns == l->cut_ns;
}

void lsp_why_crowd_come(struct lsp_why_crowd *c, const struct lsp_ledger *l, u64 t);

/* A waiter has queued at @t, and the ledger @l has booked it. At the cut it is like those who came before. @c: NULL if nobody asks. */
static inline void lsp_why_crowd_enq(struct lsp_why_crowd *c, const struct lsp_ledger *l, u64 t)
{
	if ((l->waiters > 1 || lsp_ledger_carries(l)) && t != l->cut_ns && c)
		lsp_why_crowd_come(c, l, t);
}

/*
 * A waiter that queued at @enq_ns has left at @t without being woken, and @l has booked that. @carried: the next release is
 * charged with its time; otherwise the waiter counts as if it had never come.
 */
void lsp_why_crowd_leave(struct lsp_why_crowd *c, const struct lsp_ledger *l, u64 enq_ns, u64 t, bool carried);

/* What is carried has been given up, so nobody has waited since the cut. */
static inline void lsp_why_crowd_clear(struct lsp_why_crowd *c)
{
	c->changes = 0;
}

#endif
