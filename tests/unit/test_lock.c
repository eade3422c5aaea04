/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Would catch: a lock named after the wrong member, element or variable, a name
 * that leads into the inside of a primitive, one that differs between builds or
 * runs, no name at all. The programs of tests/unit/subjects/lock.* say
 * themselves where each lock of theirs lies and what it should be called; they
 * are asked in several forms: debug information inside, in a separate file,
 * DWARF 4, compressed, without types, without symbols, static, not PIE.
 *
 * sources: tests/unit/scratch.c tests/unit/fixture_symbols.c user/capture/span.c user/resolve/lock.c
 * sources: user/resolve/dwarf/variable.c user/resolve/dwarf/type.c user/resolve/sync_names.c
 * sources: user/resolve/symbol/plain_name.c user/resolve/symbol/symbol.c user/resolve/elf/symtab.c user/resolve/elf/gopcln.c
 * sources: user/resolve/symbol/symfile.c user/resolve/elf/slot.c user/resolve/dwarf/inline.c
 * sources: user/resolve/dwarf/line.c user/resolve/dwarf/die_walk.c user/resolve/elf/range.c user/base/arena.c
 * sources: user/resolve/symbol/demangle.c user/resolve/elf/file.c user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c
 * sources: user/resolve/elf/debugfile.c user/resolve/elf/minidebug.c user/base/maptext.c user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c
 * sources: user/resolve/unwind/fde.c user/resolve/unwind/cfa.c user/resolve/code/code.c user/resolve/unwind/callsite.c user/resolve/code/starts.c
 * sources: user/resolve/maps/maps.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c user/resolve/unwind/snapshot.c
 * sources: user/base/intern.c user/base/index.c
 * libs: -ldw -lelf -lz -llzma -ldl -liberty
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../lib/clock.h"
#include "../../user/resolve/elf/cache.h"
#include "../../user/resolve/lock.h"
#include "fixture_symbols.h"
#include "scratch.h"

enum form { TYPED, BY_SYMBOL, NAMELESS };

/* What the program says of one word. */
struct word {
	unsigned long vaddr;
	char typed[128];
	char symbol[128];
	unsigned long offset;
};

/* What the name must be in this form of the program. */
static void expected_name(enum form form, const char *file, const struct word *w, char *ret, size_t n)
{
	/* a variable that is one primitive has one name, whatever the word in it */
	bool whole = !strcmp(w->typed, w->symbol);

	if (form == TYPED)
		snprintf(ret, n, "%s", w->typed);
	else if (form == NAMELESS)
		snprintf(ret, n, "%s+0x%lx", file, w->vaddr);
	else if (!w->offset || whole)
		snprintf(ret, n, "%s", w->symbol);
	else
		snprintf(ret, n, "%s+0x%lx", w->symbol, w->offset);
}

/* The primitive that a name of the subject belongs to. */
static enum lsp_sync sync_of(const char *name)
{
	return strstr(name, "cond") || strstr(name, "ready") ? LSP_SYNC_COND :
	       strstr(name, "rwlock") || strstr(name, "table") ? LSP_SYNC_RWLOCK_WR :
	       strstr(name, "sem") || strstr(name, "slots") ? LSP_SYNC_SEM :
	       strstr(name, "barrier") ? LSP_SYNC_BARRIER : LSP_SYNC_MUTEX;
}

static void check_word(struct symbols_file *f, const char *name, enum form form, const struct word *w)
{
	struct lsp_place place = { .region = LSP_REGION_STATIC, .elf = f->elf, .vaddr = w->vaddr,
				   .main = true };
	char expected[256], prefix[64];
	const char *got;

	expected_name(form, name, w, expected, sizeof(expected));
	assert_string_equal(lsp_lock_name(f->symbols, &place, sync_of(w->typed), NULL), expected);
	/* the same in a library */
	place.main = false;
	got = lsp_lock_name(f->symbols, &place, sync_of(w->typed), NULL);
	snprintf(prefix, sizeof(prefix), "%s:", name);
	if (form != NAMELESS) {
		assert_int_equal(strncmp(got, prefix, strlen(prefix)), 0);
		got += strlen(prefix);
	}
	assert_string_equal(got, expected);
}

/* Asks file @name for every word that the program @teller lists. */
static void check(const char *name, const char *teller, enum form form)
{
	FILE *p = popen(scratch_path(teller), "r");
	uint64_t begin_ns, took_ns;
	struct symbols_file f;
	struct word w;
	size_t count;

	assert_non_null(p);
	symbols_file_open(&f, name);
	begin_ns = clock_ns(CLOCK_MONOTONIC);
	for (count = 0; fscanf(p, "%lx %127s %127s %lx", &w.vaddr, w.typed, w.symbol,
			       &w.offset) == 4; count++) {
		if (!strncmp(w.typed, "(anonymous_", 11))
			w.typed[10] = ' ';
		check_word(&f, name, form, &w);
	}
	took_ns = clock_ns(CLOCK_MONOTONIC) - begin_ns;
	assert_int_equal(pclose(p), 0);
	assert_true(count >= 9);
	printf("%-9s %zu locks, %.0f us for all, the indexes with them\n", name, count,
	       (double)took_ns / 1e3);
	symbols_file_close(&f);
}

static void c_program(void **state)
{
	(void)state;
	scratch_shell("gcc -O2 -g -pthread -o \"$SCRATCH\"/c \"$SUBJECTS\"/lock.c");
	check("c", "c", TYPED);
	scratch_shell("gcc -O2 -gdwarf-4 -no-pie -pthread -o \"$SCRATCH\"/c-4 \"$SUBJECTS\"/lock.c");
	check("c-4", "c-4", TYPED);
	scratch_shell("gcc -O2 -g -gz=zlib -static -pthread -o \"$SCRATCH\"/c-static \"$SUBJECTS\"/lock.c");
	check("c-static", "c-static", TYPED);
	scratch_shell("cd \"$SCRATCH\" && cp c c-link && objcopy --only-keep-debug c-link c-link.debug && "
	      "strip c-link && objcopy --add-gnu-debuglink=c-link.debug c-link");
	check("c-link", "c", TYPED);
}

static void less_information(void **state)
{
	(void)state;
	scratch_shell("gcc -O2 -g -pthread -o \"$SCRATCH\"/less \"$SUBJECTS\"/lock.c && cd \"$SCRATCH\" && "
	      "cp less no-debug && strip -g no-debug && cp less stripped && strip stripped");
	check("no-debug", "less", BY_SYMBOL);
	check("stripped", "less", NAMELESS);
}

static void cxx_program(void **state)
{
	(void)state;
	scratch_shell("g++ -std=c++20 -O2 -g -pthread -o \"$SCRATCH\"/cxx \"$SUBJECTS\"/lock.cc");
	check("cxx", "cxx", TYPED);
	scratch_shell("g++ -std=c++20 -O0 -gdwarf-4 -pthread -o \"$SCRATCH\"/cxx-4 \"$SUBJECTS\"/lock.cc");
	check("cxx-4", "cxx-4", TYPED);
}

/* Another producer of DWARF. */
static void clang_program(void **state)
{
	(void)state;
	if (scratch_run("command -v clang >/dev/null")) {
		printf("no clang here, only gcc's DWARF was checked\n");
		return;
	}
	scratch_shell("clang -O1 -g -pthread -o \"$SCRATCH\"/clang \"$SUBJECTS\"/lock.c");
	check("clang", "clang", TYPED);
}

#define LINE(name) { .function = name, .linkage = name, .file = "" }

static void other_places(void **state)
{
	static const struct lsp_line lines[] = {
		LINE("pthread_mutex_lock"), LINE("std::mutex::lock()"),
		LINE("std::lock_guard<std::mutex>::lock_guard(std::mutex&)"),
		LINE("ns::Worker<int>::step(int)"), LINE("main"), LINE("start_thread"),
	};
	struct lsp_frame frames[] = {
		{ .lines = &lines[0], .nlines = 1 }, { .lines = &lines[1], .nlines = 3 },
		{ .lines = &lines[4], .nlines = 1 },
	};
	struct lsp_trace trace = { .frames = frames, .nframes = 3 };
	struct lsp_place p = { .region = LSP_REGION_HEAP };
	struct lsp_symbols *s;

	(void)state;
	assert_int_equal(lsp_symbols_create(&s), 0);
	assert_string_equal(lsp_lock_name(s, &p, LSP_SYNC_MUTEX, &trace), "heap@ns::Worker::step");
	p.region = LSP_REGION_STACK;
	assert_string_equal(lsp_lock_name(s, &p, LSP_SYNC_MUTEX, &trace), "stack@ns::Worker::step");
	p.region = LSP_REGION_NAMELESS;
	assert_string_equal(lsp_lock_name(s, &p, LSP_SYNC_MUTEX, &trace), "shared@ns::Worker::step");
	p.region = LSP_REGION_UNKNOWN;
	assert_string_equal(lsp_lock_name(s, &p, LSP_SYNC_MUTEX, NULL), "memory");
	p = (struct lsp_place){ .region = LSP_REGION_SHARED, .path = "/dev/shm/pool", .offset = 64 };
	assert_string_equal(lsp_lock_name(s, &p, LSP_SYNC_SEM, &trace), "/dev/shm/pool+0x40");
	p.path = "";
	assert_string_equal(lsp_lock_name(s, &p, LSP_SYNC_SEM, &trace), "memory@ns::Worker::step");
	/* what is joined is a thread, wherever its descriptor lies: one name in one report */
	for (p.region = LSP_REGION_UNKNOWN; p.region <= LSP_REGION_NAMELESS; p.region++)
		assert_string_equal(lsp_lock_name(s, &p, LSP_SYNC_JOIN, &trace), "thread@ns::Worker::step");
	/* the end of a thread is nobody's function */
	frames[1] = (struct lsp_frame){ .lines = &lines[5], .nlines = 1 };
	p.region = LSP_REGION_HEAP;
	assert_string_equal(lsp_lock_name(s, &p, LSP_SYNC_MUTEX, &trace), "heap");
	assert_string_equal(lsp_lock_name(s, &p, LSP_SYNC_JOIN, &trace), "thread");
	/* equal names are one string */
	assert_ptr_equal(lsp_lock_name(s, &p, LSP_SYNC_JOIN, &trace),
			 lsp_lock_name(s, &p, LSP_SYNC_JOIN, NULL));
	lsp_symbols_destroy(s);
}

/* A library's function that stands between the program and the wait names no lock; one of the program's does. */
static void functions_between(void **state)
{
	static const struct { struct lsp_line between; const char *name; } rows[] = {
		{ LINE("operator new(unsigned long)"), "heap@Shop::order" },
		{ LINE("uv_mutex_lock"), "heap@Shop::order" },
		{ LINE("g_mutex_locker_new"), "heap@Shop::order" },
		{ LINE("QMutexLocker<QMutex>::QMutexLocker(QMutex*)"), "heap@Shop::order" },
		{ LINE("<std::sync::Mutex<T> as shop::Till>::take"), "heap@Shop::order" },
		{ { .function = "core::ptr::drop_in_place", .file = "/rustc/59807616e/library/core/src/ptr/mod.rs" },
		  "heap@Shop::order" },
		{ { .function = "core::tick()", .file = "/home/me/engine/core/tick.cc" }, "heap@core::tick" },
		{ LINE("pthread_pool_take"), "heap@pthread_pool_take" },
		{ LINE("sem_init_all"), "heap@sem_init_all" },
	};
	struct lsp_place p = { .region = LSP_REGION_HEAP };
	struct lsp_symbols *s;

	(void)state;
	assert_int_equal(lsp_symbols_create(&s), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lsp_line lines[] = { LINE("pthread_mutex_lock"), rows[i].between, LINE("Shop::order()") };
		struct lsp_frame frame = { .lines = lines, .nlines = 3 };
		struct lsp_trace trace = { .frames = &frame, .nframes = 1 };

		assert_string_equal(lsp_lock_name(s, &p, LSP_SYNC_MUTEX, &trace), rows[i].name);
	}
	lsp_symbols_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(c_program),
		cmocka_unit_test(less_information),
		cmocka_unit_test(cxx_program),
		cmocka_unit_test(clang_program),
		cmocka_unit_test(other_places),
		cmocka_unit_test(functions_between),
	};

	return cmocka_run_group_tests(tests, scratch_create, scratch_destroy);
}
