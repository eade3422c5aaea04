// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a profile that lacks events, stacks, mappings or names and passes
 * for a whole one; a loss that one reader names and another does not.
 *
 * Resolution is played here: a stack's rip says what it is.
 * sources: user/collect/ user/collect/roles/ user/collect/roots/
 * sources: user/results/profiles.c user/results/unblamed.c user/results/why.c user/results/losses.c
 * sources: user/base/index.c user/capture/span.c
 * sources: user/capture/stackset.c user/base/intern.c user/base/arena.c user/capture/stream.c
 * sources: user/capture/spanfile_write.c user/capture/spanfile.pb-c.c
 * sources: user/profile/pprof.c user/profile/pprof_write.c user/profile/pprof_encode.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c user/profile/gzip.c user/profile/utf8.c
 * sources: user/profile/profile.pb-c.c user/profile/estimate.c
 * sources: tests/unit/fixture_resolver.c user/resolve/trace.c tests/unit/fixture_collector.c
 * libs: -lprotobuf-c -lz -lm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/results/losses.h"
#include "../../user/results/profiles.h"
#include "fixture_collector.h"
#include "fixture_resolver.h"

static uint64_t loss(const struct lsp_losses *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->losses[i].name, name))
			return l->losses[i].count;
	return 0;
}

/* Two events of a stack that never comes, one of none and one of none that is open, a bystander's, one without mappings. */
static void feed_all(struct feeder *f)
{
	struct lsp_profiles_summary s;
	struct lockspan_release r = release(0, 5, 60);
	struct lockspan_span w = span(10, 5, 100);

	begin(f);
	all_mapped = false;
	feed(f, &w);
	feed(f, &w);
	w = span(0, 5, 100);
	feed(f, &w);
	w.outcome = LOCKSPAN_OPEN;
	feed(f, &w);
	r.rec.flags |= LOCKSPAN_RELEASE_IRQ;
	feed(f, &r);
	feed_stack(f, 1, 11, RIP(MUTEX, 0));
	w = span(11, 5, 100);
	feed(f, &w);
	finish(f, &s);
}

static void all_that_is_missing(void **state)
{
	struct lsp_client_report end = { .counters = { [LOCKSPAN_C_LOST_SPAN_RING] = 1 } };
	struct lsp_losses_source source = { .end = &end };
	struct lsp_losses l;
	struct feeder f;

	(void)state;
	feed_all(&f);
	source.collector = f.c;
	lsp_losses_find(&source, &l);
	assert_int_equal(loss(&l, "stacks_missing"), 1);
	assert_int_equal(loss(&l, "no_stack"), 3);
	assert_int_equal(loss(&l, "no_map"), 1);
	assert_int_equal(loss(&l, "lost_span_ring"), 1);
	assert_int_equal(loss(&l, "unopened_files"), 1);
	assert_int_equal(loss(&l, "changed_files"), 2);
	assert_int_equal(l.n, 6);
	assert_true(l.partial);

	/* Where none were asked for, none is missing; without END nobody knows. */
	source.no_stacks = true;
	source.foreign_pids = true;
	source.end = NULL;
	lsp_losses_find(&source, &l);
	assert_int_equal(loss(&l, "no_stack"), 0);
	assert_int_equal(loss(&l, "end"), 1);
	assert_int_equal(loss(&l, "foreign_pids"), 1);
	lsp_collector_destroy(f.c);
}

/* @n waits with a stack and one without. */
static void feed_many(struct feeder *f, unsigned int n)
{
	struct lsp_profiles_summary s;
	struct lockspan_span w = span(10, 5, 100);

	begin(f);
	feed_stack(f, 1, 10, RIP(MUTEX, 0));
	while (n--)
		feed(f, &w);
	w = span(0, 5, 100);
	feed(f, &w);
	finish(f, &s);
}

static const char *words(const struct lsp_losses *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->losses[i].name, name))
			return l->losses[i].words;
	return "";
}

static bool is_note(const struct lsp_losses *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->losses[i].name, name))
			return l->losses[i].note;
	return false;
}

/* A few stacks that are missing are told like many, as a note. Mappings whose change was not noted are no note. */
static void few_are_told(void **state)
{
	struct lsp_client_report end = { .counters = { [LOCKSPAN_C_LOST_REMAP] = 3 } };
	struct lsp_losses_source source = { .end = &end };
	struct lsp_losses l;
	struct feeder f;

	(void)state;
	for (int few = 0; few <= 1; few++) {
		feed_many(&f, few ? 1000 : 900);
		source.collector = f.c;
		lsp_losses_find(&source, &l);
		assert_int_equal(loss(&l, "no_stack"), 1);
		assert_int_equal(is_note(&l, "no_stack"), few);
		assert_int_equal(loss(&l, "lost_remap"), 3);
		assert_false(is_note(&l, "lost_remap"));
		lsp_collector_destroy(f.c);
	}
}

/* Stacks that are cut are told from one event in a hundred on, by what cut them, and lose no event. */
static void cut_stacks_are_told(void **state)
{
	struct lsp_client_report end = { .counters = { 0 } };
	struct lsp_losses_source source = { .end = &end };
	struct lsp_profiles_summary s;
	struct lsp_losses l;
	struct feeder f;

	(void)state;
	for (unsigned int whole = 99; whole <= 100; whole++) {
		struct lockspan_span w = span(10, 5, 100);

		begin(&f);
		all_mapped = true;
		feed_stack(&f, 1, 10, RIP(MUTEX, 0));
		feed_stack(&f, 1, 12, RIP(MUTEX, 8));
		for (unsigned int i = 0; i < whole; i++)
			feed(&f, &w);
		w = span(12, 5, 100);
		feed(&f, &w);
		finish(&f, &s);
		source.collector = f.c;
		lsp_losses_find(&source, &l);
		assert_int_equal(loss(&l, "cut_truncated"), whole < 100);
		if (whole < 100) {
			assert_true(is_note(&l, "cut_truncated"));
			assert_string_equal(words(&l, "cut_truncated"), "came with a stack that goes on beyond the part "
					    "that was looked at: see [truncated]");
			/* Files of this recording could not be read, so that nobody knows the length of a copied stack. */
			source.copied_bytes = 8192;
			lsp_losses_find(&source, &l);
			assert_non_null(strstr(words(&l, "cut_truncated"), "files that hold the rules"));
			source.copied_bytes = 0;
		}
		lsp_collector_destroy(f.c);
	}
}

/* A note makes nothing partial. */
static void notes_are_apart(void **state)
{
	struct lsp_losses l = { .n = 0, .partial = false };

	(void)state;
	lsp_losses_add(&l, &(struct lsp_loss){ "no_stack", 1, "event", "came without a stack", true });
	assert_int_equal(l.n, 1);
	assert_false(l.partial);
	lsp_losses_add(&l, &(struct lsp_loss){ "no_map", 0, "event", "had no mapping", false });
	assert_false(l.partial);
	lsp_losses_add(&l, &(struct lsp_loss){ "no_map", 1, "event", "had no mapping", false });
	assert_true(l.partial);
}

static void is_in_words(void **state)
{
	struct lsp_losses l = { .n = 0, .partial = false };
	char text[LSP_LOSS_TEXT];

	(void)state;
	lsp_losses_add(&l, &(struct lsp_loss){ "lost_span_ring", 0, "wait", "found no room", false });
	assert_int_equal(l.n, 0);
	lsp_losses_add(&l, &(struct lsp_loss){ "lost_span_ring", 1, "wait", "found no room", false });
	lsp_losses_add(&l, &(struct lsp_loss){ "lost_span_ring", 2, "wait", "found no room", false });
	lsp_losses_add(&l, &(struct lsp_loss){ "end", 1, NULL, "the module is silent", false });
	lsp_loss_text(&l.losses[0], text, sizeof(text));
	assert_string_equal(text, "1 wait found no room");
	lsp_loss_text(&l.losses[1], text, sizeof(text));
	assert_string_equal(text, "2 waits found no room");
	lsp_loss_text(&l.losses[2], text, sizeof(text));
	assert_string_equal(text, "the module is silent");
}

static void is_in_comments(void **state)
{
	struct lsp_profile_mapping mapping;
	struct lsp_profiles_facts facts = { 0 };
	struct lsp_losses_source source = { 0 };
	struct lsp_profiles p;
	struct lsp_losses l;
	struct feeder f;
	bool told = false;

	(void)state;
	feed_all(&f);
	source.collector = f.c;
	lsp_losses_find(&source, &l);
	facts.losses = &l;
	assert_int_equal(lsp_profiles_create(f.c, &facts, &p), 0);
	for (size_t i = 0; lsp_profile_comment(p.mutex, i); i++)
		told |= !strcmp(lsp_profile_comment(p.mutex, i),
				"losses: end=1 stacks_missing=1 no_stack=3 no_map=1 changed_files=2 unopened_files=1");
	assert_true(told);
	/* The kernel's remark that a file is gone is no part of its name. */
	assert_true(lsp_profile_mapping(p.block, 1, &mapping));
	assert_string_equal(mapping.filename, "/bin/prog");
	lsp_profiles_destroy(&p);
	lsp_collector_destroy(f.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_missing), cmocka_unit_test(few_are_told), cmocka_unit_test(cut_stacks_are_told), cmocka_unit_test(notes_are_apart),
		cmocka_unit_test(is_in_words),
		cmocka_unit_test(is_in_comments),
	};

	return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}
