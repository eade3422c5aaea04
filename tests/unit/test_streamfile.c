// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a kept stream that replays as something else than what came, or
 * one that is cut or damaged and replays as if it were whole.
 *
 * sources: user/capture/streamfile.c tests/unit/scratch.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../user/capture/streamfile.h"
#include "scratch.h"

#define PATH scratch_path("stream")

struct seen {
	int runs;
	uint64_t sum;
};

static int run_see(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	struct seen *s = arg;

	s->runs++;
	s->sum = s->sum * 31 + cpu * 7 + seq;
	for (size_t i = 0; i < bytes; i++)
		s->sum = s->sum * 31 + ((const uint8_t *)run)[i];
	return 0;
}

static struct seen file_write(bool whole)
{
	struct lsp_client_report end = { .stop_ns = 77 };
	struct seen seen = { 0 };
	uint8_t run[64];
	FILE *f;

	end.counters[LOCKSPAN_C_COUNT - 1] = 5;
	assert_int_equal(lsp_streamfile_create(PATH, &f), 0);
	for (unsigned int i = 0; i < 4; i++) {
		uint32_t cpu = i == 2 ? LOCKSPAN_CPU_WORKER : i;

		memset(run, (int)(i + 1), sizeof(run));
		assert_int_equal(lsp_streamfile_add_data(f, cpu, i * 1000, run, i * 16), 0);
		run_see(&seen, cpu, i * 1000, run, i * 16);
	}
	if (whole)
		assert_int_equal(lsp_streamfile_add_end(f, &end), 0);
	fclose(f);
	return seen;
}

static void what_came_is_replayed(void **state)
{
	struct seen want = file_write(true), got = { 0 };
	struct lsp_client_report end;

	(void)state;
	assert_int_equal(lsp_streamfile_replay(PATH, run_see, &got, &end), 0);
	/* field by field: what stands between them is anything */
	assert_int_equal(got.runs, want.runs);
	assert_int_equal(got.sum, want.sum);
	assert_int_equal(end.stop_ns, 77);
	assert_int_equal(end.counters[LOCKSPAN_C_COUNT - 1], 5);
}

static void cuts_are_told(void **state)
{
	struct lsp_client_report end;
	struct seen got;
	long size;
	FILE *f;

	(void)state;
	file_write(false);
	assert_int_equal(lsp_streamfile_replay(PATH, run_see, &got, &end), -ENODATA);
	file_write(true);
	f = fopen(PATH, "r");
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	fclose(f);
	while (size-- > 0) {
		int err;

		assert_int_equal(truncate(PATH, size), 0);
		err = lsp_streamfile_replay(PATH, run_see, &got, &end);
		assert_true(err == -EBADMSG || err == -ENODATA);
	}
	assert_int_equal(lsp_streamfile_replay("/proc/self/exe", run_see, &got, &end), -EBADMSG);
	assert_int_equal(lsp_streamfile_replay("/nowhere/at/all", run_see, &got, &end), -ENOENT);
}

static int run_refuse(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	(void)cpu, (void)seq, (void)run, (void)bytes;
	++*(int *)arg;
	return *(int *)arg == 1 ? -EBADMSG : -ENOMEM;
}

/* Damaged runs are the handler's to count; anything else ends the replay. */
static void the_handlers_word_is_heard(void **state)
{
	struct lsp_client_report end;
	int calls = 0;

	(void)state;
	file_write(true);
	assert_int_equal(lsp_streamfile_replay(PATH, run_refuse, &calls, &end), -ENOMEM);
	assert_int_equal(calls, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_is_replayed),
		cmocka_unit_test(cuts_are_told),
		cmocka_unit_test(the_handlers_word_is_heard),
	};

	return cmocka_run_group_tests(tests, scratch_create, scratch_destroy);
}
