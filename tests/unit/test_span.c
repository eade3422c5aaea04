// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a walk that reads behind a run or believes a length in it; a
 * stack or mapping whose payload does not fit its record; times that run
 * backwards turned into centuries; gaps in a CPU's numbers that go unnoticed or
 * are counted twice; a record without sense that takes its neighbours with it, or a full stack that passes for one.
 *
 * sources: user/capture/span.c user/capture/stream.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/capture/span.h"
#include "../../user/capture/stream.h"

/* A run in memory of exactly its size, so that the sanitizer sees a read behind it. */
struct run {
	uint8_t *bytes;
	size_t n;
};

static void run_free(struct run *r)
{
	free(r->bytes);
	memset(r, 0, sizeof(*r));
}

static void *run_add(struct run *r, const void *record, size_t bytes)
{
	uint8_t *grown = malloc(r->n + bytes);

	assert_non_null(grown);
	if (r->n)
		memcpy(grown, r->bytes, r->n);
	memcpy(grown + r->n, record, bytes);
	free(r->bytes);
	r->bytes = grown;
	r->n += bytes;
	return grown + r->n - bytes;
}

static void run_add_span(struct run *r, uint64_t id)
{
	struct lockspan_span s = {
		.rec = { .bytes = sizeof(s), .type = LOCKSPAN_REC_SPAN }, .id = id,
	};

	run_add(r, &s, sizeof(s));
}

static void run_add_other(struct run *r, uint16_t type, uint32_t bytes)
{
	uint8_t zero[256] = { 0 };
	struct lockspan_rec rec = { .bytes = bytes, .type = type };

	memcpy(zero, &rec, sizeof(rec));
	run_add(r, zero, bytes);
}

static size_t count(const struct run *r, int *error)
{
	size_t at = 0, n = 0;

	*error = 0;
	while (lsp_rec_next(r->bytes, r->n, &at, error))
		n++;
	return n;
}

static void names_are_never_null(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		assert_non_null(lsp_sync_name(i));
		assert_non_null(lsp_op_name(i));
		assert_non_null(lsp_outcome_name(i));
		assert_non_null(lsp_counter_name(i));
	}
	assert_string_equal(lsp_sync_name(LSP_SYNC_RWLOCK_WR), "rwlock_wr");
	assert_string_equal(lsp_op_name(LOCKSPAN_OP_LOCK_PI2), "lock_pi2");
	assert_string_equal(lsp_outcome_name(LOCKSPAN_WOKEN_LATE), "woken_late");
	assert_string_equal(lsp_counter_name(LOCKSPAN_C_KTHREAD), "kthread");
	assert_string_equal(lsp_counter_name(LOCKSPAN_C_COUNT), "?");
}

static void times_of_a_span(void **state)
{
	struct lockspan_span s = { .enq_ns = 100, .wake_ns = 130, .run_ns = 175 };

	(void)state;
	assert_int_equal(lsp_span_lock_wait_ns(&s), 30);
	assert_int_equal(lsp_span_sched_delay_ns(&s), 45);
	s.wake_ns = 0;
	assert_int_equal(lsp_span_lock_wait_ns(&s), 75);
	assert_int_equal(lsp_span_sched_delay_ns(&s), 0);
	s.run_ns = 99;
	assert_int_equal(lsp_span_lock_wait_ns(&s), 0);
	s.wake_ns = 120;
	assert_int_equal(lsp_span_sched_delay_ns(&s), 0);
}

static void contentions_are_waits_that_ended(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++) {
		struct lockspan_span s = { .outcome = (uint8_t)i };
		bool is = i < LOCKSPAN_OUTCOME_COUNT && i != LOCKSPAN_NOSLEEP &&
			  i != LOCKSPAN_OPEN && i != LOCKSPAN_ERROR;

		assert_int_equal(lsp_span_is_contention(&s), is);
	}
}

static void walk_skips_what_it_does_not_know(void **state)
{
	struct run r = { 0 };
	size_t at = 0, all = 0;
	int error;

	(void)state;
	run_add_span(&r, 1);
	run_add_other(&r, LOCKSPAN_REC_PAD, 8);
	run_add_other(&r, 77, 24);
	run_add_span(&r, 2);
	assert_int_equal(count(&r, &error), 2);
	assert_int_equal(error, 0);
	while (lsp_rec_any(r.bytes, r.n, &at, &error))
		all++;
	assert_int_equal(all, 4);
	run_free(&r);
}

/* Every length of a good run but the whole one ends in an error or at a record's end. */
static void walk_ends_at_a_cut(void **state)
{
	struct run whole = { 0 };
	int error;

	(void)state;
	run_add_span(&whole, 1);
	run_add_span(&whole, 2);
	for (size_t n = 0; n <= whole.n; n++) {
		struct run cut = { 0 };

		if (n)
			run_add(&cut, whole.bytes, n);
		assert_int_equal(count(&cut, &error), n / sizeof(struct lockspan_span));
		assert_int_equal(error, n % sizeof(struct lockspan_span) ? -EBADMSG : 0);
		run_free(&cut);
	}
	run_free(&whole);
}

static void walk_refuses_bad_lengths(void **state)
{
	static const uint32_t bad[] = {
		0, 1, 4, 7, 12, sizeof(struct lockspan_span) + 8,
		sizeof(struct lockspan_span) + 4, 0x7ffffff8, 0xfffffff8, 0xffffffff,
	};
	int error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct run r = { 0 };

		run_add_span(&r, 1);
		((struct lockspan_rec *)(void *)r.bytes)->bytes = bad[i];
		assert_int_equal(count(&r, &error), 0);
		assert_int_equal(error, -EBADMSG);
		run_free(&r);
	}
}

static void walk_passes_over_types_too_short(void **state)
{
	static const uint16_t types[] = {
		LOCKSPAN_REC_SPAN, LOCKSPAN_REC_RELEASE, LOCKSPAN_REC_LATE, LOCKSPAN_REC_STACK,
		LOCKSPAN_REC_MAP,
	};
	int error;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct run r = { 0 };

		run_add_other(&r, types[i], 16);
		run_add_span(&r, 1);
		assert_int_equal(count(&r, &error), 1);
		assert_int_equal(error, 0);
		run_free(&r);
	}
}

/* A stack record with @words of payload; the caller says how long it claims to be. */
static bool stack_accepted(uint32_t mode, uint32_t window, uint32_t payload, const uint64_t *words,
			   size_t nwords)
{
	struct {
		struct lockspan_stack s;
		uint64_t words[8];
	} rec = { .s = {
		.rec = { .bytes = (uint32_t)(sizeof(rec.s) + nwords * 8), .type = LOCKSPAN_REC_STACK },
		.id = 1, .mode = mode, .window_bytes = window, .payload_bytes = payload,
	} };
	struct run r = { 0 };
	int error;
	size_t n;

	memcpy(rec.words, words, nwords * 8);
	run_add(&r, &rec, rec.s.rec.bytes);
	n = count(&r, &error);
	run_free(&r);
	assert_int_equal(error, 0);
	return n;
}

/* A SPARSE stack whose bitmap has @set bits in a row set, with @sent words behind it. */
static bool full_stack_accepted(unsigned int set, unsigned int sent)
{
	enum { BITMAP_WORDS = 128, WORDS_MAX = BITMAP_WORDS + LOCKSPAN_SPARSE_WORDS };
	struct {
		struct lockspan_stack s;
		uint64_t words[WORDS_MAX];
	} *rec = calloc(1, sizeof(*rec));
	struct run r = { 0 };
	int error;
	size_t n;

	assert_non_null(rec);
	assert_in_range(sent, 0, LOCKSPAN_SPARSE_WORDS);
	rec->s = (struct lockspan_stack){
		.rec = { .bytes = (uint32_t)(sizeof(rec->s) + (BITMAP_WORDS + sent) * 8),
			 .type = LOCKSPAN_REC_STACK },
		.id = 1, .mode = LOCKSPAN_STACK_SPARSE, .window_bytes = BITMAP_WORDS * 64 * 8,
		.payload_bytes = (BITMAP_WORDS + sent) * 8,
	};
	for (unsigned int i = 0; i < set; i++)
		rec->words[i / 64] |= 1ULL << i % 64;
	run_add(&r, rec, rec->s.rec.bytes);
	free(rec);
	n = count(&r, &error);
	run_free(&r);
	return n;
}

/* Of more words than LOCKSPAN_SPARSE_WORDS the module sends so many. */
static void walk_takes_full_stacks(void **state)
{
	(void)state;
	assert_true(full_stack_accepted(LOCKSPAN_SPARSE_WORDS, LOCKSPAN_SPARSE_WORDS));
	assert_true(full_stack_accepted(LOCKSPAN_SPARSE_WORDS + 1, LOCKSPAN_SPARSE_WORDS));
	assert_true(full_stack_accepted(8192, LOCKSPAN_SPARSE_WORDS));
	assert_false(full_stack_accepted(8192, LOCKSPAN_SPARSE_WORDS - 1));
	assert_false(full_stack_accepted(LOCKSPAN_SPARSE_WORDS, LOCKSPAN_SPARSE_WORDS - 1));
}

static void walk_checks_stacks(void **state)
{
	const uint64_t words[] = { 0x5, 0x1111, 0x2222 };	/* a bitmap with two bits, two words */

	(void)state;
	assert_true(stack_accepted(LOCKSPAN_STACK_RAW, 24, 24, words, 3));
	assert_true(stack_accepted(LOCKSPAN_STACK_RAW, 21, 21, words, 3));
	assert_false(stack_accepted(LOCKSPAN_STACK_RAW, 32, 32, words, 3));
	assert_false(stack_accepted(LOCKSPAN_STACK_RAW, 32, 0xfffffff8, words, 3));
	assert_true(stack_accepted(LOCKSPAN_STACK_SPARSE, 24, 24, words, 3));
	/* The bitmap promises more words than there are, or is not all there. */
	assert_false(stack_accepted(LOCKSPAN_STACK_SPARSE, 24, 16, words, 2));
	assert_false(stack_accepted(LOCKSPAN_STACK_SPARSE, 4096, 24, words, 3));
	assert_false(stack_accepted(LOCKSPAN_STACK_SPARSE, 0xffffffff, 24, words, 3));
	assert_true(stack_accepted(LOCKSPAN_STACK_SPARSE, 0, 0, words, 0));
}

static void walk_wants_paths_to_end(void **state)
{
	struct {
		struct lockspan_map m;
		char path[8];
	} rec = { .m = { .rec = { .bytes = sizeof(rec), .type = LOCKSPAN_REC_MAP } },
		  .path = { '/', 'b', 'i', 'n', '/', 's', 'h', '\0' } };
	struct run r = { 0 };
	int error;

	(void)state;
	run_add(&r, &rec, sizeof(rec));
	assert_int_equal(count(&r, &error), 1);
	run_free(&r);
	rec.path[7] = 'x';
	run_add(&r, &rec, sizeof(rec));
	assert_int_equal(count(&r, &error), 0);
	assert_int_equal(error, 0);
	run_free(&r);
}

static int seen_count(void *arg, const struct lockspan_rec *rec)
{
	(void)rec;
	++*(int *)arg;
	return 0;
}

static void streams_notice_gaps(void **state)
{
	struct lsp_streams s = { 0 };
	struct run two = { 0 };
	int seen = 0;

	(void)state;
	run_add_span(&two, 1);
	run_add_other(&two, 99, 8);	/* takes a number, is no event */
	assert_int_equal(lsp_streams_feed(&s, 3, 0, two.bytes, two.n, seen_count, &seen), 0);
	assert_int_equal(lsp_streams_feed(&s, 3, 2, two.bytes, two.n, seen_count, &seen), 0);
	assert_int_equal(s.gaps, 0);
	assert_int_equal(s.unknown, 2);
	/* Streams are apart; the worker's has its own number. */
	assert_int_equal(lsp_streams_feed(&s, 0, 0, two.bytes, two.n, seen_count, &seen), 0);
	assert_int_equal(lsp_streams_feed(&s, LOCKSPAN_CPU_WORKER, 0, two.bytes, two.n,
					  seen_count, &seen), 0);
	assert_int_equal(s.gaps, 0);
	/* Numbers 4 to 10 are missing. */
	assert_int_equal(lsp_streams_feed(&s, 3, 11, two.bytes, two.n, seen_count, &seen), 0);
	assert_int_equal(s.gaps, 1);
	assert_int_equal(s.lost, 7);
	/* After a gap the count goes on from what came. */
	assert_int_equal(lsp_streams_feed(&s, 3, 13, two.bytes, two.n, seen_count, &seen), 0);
	assert_int_equal(s.gaps, 1);
	/* The first of a CPU may be missing, too. */
	assert_int_equal(lsp_streams_feed(&s, 9, 5, two.bytes, two.n, seen_count, &seen), 0);
	assert_int_equal(s.lost, 12);
	assert_int_equal(seen, 7);
	assert_int_equal(s.records, 14);
	/* What was seen already is not used again. */
	assert_int_equal(lsp_streams_feed(&s, 3, 4, two.bytes, two.n, seen_count, &seen), -EBADMSG);
	assert_int_equal(lsp_streams_feed(&s, 70000, 0, two.bytes, two.n, seen_count, &seen), -EBADMSG);
	assert_int_equal(seen, 7);
	assert_int_equal(s.bad_runs, 2);
	run_free(&two);
	lsp_streams_uninit(&s);
}

/* What a damaged run had behind the damage is missing from the numbers of the next. */
static void streams_count_damage_once(void **state)
{
	struct lsp_streams s = { 0 };
	struct run three = { 0 };
	int seen = 0;

	(void)state;
	for (uint64_t i = 0; i < 3; i++)
		run_add_span(&three, i);
	((struct lockspan_rec *)(void *)(three.bytes + sizeof(struct lockspan_span)))->bytes = 4;
	assert_int_equal(lsp_streams_feed(&s, 0, 0, three.bytes, three.n, seen_count, &seen), -EBADMSG);
	assert_int_equal(seen, 1);
	run_free(&three);
	run_add_span(&three, 3);
	assert_int_equal(lsp_streams_feed(&s, 0, 3, three.bytes, three.n, seen_count, &seen), 0);
	assert_int_equal(s.lost, 2);
	assert_int_equal(s.bad_runs, 1);
	run_free(&three);
	lsp_streams_uninit(&s);
}

/* It takes its number, is counted, and costs nothing else. */
static void streams_leave_out_what_does_not_fit(void **state)
{
	struct lsp_streams s = { 0 };
	struct run r = { 0 };
	int seen = 0;

	(void)state;
	run_add_span(&r, 1);
	run_add_other(&r, LOCKSPAN_REC_STACK, 64);
	run_add_span(&r, 2);
	assert_int_equal(lsp_streams_feed(&s, 0, 0, r.bytes, r.n, seen_count, &seen), 0);
	assert_int_equal(lsp_streams_feed(&s, 0, 3, r.bytes, r.n, seen_count, &seen), 0);
	assert_int_equal(seen, 4);
	assert_int_equal(s.unfit, 2);
	assert_int_equal(s.unknown, 0);
	assert_int_equal(s.bad_runs, 0);
	assert_int_equal(s.lost, 0);
	run_free(&r);
	lsp_streams_uninit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_never_null),
		cmocka_unit_test(times_of_a_span),
		cmocka_unit_test(contentions_are_waits_that_ended),
		cmocka_unit_test(walk_skips_what_it_does_not_know),
		cmocka_unit_test(walk_ends_at_a_cut),
		cmocka_unit_test(walk_refuses_bad_lengths),
		cmocka_unit_test(walk_passes_over_types_too_short),
		cmocka_unit_test(walk_checks_stacks),
		cmocka_unit_test(walk_takes_full_stacks),
		cmocka_unit_test(walk_wants_paths_to_end),
		cmocka_unit_test(streams_notice_gaps),
		cmocka_unit_test(streams_leave_out_what_does_not_fit),
		cmocka_unit_test(streams_count_damage_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
