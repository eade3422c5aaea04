// SPDX-License-Identifier: GPL-2.0-only
/*
 * The userspace recorder's file as whoever started the program reads it. Would catch: a wait that
 * was under way at the end and is not told, or is told twice; a sum that does not add up with it; a file
 * that has a name, for another run to find; a chunk that was taken and never begun taken for damage.
 *
 * sources: user/capture/userfile.c user/base/index.c user/capture/span.c tests/unit/scratch.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../user/capture/userfile.h"
#include "scratch.h"

#define STOP_NS 1000000

struct told {
	unsigned int open;
	uint64_t open_ns;
	uint64_t tail_ns;
	unsigned int others;
};

static int tell(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	const struct lockspan_span *span = run;
	struct told *t = arg;

	(void)seq;
	assert_int_equal(cpu, 0);
	assert_int_equal(bytes, sizeof(*span));
	assert_true(lsp_rec_fits(&span->rec));
	if (span->outcome != LOCKSPAN_OPEN) {
		t->others++;
		return 0;
	}
	t->open++;
	t->open_ns += span->run_ns - span->enq_ns;
	t->tail_ns += span->tail_ns;
	assert_int_equal(span->run_ns, STOP_NS);
	assert_int_equal(span->tgid, 40);
	assert_int_equal(span->stack, 9);
	return 0;
}

static int file_create(uint64_t rate_ns)
{
	const struct lsp_userfile_head head = {
		.run = { 1, 2 }, .block_rate_ns = rate_ns, .mutex_fraction = 1, .stack_bytes = 8192,
	};
	int fd = lsp_userfile_create(scratch_path("."), 1 << 20, &head);

	assert_true(fd >= 0);
	return fd;
}

static void taken_set(int fd, uint32_t taken)
{
	assert_int_equal(pwrite(fd, &taken, sizeof(taken), offsetof(struct lsp_userfile_head, taken)),
			 sizeof(taken));
}

/* One wait of 100 ns has ended and was charged to a release that made others wait @more_ns more. */
static void chunk_charged(int fd, uint32_t number, uint64_t first_ns, uint64_t second_ns, uint64_t more_ns)
{
	struct {
		struct lsp_userfile_chunk chunk;
		struct lockspan_span span;
	} c = {
		.chunk = { .magic = LSP_USERFILE_MAGIC, .tgid = 40, .number = number, .used = sizeof(c.span) },
		.span = { .rec = { .bytes = sizeof(c.span), .type = LOCKSPAN_REC_SPAN }, .enq_ns = 1, .run_ns = 101 },
	};

	c.chunk.waits[0] = (struct lsp_userfile_wait){ .start_ns = first_ns, .stack = 9, .tid = 41 };
	c.chunk.waits[1] = (struct lsp_userfile_wait){ .start_ns = second_ns, .stack = 9, .tid = 41 };
	c.chunk.counters[LOCKSPAN_C_LOCK_WAIT_NS] = 100;
	c.chunk.counters[LOCKSPAN_C_HOLD_NS] = 100 + more_ns;
	assert_int_equal(pwrite(fd, &c, sizeof(c), LSP_USERFILE_HEAD_BYTES +
				(off_t)number * LSP_USERFILE_CHUNK_BYTES), sizeof(c));
}

static void chunk_put(int fd, uint32_t number, uint64_t first_ns, uint64_t second_ns)
{
	chunk_charged(fd, number, first_ns, second_ns, 300);
}

static void test_open(void **state)
{
	struct lsp_userfile_result r;
	struct told told = { 0 };
	int fd = file_create(1);

	(void)state;
	chunk_put(fd, 0, STOP_NS - 5000, 0);
	/* The second began after the end: it is none of this recording. */
	chunk_put(fd, 2, STOP_NS - 1000, STOP_NS + 10);
	taken_set(fd, 3);
	assert_int_equal(lsp_userfile_replay(fd, STOP_NS, tell, &told, &r), 0);
	assert_int_equal(told.others, 2);
	assert_int_equal(told.open, 2);
	assert_int_equal(told.open_ns, 6000);
	assert_int_equal(r.counters[LOCKSPAN_C_OPEN], 2);
	assert_int_equal(r.counters[LOCKSPAN_C_OPEN_WAIT_NS], 6000);
	/* Each wait counts as one thing only. The chunks have none that ended. */
	assert_int_equal(r.counters[LOCKSPAN_C_KEPT], 0);
	assert_int_equal(r.counters[LOCKSPAN_C_LOCK_WAIT_NS], 200 + 6000);
	assert_int_equal(r.counters[LOCKSPAN_C_HOLD_NS] + r.counters[LOCKSPAN_C_HANDOFF_NS] +
			 r.counters[LOCKSPAN_C_TAIL_NS], r.counters[LOCKSPAN_C_LOCK_WAIT_NS]);
	/* Which of them the 600 ns beyond the ended waits are of, nobody knows. */
	assert_int_equal(told.tail_ns, 0);
	close(fd);
}

/* Where no release was charged for them, the tails of the waits are the tail of all. */
static void test_open_uncharged(void **state)
{
	struct lsp_userfile_result r;
	struct told told = { 0 };
	int fd = file_create(1);

	(void)state;
	chunk_charged(fd, 0, STOP_NS - 5000, STOP_NS - 1000, 0);
	taken_set(fd, 1);
	assert_int_equal(lsp_userfile_replay(fd, STOP_NS, tell, &told, &r), 0);
	assert_int_equal(told.open, 2);
	assert_int_equal(told.tail_ns, 6000);
	assert_int_equal(r.counters[LOCKSPAN_C_TAIL_NS], 6000);
	close(fd);
}

/* At a rate of their length or less all are kept, at 0 none. */
static void test_rates(void **state)
{
	struct lsp_userfile_result r;
	struct told told = { 0 };
	int fd = file_create(5000);

	(void)state;
	chunk_put(fd, 0, STOP_NS - 5000, 0);
	taken_set(fd, 1);
	assert_int_equal(lsp_userfile_replay(fd, STOP_NS, tell, &told, &r), 0);
	assert_int_equal(told.open, 1);
	close(fd);
	fd = file_create(0);
	chunk_put(fd, 0, STOP_NS - 5000, 0);
	taken_set(fd, 1);
	memset(&told, 0, sizeof(told));
	assert_int_equal(lsp_userfile_replay(fd, STOP_NS, tell, &told, &r), 0);
	assert_int_equal(told.open, 0);
	assert_int_equal(r.counters[LOCKSPAN_C_OPEN], 1);
	assert_int_equal(r.counters[LOCKSPAN_C_SAMPLED_OUT], 0);
	close(fd);
}

static void test_no_name(void **state)
{
	int fd = file_create(1);
	struct dirent *entry;
	DIR *dir = opendir(scratch_path("."));

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		assert_true(entry->d_name[0] == '.');
	closedir(dir);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_name),
		cmocka_unit_test(test_open), cmocka_unit_test(test_open_uncharged),
		cmocka_unit_test(test_rates),
	};

	return cmocka_run_group_tests(tests, scratch_create, scratch_destroy);
}
