// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a field that is not written, read back as another, or cut to
 * fewer bits; a file cut at any byte that loses more than its last block or
 * makes things up; a flipped bit that goes unnoticed, crashes the reader or
 * costs more than its block.
 *
 * sources: user/capture/spanfile_write.c user/capture/spanfile_read.c
 * sources: user/capture/spanfile.pb-c.c user/capture/span.c tests/unit/scratch.c
 * libs: -lprotobuf-c -lz
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

#include "../../user/capture/spanfile.h"
#include "../../user/capture/spanfile_block.h"
#include "scratch.h"

static char path[4096];

static int folder_make(void **state)
{
	int err = scratch_create(state);

	strcpy(path, scratch_path("spans"));
	return err;
}

/* Every byte different and far from 0, so that no two fields can be mistaken for each other. */
static void fill(void *to, size_t bytes, uint8_t seed)
{
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)to)[i] = (uint8_t)(0x80 | (seed + i * 13));
}

static struct lockspan_span span(uint8_t seed)
{
	struct lockspan_span s;

	fill(&s, sizeof(s), seed);
	s.rec.bytes = sizeof(s);
	s.rec.type = LOCKSPAN_REC_SPAN;
	memset(s.comm, 0, sizeof(s.comm));
	snprintf(s.comm, sizeof(s.comm), "thread %u", seed);
	return s;
}

static struct lockspan_release release(uint8_t seed)
{
	struct lockspan_release r;

	fill(&r, sizeof(r), seed);
	r.rec.bytes = sizeof(r);
	r.rec.type = LOCKSPAN_REC_RELEASE;
	r.reserved = 0;
	memset(r.comm, 0, sizeof(r.comm));
	strcpy(r.comm, "fifteen letters");
	return r;
}

static struct lockspan_late late(uint8_t seed)
{
	struct lockspan_late l;

	fill(&l, sizeof(l), seed);
	l.rec.bytes = sizeof(l);
	l.rec.type = LOCKSPAN_REC_LATE;
	l.rec.flags = 0;
	return l;
}

static struct lockspan_given_up given_up(uint8_t seed)
{
	struct lockspan_given_up g;

	fill(&g, sizeof(g), seed);
	g.rec.bytes = sizeof(g);
	g.rec.type = LOCKSPAN_REC_GIVEN_UP;
	memset(g.reserved, 0, sizeof(g.reserved));
	return g;
}

static const char *const command[] = { "./prog", "-x", "", NULL };
static const struct lsp_spanfile_header header = {
	.release = "1.2", .contract = 7, .kernel = "6.1.0", .command = command,
	.wall_ns = -5, .start_ns = UINT64_MAX, .rates = { 10000, 3, 12 },
};
static const struct lsp_spanfile_line lines[] = {
	{ "inlined", "/src/a.c", 10 }, { "outer", "/src/a.c", 20 }, { "main", "", 0 },
};
static const struct lsp_spanfile_frame frames[] = {
	{ .pc = 0xffff800012345678, .object = "/bin/prog", .build_id = "abcd", .offset = 0x1234,
	  .lines = lines, .nlines = 2 },
	{ .pc = 1, .object = NULL, .build_id = NULL, .lines = lines + 2, .nlines = 1 },
};
static const struct lsp_spanfile_trace trace = {
	.number = 17, .end = "complete", .sync = "mutex", .frames = frames, .nframes = 2,
};
static const struct lsp_spanfile_stack stack = { .id = 0xfedcba9876543210, .tgid = 9, .trace = 17, .generation = 7 };
static const struct lsp_spanfile_lock lock = { .key = 0x8877665544332211, .name = "a.b[3].mu", .sync = "mutex",
						.tgid = 41, .generation = 7 };
static const struct lsp_spanfile_counter counters[] = { { "woken", 5 }, { "hold_ns", UINT64_MAX } };
static const struct lsp_spanfile_end ending = { .stop_ns = 99, .counters = counters, .ncounters = 2 };

/* Three blocks (if there are few events): header and events; stacks; the end. */
static void file_write(int events)
{
	struct lsp_spanfile_writer *w;

	assert_int_equal(lsp_spanfile_create(path, &w), 0);
	assert_int_equal(lsp_spanfile_add_header(w, &header), 0);
	for (int i = 0; i < events; i++) {
		struct lockspan_span s = span((uint8_t)i);
		struct lockspan_release r = release((uint8_t)i);
		struct lockspan_late l = late((uint8_t)i);
		struct lockspan_given_up g = given_up((uint8_t)i);

		if (i % 3 == 1)
			s.end_key = s.key;
		assert_int_equal(lsp_spanfile_add_span(w, &s), 0);
		assert_int_equal(lsp_spanfile_add_release(w, &r), 0);
		assert_int_equal(lsp_spanfile_add_late(w, &l), 0);
		assert_int_equal(lsp_spanfile_add_given_up(w, &g), 0);
	}
	assert_int_equal(lsp_spanfile_flush(w), 0);
	assert_int_equal(lsp_spanfile_add_trace(w, &trace), 0);
	assert_int_equal(lsp_spanfile_add_stack(w, &stack), 0);
	assert_int_equal(lsp_spanfile_add_lock(w, &lock), 0);
	assert_int_equal(lsp_spanfile_flush(w), 0);
	assert_int_equal(lsp_spanfile_flush(w), 0);	/* nothing to write, no empty block */
	assert_int_equal(lsp_spanfile_add_end(w, &ending), 0);
	assert_int_equal(lsp_spanfile_close(w), 0);
}

static uint8_t *file_load(size_t *bytes)
{
	FILE *f = fopen(path, "r");
	uint8_t *data;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*bytes = (size_t)ftell(f);
	rewind(f);
	data = malloc(*bytes);
	assert_int_equal(fread(data, 1, *bytes, f), *bytes);
	fclose(f);
	return data;
}

static void next_is(struct lsp_spanfile_reader *r, enum lsp_spanfile_kind kind,
		    struct lsp_spanfile_entry *e)
{
	assert_int_equal(lsp_spanfile_next(r, e), 1);
	assert_int_equal(e->kind, kind);
}

static void header_is_equal(const struct lsp_spanfile_header *h)
{
	assert_string_equal(h->release, header.release);
	assert_string_equal(h->kernel, header.kernel);
	assert_int_equal(h->contract, header.contract);
	for (int i = 0; i < 3; i++)
		assert_string_equal(h->command[i], command[i]);
	assert_null(h->command[3]);
	assert_int_equal(h->wall_ns, header.wall_ns);
	assert_true(h->start_ns == header.start_ns);
	assert_int_equal(h->rates.block_rate_ns, header.rates.block_rate_ns);
	assert_int_equal(h->rates.mutex_fraction, header.rates.mutex_fraction);
	assert_int_equal(h->rates.min_delay_ns, header.rates.min_delay_ns);
}

static void trace_is_equal(const struct lsp_spanfile_trace *t)
{
	assert_int_equal(t->number, 17);
	assert_string_equal(t->end, "complete");
	assert_string_equal(t->sync, "mutex");
	assert_int_equal(t->nframes, 2);
	assert_true(t->frames[0].pc == frames[0].pc);
	assert_string_equal(t->frames[0].object, "/bin/prog");
	assert_string_equal(t->frames[0].build_id, "abcd");
	assert_int_equal(t->frames[0].offset, 0x1234);
	assert_int_equal(t->frames[0].nlines, 2);
	assert_string_equal(t->frames[0].lines[1].function, "outer");
	assert_string_equal(t->frames[0].lines[1].file, "/src/a.c");
	assert_int_equal(t->frames[0].lines[1].line, 20);
	assert_string_equal(t->frames[1].object, "");
	assert_string_equal(t->frames[1].lines[0].function, "main");
}

static void what_is_written_is_read(void **state)
{
	struct lsp_spanfile_reader *r;
	struct lsp_spanfile_entry e;
	struct lsp_spanfile_state s;
	struct stat st;

	(void)state;
	file_write(50);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(lsp_spanfile_open(path, &r), 0);
	next_is(r, LSP_SPANFILE_HEADER, &e);
	header_is_equal(&e.header);
	for (int i = 0; i < 50; i++) {
		struct lockspan_span sp = span((uint8_t)i);
		struct lockspan_release re = release((uint8_t)i);
		struct lockspan_late la = late((uint8_t)i);
		struct lockspan_given_up gi = given_up((uint8_t)i);

		if (i % 3 == 1)
			sp.end_key = sp.key;
		next_is(r, LSP_SPANFILE_SPAN, &e);
		assert_memory_equal(&e.span, &sp, sizeof(sp));
		next_is(r, LSP_SPANFILE_RELEASE, &e);
		assert_memory_equal(&e.release, &re, sizeof(re));
		next_is(r, LSP_SPANFILE_LATE, &e);
		assert_memory_equal(&e.late, &la, sizeof(la));
		next_is(r, LSP_SPANFILE_GIVEN_UP, &e);
		assert_memory_equal(&e.given_up, &gi, sizeof(gi));
	}
	next_is(r, LSP_SPANFILE_TRACE, &e);
	trace_is_equal(&e.trace);
	next_is(r, LSP_SPANFILE_STACK, &e);
	assert_true(e.stack.id == stack.id && e.stack.tgid == stack.tgid);
	assert_true(e.stack.trace == stack.trace && e.stack.generation == stack.generation);
	next_is(r, LSP_SPANFILE_LOCK, &e);
	assert_true(e.lock.key == lock.key);
	assert_string_equal(e.lock.name, lock.name);
	assert_string_equal(e.lock.sync, lock.sync);
	assert_int_equal(e.lock.tgid, lock.tgid);
	assert_int_equal(e.lock.generation, lock.generation);
	next_is(r, LSP_SPANFILE_END, &e);
	assert_int_equal(e.end.stop_ns, 99);
	assert_int_equal(e.end.ncounters, 2);
	assert_string_equal(e.end.counters[1].name, "hold_ns");
	assert_true(e.end.counters[1].value == UINT64_MAX);
	assert_int_equal(lsp_spanfile_next(r, &e), 0);
	lsp_spanfile_state(r, &s);
	assert_int_equal(s.blocks, 3);
	assert_int_equal(s.entries, 1 + 200 + 3 + 1);
	assert_int_equal(s.damaged, 0);
	assert_false(s.truncated);
	assert_true(s.ended);
	assert_int_equal(s.offset, st.st_size);
	lsp_spanfile_reader_close(r);
}

static void the_file_is_private(void **state)
{
	struct lsp_spanfile_writer *w;
	struct stat st;

	(void)state;
	unlink(path);
	assert_int_equal(lsp_spanfile_create(path, &w), 0);
	assert_int_equal(lsp_spanfile_close(w), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(lsp_spanfile_create("/nowhere/at/all", &w), -ENOENT);
}

/* Reads all there is from a copy of exactly @n bytes; -1 when it is not accepted as a file. */
static int entries_of(const uint8_t *data, size_t n, struct lsp_spanfile_state *s)
{
	uint8_t *exact = malloc(n ? n : 1);
	struct lsp_spanfile_reader *r;
	struct lsp_spanfile_entry e;
	int entries = 0, got;

	memcpy(exact, data, n);
	memset(s, 0, sizeof(*s));
	if (lsp_spanfile_open_mem(exact, n, &r)) {
		free(exact);
		return -1;
	}
	while ((got = lsp_spanfile_next(r, &e)) == 1)
		entries++;
	assert_int_equal(got, 0);
	lsp_spanfile_state(r, s);
	assert_int_equal(s->entries, entries);
	lsp_spanfile_reader_close(r);
	free(exact);
	return entries;
}

static void cut_anywhere(void **state)
{
	struct lsp_spanfile_state s;
	size_t bytes;
	uint8_t *data;
	int last = 0, jumps = 0;

	(void)state;
	file_write(3);
	data = file_load(&bytes);
	for (size_t n = 0; n <= bytes; n++) {
		int entries = entries_of(data, n, &s);

		if (n < 8) {
			assert_int_equal(entries, -1);
			continue;
		}
		assert_int_equal(s.damaged, 0);
		assert_int_equal(s.ended, n == bytes);
		assert_true(s.offset <= n);
		/* Whole blocks only, and a cut within one is told. */
		assert_int_equal(s.truncated, s.offset != n);
		if (entries != last) {
			assert_int_equal(s.offset, n);
			jumps++;
		}
		last = entries;
	}
	assert_int_equal(jumps, 3);
	assert_int_equal(last, 1 + 12 + 3 + 1);
	free(data);
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct lsp_spanfile_state s;
	size_t bytes;
	uint8_t *data;
	int whole;

	(void)state;
	file_write(3);
	data = file_load(&bytes);
	whole = entries_of(data, bytes, &s);
	for (size_t bit = 0; bit < bytes * 8; bit++) {
		int entries;

		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		entries = entries_of(data, bytes, &s);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (bit / 8 < 8) {
			assert_int_equal(entries, -1);
			continue;
		}
		assert_true(entries < whole);
		assert_true(s.damaged == 1 || s.truncated);
		/* One bit of a block's content costs that block alone. */
		if (s.damaged)
			assert_int_equal(s.blocks, 2);
	}
	free(data);
}

static void many_events_make_many_blocks(void **state)
{
	struct lsp_spanfile_state s;
	size_t bytes;
	uint8_t *data;

	(void)state;
	file_write(20000);
	data = file_load(&bytes);
	assert_int_equal(entries_of(data, bytes, &s), 1 + 80000 + 3 + 1);
	assert_true(s.blocks > 10);
	free(data);
}

static void other_files_are_refused(void **state)
{
	struct lsp_spanfile_reader *r;

	(void)state;
	assert_int_equal(lsp_spanfile_open("/nowhere/at/all", &r), -ENOENT);
	assert_int_equal(lsp_spanfile_open("/proc/self/exe", &r), -EBADMSG);
	assert_int_equal(lsp_spanfile_open("/dev/zero", &r), -EBADMSG);
	assert_int_equal(lsp_spanfile_open("/tmp", &r), -EBADMSG);
	assert_int_equal(lsp_spanfile_open_mem("", 0, &r), -EBADMSG);
}

static void a_full_disk_is_told(void **state)
{
	struct lsp_spanfile_writer *w;

	(void)state;
	assert_int_equal(lsp_spanfile_create("/dev/full", &w), -ENOSPC);
}

/* A whole file, and the content of its blocks, for the fuzzer to begin with. */
static int seeds_write(const char *folder)
{
	struct lsp_spanfile_block block;
	uint8_t *data, raw[65536];
	char name[4096];
	size_t bytes;
	FILE *f;

	snprintf(path, sizeof(path), "%s/file", folder);
	file_write(1);
	data = file_load(&bytes);
	for (size_t at = LSP_SPANFILE_MAGIC_BYTES, n = 0; at < bytes; n++) {
		uLongf size = sizeof(raw);

		memcpy(&block, data + at, sizeof(block));
		at += sizeof(block);
		if (uncompress(raw, &size, data + at, block.packed_bytes) != Z_OK)
			return 1;
		at += block.packed_bytes;
		snprintf(name, sizeof(name), "%s/block%zu", folder, n);
		f = fopen(name, "w");
		if (!f || fwrite(raw, 1, size, f) != size || fclose(f))
			return 1;
	}
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(the_file_is_private),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(many_events_make_many_blocks),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(a_full_disk_is_told),
	};

	if (argc == 3 && !strcmp(argv[1], "--seeds"))
		return seeds_write(argv[2]);
	return cmocka_run_group_tests(tests, folder_make, scratch_destroy);
}
