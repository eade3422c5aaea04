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
 * sources: user/resolve/maps/ tests/unit/scratch.c
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
#include "scratch.h"

struct files {
	struct lsp_elf_cache *cache;
	struct lsp_symbols *symbols;
	struct lsp_elf *elf;
	const struct lsp_line *lines;	/* of what was asked last */
	size_t n;
	char said[2048];
};

static void listen_to(void *arg, const char *sentence)
{
	struct files *f = arg;
	const size_t used = strlen(f->said);

	snprintf(f->said + used, sizeof(f->said) - used, "%s\n", sentence);
}

static void open_file(struct files *f, const char *name)
{
	const struct lsp_elf_options options = {
		.debug_dir = "/nonexistent", .warn = listen_to, .warn_arg = f,
	};

	memset(f, 0, sizeof(*f));
	assert_int_equal(lsp_elf_cache_create(&options, &f->cache), 0);
	assert_int_equal(lsp_symbols_create(&f->symbols), 0);
	assert_int_equal(lsp_elf_open(f->cache, scratch_path(name), &f->elf), 0);
}

static void close_file(struct files *f)
{
	lsp_elf_put(f->elf);
	/* files before symbols: what they keep refers to these */
	lsp_elf_cache_destroy(f->cache);
	lsp_symbols_destroy(f->symbols);
}

static void shell(const char *command)
{
	assert_int_equal(scratch_run(command), 0);
}

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
static void ask(struct files *f, const char *named, const char *function)
{
	assert_int_equal(lsp_symbol_lines(f->symbols, f->elf, address_of(named, function), &f->lines, &f->n), 0);
}

/* .dwo files are not read: symbols and lines remain, nothing else goes wrong, and it is said. */
static void split(void **state)
{
	char command[512];
	struct files f;
	int version;

	(void)state;
	for (version = 4; version <= 5; version++) {
		snprintf(command, sizeof(command), "g++ -std=c++17 -O2 -gdwarf-%d -gsplit-dwarf -pthread "
			 "-dumpdir \"$SCRATCH\"/ -o \"$SCRATCH\"/split \"$SUBJECTS\"/inline.cc && "
			 "rm -f \"$SCRATCH\"/*.dwo", version);
		shell(command);
		open_file(&f, "split");
		ask(&f, "split", "main");
		assert_int_equal(f.n, 1);
		assert_string_equal(f.lines[0].function, "main");
		assert_string_not_equal(f.lines[0].file, "");
		assert_non_null(strstr(f.said, "split: part of its debug information is in .dwo files"));
		close_file(&f);
	}
}

/* Lines are there, or it is said why not: an older libelf does not know zstd. */
static void compressed(void **state)
{
	struct files f;

	(void)state;
	shell("cd \"$SCRATCH\" && objcopy --compress-debug-sections=zstd tail zstd && "
	      "objcopy --compress-debug-sections=zlib tail zlib");
	open_file(&f, "zstd");
	ask(&f, "tail", "main");
	assert_string_equal(f.lines[f.n - 1].function, "main");
	assert_int_equal(!*f.lines[0].file,
			 strstr(f.said, "zstd: its debug information (.debug_") != NULL);
	close_file(&f);
	open_file(&f, "zlib");
	ask(&f, "tail", "main");
	assert_string_not_equal(f.lines[0].file, "");
	assert_string_equal(f.said, "");
	close_file(&f);
}

/* As Fedora builds its packages: only the functions that .dynsym lacks are in the section. */
static void only_names(void **state)
{
	static const char *const damage[] = {
		"head -c 300 mini.xz", "printf x", "head -c 70000000 /dev/zero | xz -1", "xz <keep",
	};
	char command[256];
	struct files f;
	size_t i;

	(void)state;
	shell("cd \"$SCRATCH\" && gcc -O2 -rdynamic -o named \"$OLDPWD\"/\"$SUBJECTS\"/tail.c && "
	      "nm -D --defined-only named | awk '{ print $3 }' | sort >exported && "
	      "nm --defined-only named | awk '$2 ~ /[TtD]/ { print $3 }' | sort | comm -13 exported - >keep && "
	      "objcopy --only-keep-debug named debug && objcopy -S --keep-symbols=keep debug mini && "
	      "strip -o bare named && xz -k mini && "
	      "objcopy --add-section .gnu_debugdata=mini.xz bare names");
	open_file(&f, "names");
	ask(&f, "named", "chain_two");
	assert_string_equal(f.lines[0].function, "chain_two");
	ask(&f, "named", "main");
	assert_string_equal(f.lines[0].function, "main");
	assert_string_equal(f.said, "");
	close_file(&f);
	for (i = 0; i < sizeof(damage) / sizeof(*damage); i++) {
		snprintf(command, sizeof(command), "cd \"$SCRATCH\" && { %s; } >bad.xz && objcopy "
			 "--add-section .gnu_debugdata=bad.xz bare bad", damage[i]);
		shell(command);
		open_file(&f, "bad");
		ask(&f, "named", "chain_two");
		assert_int_equal(strncmp(f.lines[0].function, "bad+0x", 6), 0);
		ask(&f, "named", "main");
		assert_string_equal(f.lines[0].function, "main");
		assert_non_null(strstr(f.said, "bad: its .gnu_debugdata is damaged or too large"));
		close_file(&f);
	}
}

/* So it is with the rules of code whose frames are told of in a section that may be compressed. */
static void compressed_frames(void **state)
{
	static const struct { const char *kind; bool may_fail; } kinds[] = { { "zstd", true }, { "zlib", false } };
	const struct lsp_cfi_rule *rule;
	char command[256];
	struct files f;
	bool said;

	(void)state;
	shell("gcc -O2 -g -fno-asynchronous-unwind-tables -o \"$SCRATCH\"/frames \"$SUBJECTS\"/tail.c");
	for (size_t i = 0; i < 2; i++) {
		snprintf(command, sizeof(command), "objcopy --compress-debug-sections=%s \"$SCRATCH\"/frames "
			 "\"$SCRATCH\"/packed", kinds[i].kind);
		shell(command);
		open_file(&f, "packed");
		rule = lsp_cfi_lookup(lsp_cfi_of(f.elf), address_of("frames", "main"));
		said = strstr(f.said, "packed: its debug information (.debug_frame) cannot be decompressed");
		assert_int_equal(said, rule->cfa_kind == LSP_CFA_NONE);
		assert_true(!said || kinds[i].may_fail);
		close_file(&f);
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
