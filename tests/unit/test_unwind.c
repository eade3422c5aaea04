// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a frame that is missing, invented or in the wrong place, in any
 * form of stack; an end that is called complete and is not; a sparse stack that
 * unwinds otherwise than the whole one; a walk that crashes, hangs or reads
 * astray on damaged stacks. Stacks are taken by ptrace at futex calls of
 * programs whose chain of calls is known (tests/unit/unwind); libdwfl walks the
 * same stacks for comparison.
 *
 * sources: tests/lib/capture.c user/resolve/unwind.c user/resolve/dwfl.c
 * sources: user/resolve/snapshot.c user/resolve/maps.c user/resolve/mapset.c user/resolve/maptext.c
 * sources: user/resolve/cfi.c user/resolve/fde.c user/resolve/cfa.c user/resolve/code.c
 * sources: user/resolve/callsite.c user/resolve/object.c user/resolve/elfcache.c
 * sources: user/resolve/debugfile.c user/resolve/symtab.c user/resolve/range.c
 * sources: user/resolve/text.c
 * libs: -ldw -lelf -lz -ldl
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../user/resolve/maps.h"
#include "../../user/resolve/symtab.h"
#include "../../user/resolve/unwind.h"
#include "../lib/capture.h"

#define SUBJECTS "tests/unit/unwind/"

static char dir[] = "/tmp/test_unwind.XXXXXX";

struct fixture {
	struct lsp_elf_cache *elves;
	struct lsp_maps *maps;
	struct lsp_unwinder *unwinder;
	struct capture capture;
};

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
	double own_s;
	double dwfl_s;
	size_t timed;
	size_t printed;
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- subjects ---- */

static bool have(const char *program)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", program);
	return system(command) == 0;
}

/* Compiles @source to dir/@name. */
static void build(const char *name, const char *compiler, const char *source, const char *flags)
{
	char command[1024];

	snprintf(command, sizeof(command), "%s %s -w -o %s/%s %s%s -pthread", compiler, flags, dir,
		 name, SUBJECTS, source);
	assert_int_equal(system(command), 0);
}

static void capture(struct fixture *f, const char *name, const char *kind, const char *rounds,
		    size_t max, unsigned int stride)
{
	const struct capture_options o = { .max = max, .window_bytes = 16384, .stride = stride };
	char path[128];
	char *argv[] = { path, (char *)kind, (char *)rounds, NULL };

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	memset(f, 0, sizeof(*f));
	assert_int_equal(capture_run(argv, &o, &f->capture), 0);
	assert_true(f->capture.n > 0);
	assert_int_equal(lsp_elf_cache_create(NULL, &f->elves), 0);
	assert_int_equal(lsp_maps_create(f->elves, &f->maps), 0);
	assert_int_equal(lsp_unwinder_create(f->maps, &f->unwinder), 0);
}

static void release(struct fixture *f)
{
	lsp_unwinder_destroy(f->unwinder);
	lsp_maps_destroy(f->maps);
	lsp_elf_cache_destroy(f->elves);
	capture_free(&f->capture);
}

/* The mappings as they were at the @i'th stack. */
static struct lsp_mapset *mappings(struct fixture *f, size_t i)
{
	static const char *last;
	static size_t last_bytes;
	const struct captured *c = &f->capture.stacks[i];
	struct lsp_mapset *set = lsp_maps_find(f->maps, c->raw->tgid, 1);

	if (!set || !i || last_bytes != c->maps_bytes || memcmp(last, c->maps, last_bytes))
		assert_int_equal(lsp_maps_add_text(f->maps, c->raw->tgid, 1, c->maps, c->maps_bytes),
				 0);
	last = c->maps;
	last_bytes = c->maps_bytes;
	return lsp_maps_find(f->maps, c->raw->tgid, 1);
}

/* ---- names, by the symbol table alone ---- */

static const char *name_of(struct fixture *f, struct lsp_mapset *set, const struct lsp_step *step,
			   bool *own)
{
	static struct lsp_symtab *tables[64];
	static struct lsp_elf_cache *tables_of;
	struct lsp_symtab_symbol symbol;
	struct lsp_elf *e = step->map ? lsp_map_elf(f->maps, set, step->map) : NULL;
	uint32_t type;
	Elf *elf;
	size_t i;

	*own = e && !strncmp(e->path, dir, strlen(dir));
	if (tables_of != f->elves)
		for (i = 0; i < 64; i++) {
			lsp_symtab_destroy(tables[i]);
			tables[i] = NULL;
		}
	tables_of = f->elves;
	if (!e)
		return "?";
	if (!tables[e->serial & 63] && !lsp_elf_symtab_elf(e, &elf, &type))
		lsp_symtab_create(elf, type, LSP_SYMTAB_CODE, &tables[e->serial & 63]);
	if (!tables[e->serial & 63] ||
	    lsp_symtab_find(tables[e->serial & 63], step->pc - step->map->bias, &symbol))
		return "?";
	return symbol.name;
}

static bool in_words(const char *words, const char *name, size_t len)
{
	const char *at = words;

	while ((at = strstr(at, name))) {
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return true;
		at += len;
	}
	return false;
}

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
		const char *name = name_of(f, set, &w->steps[i], &own);

		if (!own || !in_words(watched, name, strlen(name)))
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

static size_t count_of(struct fixture *f, struct lsp_mapset *set, const struct lsp_walk *w,
		       const char *name)
{
	size_t i, n = 0;
	bool own;

	for (i = 0; i < w->n; i++)
		n += !strcmp(name_of(f, set, &w->steps[i], &own), name);
	return n;
}

static void walk_print(struct fixture *f, struct lsp_mapset *set, const struct lsp_walk *w)
{
	size_t i;
	bool own;

	for (i = 0; i < w->n && i < 40; i++)
		printf("  %c %#llx %s %s\n", w->steps[i].guessed ? '?' : ' ',
		       (unsigned long long)w->steps[i].pc,
		       w->steps[i].map ? w->steps[i].map->path : "-",
		       name_of(f, set, &w->steps[i], &own));
	printf("  end %u\n", w->end);
}

/* ---- comparison ---- */

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
	bool right;

	raw = *lsp_unwind(f->unwinder, set, c->raw);
	chain_of(f, set, &raw, e->watched, chain, sizeof(chain));
	right = expected(e, chain) && raw.end == LSP_END_COMPLETE;
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

static void timing(struct fixture *f, struct figures *r)
{
	size_t i, k, n = f->capture.n < 50 ? f->capture.n : 50;
	double begin;

	/* all with one set of mappings: a new one would empty the cache */
	for (k = 0; k < 4; k++) {
		begin = seconds();
		for (i = 0; i < n; i++)
			lsp_unwind(f->unwinder, lsp_maps_find(f->maps, f->capture.stacks[i].raw->tgid, 1),
				   f->capture.stacks[i].sparse);
		r->own_s += seconds() - begin;
		begin = seconds();
		for (i = 0; i < n; i++)
			lsp_unwind_dwfl(f->unwinder,
					lsp_maps_find(f->maps, f->capture.stacks[i].raw->tgid, 1),
					f->capture.stacks[i].sparse);
		r->dwfl_s += seconds() - begin;
		r->timed += n;
	}
}

static void subject_run(const char *name, const char *kind, const char *rounds, size_t max,
			unsigned int stride, const struct expectation *e, struct figures *ret)
{
	struct fixture f;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	capture(&f, name, kind, rounds, max, stride);
	for (i = 0; i < f.capture.n; i++)
		stack_judge(&f, mappings(&f, i), &f.capture.stacks[i], e, ret);
	timing(&f, ret);
	printf("%-10s %-8s %3zu stacks, %5.1f frames: exact %5.1f %%, complete %5.1f %%, cut %zu,"
	       " guessed %zu, sparse = raw %zu, libdwfl agrees %zu/%zu; %.0f k/s, libdwfl %.0f k/s\n",
	       name, kind ? kind : "", ret->stacks, (double)ret->frames / (double)ret->stacks,
	       100.0 * (double)ret->exact / (double)ret->stacks,
	       100.0 * (double)ret->complete / (double)ret->stacks, ret->truncated, ret->guessed,
	       ret->sparse_same, ret->agree, ret->compared, (double)ret->timed / ret->own_s / 1e3,
	       (double)ret->timed / ret->dwfl_s / 1e3);
	release(&f);
}

#define WATCHED "main worker level1 level2 level3 recurse spin handler from_jit kicker do_mutex " \
	"do_cond do_rwlock do_sem do_barrier do_deep do_signal do_drap do_jit hold"
#define BELOW " level3 level2 level1 worker"

/* Everything that calls by CFI gives the program's own chain, every time. */
static void all_exact(const char *name, const char *kind, const char *rounds, size_t max,
		      unsigned int stride, const struct expectation *e)
{
	struct figures r;

	subject_run(name, kind, rounds, max, stride, e, &r);
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
	build("c", "gcc", "chains.c", "-O2");
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		all_exact("c", kinds[i], "60", 100, 1, &plain);
	build("c-static", "gcc", "chains.c", "-O2 -static");
	all_exact("c-static", "mutex", "60", 60, 1, &plain);
	all_exact("c-static", "cond", "60", 60, 1, &plain);
	build("c-fp", "gcc", "chains.c", "-O2 -fno-omit-frame-pointer -static-pie");
	all_exact("c-fp", "rwlock", "60", 60, 1, &plain);
	build("c-O0", "gcc", "chains.c", "-O0");
	all_exact("c-O0", "mutex", "60", 60, 1, &plain);
}

static void deep(void **state)
{
	const struct expectation e = {
		.watched = WATCHED, .chains = { "main", "do_mutex recurse* do_deep" BELOW },
	};
	struct fixture f;
	size_t i, n;

	(void)state;
	all_exact("c", "deep", "30", 60, 1, &e);
	capture(&f, "c", "deep", "10", 10, 1);
	for (i = 0; i < f.capture.n; i++) {
		struct lsp_mapset *set = mappings(&f, i);

		n = count_of(&f, set, lsp_unwind(f.unwinder, set, f.capture.stacks[i].raw), "recurse");
		assert_true(n == 201 || n == 0);
	}
	release(&f);
}

static void signals(void **state)
{
	const struct expectation e = {
		.watched = WATCHED,
		.chains = { "main", "do_mutex handler spin do_signal" BELOW,
			    "do_mutex do_signal" BELOW, "do_signal" BELOW, "kicker" },
	};

	(void)state;
	all_exact("c", "signal", "40", 150, 1, &e);
}

static void realigned(void **state)
{
	const struct expectation e = {
		.watched = WATCHED, .chains = { "main", "do_mutex do_drap" BELOW },
	};

	(void)state;
	all_exact("c", "drap", "60", 100, 1, &e);
	build("c-align", "gcc", "chains.c", "-O2 -mstackrealign");
	all_exact("c-align", "drap", "60", 100, 1, &e);
}

static void cplusplus(void **state)
{
	const struct expectation e = {
		.watched = "main worker level1 level2 do_cond do_shared",
		.chains = { "main", "do_cond level2 level1 worker", "do_shared level2 level1 worker" },
	};

	(void)state;
	build("c++", "g++", "chains.cpp", "-std=c++17 -O2");
	all_exact("c++", "cond", "60", 100, 1, &e);
	all_exact("c++", "shared", "60", 100, 1, &e);
}

/* Through code without a file the frame pointer leads, and it is said. */
static void jit(void **state)
{
	const struct expectation e = {
		.watched = WATCHED, .chains = { "main", "do_mutex from_jit do_jit" BELOW },
		.guesses = true,
	};

	(void)state;
	all_exact("c", "jit", "60", 100, 1, &e);
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
	build("musl", "musl-gcc", "chains.c", "-O2 -static");
	build("musl-so", "musl-gcc", "chains.c", "-O2");
	for (i = 0; i < 2 * sizeof(kinds) / sizeof(*kinds); i++) {
		subject_run(i & 1 ? "musl" : "musl-so", kinds[i / 2], "60", 100, 1, &e, &r);
		assert_int_equal(r.exact, r.stacks);
		assert_int_equal(r.sparse_same, r.stacks);
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
			 " go build %s -o %s/%s main.go", flags[k], dir, names[k]);
		assert_int_equal(system(command), 0);
		capture(&f, names[k], NULL, NULL, 150, 1);
		for (i = right = 0; i < f.capture.n; i++) {
			struct lsp_mapset *set = mappings(&f, i);
			const struct lsp_walk *w = lsp_unwind(f.unwinder, set, f.capture.stacks[i].sparse);
			const char *second = w->n > 1 ? name_of(&f, set, &w->steps[1], &own) : "";

			right += w->n >= 4 && (!strcmp(second, "runtime.futexsleep") ||
					       !strcmp(second, "runtime.futexwakeup"));
			if (right <= i)
				walk_print(&f, set, w);
		}
		printf("%-10s %zu of %zu stacks have futexsleep or futexwakeup\n", names[k], right,
		       f.capture.n);
		assert_true(f.capture.n > 20);
		assert_int_equal(right, f.capture.n);
		release(&f);
	}
}

/* ---- properties of any walk ---- */

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
	capture(&f, "c", "mutex", "20", 20, 3);
	for (i = 0; i < f.capture.n; i++) {
		struct lsp_mapset *set = mappings(&f, i);

		whole = *lsp_unwind(f.unwinder, set, f.capture.stacks[i].raw);
		assert_int_equal(whole.end, LSP_END_COMPLETE);
		for (bytes = 0; bytes < 2048; bytes += 8) {
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
	release(&f);
}

/* Recursion without end costs no more than the limit. */
static void bounded(void **state)
{
	const struct lsp_walk *w;
	struct capture_options o = { .max = 8, .window_bytes = 131072 };
	struct fixture f;
	char path[128];
	char *argv[] = { path, "endless", "3", NULL };
	size_t i, deepest = 0;

	(void)state;
	capture(&f, "c", "mutex", "1", 1, 1);
	capture_free(&f.capture);
	snprintf(path, sizeof(path), "%s/c", dir);
	assert_int_equal(capture_run(argv, &o, &f.capture), 0);
	for (i = 0; i < f.capture.n; i++) {
		w = lsp_unwind(f.unwinder, mappings(&f, i), f.capture.stacks[i].raw);
		deepest = w->n > deepest ? w->n : deepest;
		if (w->n == LSP_WALK_MAX)
			assert_int_equal(w->end, LSP_END_TRUNCATED);
	}
	assert_int_equal(deepest, LSP_WALK_MAX);
	release(&f);
}

/* The kernel's chain of frame pointers: right as far as it goes, and never more certain than that. */
static void frame_pointers(void **state)
{
	struct fixture f;
	size_t i, k, with_worker = 0;

	(void)state;
	capture(&f, "c-fp", "mutex", "20", 40, 1);
	for (i = 0; i < f.capture.n; i++) {
		struct lsp_mapset *set = mappings(&f, i);
		const struct lsp_walk *w = lsp_unwind(f.unwinder, set, f.capture.stacks[i].fp);

		assert_false(w->steps[0].guessed);
		for (k = 1; k < w->n; k++)
			assert_true(w->steps[k].guessed);
		with_worker += count_of(&f, set, w, "worker") == 1;
	}
	printf("frame pointers: %zu of %zu stacks reach the thread's function\n", with_worker,
	       f.capture.n);
	assert_true(with_worker > f.capture.n / 2);
	release(&f);
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
	capture(&f, "c", "jit", "20", 20, 3);
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
		w = lsp_unwind(f.unwinder, round % 17 ? mappings(&f, i) : NULL, s);
		assert_true(w->n <= LSP_WALK_MAX && (unsigned int)w->end < LSP_END_COUNT);
		assert_true(w->n >= 1 || w->end == LSP_END_NONE);
		ends[w->end]++;
		free(s);
	}
	for (i = 0; i < LSP_END_COUNT; i++)
		printf("damaged: end %zu: %zu\n", i, ends[i]);
	assert_true(ends[LSP_END_BAD] && ends[LSP_END_NO_MAP] && ends[LSP_END_NONE]);
	release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(primitives),
		cmocka_unit_test(deep),
		cmocka_unit_test(signals),
		cmocka_unit_test(realigned),
		cmocka_unit_test(cplusplus),
		cmocka_unit_test(jit),
		cmocka_unit_test(musl),
		cmocka_unit_test(go),
		cmocka_unit_test(cut),
		cmocka_unit_test(bounded),
		cmocka_unit_test(frame_pointers),
		cmocka_unit_test(damaged),
	};
	char command[64];
	int failed;

	if (!mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) || failed;
}
