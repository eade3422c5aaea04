// SPDX-License-Identifier: GPL-2.0-only
/*
 * walkshare STREAM: how many of the events in a kept stream (record
 * --keep-stream) had their stack by learned rules: prints "EVENTS WALKED" for
 * those from one second after the first event on, then "EVENTS WALKED" for all.
 * Events without a stack do not count.
 * sources: user/capture/streamfile.c user/capture/span.c user/base/index.c
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "../../user/base/index.h"
#include "../../user/capture/streamfile.h"

#define LESSON_NS 1000000000ULL

struct event {
	uint64_t time_ns;
	uint64_t stack;
};

struct all {
	struct event *events;
	size_t n;
	size_t room;
	uint64_t *walks;	/* names, sorted before they are looked for */
	size_t nwalks;
	size_t walks_room;
	uint64_t first_ns;
};

static int event_add(struct all *a, uint64_t time_ns, uint64_t stack)
{
	if (!a->first_ns || time_ns < a->first_ns)
		a->first_ns = time_ns;
	if (!stack)
		return 0;
	if (lsp_array_grow(&a->events, &a->room, a->n, sizeof(*a->events)))
		return -1;
	a->events[a->n++] = (struct event){ .time_ns = time_ns, .stack = stack };
	return 0;
}

static int rec_add(struct all *a, const struct lockspan_rec *rec)
{
	const struct lockspan_span *span = (const void *)rec;
	const struct lockspan_release *release = (const void *)rec;
	const struct lockspan_stack *stack = (const void *)rec;

	switch (rec->type) {
	case LOCKSPAN_REC_SPAN:
		return event_add(a, span->run_ns, span->stack);
	case LOCKSPAN_REC_RELEASE:
		return event_add(a, release->time_ns, release->stack);
	case LOCKSPAN_REC_STACK:
		if (stack->mode != LOCKSPAN_STACK_WALK)
			return 0;
		if (lsp_array_grow(&a->walks, &a->walks_room, a->nwalks, sizeof(*a->walks)))
			return -1;
		a->walks[a->nwalks++] = stack->id;
	}
	return 0;
}

static int run_add(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	const struct lockspan_rec *rec;
	size_t at = 0;
	int err = 0;

	(void)cpu;
	(void)seq;
	while (!err && (rec = lsp_rec_next(run, bytes, &at, &err)))
		err = rec_add(arg, rec);
	return err;
}

static int name_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print(const struct all *a)
{
	unsigned long late = 0, late_walked = 0, walked = 0;

	if (a->nwalks)
		qsort(a->walks, a->nwalks, sizeof(*a->walks), name_compare);
	for (size_t i = 0; i < a->n; i++) {
		bool walk = a->nwalks && bsearch(&a->events[i].stack, a->walks, a->nwalks,
						 sizeof(*a->walks), name_compare);

		walked += walk;
		if (a->events[i].time_ns < a->first_ns + LESSON_NS)
			continue;
		late++;
		late_walked += walk;
	}
	printf("%lu %lu %zu %lu\n", late, late_walked, a->n, walked);
}

int main(int argc, char **argv)
{
	struct lsp_client_report end;
	struct all a = { 0 };
	int err;

	if (argc != 2) {
		fprintf(stderr, "Usage: walkshare STREAM\n");
		return 2;
	}
	err = lsp_streamfile_replay(argv[1], run_add, &a, &end);
	if (err) {
		fprintf(stderr, "walkshare: %s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	print(&a);
	free(a.events);
	free(a.walks);
	return 0;
}
