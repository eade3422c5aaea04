// SPDX-License-Identifier: GPL-2.0-only
/* Printing calls and the expectation that follows from them. */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../workloads/c/lib/json.h"

/* strerrorname_np() is newer than the oldest C library this runs on. */
static const char *errno_name(long number)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
		{ EPERM, "EPERM" }, { EINTR, "EINTR" }, { EAGAIN, "EAGAIN" }, { ENOMEM, "ENOMEM" },
		{ EFAULT, "EFAULT" }, { EINVAL, "EINVAL" }, { EDEADLK, "EDEADLK" },
		{ ENOSYS, "ENOSYS" }, { ETIMEDOUT, "ETIMEDOUT" }, { ESRCH, "ESRCH" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	return "other";
}

struct call_words {
	uint64_t uaddr;
	uint64_t uaddr2;
	uint64_t word;		/* operation or flags */
	bool shared;
};

static struct call_words call_words(const struct call *c)
{
	const unsigned long *arg = c->args.arg;
	const struct raw_waitv *vector;

	switch (c->args.nr) {
	case RAW_NR_FUTEX:
	case RAW_NR_COMPAT_FUTEX:
	case RAW_NR_COMPAT_FUTEX_TIME64:
		return (struct call_words){ arg[0], arg[4], arg[1], !(arg[1] & FUTEX_PRIVATE_FLAG) };
	case RAW_NR_WAITV:
		vector = (const struct raw_waitv *)arg[0];
		return (struct call_words){ vector[0].uaddr, 0, vector[0].flags,
					    !(vector[0].flags & RAW_F2_PRIVATE) };
	case RAW_NR_FUTEX2_REQUEUE:
		vector = (const struct raw_waitv *)arg[0];
		return (struct call_words){ vector[0].uaddr, vector[1].uaddr, vector[0].flags,
					    !(vector[0].flags & RAW_F2_PRIVATE) };
	case RAW_NR_FUTEX2_WAIT:
	case RAW_NR_FUTEX2_WAKE:
		return (struct call_words){ arg[0], 0, arg[3], !(arg[3] & RAW_F2_PRIVATE) };
	default:
		return (struct call_words){ 0 };
	}
}

static void print_wait(const struct call *c)
{
	json_u64("parked_ns", c->parked_ns);
	json_u64("switches", c->switches);
	if (c->outcome)
		json_string("outcome", c->outcome);
	json_u64("spans", (c->outcome ? 1U : 0U) + c->signals);
	json_u64("signals", c->signals);
	json_bool("extra_nosleep", c->extra_nosleep);
	json_bool("killed", c->killed);
	if (c->waker) {
		json_u64("waker_tid", (uint64_t)c->waker->actor->tid);
		json_string("waker_role", c->waker->actor->role);
	}
}

static void print_wake(const struct stage *s, const struct call *c)
{
	unsigned int i;

	json_array_open("released");
	for (i = 0; i < s->calls; i++)
		if (s->call[i].waker == c)
			json_u64(NULL, (uint64_t)s->call[i].actor->tid);
	json_array_close();
}

static void print_call(const struct stage *s, const struct call *c)
{
	struct call_words words = call_words(c);

	json_object_open(NULL);
	json_string("test", s->test);
	json_string("kind", c->waits ? "wait" : "wake");
	json_string("role", c->actor->role);
	json_u64("tid", (uint64_t)c->actor->tid);
	json_u64("tgid", (uint64_t)c->actor->tgid);
	json_string("op", c->op);
	if (words.uaddr) {
		json_u64("uaddr", words.uaddr);
		if (words.uaddr2)
			json_u64("uaddr2", words.uaddr2);
		json_u64("word", words.word);
		json_bool("shared", words.shared);
		json_bool("compat", c->args.compat);
	}
	if (c->result < 0)
		json_string("errno", errno_name(-c->result));
	else if (!c->killed)
		json_u64("result", (uint64_t)c->result);
	json_u64("before_ns", c->before_ns);
	json_u64("return_ns", c->return_ns);
	json_u64("seq", c->seq);
	if (c->waits)
		print_wait(c);
	else
		print_wake(s, c);
	json_object_close();
	json_finish();
}

static void print_spans(const struct stage *s)
{
	static const char *const outcomes[] = {
		"woken", "timeout", "signal", "requeued", "owner_died", "nosleep",
	};
	unsigned int n[6] = { 0 }, extra = 0, i, j;

	for (i = 0; i < s->calls; i++) {
		const struct call *c = &s->call[i];

		n[2] += c->signals;
		extra += c->extra_nosleep;
		for (j = 0; c->outcome && j < 6; j++)
			n[j] += !strcmp(c->outcome, outcomes[j]);
	}
	json_object_open("spans");
	for (j = 0; j < 6; j++)
		if (n[j])
			json_u64(outcomes[j], n[j]);
	json_object_close();
	/* At most so many more that did not sleep. */
	json_u64("extra_nosleep", extra);
}

static void print_releases(const struct stage *s)
{
	unsigned int i;

	json_array_open("releases");
	for (i = 0; i < s->calls; i++) {
		const struct call *c = &s->call[i];

		if (!c->waker)
			continue;
		json_object_open(NULL);
		json_u64("waker", (uint64_t)c->waker->actor->tid);
		json_u64("waiter", (uint64_t)c->actor->tid);
		json_string("waker_role", c->waker->actor->role);
		json_string("waiter_role", c->actor->role);
		json_string("by", c->waker->op);
		json_object_close();
	}
	json_array_close();
}

static int by_return(const void *a, const void *b)
{
	const struct call *x = *(const struct call *const *)a, *y = *(const struct call *const *)b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

static void print_order(const struct stage *s)
{
	const struct call *order[STAGE_CALLS];
	unsigned int n = 0, i;

	for (i = 0; i < s->calls; i++)
		if (s->call[i].waits && !s->call[i].killed)
			order[n++] = &s->call[i];
	qsort(order, n, sizeof(order[0]), by_return);
	json_array_open("order");
	for (i = 0; i < n; i++)
		json_string(NULL, order[i]->actor->role);
	json_array_close();
}

bool report_stage(const struct stage *s)
{
	unsigned int i;

	for (i = 0; i < s->calls && !s->unsupported; i++)
		if (s->call[i].args.nr || s->call[i].waits || !strcmp(s->call[i].op, "exit"))
			print_call(s, &s->call[i]);
	json_object_open(NULL);
	json_string("test", s->test);
	json_string("kind", "summary");
	if (s->unsupported) {
		json_bool("unsupported", true);
	} else {
		json_bool("ok", !s->failure);
		if (s->failure)
			json_string("failure", s->failure);
		print_spans(s);
		print_releases(s);
		print_order(s);
	}
	json_object_close();
	json_finish();
	return !s->failure;
}
