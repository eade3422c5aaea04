/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Would catch: a class, a leaf or a lock's name that is wrong for what programs
 * really do, above all where libc has no symbols, no call frame information
 * (musl) or jumps to its inside instead of calling it. Stacks are taken by
 * ptrace at the futex calls of programs that wait in one primitive after the
 * other (tests/unit/subjects/sync.*), then walked, named and cut by the whole
 * resolver, with and without separate debug files.
 *
 * sources: tests/unit/scratch.c tests/lib/capture.c user/capture/span.c user/resolve/resolve.c user/resolve/trace.c
 * sources: user/resolve/sync.c user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * sources: user/resolve/symbol/symbol.c user/resolve/symbol/tail.c user/resolve/code/jump.c user/resolve/symbol/target.c user/resolve/elf/slot.c
 * sources: user/resolve/elf/symtab.c user/resolve/elf/gopcln.c user/resolve/symbol/symfile.c user/resolve/dwarf/inline.c
 * sources: user/resolve/dwarf/line.c user/resolve/dwarf/die_walk.c user/resolve/elf/range.c user/base/arena.c
 * sources: user/resolve/symbol/demangle.c user/resolve/dwarf/variable.c user/resolve/dwarf/type.c
 * sources: user/resolve/lock.c user/resolve/unwind/unwind.c user/resolve/unwind/dwfl.c
 * sources: user/resolve/unwind/snapshot.c user/resolve/maps/maps.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c
 * sources: user/base/maptext.c user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c user/resolve/unwind/fde.c user/resolve/unwind/cfa.c
 * sources: user/resolve/code/code.c user/resolve/unwind/callsite.c user/resolve/code/starts.c user/resolve/elf/file.c
 * sources: user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c user/resolve/elf/debugfile.c user/resolve/elf/minidebug.c user/resolve/symbol/perfmap.c
 * sources: user/base/intern.c user/base/index.c
 * libs: -ldw -lelf -lz -llzma -ldl -liberty
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/base/maptext.h"
#include "../../user/resolve/symbol/plain_name.h"
#include "../../user/resolve/resolve.h"
#include "../lib/capture.h"
#include "scratch.h"

#define WAITER LSP_SIDE_WAITER
#define RELEASER LSP_SIDE_RELEASER

/* What a function of a subject must lead to; a NULL leaf is the function's own name. */
struct expectation {
	const char *function;
	const char *sync;	/* "?CLASS": only where libc's debug file is installed */
	const char *leaf;
	const char *lock;	/* NULL: not looked at */
};

static const struct expectation c_expected[] = {
	{ "w_pthread_mutex_lock", "mutex", NULL, "mutex" },
	{ "w_pthread_mutex_timedlock", "mutex", NULL, "mutex" },
	{ "r_pthread_mutex_unlock", "mutex", NULL, "mutex" },
	{ "w_pi_pthread_mutex_lock", "pi", "pthread_mutex_lock", "pi_mutex" },
	{ "r_pi_pthread_mutex_unlock", "mutex", "pthread_mutex_unlock", "pi_mutex" },
	{ "w_pthread_rwlock_rdlock", "rwlock_rd", NULL, "rwlock" },
	{ "w_pthread_rwlock_wrlock", "rwlock_wr", NULL, "rwlock" },
	{ "w_pthread_rwlock_timedrdlock", "rwlock_rd", NULL, "rwlock" },
	{ "r_pthread_rwlock_unlock", "rwlock_wr", NULL, "rwlock" },
	{ "r_pthread_rwlock_unlock", "?rwlock_rd", NULL, "rwlock" },
	{ "w_pthread_cond_wait", "cond", NULL, "cond" },
	{ "w_pthread_cond_wait", "mutex", NULL, "cond_mutex" },
	{ "w_pthread_cond_timedwait", "cond", NULL, "cond" },
	{ "w_relock_pthread_cond_wait", "mutex", "pthread_cond_wait", "cond_mutex" },
	{ "w_relock_pthread_cond_wait", "cond", "pthread_cond_wait", "cond" },
	{ "r_pthread_cond_signal", "cond", NULL, "cond" },
	{ "r_pthread_cond_broadcast", "cond", NULL, "cond" },
	{ "r_cond_mutex_unlock", "mutex", "pthread_mutex_unlock", "cond_mutex" },
	{ "w_sem_wait", "sem", NULL, "sem" },
	{ "w_sem_timedwait", "sem", NULL, "sem" },
	{ "r_sem_post", "sem", NULL, "sem" },
	{ "w_pthread_barrier_wait", "barrier", NULL, "barrier" },
	{ "w_mtx_lock", "mutex", NULL, "mtx" },
	{ "r_mtx_unlock", "mutex", NULL, "mtx" },
	{ "w_cnd_wait", "cond", NULL, "cnd" },
	{ "r_cnd_signal", "cond", NULL, "cnd" },
	{ "w_putc", "mutex", NULL, NULL },
	{ "w_fprintf", "mutex", NULL, NULL },
	{ "r_funlockfile", "mutex", NULL, NULL },
	{ "w_pthread_once", "once", NULL, "once" },
	{ "r_pthread_once", "once", NULL, "once" },
	{ "w_pthread_join", "join", NULL, NULL },
};

static const struct expectation cxx_expected[] = {
	{ "w_mutex", "mutex", "pthread_mutex_lock", "mutex" },
	{ "r_mutex", "mutex", "pthread_mutex_unlock", "mutex" },
	{ "w_shared", "rwlock_rd", "pthread_rwlock_rdlock", "shared" },
	{ "w_exclusive", "rwlock_wr", "pthread_rwlock_wrlock", "shared" },
	{ "r_shared", "rwlock_wr", "pthread_rwlock_unlock", "shared" },
	{ "w_condition", "cond", "pthread_cond_wait", "condition" },
	{ "r_condition", "cond", "pthread_cond_broadcast", "condition" },
	{ "w_semaphore", "sem", "std::counting_semaphore::acquire", "semaphore" },
	{ "r_semaphore", "sem", "std::counting_semaphore::release", "semaphore" },
	{ "w_latch", "barrier", "std::latch::wait", "latch" },
	{ "r_latch", "barrier", "std::latch::count_down", "latch" },
	{ "w_barrier", "barrier", "std::barrier::arrive_and_wait", NULL },
	{ "w_once", "once", "pthread_once", "once" },
	{ "w_static", "once", "__cxa_guard_acquire", NULL },
	{ "w_atomic", "other", "std::__atomic_base::wait", NULL },
	{ "w_future", "cond", "std::future::get", NULL },
	{ "r_future", "once", "pthread_once", NULL },
	{ "r_future", "cond", "std::promise::set_value", NULL },
};

static const struct expectation rust_expected[] = {
	{ "w_mutex", "mutex", "std::sync::mutex::Mutex::lock", "MUTEX" },
	{ "w_read", "rwlock_rd", "std::sync::rwlock::RwLock::read", "RWLOCK" },
	{ "w_write", "rwlock_wr", "std::sync::rwlock::RwLock::write", "RWLOCK" },
	{ "w_condvar", "cond", "std::sync::condvar::Condvar::wait", NULL },
	{ "r_condvar", "cond", "std::sync::condvar::Condvar::notify_all", NULL },
	{ "w_barrier", "barrier", "std::sync::barrier::Barrier::wait", NULL },
	/* Up to Rust 1.66 its threads are parked, each on a word of its own. */
	{ "w_once", "once", "std::sync::once::Once::call_once", NULL },
};

static bool with_locks = true;	/* musl waits on words on the stack */

/* Compiles $SUBJECTS/@source; false when the compiler is not there. */
static bool build(const char *compiler, const char *flags, const char *source, const char *name)
{
	char command[512];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", compiler);
	if (scratch_run(command))
		return false;
	snprintf(command, sizeof(command), "%s %s -o \"$SCRATCH\"/%s \"$SUBJECTS\"/%s", compiler,
		 flags, name, source);
	scratch_shell(command);
	return true;
}

/* Tells the resolver the mappings of a captured stack, as the module would. */
static void maps_tell(struct lsp_resolver *r, const struct captured *c, uint32_t generation)
{
	const char *at = c->maps, *end = c->maps + c->maps_bytes, *next;
	struct lsp_maptext line;
	bool first = true;

	while (lsp_maptext_next(&at, end, &line)) {
		struct lockspan_map m = { .tgid = c->raw->tgid, .generation = generation };
		struct lsp_maptext probe;
		char path[4096] = "";

		next = at;
		memcpy(path, line.path, line.path_len);
		m.rec.type = LOCKSPAN_REC_MAP;
		m.rec.flags = (first ? LOCKSPAN_MAP_FIRST : 0) |
			      (lsp_maptext_next(&next, end, &probe) ? 0 : LOCKSPAN_MAP_LAST) |
			      (line.exec ? 0 : LOCKSPAN_MAP_DATA);
		m.start = line.start;
		m.end = line.end;
		m.offset = line.offset;
		m.ino = line.ino;
		m.dev_major = line.dev_major;
		m.dev_minor = line.dev_minor;
		assert_int_equal(lsp_resolver_map(r, &m, path), 0);
		first = false;
	}
}

static bool is_wait(int op)
{
	op &= 127;
	return op == 0 || op == 6 || op == 9 || op == 11 || op == 13;
}

/* The last part of a name: Rust and C++ put scopes before it. */
static const char *last_part(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

/* The function of the subject in the trace that begins with @prefix, bare; NULL: none. */
static const char *subject_function(const struct lsp_trace *t, char prefix, char *text, size_t n)
{
	size_t i, j;

	for (i = 0; i < t->nframes; i++)
		for (j = 0; j < t->frames[i].nlines; j++) {
			const char *part;

			lsp_plain_name(t->frames[i].lines[j].function, text, n);
			part = last_part(text);
			if (part[0] == prefix && part[1] == '_')
				return part;
		}
	return NULL;
}

/* Takes @module out of the name @text: Rust 1.84 moved its locks into std::sync::poison. */
static void module_drop(char *text, const char *module)
{
	char *at = strstr(text, module);

	if (at)
		memmove(at, at + strlen(module), strlen(at + strlen(module)) + 1);
}

static bool is_met(const struct expectation *e, const char *function, const struct lsp_trace *t,
		   const char *lock)
{
	const char *leaf = e->leaf ? e->leaf : e->function + 2;
	char text[256];

	if (strcmp(e->function, function) || strcmp(e->sync + (e->sync[0] == '?'), lsp_sync_name(t->sync)))
		return false;
	lsp_plain_name(t->frames[0].lines[0].function, text, sizeof(text));
	module_drop(text, "poison::");
	return !strcmp(text, leaf) && (!e->lock || !with_locks || !strcmp(last_part(lock), e->lock));
}

/*
 * Every wait inside a w_ function and every release inside an r_ function must
 * be as one of its expectations says. Marks those that were met.
 */
static void check(struct lsp_resolver *r, const struct captured *c, uint32_t generation,
		  const struct expectation *expected, size_t n, bool *met)
{
	enum lsp_side side = is_wait((int)c->raw->regs[4]) ? WAITER : RELEASER;
	const char *function, *lock;
	bool known = false, fits = false;
	struct lsp_trace t;
	char text[256];
	size_t i;

	assert_int_equal(lsp_resolver_stack(r, c->raw, side, &t), 0);
	function = subject_function(&t, side == WAITER ? 'w' : 'r', text, sizeof(text));
	lock = lsp_resolver_lock(r, c->raw->tgid, generation, c->raw->regs[5], t.sync, &t);
	for (i = 0; function && i < n; i++) {
		known |= !strcmp(expected[i].function, function);
		if (is_met(&expected[i], function, &t, lock))
			met[i] = fits = true;
	}
	if (known && !fits && strncmp(function, "w_", 2))
		fail_msg("%s: %s %s, lock %s", function, lsp_sync_name(t.sync),
			 t.frames[0].lines[0].function, lock);
	/* besides its own wait, a w_ function may meet the lock of a condition on its way */
	if (known && !fits && t.sync != LSP_SYNC_MUTEX)
		fail_msg("%s: %s %s, lock %s", function, lsp_sync_name(t.sync),
			 t.frames[0].lines[0].function, lock);
	lsp_trace_uninit(&t);
}

/* One life of the program: marks in @met what was seen. Returns the stacks. */
static size_t run_once(const char *name, const char *debug_dir, const struct expectation *expected,
		       size_t n, bool *met)
{
	const struct capture_options o = { .max = 100000, .window_bytes = 64 << 10 };
	const struct lsp_resolver_options options = { .debug_dir = debug_dir };
	const struct captured *last = NULL;
	struct capture capture;
	struct lsp_resolver *r;
	uint32_t generation = 0;
	char path[256];
	size_t i, stacks;

	snprintf(path, sizeof(path), "%s", scratch_path(name));
	assert_int_equal(capture_run((char *[]){ path, NULL }, &o, &capture), 0);
	assert_int_equal(lsp_resolver_create(&options, &r), 0);
	for (i = 0; i < capture.n; i++) {
		struct captured *c = &capture.stacks[i];

		if (!last || last->maps_bytes != c->maps_bytes ||
		    memcmp(last->maps, c->maps, c->maps_bytes))
			maps_tell(r, c, ++generation);
		last = c;
		c->raw->generation = generation;
		check(r, c, generation, expected, n, met);
	}
	stacks = capture.n;
	lsp_resolver_destroy(r);
	capture_free(&capture);
	return stacks;
}

/*
 * On a busy machine a thread may come too late to meet another in a lock: what was
 * not seen gets two more chances. What is seen wrong fails at once, in check().
 */
static void run(const char *name, const char *debug_dir, const struct expectation *expected,
		size_t n)
{
	bool met[64] = { false };
	size_t i, tries, stacks = 0, count = 0;

	for (i = 0; i < n; i++)
		met[i] = expected[i].sync[0] == '?';
	for (tries = 0; tries < 3 && count < n; tries++) {
		stacks += run_once(name, debug_dir, expected, n, met);
		for (i = 0, count = 0; i < n; i++)
			count += met[i];
	}
	for (i = 0; i < n; i++)
		if (!met[i])
			print_error("%s, debug files in %s: %s was not seen as %s\n", name,
				    debug_dir ? debug_dir : "/usr/lib/debug", expected[i].function,
				    expected[i].sync);
	printf("%s, debug files %s: %zu stacks in %zu runs, %zu of %zu expectations met\n", name,
	       debug_dir ? "hidden" : "where they are", stacks, tries, count, n);
	assert_int_equal(count, n);
}

#define RUN(name, debug_dir, expected) \
	run(name, debug_dir, expected, sizeof(expected) / sizeof(*(expected)))

static void c_program(void **state)
{
	(void)state;
	assert_true(build("gcc",
			  "-O2 -g -fno-optimize-sibling-calls -fno-ipa-icf -pthread",
			  "sync.c", "c"));
	RUN("c", "/nonexistent", c_expected);
	RUN("c", NULL, c_expected);
}

/* Symbols and call frame information of libc are in the program itself. */
static void static_c_program(void **state)
{
	(void)state;
	assert_true(build("gcc", "-static -O2 -g -fno-optimize-sibling-calls -fno-ipa-icf "
			  "-pthread", "sync.c", "c-static"));
	RUN("c-static", "/nonexistent", c_expected);
}

/* No call frame information: frames are guessed from the stack. */
static void musl_program(void **state)
{
	(void)state;
	with_locks = false;
	if (build("musl-gcc", "-static -O2 -g -fno-optimize-sibling-calls -fno-ipa-icf", "sync.c",
		  "c-musl"))
		RUN("c-musl", NULL, c_expected);
	else
		printf("musl: no musl-gcc here, only the made-up stacks were checked\n");
	with_locks = true;
}

static void cxx_program(void **state)
{
	(void)state;
	assert_true(build("g++", "-std=c++20 -O2 -g -fno-ipa-icf -pthread", "sync.cc", "cxx"));
	RUN("cxx", "/nonexistent", cxx_expected);
	RUN("cxx", NULL, cxx_expected);
}

static void rust_program(void **state)
{
	(void)state;
	if (build("rustc", "-O -g", "sync.rs", "rust"))
		RUN("rust", "/nonexistent", rust_expected);
	else
		printf("rust: no rustc here, only the made-up stacks were checked\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(c_program),
		cmocka_unit_test(static_c_program),
		cmocka_unit_test(musl_program),
		cmocka_unit_test(cxx_program),
		cmocka_unit_test(rust_program),
	};

	return cmocka_run_group_tests(tests, scratch_create, scratch_destroy);
}
