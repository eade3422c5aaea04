// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the collector costs on the host: feeds it a stream as the module sends
 * it, and writes the profiles. tools/bench-collector runs it and says what of it is what.
 *
 *   collect events EVENTS STACKS LOCKS THREADS
 *       events at random of so many stacks (eight frames of this program's own
 *       text, as walks by learned rules), each with its lock; waits and releases by turns
 *   collect replay FILE TIMES
 *       a stream that `lockspan record --keep-stream` has kept, again and again
 *   collect program STACKS CMD...
 *       snapshots of the stacks in which CMD makes system calls, each with one wait
 *
 * Prints: events, distinct stacks, ns of CPU time for taking them in, for
 * resolving, for writing, and the most memory held, KiB, before and after.
 *
 * sources: tests/lib/capture.c
 */
#include <error.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../../../../tests/lib/clock.h"
#include "../../../../tests/lib/capture.h"
#include "../../../../user/capture/streamfile.h"
#include "../../../../user/collect/collector.h"
#include "../../../../user/results/profiles.h"

#define RUN_BYTES 28672		/* of a message of the module's */
#define FRAMES 8
#define CODES 2048		/* distinct return addresses */
#define TGID 77
/* Events that are made once and then fed again and again. */
#define DISTINCT_EVENTS 1000000

struct run {
	const uint8_t *at;
	size_t bytes;
	size_t records;
};

static struct lsp_collector *g_collector;
static uint64_t g_seq;
static uint64_t g_random = 88172645463325252ULL;

static uint64_t random_next(void)
{
	g_random ^= g_random << 13;
	g_random ^= g_random >> 7;
	g_random ^= g_random << 17;
	return g_random;
}

static void *room(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		error(1, ENOMEM, "memory");
	return p;
}

static long memory_kib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

/* ---- records ---- */

static void feed(const void *run, size_t bytes, size_t records)
{
	int err = lsp_collector_feed(g_collector, 0, g_seq, run, bytes);

	if (err)
		error(1, -err, "feeding");
	g_seq += records;
}

static void map_feed(uint64_t start, uint64_t end, uint64_t offset, const char *path, uint16_t flags)
{
	size_t n = strlen(path) + 1, bytes = sizeof(struct lockspan_map) + (n + 7) / 8 * 8;
	struct lockspan_map *m = room(1, bytes);

	m->rec = (struct lockspan_rec){ .bytes = (uint32_t)bytes, .type = LOCKSPAN_REC_MAP, .flags = flags };
	m->start = start;
	m->end = end;
	m->offset = offset;
	m->tgid = TGID;
	m->generation = 1;
	memcpy(m + 1, path, n);
	feed(m, bytes, 1);
	free(m);
}

/* The executable mappings of text in the form of /proc/PID/maps, as the module tells of them. */
static void maps_feed(const char *text)
{
	uint64_t start, end, offset;
	char path[4096], mode[8];
	const char *line = text;
	bool first = true;

	for (; line && *line; line = strchr(line, '\n'), line += !!line) {
		path[0] = '\0';
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s%*[ ]%4095[^\n]", &start,
			   &end, mode, &offset, path) < 4 || mode[2] != 'x')
			continue;
		map_feed(start, end, offset, path, first ? LOCKSPAN_MAP_FIRST : 0);
		first = false;
	}
	map_feed(1ULL << 46, (1ULL << 46) + 4096, 0, "", LOCKSPAN_MAP_LAST);
}

static struct lockspan_span span_of(uint64_t stack, uint64_t key, uint32_t tid)
{
	uint64_t wait_ns = 1000 + random_next() % 100000;

	return (struct lockspan_span){
		.rec = { .bytes = sizeof(struct lockspan_span), .type = LOCKSPAN_REC_SPAN },
		.enq_ns = 1000000000, .wake_ns = 1000000000 + wait_ns, .run_ns = 1000000000 + wait_ns + 5000,
		.key = key * 0x9e3779b97f4a7c15ULL, .end_key = key, .uaddr = 0x7f0000000000 + key * 64,
		.stack = stack, .rate_ns = 1, .tgid = TGID, .tid = tid, .depth = 1,
		.op = LOCKSPAN_OP_WAIT, .comm = "worker",
	};
}

static struct lockspan_release release_of(uint64_t stack, uint64_t key, uint32_t tid)
{
	return (struct lockspan_release){
		.rec = { .bytes = sizeof(struct lockspan_release), .type = LOCKSPAN_REC_RELEASE },
		.time_ns = 1000000000, .hold_ns = 500 + random_next() % 5000,
		.key = key * 0x9e3779b97f4a7c15ULL, .uaddr = 0x7f0000000000 + key * 64,
		.stack = stack, .fraction = 1, .tgid = TGID, .tid = tid, .waiter_tgid = TGID,
		.waiters = 1, .op = LOCKSPAN_OP_WAIT, .comm = "worker",
	};
}

/* ---- a stream at random ---- */

/* Like a fingerprint, and with a way back. */
#define STACK_NAME_FACTOR 0xd6e8feb86659fd93ULL
#define STACK_NAME_INVERSE 0xcfee444d8b59a89bULL

static uint64_t stack_name(size_t i)
{
	return (i + 1) * STACK_NAME_FACTOR;
}

static char *own_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char *text = room(1, 1 << 20);

	if (!f || !fread(text, 1, (1 << 20) - 1, f))
		error(1, errno, "/proc/self/maps");
	fclose(f);
	return text;
}

static uint64_t g_codes[CODES];

static void codes_make(void)
{
	extern const char __etext;
	uint64_t text = (uintptr_t)&feed, end = (uintptr_t)&__etext;

	for (size_t i = 0; i < CODES; i++)
		g_codes[i] = text + random_next() % (end - text);
}

/* The stack of number @i: as in a program, a piece of code has few callers. */
static void walk_feed(size_t i)
{
	struct {
		struct lockspan_stack s;
		uint64_t frames[FRAMES];
	} w = { .s = {
		.rec = { .bytes = sizeof(w), .type = LOCKSPAN_REC_STACK }, .id = stack_name(i),
		.tgid = TGID, .generation = 1, .mode = LOCKSPAN_STACK_WALK, .payload_bytes = FRAMES * 8,
	} };
	size_t at = i * 7919 % CODES;

	for (size_t k = 0; k < FRAMES; k++) {
		w.frames[k] = g_codes[at];
		at = (at * 31 + 17 * ((i / CODES) >> 2 * k & 3) + 1) % CODES;
	}
	w.s.regs[LOCKSPAN_REG_RIP] = w.frames[0];
	feed(&w, sizeof(w), 1);
}

/* As the module does when it is asked to: stacks that the collector has forgotten come again. */
static void walks_feed_again(void)
{
	static uint64_t now_ns = 1ULL << 62;
	uint64_t ids[256];
	size_t n;

	while ((n = lsp_collector_stacks_missing(g_collector, now_ns, ids, 256))) {
		for (size_t i = 0; i < n; i++)
			walk_feed((size_t)(ids[i] * STACK_NAME_INVERSE) - 1);
		now_ns += 2000000000;
	}
}

/* Waits by even stacks, releases by odd ones: a piece of code does either. */
static size_t event_write(uint8_t *to, size_t stacks, size_t locks, size_t threads)
{
	size_t i = random_next() % stacks;
	uint32_t tid = (uint32_t)(100 + random_next() % threads);
	uint64_t key = i / 2 % locks + 1;
	struct lockspan_span s;
	struct lockspan_release r;

	if (i % 2) {
		r = release_of(stack_name(i), key, tid);
		memcpy(to, &r, sizeof(r));
		return sizeof(r);
	}
	s = span_of(stack_name(i), key, tid);
	memcpy(to, &s, sizeof(s));
	return sizeof(s);
}

static size_t runs_make(size_t events, size_t stacks, size_t locks, size_t threads, struct run **ret)
{
	size_t most = sizeof(struct lockspan_span), n = 0;
	struct run *runs = room(events * most / (RUN_BYTES - most) + 2, sizeof(*runs));

	while (events) {
		struct run *r = &runs[n++];
		uint8_t *buffer = room(1, RUN_BYTES);

		r->at = buffer;
		for (; events && r->bytes + most <= RUN_BYTES; events--, r->records++)
			r->bytes += event_write(buffer + r->bytes, stacks, locks, threads);
	}
	*ret = runs;
	return n;
}

/* ---- what is measured ---- */

/* noinline: callgrind tells these apart by name. */
static __attribute__((noinline)) void step_feed(const struct run *runs, size_t n, size_t events)
{
	for (size_t done = 0, i = 0; done < events; done += runs[i].records, i = (i + 1) % n) {
		feed(runs[i].at, runs[i].bytes, runs[i].records);
		if (i % 256 == 255)
			walks_feed_again();
	}
	walks_feed_again();
}

static __attribute__((noinline)) void step_resolve(void)
{
	int err = lsp_collector_finish(g_collector);

	if (err)
		error(1, -err, "resolving");
}

static __attribute__((noinline)) void step_write(void)
{
	struct lsp_profiles_facts facts = { .rates = { .block_rate_ns = 1, .mutex_fraction = 1 } };
	struct lsp_profiles p;
	int err = lsp_profiles_create(g_collector, &facts, &p);

	err = err ? err : lsp_profile_write(p.block, "/dev/null");
	err = err ? err : lsp_profile_write(p.mutex, "/dev/null");
	err = err ? err : lsp_profile_write(p.ext, "/dev/null");
	if (err)
		error(1, -err, "writing");
	lsp_profiles_destroy(&p);
}

static void rest_run(uint64_t start_ns, long before_kib)
{
	uint64_t fed_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID), resolved_ns;
	struct lsp_collector_totals t;

	step_resolve();
	resolved_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	step_write();
	lsp_collector_totals(g_collector, &t);
	printf("%" PRIu64 " %zu %" PRIu64 " %" PRIu64 " %" PRIu64 " %ld %ld\n", t.spans + t.releases,
	       t.traces, fed_ns - start_ns, resolved_ns - fed_ns,
	       clock_ns(CLOCK_PROCESS_CPUTIME_ID) - resolved_ns, before_kib,
	       memory_kib());
	if (t.gaps || t.damaged || t.unrecorded || t.stacks_missing)
		error(1, 0, "the collector missed something: the figures mean nothing");
}

static void events_run(char **argv)
{
	size_t events = strtoul(argv[0], NULL, 0), stacks = strtoul(argv[1], NULL, 0);
	size_t made = events < DISTINCT_EVENTS ? events : DISTINCT_EVENTS;
	struct run *runs;
	char *maps = own_maps();
	uint64_t start_ns;
	size_t n;
	long kib;

	n = runs_make(made, stacks, strtoul(argv[2], NULL, 0), strtoul(argv[3], NULL, 0), &runs);
	kib = memory_kib();
	maps_feed(maps);
	start_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	codes_make();
	for (size_t i = 0; i < stacks; i++)
		walk_feed(i);
	step_feed(runs, n, events);
	rest_run(start_ns, kib);
	for (size_t i = 0; i < n; i++)
		free((void *)runs[i].at);
	free(runs);
	free(maps);
}

/* ---- a kept stream ---- */

struct kept {
	struct run *runs;
	uint32_t *cpus;
	uint64_t *seqs;
	size_t n;
	uint64_t ends[4096];	/* records of each CPU's stream */
};

static int kept_add(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	struct kept *k = arg;
	const struct lockspan_rec *rec;
	uint8_t *copy = room(1, bytes);
	size_t at = 0, records = 0;
	int err = 0;

	memcpy(copy, run, bytes);
	while ((rec = lsp_rec_any(copy, bytes, &at, &err)))
		records++;
	k->runs = reallocarray(k->runs, k->n + 1, sizeof(*k->runs));
	k->cpus = reallocarray(k->cpus, k->n + 1, sizeof(*k->cpus));
	k->seqs = reallocarray(k->seqs, k->n + 1, sizeof(*k->seqs));
	if (!k->runs || !k->cpus || !k->seqs)
		return -ENOMEM;
	k->runs[k->n] = (struct run){ .at = copy, .bytes = bytes, .records = records };
	k->cpus[k->n] = cpu;
	k->seqs[k->n++] = seq;
	k->ends[(cpu + 1) % 4096] = seq + records;
	return 0;
}

static __attribute__((noinline)) void step_replay(const struct kept *k, unsigned long times)
{
	for (unsigned long t = 0; t < times; t++) {
		for (size_t i = 0; i < k->n; i++) {
			uint64_t seq = k->seqs[i] + t * k->ends[(k->cpus[i] + 1) % 4096];
			int err = lsp_collector_feed(g_collector, k->cpus[i], seq, k->runs[i].at,
						     k->runs[i].bytes);

			if (err)
				error(1, -err, "feeding");
		}
	}
}

static void replay_run(char **argv)
{
	struct lsp_client_report end;
	struct kept k = { 0 };
	uint64_t start_ns;
	int err = lsp_streamfile_replay(argv[0], kept_add, &k, &end);
	long kib = memory_kib();

	if (err && err != -ENODATA)
		error(1, -err, "%s", argv[0]);
	start_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	step_replay(&k, strtoul(argv[1], NULL, 0));
	rest_run(start_ns, kib);
}

/* ---- stacks of a program ---- */

static void program_run(char **argv)
{
	struct capture_options o = {
		.max = strtoul(argv[0], NULL, 0), .window_bytes = 65536, .other_calls = true, .stride = 5,
	};
	struct capture capture;
	struct lockspan_span w;
	uint64_t start_ns;
	int err = capture_run(argv + 1, &o, &capture);
	long kib = memory_kib();

	if (err || !capture.n)
		error(1, -err, "no stacks of %s", argv[1]);
	/* Libraries come while a program starts: the last look has them all. */
	maps_feed(capture.stacks[capture.n - 1].maps);
	start_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (size_t i = 0; i < capture.n; i++) {
		struct lockspan_stack *s = capture.stacks[i].sparse;

		s->id = stack_name(i);
		s->tgid = TGID;
		s->generation = 1;
		feed(s, s->rec.bytes, 1);
		w = span_of(s->id, 1 + i % 100, 100);
		feed(&w, sizeof(w), 1);
	}
	rest_run(start_ns, kib);
	capture_free(&capture);
}

int main(int argc, char **argv)
{
	const struct lsp_collector_options o = { .live = false };

	if (lsp_collector_create(&o, &g_collector))
		error(1, ENOMEM, "collector");
	if (argc == 6 && !strcmp(argv[1], "events"))
		events_run(argv + 2);
	else if (argc == 4 && !strcmp(argv[1], "replay"))
		replay_run(argv + 2);
	else if (argc > 3 && !strcmp(argv[1], "program"))
		program_run(argv + 2);
	else
		error(64, 0, "see the head of the source");
	lsp_collector_destroy(g_collector);
	return 0;
}
