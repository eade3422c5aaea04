// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: user/compare/ user/capture/ user/report/ user/report/why/ user/profile/ user/base/
 * sources: tests/unit/scratch.c user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * libs: -lz -lprotobuf-c -ljson-c -lm -lnl-genl-3 -lnl-3
 *
 * Two span files of one run, of which every part is known. Would catch: a span
 * put into another thread's wait or into the next one, a part that is counted
 * twice, a foreign word that passes for the lock's, a rest that is smoothed over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../user/capture/spanfile.h"
#include "../../user/compare/compare.h"
#include "../../user/compare/events.h"
#include "scratch.h"

#define KERNEL scratch_path("kernel.lspan")
#define USER scratch_path("user.lspan")

#define HANDOFF_NS 77

struct wait {
	uint32_t tid;
	uint64_t enq, wake, run, uaddr;
	enum lockspan_outcome outcome;
	uint32_t own;		/* of the recorder, at the beginning */
};

static void file_make(const char *path, const struct wait *waits, size_t n, uint64_t rate_ns,
		      uint64_t lost)
{
	struct lsp_spanfile_counter counters[] = {
		{ "lost_span_ring", lost }, { "handoff_ns", HANDOFF_NS },
	};
	struct lsp_spanfile_writer *w;

	assert_int_equal(lsp_spanfile_create(path, &w), 0);
	for (size_t i = 0; i < n; i++) {
		struct lockspan_span s = {
			.rec = { sizeof(s), LOCKSPAN_REC_SPAN, 0 }, .enq_ns = waits[i].enq,
			.wake_ns = waits[i].wake, .run_ns = waits[i].run, .key = waits[i].uaddr,
			.uaddr = waits[i].uaddr, .tid = waits[i].tid, .tgid = 1,
			.rate_ns = rate_ns, .outcome = (uint8_t)waits[i].outcome,
			.op_word = waits[i].own,
		};

		assert_int_equal(lsp_spanfile_add_span(w, &s), 0);
	}
	lsp_spanfile_add_end(w, &(struct lsp_spanfile_end){ .counters = counters, .ncounters = 2 });
	assert_int_equal(lsp_spanfile_close(w), 0);
}

static const struct wait user[] = {
	{ 7, 1000, 2000, 2000, 0x5000, LOCKSPAN_WOKEN, 4 },	/* two sleeps */
	{ 7, 3000, 3050, 3050, 0x5000, LOCKSPAN_WOKEN, 20 },	/* none */
	{ 8, 1000, 2000, 2000, 0x5000, LOCKSPAN_WOKEN, 150 },	/* one, of a foreign word; its own goes to the sleep */
};
static const struct wait kernel[] = {
	{ 7, 1010, 1300, 1400, 0x5000, LOCKSPAN_WOKEN, 0 },
	{ 7, 1420, 1800, 1970, 0x5004, LOCKSPAN_WOKEN, 0 },
	{ 7, 1980, 0, 1985, 0x5000, LOCKSPAN_NOSLEEP, 0 },
	{ 8, 1100, 1500, 1600, 0x90000, LOCKSPAN_WOKEN, 0 },
	{ 9, 1100, 1500, 1600, 0x5000, LOCKSPAN_WOKEN, 0 },	/* nobody's of the user's side */
};

static void part_is(const struct lsp_compare *c, enum lsp_compare_part part, double ns)
{
	if (c->total.parts[part] != ns)
		fail_msg("%s is %g, not %g", lsp_compare_part_key(part), c->total.parts[part], ns);
}

static void test_parts(void **state)
{
	struct lsp_compare c;
	double sum = 0;

	(void)state;
	file_make(KERNEL, kernel, 5, 1, 0);
	file_make(USER, user, 3, 1, 0);
	assert_int_equal(lsp_compare_spans(KERNEL, USER, &c), 0);
	assert_true(c.total.user_wait_ns == 2050);
	part_is(&c, LSP_COMPARE_KERNEL_WAIT, 290 + 380);
	part_is(&c, LSP_COMPARE_SCHED_DELAY, 100 + 170);
	part_is(&c, LSP_COMPARE_RECORDER, 4 + 20 + 100);
	part_is(&c, LSP_COMPARE_ENTRY, 6);
	part_is(&c, LSP_COMPARE_REWAIT, 20);
	part_is(&c, LSP_COMPARE_RETURN, 30 + 400);
	part_is(&c, LSP_COMPARE_SPIN, 30);
	part_is(&c, LSP_COMPARE_UNEXPLAINED, 500);
	for (int i = 0; i < LSP_COMPARE_COUNT; i++)
		sum += c.total.parts[i];
	assert_true(sum == c.total.user_wait_ns);
	assert_true(c.total.kernel_only_ns == 500 && c.total.kernel_only == 1);
	assert_false(c.kernel_partial);
	assert_true(c.kernel_handoff_ns == HANDOFF_NS && c.user_handoff_ns == HANDOFF_NS);
	lsp_compare_uninit(&c);
}

/* A name holds for the mappings that it was found in, and the first one for all others. */
static void test_names(void **state)
{
	const struct lsp_spanfile_lock locks[] = {
		{ 5, "first", "mutex", 1, 3 }, { 6, "other", "mutex", 1, 3 }, { 5, "second", "mutex", 1, 4 },
		{ 5, "another's", "mutex", 2, 3 },
	};
	const struct { uint32_t tgid; uint64_t stack; const char *name; } of[] = {
		{ 1, 10, "first" }, { 1, 11, "second" }, { 2, 10, "another's" },
		{ 1, 12, "first" },	/* of mappings without a name of their own */
		{ 1, 0, "first" },
	};
	const struct lsp_spanfile_stack stacks[] = {
		{ 10, 1, 0, 3 }, { 11, 1, 0, 4 }, { 12, 1, 0, 5 }, { 10, 2, 0, 3 },
	};
	struct lsp_spanfile_writer *w;
	struct lsp_events e;

	(void)state;
	assert_int_equal(lsp_spanfile_create(KERNEL, &w), 0);
	for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++)
		lsp_spanfile_add_stack(w, &stacks[i]);
	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++)
		lsp_spanfile_add_lock(w, &locks[i]);
	assert_int_equal(lsp_spanfile_close(w), 0);
	assert_int_equal(lsp_events_read(KERNEL, false, &e), 0);
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		assert_string_equal(lsp_event_lock(&e, &(struct lsp_event){
			.key = 5, .tgid = of[i].tgid, .stack = of[i].stack }), of[i].name);
	assert_string_equal(lsp_event_lock(&e, &(struct lsp_event){ .key = 7, .tgid = 1 }), "");
	lsp_events_uninit(&e);
}

/* A wait without a span is no spinning when the span may have been lost. */
static void test_losses(void **state)
{
	struct lsp_compare c;

	(void)state;
	file_make(KERNEL, kernel, 0, 1, 3);
	file_make(USER, user, 1, 1, 0);
	assert_int_equal(lsp_compare_spans(KERNEL, USER, &c), 0);
	part_is(&c, LSP_COMPARE_SPIN, 0);
	part_is(&c, LSP_COMPARE_UNEXPLAINED, 1000 - 4);
	assert_true(c.kernel_partial);
	lsp_compare_uninit(&c);
}

static void test_sampled(void **state)
{
	struct lsp_compare c;

	(void)state;
	file_make(KERNEL, kernel, 5, 1000, 0);
	file_make(USER, user, 3, 1, 0);
	assert_int_equal(lsp_compare_spans(KERNEL, USER, &c), -ENODATA);
}

/* A mutex profile: @site is charged with @ns, "else" with 1 ms. */
static struct lsp_profile *blame_make(const char *site, double ns)
{
	struct lsp_profile *p = lsp_profile_create(lsp_profile_contention_types, 2);
	const char *const sites[2] = { site, "else" };

	for (int i = 0; i < 2; i++) {
		const struct lsp_profile_line line = { .function = sites[i], .system_name = sites[i], .file = "" };
		const uint64_t stack = (uint64_t)lsp_profile_location_add(p, 0, 0, &line, 1);

		assert_int_equal(lsp_profile_sample_add(p, &stack, 1, NULL, 0,
							(const double[2]){ 1, i ? 1e6 : ns }), 0);
	}
	return p;
}

/* What is said of a run in which both sides saw the same waiting, and blame these. */
static void verdict_is(struct lsp_profile *kernel_blame, struct lsp_profile *user_blame, const char *begin,
		       const char *part)
{
	static const struct wait both[] = { { 7, 1000, 2000, 2000, 0x5000, LOCKSPAN_WOKEN, 0 } };
	struct lsp_compare c;
	char *text;

	file_make(KERNEL, both, 1, 1, 0);
	file_make(USER, both, 1, 1, 0);
	assert_int_equal(lsp_compare_spans(KERNEL, USER, &c), 0);
	assert_int_equal(lsp_compare_blame(&c, kernel_blame, user_blame), 0);
	text = lsp_compare_verdict(&c);
	if (strncmp(text, begin, strlen(begin)) || !strstr(text, part))
		fail_msg("not '%s...%s': %s", begin, part, text);
	free(text);
	lsp_profile_destroy(kernel_blame);
	lsp_profile_destroy(user_blame);
	lsp_compare_uninit(&c);
}

static void test_blame(void **state)
{
	(void)state;
	verdict_is(NULL, NULL, "Either side will do", "");
	verdict_is(blame_make("slow", 9e6), blame_make("slow", 8e6), "Either side will do: ", "");
	/* As in sections that are shorter than the userspace recorder's own work. */
	verdict_is(blame_make("slow", 89e6), blame_make("slow", 9e6), "The two sides agree on how long",
		   "charges 90.0ms, the userspace side 10.0ms, and 91% of it to the same functions. "
		   "Trust the kernel for blame");
	verdict_is(blame_make("slow", 0), blame_make("slow", 9e6), "The two sides agree", "Trust the userspace side");
	verdict_is(blame_make("slow", 9e6), blame_make("other", 9e6), "The two sides agree",
		   "10% of it to the same functions. Trust the kernel");
	/* Less than a millisecond is not worth a word. */
	verdict_is(NULL, blame_make("slow", 9e6), "Either side will do", "");
}

/* A mutex profile of one function: @ns of each lock. */
static struct lsp_profile *locks_make(const double ns[3])
{
	static const char *const names[3] = { "alike", "crowded", "shared" };
	const struct lsp_profile_line line = { .function = "put", .system_name = "put", .file = "" };
	struct lsp_profile *p = lsp_profile_create(lsp_profile_contention_types, 2);
	const uint64_t stack = (uint64_t)lsp_profile_location_add(p, 0, 0, &line, 1);

	for (int i = 0; i < 3; i++) {
		const struct lsp_profile_label label = { .key = "lock", .str = names[i] };

		assert_int_equal(lsp_profile_sample_add(p, &stack, 1, &label, 1, (const double[2]){ 1, ns[i] }), 0);
	}
	return p;
}

/* Two locks of one function: the sums of both sides agree, and neither lock's do. */
static void test_blame_of_locks(void **state)
{
	static const struct { const char *lock; enum lsp_compare_trust trust; } rows[] = {
		{ "crowded", LSP_COMPARE_TRUST_USER }, { "shared", LSP_COMPARE_TRUST_KERNEL }, { "alike", LSP_COMPARE_EITHER },
	};
	struct lsp_profile *kernel_blame = locks_make((const double[3]){ 2e6, 1e6, 7e6 });
	struct lsp_profile *user_blame = locks_make((const double[3]){ 2.5e6, 8e6, 0 });
	static const struct wait both[] = { { 7, 1000, 2000, 2000, 0x5000, LOCKSPAN_WOKEN, 0 } };
	struct lsp_compare c;
	char *text;

	(void)state;
	file_make(KERNEL, both, 1, 1, 0);
	file_make(USER, both, 1, 1, 0);
	assert_int_equal(lsp_compare_spans(KERNEL, USER, &c), 0);
	assert_int_equal(lsp_compare_blame(&c, kernel_blame, user_blame), 0);
	assert_int_equal(c.nblame, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct lsp_compare_blame *b = &c.blame[i];

		assert_string_equal(b->lock, rows[i].lock);
		assert_string_equal(b->site, "put");
		assert_int_equal(lsp_compare_blame_trust(b->kernel_ns, b->user_ns), rows[i].trust);
	}
	assert_true(c.blame_agreed > 0.99);
	text = lsp_compare_verdict(&c);
	assert_int_equal(strncmp(text, "Either side will do for the waiting: ", 37), 0);
	if (!strstr(text, "Blame differs most for releases of crowded in put: the kernel charges 1.00ms, the userspace side "
			  "8.00ms; trust the userspace side there."))
		fail_msg("%s", text);
	free(text);
	lsp_profile_destroy(kernel_blame);
	lsp_profile_destroy(user_blame);
	lsp_compare_uninit(&c);
	/* A twentieth of all blame is not worth a word. */
	verdict_is(locks_make((const double[3]){ 20e6, 1.6e6, 0 }), locks_make((const double[3]){ 20e6, 0.5e6, 0 }),
		   "Either side will do: ", "");
}

/* The recorder's work is in a column of its own. */
static void test_columns(void **state)
{
	struct lsp_compare c;
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	(void)state;
	file_make(KERNEL, kernel, 5, 1, 0);
	file_make(USER, user, 3, 1, 0);
	assert_int_equal(lsp_compare_spans(KERNEL, USER, &c), 0);
	lsp_compare_text(f, &c, 20);
	fclose(f);
	assert_non_null(strstr(text, "spin  in+again+out  recorder  unexpl."));
	/* 6 + 20 + 430 around the sleeps, 124 of the recorder's. */
	assert_non_null(strstr(text, " 456ns     124ns    500ns"));
	assert_non_null(strstr(text, "in 1 wait on futexes"));
	free(text);
	lsp_compare_uninit(&c);
}

/* A row is found by its key, however many there are. */
static void test_many_rows(void **state)
{
	enum { ROWS = 100000 };
	struct lsp_compare c;
	char site[32];
	clock_t begun = clock();

	(void)state;
	lsp_compare_init(&c);
	for (int i = 0; i < 2 * ROWS; i++) {
		snprintf(site, sizeof(site), "site_%d", i % ROWS);
		lsp_compare_row(&c, site, "mu")->user_waits++;
	}
	assert_int_equal(c.n, ROWS);
	for (size_t i = 0; i < c.n; i++)
		assert_true(c.rows[i].user_waits == 2);
	assert_true(clock() - begun < 5 * CLOCKS_PER_SEC);
	lsp_compare_uninit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_names), cmocka_unit_test(test_losses),
		cmocka_unit_test(test_sampled),
		cmocka_unit_test(test_blame),
		cmocka_unit_test(test_blame_of_locks),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_many_rows),
	};

	return cmocka_run_group_tests(tests, scratch_create, scratch_destroy);
}
