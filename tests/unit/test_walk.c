// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a cut stack that is called complete or that gives other frames
 * than the whole one; recursion that is walked without end; a chain of frame
 * pointers that claims to be certain; a walk that crashes, hangs or reads astray
 * on damaged stacks. Stacks as in test_unwind.c.
 *
 * sources: tests/unit/unwind/fixture.c tests/lib/capture.c user/resolve/unwind/unwind.c user/resolve/unwind/dwfl.c
 * sources: user/resolve/unwind/snapshot.c user/resolve/maps/maps.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c user/base/maptext.c
 * sources: user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c user/resolve/unwind/fde.c user/resolve/unwind/cfa.c user/resolve/code/code.c
 * sources: user/resolve/unwind/callsite.c user/resolve/code/starts.c user/resolve/elf/file.c user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c
 * sources: user/resolve/elf/debugfile.c user/resolve/elf/minidebug.c user/resolve/elf/symtab.c user/resolve/elf/gopcln.c user/resolve/elf/range.c
 * sources: user/base/arena.c
 * sources: user/base/intern.c user/base/index.c
 * libs: -ldw -lelf -lz -llzma -ldl
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/fixture.h"

static struct lockspan_stack *stack_copy(const struct lockspan_stack *s)
{
	/* exactly as long as it says, so that the sanitizer sees a read beyond it */
	struct lockspan_stack *copy = malloc(sizeof(*s) + s->payload_bytes);

	assert_non_null(copy);
	memcpy(copy, s, sizeof(*s) + s->payload_bytes);
	return copy;
}

/* A stack cut anywhere gives the beginning of the whole walk, and says that it was cut. */
static void cut(void **state)
{
	static struct lsp_walk whole;
	struct fixture f;
	uint32_t bytes;
	size_t i, seen = 0;

	(void)state;
	fixture_begin(&f, "c", "mutex", &(struct capture_options){
		.max = 20, .window_bytes = 16384, .stride = 3 });
	for (i = 0; i < f.capture.n; i++) {
		struct lsp_mapset *set = fixture_maps(&f, i);

		whole = *lsp_unwind(f.unwinder, set, f.capture.stacks[i].raw);
		assert_int_equal(whole.end, LSP_END_COMPLETE);
		for (bytes = 0; bytes < 2048; bytes += 4) {
			struct lockspan_stack *s = stack_copy(f.capture.stacks[i].raw);
			const struct lsp_walk *w;

			s = realloc(s, sizeof(*s) + bytes);
			s->payload_bytes = s->window_bytes = bytes;
			w = lsp_unwind(f.unwinder, set, s);
			assert_true(w->n >= 1 && w->n <= whole.n);
			assert_memory_equal(w->steps, whole.steps, w->n * sizeof(*w->steps));
			if (w->n < whole.n)
				assert_int_equal(w->end, LSP_END_TRUNCATED);
			else
				assert_int_equal(w->end, LSP_END_COMPLETE);
			seen += w->n < whole.n;
			free(s);
		}
	}
	assert_true(seen > 100);
	fixture_end(&f);
}

/* Recursion without end costs no more than the limit. */
static void bounded(void **state)
{
	const struct capture_options o = { .max = 8, .window_bytes = 131072 };
	const struct lsp_walk *w;
	struct fixture f;
	size_t i, deepest = 0;

	(void)state;
	fixture_begin(&f, "c", "endless", &o);
	for (i = 0; i < f.capture.n; i++) {
		w = lsp_unwind(f.unwinder, fixture_maps(&f, i), f.capture.stacks[i].raw);
		deepest = w->n > deepest ? w->n : deepest;
		if (w->n == LSP_WALK_MAX)
			assert_int_equal(w->end, LSP_END_TRUNCATED);
	}
	assert_int_equal(deepest, LSP_WALK_MAX);
	fixture_end(&f);
}

/* Frame pointers that lead in a circle: each frame lies above the one before, or the walk ends. */
static void circles(void **state)
{
	struct fixture f;
	size_t i, k, words, changed = 0;

	(void)state;
	fixture_begin(&f, "c-fp", "mutex", &(struct capture_options){
		.max = 20, .window_bytes = 16384, .stride = 1 });
	for (i = 0; i < f.capture.n; i++) {
		struct lockspan_stack *s = stack_copy(f.capture.stacks[i].raw);
		uint64_t *word = (uint64_t *)(s + 1), sp = s->regs[LOCKSPAN_REG_RSP], first = 0;

		words = s->payload_bytes / 8;
		for (k = 0; k < words; k++) {
			if (word[k] - sp >= s->payload_bytes)
				continue;
			first = first ? first : word[k];
			word[k] = first;
			changed++;
		}
		assert_true(lsp_unwind(f.unwinder, fixture_maps(&f, i), s)->n < 100);
		free(s);
	}
	assert_true(changed > 100);
	fixture_end(&f);
}

/* The kernel's chain of frame pointers: right as far as it goes, and never more certain than that. */
static void frame_pointers(void **state)
{
	struct fixture f;
	size_t i, k, with_worker = 0;

	(void)state;
	fixture_begin(&f, "c-fp", "mutex", &(struct capture_options){
		.max = 40, .window_bytes = 16384, .stride = 1 });
	for (i = 0; i < f.capture.n; i++) {
		struct lsp_mapset *set = fixture_maps(&f, i);
		const struct lsp_walk *w = lsp_unwind(f.unwinder, set, f.capture.stacks[i].fp);

		assert_false(w->steps[0].guessed);
		for (k = 1; k < w->n; k++)
			assert_true(w->steps[k].guessed);
		with_worker += walk_count(&f, set, w, "worker") == 1;
	}
	printf("frame pointers: %zu of %zu stacks reach the thread's function\n", with_worker,
	       f.capture.n);
	assert_true(with_worker > f.capture.n / 2);
	fixture_end(&f);
}

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Registers, words, lengths and modes that make no sense: an end, and nothing read astray. */
static void damaged(void **state)
{
	static const uint32_t modes[] = { LOCKSPAN_STACK_RAW, LOCKSPAN_STACK_SPARSE,
					  LOCKSPAN_STACK_FP, LOCKSPAN_STACK_NONE, 77 };
	uint64_t seed = 0x9e3779b97f4a7c15ULL;
	size_t i, k, round, ends[LSP_END_COUNT] = { 0 };
	struct fixture f;

	(void)state;
	fixture_begin(&f, "c", "jit", &(struct capture_options){
		.max = 20, .window_bytes = 16384, .stride = 3 });
	for (round = 0; round < 3000; round++) {
		const struct captured *c = &f.capture.stacks[round % f.capture.n];
		struct lockspan_stack *s = stack_copy(round & 1 ? c->raw : c->sparse);
		const struct lsp_walk *w;
		uint64_t *words = (uint64_t *)(s + 1);

		i = round % f.capture.n;
		for (k = random_next(&seed) % 8; k; k--) {
			uint64_t at = random_next(&seed) % (s->payload_bytes / 8);
			uint64_t with = random_next(&seed);

			/* garbage, or a word from elsewhere in the stack */
			words[at] = with & 1 ? with : words[with % (s->payload_bytes / 8)];
		}
		if (round % 5 == 0)
			s->regs[random_next(&seed) % LOCKSPAN_REGS] = random_next(&seed);
		if (round % 7 == 0)
			s->mode = modes[random_next(&seed) % 5];
		if (round % 11 == 0)
			s->window_bytes = (uint32_t)random_next(&seed);
		if (round % 13 == 0)
			s->rec.flags |= LOCKSPAN_STACK_COMPAT;
		w = lsp_unwind(f.unwinder, round % 17 ? fixture_maps(&f, i) : NULL, s);
		assert_true(w->n <= LSP_WALK_MAX && (unsigned int)w->end < LSP_END_COUNT);
		assert_true(w->n >= 1 || w->end == LSP_END_NONE);
		ends[w->end]++;
		free(s);
	}
	for (i = 0; i < LSP_END_COUNT; i++)
		printf("damaged: end %zu: %zu\n", i, ends[i]);
	assert_true(ends[LSP_END_BAD] && ends[LSP_END_NO_MAP] && ends[LSP_END_NONE]);
	fixture_end(&f);
}

static int build_all(void **state)
{
	if (subjects_begin(state))
		return -1;
	subject_build("c", "gcc", "chains.c", "-O2");
	subject_build("c-fp", "gcc", "chains.c", "-O2 -fno-omit-frame-pointer -static-pie");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut),
		cmocka_unit_test(bounded),
		cmocka_unit_test(circles),
		cmocka_unit_test(frame_pointers),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, build_all, subjects_end);
}
