// SPDX-License-Identifier: GPL-2.0-only
#include "blocking.h"

#include <string.h>

#include "birth.h"
#include "thread.h"

/* A wait of d_ns is kept with the probability d_ns / rate, as semantics.md says. */
static bool wait_kept(uint64_t d_ns)
{
	uint64_t rate_ns = lsp_thread_rate_ns();

	return rate_ns && (d_ns >= rate_ns || lsp_thread_random(rate_ns) < d_ns);
}

static void wait_put(const struct lsp_userfile_wait *w, const struct lsp_queue_parts *parts,
		     uint64_t now_ns, enum lockspan_outcome outcome)
{
	uint64_t *counters = lsp_thread_chunk()->counters, wait_ns = now_ns - w->start_ns;
	struct lockspan_span span;

	counters[outcome]++;
	counters[LOCKSPAN_C_LOCK_WAIT_NS] += wait_ns;
	counters[LOCKSPAN_C_HANDOFF_NS] += parts->handoff_ns;
	counters[LOCKSPAN_C_TAIL_NS] += parts->tail_ns;
	if (parts->carried) {
		/*
		 * This counts as given up until a release is charged with it, because the process
		 * may end before such a release.
		 */
		counters[LOCKSPAN_C_GIVEN_UP]++;
		counters[LOCKSPAN_C_GIVEN_UP_NS] += parts->tail_ns;
	}
	if (outcome == LOCKSPAN_ERROR) {
		counters[LOCKSPAN_C_ERROR_WAIT_NS] += wait_ns;
		return;
	}
	if (!wait_kept(wait_ns)) {
		counters[LOCKSPAN_C_SAMPLED_OUT]++;
		return;
	}
	counters[LOCKSPAN_C_KEPT]++;
	memset(&span, 0, sizeof(span));
	span.enq_ns = w->start_ns;
	span.wake_ns = outcome == LOCKSPAN_WOKEN ? now_ns : 0;
	span.run_ns = now_ns;
	span.key = span.end_key = w->key;
	span.uaddr = w->uaddr;
	span.stack = w->stack;
	span.rate_ns = lsp_thread_rate_ns();
	span.tail_ns = parts->tail_ns;
	span.rec.flags = parts->carried ? LOCKSPAN_SPAN_CARRIED : 0;
	span.handoff_ns = parts->handoff_ns;
	span.depth = (uint16_t)(w->depth ? w->depth : 1);
	span.op = LOCKSPAN_OP_OTHER;
	/*
	 * There is no system call whose argument could be here. In its place is the time for which
	 * the recorder kept the caller from its wait.
	 */
	span.op_word = w->own_ns < UINT32_MAX ? (uint32_t)w->own_ns : UINT32_MAX;
	span.outcome = (uint8_t)outcome;
	memcpy(span.comm, w->comm, sizeof(span.comm));
	lsp_thread_put_span(&span);
}

static enum lsp_queue_end wait_end(enum lockspan_outcome outcome)
{
	if (outcome == LOCKSPAN_WOKEN)
		return LSP_QUEUE_ACQUIRED;
	return outcome == LOCKSPAN_ERROR ? LSP_QUEUE_UNSEEN : LSP_QUEUE_GAVE_UP;
}

/* Reports waits that no release will answer for, if there are any. */
static void given_put(const struct lsp_queue_given *given, uint64_t now_ns)
{
	struct lockspan_given_up g;

	if (!given->waits || !lsp_thread_fraction())
		return;
	memset(&g, 0, sizeof(g));
	g.time_ns = now_ns;
	g.key = given->key;
	g.uaddr = (uintptr_t)given->lock;
	g.wait_ns = given->wait_ns;
	g.waits = given->waits;
	g.op = LOCKSPAN_OP_OTHER;
	lsp_thread_put_given_up(&g);
}

/* Records the end of a wait that was taken out of the thread's waits; @w is a copy of it. */
static void wait_over(const struct lsp_userfile_wait *w, uint64_t now_ns, enum lockspan_outcome outcome)
{
	const struct lsp_queue_wait wait = {
		.lock = (const void *)(uintptr_t)w->uaddr, .key = w->key, .start_ns = w->start_ns,
		.base_ns = w->base_ns,
	};
	struct lsp_queue_parts parts = { .found = false };

	if (w->base_ns)
		lsp_queue_leave(&wait, now_ns, wait_end(outcome), &parts);
	/* A wait for an event, and one without a place in the table, is tail as a whole. */
	if (parts.found)
		now_ns = parts.now_ns;
	else
		parts.tail_ns = now_ns - w->start_ns;
	if (!lsp_thread_record())
		return;
	wait_put(w, &parts, now_ns, outcome);
	given_put(&parts.given, now_ns);
}

void lsp_blocking_give_up_all(void)
{
	struct lsp_queue_given given;
	uint32_t bucket = 0;

	if (!lsp_thread_hold())
		return;
	while (lsp_queue_give_up(&bucket, &given) && lsp_thread_record())
		given_put(&given, lsp_thread_now_ns());
	lsp_thread_end();
}

static void waits_left_over(const void *frame)
{
	struct lsp_userfile_wait w;

	while (lsp_thread_wait_left(frame, &w))
		wait_over(&w, lsp_thread_now_ns(), LOCKSPAN_ERROR);
}

void lsp_blocking_left_all(void)
{
	if (!lsp_thread_hold())
		return;
	waits_left_over(NULL);
	lsp_thread_end();
}

void lsp_blocking_begin(struct lsp_blocking *w, const void *lock, enum lsp_blocking_for what,
		    const struct lsp_regs *regs)
{
	struct lsp_userfile_wait *o = &w->open;
	struct lsp_queue_given given;

	w->after = NULL;
	memset(o, 0, sizeof(*o));
	o->start_ns = lsp_thread_now_ns();
	w->recorded = lsp_thread_begin();
	if (!w->recorded)
		return;
	waits_left_over(w);
	o->uaddr = (uintptr_t)lock;
	/*
	 * This is done now, while another thread has the lock. Afterwards it would prolong our own
	 * hold.
	 */
	if (what != LSP_FOR_EVENT) {
		o->depth = lsp_queue_enter(lock, lsp_thread_now_ns(), &o->base_ns, &given);
		given_put(&given, o->start_ns);
		if (!o->depth)
			o->base_ns = 0;
		lsp_thread_count(what == LSP_FOR_SHARED, !o->depth);
	}
	o->key = lsp_birth_key(lock);
	o->stack = lsp_thread_rate_ns() ?
		lsp_stack_name(regs, lsp_thread_stack_bytes(), o->start_ns) : 0;
	lsp_thread_comm(o->comm);
	o->own_ns = lsp_thread_now_ns() - o->start_ns;
	lsp_thread_chunk()->capture_ns += o->own_ns;
	w->place = lsp_thread_wait_add(o, w);
	lsp_thread_end();
}

void lsp_blocking_end(struct lsp_blocking *w, enum lockspan_outcome outcome)
{
	uint64_t now_ns;

	if (!w->recorded)
		return;
	w->recorded = false;
	now_ns = lsp_thread_now_ns();
	if (!lsp_thread_hold())
		return;
	lsp_thread_wait_remove(w->place);
	wait_over(&w->open, now_ns, outcome);
	lsp_thread_end();
}

void lsp_blocking_unwound(struct lsp_blocking *w)
{
	if (!w->recorded)
		return;
	lsp_blocking_end(w, LOCKSPAN_SIGNAL);
	if (w->after && lsp_queue_any(w->after))
		lsp_acquired(w->after);
}

void lsp_release_begin(struct lsp_release *r, const void *lock, bool last)
{
	r->parts.found = false;
	if (!lsp_thread_begin())
		return;
	r->time_ns = lsp_thread_now_ns();
	lsp_queue_release(lock, r->time_ns, last, &r->parts);
	/*
	 * This is done now, because the lock may have been destroyed afterwards. Signals stay
	 * blocked until lsp_release_end().
	 */
	if (r->parts.found)
		r->key = lsp_birth_key(lock);
	else
		lsp_thread_end();
}

void lsp_release_end(struct lsp_release *r, const void *lock, const struct lsp_regs *regs)
{
	uint64_t *counters, begun_ns, own_ns;
	struct lockspan_release release;
	uint32_t fraction;

	if (!r->parts.found)
		return;
	begun_ns = lsp_thread_now_ns();
	fraction = lsp_thread_fraction();
	counters = lsp_thread_chunk()->counters;
	counters[LOCKSPAN_C_RELEASES]++;
	counters[LOCKSPAN_C_HOLD_NS] += r->parts.hold_ns;
	counters[LOCKSPAN_C_HANDOFF_NS] += r->parts.handoff_ns;
	if (r->parts.carried_waits) {
		counters[LOCKSPAN_C_TAIL_NS] -= r->parts.carried_ns;
		counters[LOCKSPAN_C_CARRIED_NS] += r->parts.carried_ns;
		counters[LOCKSPAN_C_GIVEN_UP] -= r->parts.carried_waits;
		counters[LOCKSPAN_C_GIVEN_UP_NS] -= r->parts.carried_ns;
	}
	if (!fraction || (fraction > 1 && lsp_thread_random(fraction))) {
		counters[LOCKSPAN_C_RELEASES_SAMPLED_OUT]++;
		goto out;
	}
	counters[LOCKSPAN_C_RELEASES_KEPT]++;
	memset(&release, 0, sizeof(release));
	release.time_ns = r->time_ns;
	release.hold_ns = r->parts.hold_ns;
	release.carried_ns = r->parts.carried_ns;
	release.handoff_ns = r->parts.handoff_ns;
	release.key = r->key;
	release.uaddr = (uintptr_t)lock;
	release.stack = lsp_stack_name(regs, lsp_thread_stack_bytes(), r->time_ns);
	release.fraction = fraction;
	release.waiters = (uint16_t)r->parts.waiters;
	lsp_thread_put_release(&release);
out:
	/*
	 * The recorder's work delays only the caller: it cannot take the lock again before this.
	 * Other threads can.
	 */
	own_ns = lsp_thread_now_ns() - begun_ns;
	lsp_thread_chunk()->release_ns += own_ns;
	lsp_thread_chunk()->waiting_ns += own_ns * r->parts.waiters;
	lsp_thread_end();
}

void lsp_acquired(const void *lock)
{
	uint64_t handoff_ns;

	if (!lsp_thread_begin())
		return;
	handoff_ns = lsp_queue_acquire(lock, lsp_thread_now_ns());
	lsp_thread_chunk()->counters[LOCKSPAN_C_HANDOFF_NS] += handoff_ns;
	lsp_thread_end();
}
