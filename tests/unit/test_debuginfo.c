// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: names or lines that are lost without a word because of the form
 * that a program's debug information has: split off into .dwo files,
 * compressed in a way that libelf does not know, or only the names of functions
 * in a compressed section, which may be damaged or grow without bounds.
 *
 * sources: user/base/arena.c user/resolve/symbol/symbol.c user/resolve/symbol/symfile.c
 * sources: user/resolve/symbol/demangle.c user/resolve/symbol/plain_name.c user/resolve/dwarf/variable.c
 * sources: user/resolve/dwarf/type.c user/resolve/dwarf/inline.c user/resolve/dwarf/line.c user/resolve/dwarf/die_walk.c
 * sources: user/resolve/symbol/tail.c user/resolve/symbol/target.c user/resolve/code/ user/resolve/elf/
 * sources: user/base/maptext.c user/resolve/unwind/callsite.c user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c
 * sources: user/resolve/unwind/cfa.c user/resolve/unwind/fde.c user/resolve/unwind/snapshot.c
 * sources: user/resolve/maps/ tests/unit/scratch.c tests/unit/fixture_symbols.c
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

#include "../../user/resolve/elf/cache.h"
#include "../../user/resolve/symbol/symbol.h"
#include "../../user/resolve/unwind/cfi.h"
#include "fixture_symbols.h"
#include "scratch.h"

/* What was asked last. */
static const struct lsp_line *g_lines;
static size_t g_n;

static unsigned long address_of(const char *named, const char *function)
{
	char command[256];
	unsigned long at;
	FILE *p;

	snprintf(command, sizeof(command), "nm \"$SCRATCH\"/%s | awk '$3 == \"%s\" { print $1 }'", named,
		 function);
	p = popen(command, "r");
	assert_int_equal(fscanf(p, "%lx", &at), 1);
	pclose(p);
	return at;
}

/* Asks for the function that @named, the same program with its symbols, has at this name. */
static void ask(struct symbols_file *f, const char *named, const char *function)
{
	assert_int_equal(lsp_symbol_lines(f->symbols, f->elf, address_of(named, function), &g_lines, &g_n), 0);
}

/* .dwo files are not read: symbols and lines remain, nothing else goes wrong, and it is said. */
static void split(void **state)
{
	char command[512];
	struct symbols_file f;
	int version;

	(void)state;
	for (version = 4; version <= 5; version++) {
		snprintf(command, sizeof(command), "g++ -std=c++17 -O2 -gdwarf-%d -gsplit-dwarf -pthread "
			 "-dumpdir \"$SCRATCH\"/ -o \"$SCRATCH\"/split \"$SUBJECTS\"/inline.cc && "
			 "rm -f \"$SCRATCH\"/*.dwo", version);
		scratch_shell(command);
		symbols_file_open(&f, "split");
		ask(&f, "split", "main");
		assert_int_equal(g_n, 1);
		assert_string_equal(g_lines[0].function, "main");
		assert_string_not_equal(g_lines[0].file, "");
		assert_non_null(strstr(f.said, "split: part of its debug information is in .dwo files"));
		symbols_file_close(&f);
	}
}

/* Lines are there, or it is said why not: an older libelf does not know zstd. */
static void compressed(void **state)
{
	struct symbols_file f;

	(void)state;
	scratch_shell("cd \"$SCRATCH\" && objcopy --compress-debug-sections=zstd tail zstd && "
	      "objcopy --compress-debug-sections=zlib tail zlib");
	symbols_file_open(&f, "zstd");
	ask(&f, "tail", "main");
	assert_string_equal(g_lines[g_n - 1].function, "main");
	assert_int_equal(!*g_lines[0].file,
			 strstr(f.said, "zstd: its debug information (.debug_") != NULL);
	symbols_file_close(&f);
	symbols_file_open(&f, "zlib");
	ask(&f, "tail", "main");
	assert_string_not_equal(g_lines[0].file, "");
	assert_string_equal(f.said, "");
	symbols_file_close(&f);
}

/* As Fedora builds its packages: only the functions that .dynsym lacks are in the section. */
static void only_names(void **state)
{
	static const char *const damage[] = {
		"head -c 300 mini.xz", "printf x", "head -c 70000000 /dev/zero | xz -1", "xz <keep",
	};
	char command[256];
	struct symbols_file f;
	size_t i;

	(void)state;
	scratch_shell("cd \"$SCRATCH\" && gcc -O2 -rdynamic -o named \"$OLDPWD\"/\"$SUBJECTS\"/tail.c && "
	      "nm -D --defined-only named | awk '{ print $3 }' | sort >exported && "
	      "nm --defined-only named | awk '$2 ~ /[TtD]/ { print $3 }' | sort | comm -13 exported - >keep && "
	      "objcopy --only-keep-debug named debug && objcopy -S --keep-symbols=keep debug mini && "
	      "strip -o bare named && xz -k mini && "
	      "objcopy --add-section .gnu_debugdata=mini.xz bare names");
	symbols_file_open(&f, "names");
	ask(&f, "named", "chain_two");
	assert_string_equal(g_lines[0].function, "chain_two");
	ask(&f, "named", "main");
	assert_string_equal(g_lines[0].function, "main");
	assert_string_equal(f.said, "");
	symbols_file_close(&f);
	for (i = 0; i < sizeof(damage) / sizeof(*damage); i++) {
		snprintf(command, sizeof(command), "cd \"$SCRATCH\" && { %s; } >bad.xz && objcopy "
			 "--add-section .gnu_debugdata=bad.xz bare bad", damage[i]);
		scratch_shell(command);
		symbols_file_open(&f, "bad");
		ask(&f, "named", "chain_two");
		assert_int_equal(strncmp(g_lines[0].function, "bad+0x", 6), 0);
		ask(&f, "named", "main");
		assert_string_equal(g_lines[0].function, "main");
		assert_non_null(strstr(f.said, "bad: its .gnu_debugdata is damaged or too large"));
		symbols_file_close(&f);
	}
}

/* So it is with the rules of code whose frames are told of in a section that may be compressed. */
static void compressed_frames(void **state)
{
	static const struct { const char *kind; bool may_fail; } kinds[] = { { "zstd", true }, { "zlib", false } };
	const struct lsp_cfi_rule *rule;
	char command[256];
	struct symbols_file f;
	bool said;

	(void)state;
	scratch_shell("gcc -O2 -g -fno-asynchronous-unwind-tables -o \"$SCRATCH\"/frames \"$SUBJECTS\"/tail.c");
	for (size_t i = 0; i < 2; i++) {
		snprintf(command, sizeof(command), "objcopy --compress-debug-sections=%s \"$SCRATCH\"/frames "
			 "\"$SCRATCH\"/packed", kinds[i].kind);
		scratch_shell(command);
		symbols_file_open(&f, "packed");
		rule = lsp_cfi_lookup(lsp_cfi_of(f.elf), address_of("frames", "main"));
		said = strstr(f.said, "packed: its debug information (.debug_frame) cannot be decompressed");
		assert_int_equal(said, rule->cfa_kind == LSP_CFA_NONE);
		assert_true(!said || kinds[i].may_fail);
		symbols_file_close(&f);
	}
}

static int setup(void **state)
{
	(void)state;
	if (scratch_create(NULL))
		return -1;
	return scratch_run("gcc -O2 -g -o \"$SCRATCH\"/tail \"$SUBJECTS\"/tail.c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split),
		cmocka_unit_test(compressed),
		cmocka_unit_test(compressed_frames),
		cmocka_unit_test(only_names),
	};

	return cmocka_run_group_tests(tests, setup, scratch_destroy);
}
