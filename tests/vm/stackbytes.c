// SPDX-License-Identifier: GPL-2.0-only
/*
 * stackbytes STREAM: what a kept stream (record --keep-stream) spends on
 * stacks: prints "EVENTS STACKS BYTES", the spans and releases that name a
 * stack, the stacks that were sent, and their bytes with registers and header.
 * sources: user/capture/streamfile.c user/capture/span.c
 */
#include <stdio.h>
#include <string.h>

#include "../../user/capture/streamfile.h"

struct sums {
	unsigned long events;
	unsigned long stacks;
	unsigned long bytes;
};

static int run_add(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	const struct lockspan_rec *rec;
	struct sums *s = arg;
	size_t at = 0;
	int err = 0;

	(void)cpu;
	(void)seq;
	while ((rec = lsp_rec_next(run, bytes, &at, &err))) {
		if (rec->type == LOCKSPAN_REC_SPAN) {
			s->events += ((const struct lockspan_span *)rec)->stack != 0;
		} else if (rec->type == LOCKSPAN_REC_RELEASE) {
			s->events += ((const struct lockspan_release *)rec)->stack != 0;
		} else if (rec->type == LOCKSPAN_REC_STACK) {
			s->stacks++;
			s->bytes += rec->bytes;
		}
	}
	return err;
}

int main(int argc, char **argv)
{
	struct lsp_client_report end;
	struct sums s = { 0 };
	int err;

	if (argc != 2) {
		fprintf(stderr, "Usage: stackbytes STREAM\n");
		return 2;
	}
	err = lsp_streamfile_replay(argv[1], run_add, &s, &end);
	if (err) {
		fprintf(stderr, "stackbytes: %s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	printf("%lu %lu %lu\n", s.events, s.stacks, s.bytes);
	return 0;
}
