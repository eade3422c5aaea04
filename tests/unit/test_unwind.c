// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a frame that is missing, invented or in the wrong place, in any
 * form of stack; an end that is called complete and is not; a sparse stack that
 * unwinds otherwise than the whole one; a walk that crashes, hangs or reads
 * astray on damaged stacks. Stacks are taken by ptrace at futex calls of
 * programs whose chain of calls is known (tests/unit/unwind); libdwfl walks the
 * same stacks for comparison.
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
#include <time.h>

#include "../lib/clock.h"
#include "../../user/resolve/elf/symtab.h"
#include "unwind/fixture.h"

#define TIMED_S 0.02

struct figures {
	size_t stacks;
	size_t frames;
	size_t exact;		/* the program's own chain, and complete */
	size_t complete;
	size_t truncated;
	size_t guessed;		/* stacks with a guessed frame */
	size_t compared;	/* complete by us */
	size_t agree;		/* libdwfl gives the same frames */
	size_t sparse_same;	/* the sparse form gives what the whole one gives */
	size_t printed;
};

static double seconds(void)
{
	return (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

/* ---- comparison ---- */

/*
 * The program's functions of a walk, in one line, the names in @watched alone:
 * a static program's C library is in the same file.
 */
static void chain_of(struct fixture *f, struct lsp_mapset *set, const struct lsp_walk *w,
		     const char *watched, char *ret, size_t room)
{
	size_t i, used = 0, repeats = 0;
	const char *last = "";
	bool own;

	ret[0] = '\0';
	for (i = 0; i < w->n && used < room - 80; i++) {
		const char *name = step_name(f, set, &w->steps[i], &own);

		if (!own || !in_words(watched, name))
			continue;
		repeats = strcmp(name, last) ? 0 : repeats + 1;
		last = name;
		/* recursion as its count */
		if (repeats == 1)
			used += (size_t)snprintf(ret + used, room - used, "*");
		else if (!repeats)
			used += (size_t)snprintf(ret + used, room - used, "%s%s", used ? " " : "", name);
	}
}

static bool same_pcs(const struct lsp_walk *a, const struct lsp_walk *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (a->steps[i].pc != b->steps[i].pc)
			return false;
	return true;
}

struct expectation {
	const char *watched;	/* functions that chains are made of */
	const char *chains[12];	/* those that there are */
	bool guesses;		/* frames without call frame information are to be expected */
	bool no_dwfl;		/* libdwfl cannot walk these */
};

static bool expected(const struct expectation *e, const char *chain)
{
	size_t i;

	for (i = 0; i < 12 && e->chains[i]; i++)
		if (!strcmp(e->chains[i], chain))
			return true;
	return false;
}

static bool any_guessed(const struct lsp_walk *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->steps[i].guessed)
			return true;
	return false;
}

static void stack_judge(struct fixture *f, struct lsp_mapset *set, const struct captured *c,
			const struct expectation *e, struct figures *r)
{
	static struct lsp_walk raw, other;
	char chain[1024];
	bool right, own;

	raw = *lsp_unwind(f->unwinder, set, c->raw);
	chain_of(f, set, &raw, e->watched, chain, sizeof(chain));
	/* a thread whose function has returned is in none of the chains */
	right = (expected(e, chain) ||
		 (!*chain && in_words("pthread_exit __pthread_exit",
				      step_name(f, set, &raw.steps[0], &own)))) &&
		raw.end == LSP_END_COMPLETE;
	if (!right && r->printed++ < 4) {
		printf("unexpected: \"%s\"\n", chain);
		walk_print(f, set, &raw);
	}
	r->stacks++;
	r->frames += raw.n;
	r->exact += right;
	r->complete += raw.end == LSP_END_COMPLETE;
	r->truncated += raw.end == LSP_END_TRUNCATED;
	r->guessed += any_guessed(&raw);
	other = *lsp_unwind(f->unwinder, set, c->sparse);
	r->sparse_same += same_pcs(&raw, &other) && raw.end == other.end;
	if (raw.end != LSP_END_COMPLETE || e->no_dwfl)
		return;
	other = *lsp_unwind_dwfl(f->unwinder, set, c->raw);
	r->compared++;
	if (same_pcs(&raw, &other) && other.end == LSP_END_COMPLETE)
		r->agree++;
	else if (r->printed++ < 4)
		walk_print(f, set, &raw), walk_print(f, set, &other);
}

typedef const struct lsp_walk *walk_fn(struct lsp_unwinder *u, struct lsp_mapset *set,
				       const struct lockspan_stack *stack);

/* Stacks per second, of walks that have been made before. */
static double rate(struct fixture *f, walk_fn *walk)
{
	size_t i, n = f->capture.n < 50 ? f->capture.n : 50, walked = 0;
	double begin = 0, took = 0;
	bool first = true;

	while (first || took < TIMED_S) {
		/* all with one set of mappings: a new one would empty the cache */
		for (i = 0; i < n; i++)
			walk(f->unwinder, lsp_maps_find(f->maps, f->capture.stacks[i].raw->tgid, 1),
			     f->capture.stacks[i].sparse);
		walked += n;
		took = seconds() - begin;
		if (first) {
			begin = seconds();
			walked = 0;
			took = 0;
		}
		first = false;
	}
	return (double)walked / took;
}

static void subject_run(const char *name, const char *kind, size_t max,
			unsigned int stride, const struct expectation *e, struct figures *ret)
{
	struct fixture f;
	double own, dwfl;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	fixture_begin(&f, name, kind, &(struct capture_options){
		.max = max, .window_bytes = 16384, .stride = stride });
	for (i = 0; i < f.capture.n; i++)
		stack_judge(&f, fixture_maps(&f, i), &f.capture.stacks[i], e, ret);
	own = rate(&f, lsp_unwind);
	dwfl = rate(&f, lsp_unwind_dwfl);
	printf("%-10s %-8s %3zu stacks, %5.1f frames: exact %5.1f %%, complete %5.1f %%, cut %zu,"
	       " guessed %zu, sparse = raw %zu, libdwfl agrees %zu/%zu; %.0f k/s, libdwfl %.0f k/s\n",
	       name, kind ? kind : "", ret->stacks, (double)ret->frames / (double)ret->stacks,
	       100.0 * (double)ret->exact / (double)ret->stacks,
	       100.0 * (double)ret->complete / (double)ret->stacks, ret->truncated, ret->guessed,
	       ret->sparse_same, ret->agree, ret->compared, own / 1e3, dwfl / 1e3);
	fixture_end(&f);
}

#define WATCHED "main worker level1 level2 level3 recurse spin handler from_jit kicker do_mutex " \
	"do_cond do_rwlock do_sem do_barrier do_deep do_signal do_drap do_jit " \
	"do_jit_python do_odd odd_call hold"
#define BELOW " level3 level2 level1 worker"

/* Everything that calls by CFI gives the program's own chain, every time. */
static void all_exact(const char *name, const char *kind, size_t max,
		      unsigned int stride, const struct expectation *e)
{
	struct figures r;

	subject_run(name, kind, max, stride, e, &r);
	assert_int_equal(r.exact, r.stacks);
	assert_int_equal(r.sparse_same, r.stacks);
	assert_int_equal(r.agree, r.compared);
	assert_int_equal(r.guessed != 0, e->guesses);
}

static const struct expectation plain = {
	.watched = WATCHED,
	.chains = { "main", "do_mutex" BELOW, "do_cond" BELOW, "do_rwlock" BELOW, "do_sem" BELOW,
		    "do_barrier" BELOW },
};

static void primitives(void **state)
{
	static const char *const kinds[] = { "mutex", "cond", "rwlock", "sem", "barrier" };
	size_t i;

	(void)state;
	subject_build("c", "gcc", "chains.c", "-O2");
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		all_exact("c", kinds[i], 100, 1, &plain);
	subject_build("c-static", "gcc", "chains.c", "-O2 -static");
	all_exact("c-static", "mutex", 60, 1, &plain);
	all_exact("c-static", "cond", 60, 1, &plain);
	subject_build("c-fp", "gcc", "chains.c", "-O2 -fno-omit-frame-pointer -static-pie");
	all_exact("c-fp", "rwlock", 60, 1, &plain);
	subject_build("c-O0", "gcc", "chains.c", "-O0");
	all_exact("c-O0", "mutex", 60, 1, &plain);
}

static void deep(void **state)
{
	const struct expectation e = {
		.watched = WATCHED, .chains = { "main", "do_mutex recurse* do_deep" BELOW },
	};
	struct fixture f;
	size_t i, n;

	(void)state;
	all_exact("c", "deep", 60, 1, &e);
	fixture_begin(&f, "c", "deep", &(struct capture_options){
		.max = 10, .window_bytes = 16384, .stride = 1 });
	for (i = 0; i < f.capture.n; i++) {
		struct lsp_mapset *set = fixture_maps(&f, i);

		n = walk_count(&f, set, lsp_unwind(f.unwinder, set, f.capture.stacks[i].raw), "recurse");
		assert_true(n == 201 || n == 0);
	}
	fixture_end(&f);
}

static void signals(void **state)
{
	const struct expectation e = {
		.watched = WATCHED,
		.chains = { "main", "do_mutex handler spin do_signal" BELOW,
			    "do_mutex do_signal" BELOW, "do_signal" BELOW, "kicker" },
	};

	(void)state;
	all_exact("c", "signal", 150, 1, &e);
}

static void realigned(void **state)
{
	const struct expectation e = {
		.watched = WATCHED, .chains = { "main", "do_mutex do_drap" BELOW },
	};

	(void)state;
	all_exact("c", "drap", 100, 1, &e);
	subject_build("c-align", "gcc", "chains.c", "-O2 -mstackrealign");
	all_exact("c-align", "drap", 100, 1, &e);
}

static void cplusplus(void **state)
{
	const struct expectation e = {
		.watched = "main worker level1 level2 do_cond do_shared",
		.chains = { "main", "do_cond level2 level1 worker", "do_shared level2 level1 worker" },
	};

	(void)state;
	subject_build("c++", "g++", "chains.cpp", "-std=c++17 -O2");
	all_exact("c++", "cond", 100, 1, &e);
	all_exact("c++", "shared", 100, 1, &e);
}

/* A rule that the tables cannot hold goes to libdwfl, and the walk is none the worse. */
static void odd_rule(void **state)
{
	const struct expectation e = {
		.watched = WATCHED, .chains = { "main", "do_mutex from_jit odd_call do_odd" BELOW },
	};
	struct fixture f;
	size_t i;

	(void)state;
	all_exact("c", "odd", 100, 1, &e);
	fixture_begin(&f, "c", "odd", &(struct capture_options){
		.max = 20, .window_bytes = 16384 });
	for (i = 0; i < f.capture.n; i++)
		lsp_unwind(f.unwinder, fixture_maps(&f, i), f.capture.stacks[i].sparse);
	assert_true(lsp_unwinder_counts(f.unwinder)->handed_over > f.capture.n / 2);
	fixture_end(&f);
}

/* Through code without a file the frame pointer leads, and it is said. */
static void jit(void **state)
{
	const struct expectation e = {
		.watched = WATCHED, .chains = { "main", "do_mutex from_jit do_jit" BELOW },
		.guesses = true,
	};

	(void)state;
	all_exact("c", "jit", 100, 1, &e);
}

/* The code by which python -X perf calls a function has neither a frame pointer nor a table. */
static void jit_of_python(void **state)
{
	const struct expectation e = {
		.watched = WATCHED, .chains = { "main", "do_mutex from_jit do_jit_python" BELOW },
		.guesses = true,
	};
	struct figures r;

	(void)state;
	subject_build("python3.13", "gcc", "chains.c", "-O2");
	subject_run("python3.13", "jit-python", 100, 1, &e, &r);
	assert_int_equal(r.exact, r.stacks);
	assert_int_equal(r.sparse_same, r.stacks);
	assert_true(r.guessed > 0);
}

/* A C library without call frame information: guessed, but nearly always right. */
static void musl(void **state)
{
	static const char *const kinds[] = { "mutex", "cond", "rwlock", "sem", "barrier" };
	const struct expectation e = {
		.watched = WATCHED,
		.chains = { "main", "do_mutex" BELOW, "do_cond" BELOW, "do_rwlock" BELOW,
			    "do_sem" BELOW, "do_barrier" BELOW, "hold do_mutex" BELOW },
		.guesses = true, .no_dwfl = true,
	};
	struct figures r;
	size_t i;

	(void)state;
	if (!have("musl-gcc"))
		fail_msg("install musl-tools");
	subject_build("musl", "musl-gcc", "chains.c", "-O2 -static");
	subject_build("musl-so", "musl-gcc", "chains.c", "-O2");
	for (i = 0; i < 2 * sizeof(kinds) / sizeof(*kinds); i++) {
		subject_run(i & 1 ? "musl" : "musl-so", kinds[i / 2], 100, 1, &e, &r);
		assert_int_equal(r.exact, r.stacks);
		assert_int_equal(r.sparse_same, r.stacks);
	}
}

/* Whether a walk of a stripped program is @chain, by the symbols of what was stripped. */
static bool stripped_chain(struct lsp_symtab *symbols, const struct lsp_walk *w, const char *chain)
{
	char got[1024] = "";
	size_t i, used = 0;

	for (i = 0; i < w->n && used < sizeof(got) - 80; i++) {
		struct lsp_symtab_symbol symbol;

		if (!lsp_symtab_find(symbols, w->steps[i].pc - w->steps[i].map->bias, &symbol) &&
		    in_words(WATCHED, symbol.name))
			used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%s",
						 used ? " " : "", symbol.name);
	}
	if (strcmp(got, chain) && strcmp(got, "main"))
		printf("unexpected: \"%s\"\n", got);
	return !strcmp(got, chain) || !strcmp(got, "main");
}

#define RCRT1 "/usr/lib/x86_64-linux-musl/rcrt1.o"

/* One stripped by that name: all its stacks must have come out right. */
static void stripped_run(struct lsp_symtab *symbols, const char *name, const char *kind,
			 const char *chain)
{
	size_t exact = 0, complete = 0, i;
	struct fixture f;

	fixture_begin(&f, name, kind, &(struct capture_options){
		.max = 100, .window_bytes = 16384, .stride = 1 });
	for (i = 0; i < f.capture.n; i++) {
		const struct lsp_walk *w = lsp_unwind(f.unwinder, fixture_maps(&f, i),
						      f.capture.stacks[i].sparse);

		exact += stripped_chain(symbols, w, chain);
		complete += w->end == LSP_END_COMPLETE;
	}
	printf("%-10s %-7s %3zu stacks: exact %zu, complete %zu\n", name, kind, f.capture.n, exact,
	       complete);
	assert_int_equal(exact, f.capture.n);
	assert_int_equal(complete, f.capture.n);
	fixture_end(&f);
}

/*
 * Without symbols the program's own calls tell where musl's functions begin. A
 * program that can be loaded anywhere (static-pie) has a .dynsym, which is empty.
 */
static void musl_stripped(void **state)
{
	static const char *const kinds[] = { "mutex", "cond", "rwlock", "sem" };
	static const char *const chains[] = {
		"do_mutex" BELOW, "do_cond" BELOW, "do_rwlock" BELOW, "do_sem" BELOW,
	};
	/* musl-gcc does not know -static-pie */
	static const char *const flags[] = {
		"-O2 -static",
		"-O2 -static -fPIE -nostartfiles -Wl,-pie,--no-dynamic-linker " RCRT1,
	};
	struct lsp_elf_cache *elves;
	struct lsp_symtab *symbols;
	struct lsp_elf *full;
	char path[256], command[512];
	size_t i, k;

	(void)state;
	for (i = 0; i < 2; i++) {
		const char *name = i ? "musl-pie" : "musl-full", *stripped = i ? "musl-pie-s" : "musl-s";

		subject_build(name, "musl-gcc", "chains.c", flags[i]);
		snprintf(command, sizeof(command), "cd %s && strip -o %s %s", subjects_dir, stripped,
			 name);
		assert_int_equal(system(command), 0);
		snprintf(path, sizeof(path), "%s/%s", subjects_dir, name);
		assert_int_equal(lsp_elf_cache_create(NULL, &elves), 0);
		assert_int_equal(lsp_elf_open(elves, path, &full), 0);
		assert_int_equal(lsp_symtab_create(full->elf, SHT_SYMTAB, LSP_SYMTAB_CODE, &symbols), 0);
		for (k = 0; k < 4; k++)
			stripped_run(symbols, stripped, kinds[k], chains[k]);
		lsp_symtab_destroy(symbols);
		lsp_elf_cache_destroy(elves);
	}
}

/*
 * A Go program's threads wait on stacks of the runtime, where the frame
 * pointers skip futexsleep; the tables (.debug_frame) and, without them, the
 * call sites do not.
 */
static void go(void **state)
{
	static const char *const flags[] = { "", "-ldflags=-w" };
	static const char *const names[] = { "go", "go-w" };
	char command[256];
	struct fixture f;
	size_t i, k, right;
	bool own;

	(void)state;
	if (!have("go"))
		fail_msg("install golang-go");
	for (k = 0; k < 2; k++) {
		snprintf(command, sizeof(command), "cd " SUBJECTS "go && GOFLAGS=-mod=mod GOPROXY=off"
			 " go build %s -o %s/%s main.go", flags[k], subjects_dir, names[k]);
		assert_int_equal(system(command), 0);
		fixture_begin(&f, names[k], NULL, &(struct capture_options){
		.max = 150, .window_bytes = 16384, .stride = 1 });
		for (i = right = 0; i < f.capture.n; i++) {
			struct lsp_mapset *set = fixture_maps(&f, i);
			const struct lsp_walk *w = lsp_unwind(f.unwinder, set, f.capture.stacks[i].sparse);
			const char *second = w->n > 1 ? step_name(&f, set, &w->steps[1], &own) : "";

			right += w->n >= 4 && (!strcmp(second, "runtime.futexsleep") ||
					       !strcmp(second, "runtime.futexwakeup"));
			if (right <= i)
				walk_print(&f, set, w);
		}
		printf("%-10s %zu of %zu stacks have futexsleep or futexwakeup\n", names[k], right,
		       f.capture.n);
		assert_true(f.capture.n > 20);
		assert_int_equal(right, f.capture.n);
		fixture_end(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(primitives),
		cmocka_unit_test(deep),
		cmocka_unit_test(signals),
		cmocka_unit_test(realigned),
		cmocka_unit_test(cplusplus),
		cmocka_unit_test(odd_rule),
		cmocka_unit_test(jit),
		cmocka_unit_test(jit_of_python),
		cmocka_unit_test(musl),
		cmocka_unit_test(musl_stripped),
		cmocka_unit_test(go),
	};

	return cmocka_run_group_tests(tests, subjects_begin, subjects_end);
}
