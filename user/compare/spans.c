// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compares event by event. One wait of the user's side can hold any number of the kernel's spans of
 * its thread, one after the other. The time before, between and after them is named by where it
 * lies.
 */
#include <errno.h>
#include <string.h>

#include "compare.h"
#include "events.h"

/*
 * The futex word of a lock lies this close to the address by which the program knows the lock; that
 * of a pthread_t, too.
 */
#define OBJECT_BYTES 4096

/*
 * A span on another word than the wait's belongs to a call that was made within the wait, and not
 * to this lock.
 */
static bool is_of(const struct lsp_event *k, const struct lsp_event *u, bool cond)
{
	/* The mutex of a condition variable may lie anywhere. */
	return cond || (k->uaddr >= u->uaddr && k->uaddr - u->uaddr < OBJECT_BYTES);
}

static double lock_wait_ns(const struct lsp_event *k)
{
	return (double)((k->wake_ns ? k->wake_ns : k->end_ns) - k->start_ns);
}

static double sched_delay_ns(const struct lsp_event *k)
{
	return k->wake_ns ? (double)(k->end_ns - k->wake_ns) : 0;
}

/* The recorder's own work ends before the first sleep, whatever its clock says. */
static uint64_t own_end_ns(const struct lsp_event *u, const struct lsp_event *k, size_t n)
{
	uint64_t end_ns = u->start_ns + u->own_ns;

	for (size_t i = 0; i < n; i++)
		if (k[i].slept && k[i].start_ns < end_ns)
			end_ns = k[i].start_ns;
	return end_ns < u->end_ns ? end_ns : u->end_ns;
}

/* @k points to the @n spans that began within @u. */
static void wait_divide(struct lsp_compare_row *row, const struct lsp_event *u,
			const struct lsp_event *k, size_t n, bool cond, bool kernel_whole)
{
	double whole_ns = (double)(u->end_ns - u->start_ns), *parts = row->parts;
	uint64_t at = u->start_ns, own_ns;
	bool slept = false;

	row->user_waits++;
	row->user_wait_ns += whole_ns;
	own_ns = own_end_ns(u, k, n) - at;
	parts[LSP_COMPARE_RECORDER] += (double)own_ns;
	at += own_ns;
	for (size_t i = 0; i < n; i++) {
		if (!k[i].slept)
			continue;
		parts[slept ? LSP_COMPARE_REWAIT : LSP_COMPARE_ENTRY] += (double)(k[i].start_ns - at);
		slept = true;
		row->kernel_spans++;
		if (!is_of(&k[i], u, cond) || k[i].end_ns > u->end_ns) {
			/*
			 * The clocks or the threads do not agree. This is reported as unexplained.
			 */
			at = k[i].end_ns < u->end_ns ? k[i].end_ns : u->end_ns;
			parts[LSP_COMPARE_UNEXPLAINED] += (double)(at - k[i].start_ns);
			continue;
		}
		parts[LSP_COMPARE_KERNEL_WAIT] += lock_wait_ns(&k[i]);
		parts[LSP_COMPARE_SCHED_DELAY] += sched_delay_ns(&k[i]);
		at = k[i].end_ns;
	}
	if (slept)
		parts[LSP_COMPARE_RETURN] += (double)(u->end_ns - at);
	else
		/* If records were lost, the thread may have slept unseen. */
		parts[kernel_whole ? LSP_COMPARE_SPIN : LSP_COMPARE_UNEXPLAINED] +=
			(double)(u->end_ns - at);
}

static int kernel_only_add(struct lsp_compare *c, const struct lsp_events *kernel,
			   const struct lsp_event *k)
{
	struct lsp_compare_row *row;

	if (!k->slept)
		return 0;
	row = lsp_compare_row(c, lsp_event_site(kernel, k), lsp_event_lock(kernel, k));
	if (!row)
		return -ENOMEM;
	row->kernel_only++;
	row->kernel_only_ns += lock_wait_ns(k) + sched_delay_ns(k);
	return 0;
}

static bool is_before(const struct lsp_event *a, const struct lsp_event *b)
{
	return a->tid != b->tid ? a->tid < b->tid : a->start_ns < b->start_ns;
}

static int join(struct lsp_compare *c, const struct lsp_events *kernel, const struct lsp_events *user)
{
	size_t i = 0;
	int err = 0;

	for (size_t n = 0; n < user->n; n++) {
		const struct lsp_event *u = &user->events[n];
		struct lsp_compare_row *row;
		size_t first;

		for (; i < kernel->n && is_before(&kernel->events[i], u) && !err; i++)
			err = kernel_only_add(c, kernel, &kernel->events[i]);
		first = i;
		while (i < kernel->n && kernel->events[i].tid == u->tid &&
		       kernel->events[i].start_ns < u->end_ns)
			i++;
		row = lsp_compare_row(c, lsp_event_site(user, u), lsp_event_lock(user, u));
		if (!row || err)
			return -ENOMEM;
		wait_divide(row, u, &kernel->events[first], i - first, lsp_event_is_cond(user, u),
			    kernel->whole);
	}
	for (; i < kernel->n && !err; i++)
		err = kernel_only_add(c, kernel, &kernel->events[i]);
	return err;
}

int lsp_compare_spans(const char *kernel_path, const char *user_path, struct lsp_compare *c)
{
	struct lsp_events kernel, user;
	int err;

	lsp_compare_init(c);
	err = lsp_events_read(kernel_path, false, &kernel);
	if (err)
		goto out_kernel;
	err = lsp_events_read(user_path, false, &user);
	if (!err && (kernel.sampled || user.sampled))
		err = -ENODATA;
	if (!err) {
		c->joined = true;
		c->kernel_partial = !kernel.whole;
		c->user_partial = !user.whole;
		c->kernel_handoff_ns = (double)kernel.handoff_ns;
		c->user_handoff_ns = (double)user.handoff_ns;
		err = join(c, &kernel, &user);
		lsp_compare_finish(c);
	}
	lsp_events_uninit(&user);
out_kernel:
	lsp_events_uninit(&kernel);
	if (err)
		lsp_compare_uninit(c);
	return err;
}
