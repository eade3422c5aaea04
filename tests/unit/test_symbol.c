/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Would catch: an address that no symbol covers given to the symbol before it,
 * an alias preferred to the public name, a wrong depth, order, file or line of
 * inlined functions, a name without its scope, functions that a tail call took
 * off the stack invented or lost. References: distances known from assembly, a
 * plain search, addr2line -aif at random addresses, and programs that say
 * themselves which way they went.
 *
 * sources: tests/unit/scratch.c tests/unit/fixture_symbols.c user/capture/span.c user/resolve/symbol/symbol.c
 * sources: user/resolve/symbol/tail.c user/resolve/code/jump.c user/resolve/symbol/target.c user/resolve/elf/symtab.c user/resolve/elf/gopcln.c
 * sources: user/resolve/symbol/symfile.c user/resolve/elf/slot.c user/resolve/dwarf/inline.c
 * sources: user/resolve/dwarf/line.c user/resolve/dwarf/die_walk.c user/resolve/elf/range.c user/base/arena.c
 * sources: user/resolve/symbol/demangle.c user/resolve/symbol/plain_name.c user/resolve/dwarf/variable.c
 * sources: user/resolve/dwarf/type.c user/resolve/elf/file.c user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c
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
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/clock.h"
#include "../../user/resolve/symbol/demangle.h"
#include "../../user/resolve/symbol/plain_name.h"
#include "../../user/resolve/elf/cache.h"
#include "../../user/resolve/elf/range.h"
#include "../../user/resolve/symbol/symbol.h"
#include "../../user/resolve/symbol/tail.h"
#include "fixture_symbols.h"
#include "scratch.h"

static uint64_t random_next(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* ---- parts ---- */

/* Whether @x owns an address rather than @y: as range.h has it. */
static bool is_owner(const struct lsp_range *x, const struct lsp_range *y)
{
	if (x->rank != y->rank)
		return x->rank > y->rank;
	if (x->start != y->start)
		return x->start > y->start;
	if (x->end != y->end)
		return x->end < y->end;
	return x->id > y->id;
}

static void ranges_are_flat(void **state)
{
	unsigned int round;

	(void)state;
	for (round = 0; round < 300; round++) {
		struct lsp_range plain[24];
		struct lsp_ranges r = { .n = 0 };
		uint32_t i, n = (uint32_t)(random_next() % 24);
		uint64_t addr;

		for (i = 0; i < n; i++) {
			uint64_t start = random_next() % 60;

			plain[i] = (struct lsp_range){ start, start + random_next() % 20, i,
						       (uint32_t)(random_next() % 3) };
			assert_int_equal(lsp_ranges_add(&r, plain[i].start, plain[i].end, i,
							plain[i].rank), 0);
		}
		assert_int_equal(lsp_ranges_flatten(&r), 0);
		for (addr = 0; addr < 90; addr++) {
			const struct lsp_range *best = NULL, *got = lsp_ranges_find(&r, addr);

			for (i = 0; i < n; i++)
				if (plain[i].start <= addr && addr < plain[i].end &&
				    (!best || is_owner(&plain[i], best)))
					best = &plain[i];
			assert_int_equal(!!got, !!best);
			if (got)
				assert_int_equal(got->id, best->id);
		}
		lsp_ranges_uninit(&r);
	}
}

static void names_are_demangled(void **state)
{
	static const char *const cases[][2] = {
		{ "pthread_mutex_lock", "pthread_mutex_lock" },
		{ "pthread_cond_wait@@GLIBC_2.3.2", "pthread_cond_wait" },
		{ "run.constprop.0", "run" },
		{ "run.part.3.cold", "run" },
		{ "run.isra.0.cold.12", "run" },
		{ "run.llvm.1234567890", "run" },
		{ "counter.0", "counter.0" },
		{ "my.function", "my.function" },
		{ "_ZN3one3twoEi", "one::two(int)" },
		{ "_ZN3one3twoEi.cold", "one::two(int)" },
		{ "_ZNSt5mutex4lockEv", "std::mutex::lock()" },
		{ "_ZN4core3ptr13drop_in_place17h0123456789abcdefE", "core::ptr::drop_in_place" },
		{ "_ZN5alloc4sync16Arc$LT$T$C$A$GT$9drop_slow17h588332c47ae3ee14E",
		  "alloc::sync::Arc<T,A>::drop_slow" },
		{ "_RNvCs1234_7mycrate3foo", "mycrate::foo" },
		{ "_D3std5stdio__T7writelnTAyaZQnFNfQjZv", "std.stdio.writeln!(immutable(char)[]).writeln(immutable(char)[])" },
		{ "_D4core4sync5mutex5Mutex4lockMFNeZv", "core.sync.mutex.Mutex.lock()" },
		{ "_Dmain", "D main" },
		{ "_D", "_D" },
		{ "_DYNAMIC", "_DYNAMIC" },
		{ "_Z", "_Z" },
		{ "_ZNotMangled", "_ZNotMangled" },
		{ "_R", "_R" },
		{ "", "" },
		{ "@", "@" },
	};
	char *bomb, *got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		got = lsp_demangle(cases[i][0]);
		assert_string_equal(got, cases[i][1]);
		free(got);
	}
	/* each parameter doubles the one before: the text must not grow with it */
	bomb = calloc(1, 4096);
	strcpy(bomb, "_Z1fSt4pairIiiE");
	for (i = 0; i < 30; i++)
		sprintf(bomb + strlen(bomb), "S_IS%c_S%c_E", (char)('0' + i % 10), (char)('0' + i % 10));
	got = lsp_demangle(bomb);
	assert_non_null(got);
	assert_true(strlen(got) < 40000);
	free(got);
	/* the same in D: each parameter is twice the one before */
	strcpy(bomb, "_D1fFAAAAAi");
	for (i = 0; i < 30; i++)
		strcat(bomb, "B2QiQk");
	strcat(bomb, "Zv");
	got = lsp_demangle(bomb);
	assert_string_equal(got, bomb);
	free(got);
	free(bomb);
}

static void symbols_own_what_their_size_says(void **state)
{
	static const struct {
		unsigned int from, to;	/* offsets from base */
		const char *function;	/* NULL: nobody's */
	} expected[] = {
		{ 0, 32, "base" }, { 32, 64, NULL }, { 64, 80, "public_alias" }, { 80, 96, NULL },
		{ 96, 128, "sizeless" }, { 128, 144, "outer" }, { 144, 160, "nested" },
		{ 160, 176, "outer" }, { 176, 192, NULL }, { 192, 208, "split" },
		{ 208, 224, "one::two(int)" }, { 224, 240, "ifunc" }, { 240, 256, "last" },
		{ 256, 300, NULL },
	};
	const struct lsp_line *lines, *again;
	uint64_t base, at;
	struct symbols_file f;
	size_t i, n;

	(void)state;
	scratch_shell("gcc -shared -nostdlib -o \"$SCRATCH\"/symbols.so \"$SUBJECTS\"/symbols.S");
	symbols_file_open(&f, "symbols.so");
	base = f.elf->loads[0].vaddr;
	for (i = 0; i < f.elf->nloads; i++)
		if (f.elf->loads[i].exec)
			base = f.elf->loads[i].vaddr;
	for (i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		for (at = expected[i].from; at < expected[i].to; at++) {
			char text[64];

			assert_int_equal(lsp_symbol_lines(f.symbols, f.elf, base + at, &lines, &n), 0);
			assert_int_equal(n, 1);
			snprintf(text, sizeof(text), "symbols.so+0x%llx",
				 (unsigned long long)(base + at));
			assert_string_equal(lines[0].function,
					    expected[i].function ? expected[i].function : text);
			assert_string_equal(lines[0].file, "");
			lsp_symbol_lines(f.symbols, f.elf, base + at, &again, &n);
			assert_ptr_equal(lines, again);
		}
	symbols_file_close(&f);
}

/* ---- against addr2line ---- */

#define ADDRESSES 800
#define LONGEST 32768	/* line of addr2line */

struct comparison {
	size_t compared, unnamed, lines, inlined;
};

/* One block of addr2line's output: as many pairs of lines as functions. Returns how many. */
static size_t block_read(FILE *p, char block[64][2][LONGEST], bool *more)
{
	size_t n = 0;
	static char text[LONGEST];

	while ((*more = fgets(text, sizeof(text), p)) && strncmp(text, "0x", 2)) {
		text[strcspn(text, "\n")] = '\0';
		if (n < 128)
			strcpy(block[n / 2][n % 2], text);
		n++;
	}
	return n / 2;
}

/* "FILE:LINE (discriminator N)" to "FILE:LINE", an unknown line to 0. */
static void place_normalise(char *place)
{
	char *end = strstr(place, " (discriminator"), *colon;

	if (end)
		*end = '\0';
	colon = strrchr(place, ':');
	if (colon && colon[1] == '?')
		colon[1] = '0';
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

static void function_compare(const struct lsp_line *l, const char *theirs, const char *outermost)
{
	char x[512], y[512], z[512], *clone = strstr(theirs, " [clone");

	if (clone)
		*clone = '\0';
	lsp_plain_name(l->function, x, sizeof(x));
	lsp_plain_name(theirs, y, sizeof(y));
	lsp_plain_name(outermost, z, sizeof(z));
	y[lsp_demangle_stem(y)] = '\0';
	z[lsp_demangle_stem(z)] = '\0';
	/* a function without a linkage name has there no scope, or is called as the outermost one */
	if (!ends_with(x, y) && !ends_with(y, z))
		fail_msg("%s (%s), addr2line has %s (%s) in %s", l->function, x, theirs, y, z);
}

static void block_compare(struct comparison *c, uint64_t addr, const struct lsp_line *lines,
			  size_t n, char block[64][2][LONGEST], size_t m)
{
	static char place[LONGEST + 32];
	char unknown[32];
	size_t i;

	snprintf(unknown, sizeof(unknown), "+0x%llx", (unsigned long long)addr);
	/* between functions addr2line names the one before; it has no size there */
	if (strstr(lines[0].function, unknown)) {
		c->unnamed++;
		return;
	}
	if (n != m)
		fail_msg("%llx: %zu functions, addr2line has %zu", (unsigned long long)addr, n, m);
	c->compared++;
	c->inlined += n > 1;
	for (i = 0; i < n; i++) {
		place_normalise(block[i][1]);
		function_compare(&lines[i], block[i][0], block[n - 1][0]);
		snprintf(place, sizeof(place), "%s:%u", *lines[i].file ? lines[i].file : "??",
			 lines[i].line);
		/* code without a line table has a file by its symbol there; no line: the row before */
		if (!*lines[i].file || !strcmp(strrchr(block[i][1], ':'), ":0"))
			continue;
		c->lines++;
		if (strcmp(place, block[i][1]))
			fail_msg("%llx %s: %s, addr2line has %s", (unsigned long long)addr,
				 lines[i].function, place, block[i][1]);
	}
}

/* Compares @file, whose debug information is in @debug, at random addresses of its code. */
static void compare(const char *file, const char *debug, size_t least_inlined)
{
	static char block[64][2][LONGEST];
	const struct lsp_elf_load *code = NULL;
	struct comparison c = { 0 };
	uint64_t addrs[ADDRESSES];
	double start, total = 0, first = 0;
	char command[512], text[64];
	struct symbols_file f;
	bool more = true;
	size_t i, n;
	FILE *p;

	symbols_file_open(&f, file);
	for (i = 0; i < f.elf->nloads; i++)
		if (f.elf->loads[i].exec)
			code = &f.elf->loads[i];
	assert_non_null(code);
	p = fopen(scratch_path("addresses"), "w");
	assert_non_null(p);
	for (i = 0; i < ADDRESSES; i++) {
		addrs[i] = code->vaddr + random_next() % code->memsz;
		fprintf(p, "0x%llx\n", (unsigned long long)addrs[i]);
	}
	fclose(p);
	snprintf(command, sizeof(command),
		 "addr2line -aifC -e \"$SCRATCH\"/%s <\"$SCRATCH\"/addresses", debug);
	p = popen(command, "r");
	assert_non_null(p);
	assert_non_null(fgets(text, sizeof(text), p));
	for (i = 0; i < ADDRESSES && more; i++) {
		const struct lsp_line *lines;
		size_t m = block_read(p, block, &more);

		start = (double)clock_ns(CLOCK_MONOTONIC) / 1e3;
		assert_int_equal(lsp_symbol_lines(f.symbols, f.elf, addrs[i], &lines, &n), 0);
		total += (double)clock_ns(CLOCK_MONOTONIC) / 1e3 - start;
		first = i ? first : total;
		block_compare(&c, addrs[i], lines, n, block, m);
	}
	assert_int_equal(i, ADDRESSES);
	assert_int_equal(pclose(p), 0);
	printf("%-9s %zu compared, %zu with inlined functions, %zu lines, %zu in nobody's code; "
	       "first %.0f us, then %.1f us each\n", file, c.compared, c.inlined, c.lines, c.unnamed,
	       first, (total - first) / (ADDRESSES - 1));
	assert_true(c.compared > ADDRESSES / 2);
	assert_true(c.inlined >= least_inlined);
	symbols_file_close(&f);
}

/* <regex> takes any compiler seconds: all of them at once. */
static void cxx_build(void)
{
	scratch_shell("build() { out=$1; shift; \"$@\" -std=c++17 -O2 -pthread -o \"$SCRATCH\"/$out \"$SUBJECTS\"/inline.cc & pids=\"$pids $!\"; };"
	      "build cxx5 g++ -g; build cxx4 g++ -gdwarf-4 -no-pie;"
	      "if command -v clang++ >/dev/null; then build clang4 clang++ -gdwarf-4; build clang5 clang++ -gdwarf-5; fi;"
	      "for p in $pids; do wait $p || exit 1; done");
}

static void cxx_program(void **state)
{
	(void)state;
	cxx_build();
	compare("cxx5", "cxx5", 300);
	compare("cxx4", "cxx4", 300);
	scratch_shell("cd \"$SCRATCH\" && cp cxx5 separate && objcopy --only-keep-debug separate separate.debug && "
	      "strip separate && objcopy --add-gnu-debuglink=separate.debug separate");
	compare("separate", "cxx5", 300);
}

/* Both files are the same code; what is said of it must be the same. */
static void compare_files(const char *x_name, const char *y_name)
{
	const struct lsp_elf_load *code = NULL;
	struct symbols_file x, y;
	size_t i, j;

	symbols_file_open(&x, x_name);
	symbols_file_open(&y, y_name);
	for (i = 0; i < x.elf->nloads; i++)
		if (x.elf->loads[i].exec)
			code = &x.elf->loads[i];
	assert_non_null(code);
	for (i = 0; i < ADDRESSES; i++) {
		uint64_t addr = code->vaddr + random_next() % code->memsz;
		const struct lsp_line *p, *q;
		size_t n, m;

		assert_int_equal(lsp_symbol_lines(x.symbols, x.elf, addr, &p, &n), 0);
		assert_int_equal(lsp_symbol_lines(y.symbols, y.elf, addr, &q, &m), 0);
		assert_int_equal(n, m);
		for (j = 0; j < n && *p[0].file; j++) {
			assert_string_equal(p[j].function, q[j].function);
			assert_string_equal(p[j].file, q[j].file);
			assert_int_equal(p[j].line, q[j].line);
			assert_int_equal(p[j].start_line, q[j].start_line);
		}
	}
	symbols_file_close(&x);
	symbols_file_close(&y);
}

static void clang_program(void **state)
{
	(void)state;
	if (scratch_run("command -v clang++ >/dev/null")) {
		printf("no clang++ here, only gcc's DWARF was checked\n");
		return;
	}
	compare("clang4", "clang4", 300);
	/* addr2line 2.40 finds no inlined functions in clang's DWARF 5 */
	compare_files("clang4", "clang5");
}

static void rust_program(void **state)
{
	(void)state;
	if (scratch_run("command -v rustc >/dev/null")) {
		printf("no rustc here\n");
		return;
	}
	scratch_shell("rustc -O -g -o \"$SCRATCH\"/rust \"$SUBJECTS\"/sync.rs");
	compare("rust", "rust", 100);
}

/* ---- tail calls ---- */

static void tails_of(const char *name, bool expect_none)
{
	FILE *p = popen(scratch_path(name), "r");
	unsigned long ra, callee;
	char expected[256], got[512];
	struct symbols_file f;
	size_t count;

	assert_non_null(p);
	symbols_file_open(&f, name);
	for (count = 0; fscanf(p, "%lx %lx %255[^\n]", &ra, &callee, expected) == 3; count++) {
		struct lsp_tail tails[LSP_TAIL_MAX];
		bool ambiguous;
		int i, n = lsp_symbol_tail_callers(f.symbols, f.elf, ra - 1, f.elf, callee + 4, tails,
						   &ambiguous);

		assert_true(n >= 0);
		strcpy(got, ambiguous ? "several" : "only");
		for (i = 0; i < n; i++)
			sprintf(got + strlen(got), " %s", tails[i].lines[tails[i].nlines - 1].function);
		assert_string_equal(got, expect_none ? "only" : expected);
	}
	assert_int_equal(pclose(p), 0);
	assert_int_equal(count, 10);
	symbols_file_close(&f);
}

static void tail_calls(void **state)
{
	(void)state;
	scratch_shell("gcc -O2 -g -o \"$SCRATCH\"/tail \"$SUBJECTS\"/tail.c");
	tails_of("tail", false);
	scratch_shell("gcc -O2 -gdwarf-4 -no-pie -o \"$SCRATCH\"/tail4 \"$SUBJECTS\"/tail.c");
	tails_of("tail4", false);
	/* by the machine code alone */
	scratch_shell("gcc -O2 -o \"$SCRATCH\"/tail0 \"$SUBJECTS\"/tail.c");
	tails_of("tail0", false);
	/* nothing to know, nothing to invent */
	scratch_shell("cp \"$SCRATCH\"/tail \"$SCRATCH\"/none && strip \"$SCRATCH\"/none");
	tails_of("none", true);
	/* no tail calls at all */
	scratch_shell("gcc -O2 -g -fno-optimize-sibling-calls -o \"$SCRATCH\"/plain \"$SUBJECTS\"/tail.c");
	tails_of("plain", true);
}

/* While the dynamic linker looks for a function, that function has not run. */
static void lazy_binding(void **state)
{
	struct lsp_tail tails[LSP_TAIL_MAX];
	unsigned long ra, callee;
	struct lsp_elf *linker;
	bool ambiguous;
	struct symbols_file f;
	char path[256];
	FILE *p;

	(void)state;
	scratch_shell("gcc -O2 -shared -fPIC -DLIBRARY -o \"$SCRATCH\"/libbound.so \"$SUBJECTS\"/lazy.c && "
	      "gcc -O2 -fplt -Wl,-z,lazy -Wl,-rpath,\"$SCRATCH\" -o \"$SCRATCH\"/lazy "
	      "\"$SUBJECTS\"/lazy.c -L\"$SCRATCH\" -lbound -ldl");
	symbols_file_open(&f, "lazy");
	p = popen(scratch_path("lazy"), "r");
	assert_non_null(p);
	assert_int_equal(fscanf(p, "%lx %lx %255[^\n]", &ra, &callee, path), 3);
	assert_int_equal(pclose(p), 0);
	assert_int_equal(lsp_elf_open(f.cache, path, &linker), 0);
	assert_int_equal(lsp_symbol_tail_callers(f.symbols, f.elf, ra - 1, linker, callee - 1, tails,
						 &ambiguous), 0);
	lsp_elf_put(linker);
	symbols_file_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_flat),
		cmocka_unit_test(names_are_demangled),
		cmocka_unit_test(symbols_own_what_their_size_says),
		cmocka_unit_test(cxx_program),
		cmocka_unit_test(clang_program),
		cmocka_unit_test(rust_program),
		cmocka_unit_test(tail_calls),
		cmocka_unit_test(lazy_binding),
	};

	return cmocka_run_group_tests(tests, scratch_create, scratch_destroy);
}
