// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a damaged ELF file or damaged DWARF that makes the naming of
 * code and locks crash, read astray, leak or not come to an end. For libFuzzer;
 * tests/fuzz/run builds and starts it. An input is a list of changes, four
 * bytes each, to a small program that is compiled at the start: which section,
 * where in it (two bytes), the new value. corpus/dwarf holds a change of each
 * section, written by hand.
 * sources: user/capture/span.c user/resolve/symbol/symbol.c user/resolve/symbol/tail.c user/resolve/symbol/target.c user/resolve/code/jump.c
 * sources: user/resolve/elf/symtab.c user/resolve/elf/gopcln.c user/resolve/symbol/symfile.c user/resolve/elf/slot.c
 * sources: user/resolve/dwarf/inline.c user/resolve/dwarf/line.c user/resolve/dwarf/die_walk.c user/resolve/elf/range.c
 * sources: user/base/arena.c user/resolve/symbol/demangle.c user/resolve/symbol/plain_name.c
 * sources: user/resolve/dwarf/variable.c user/resolve/dwarf/type.c user/resolve/lock.c
 * sources: user/resolve/sync_names.c user/resolve/elf/file.c user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c
 * sources: user/resolve/elf/debugfile.c user/resolve/elf/minidebug.c user/base/maptext.c user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c
 * sources: user/resolve/unwind/fde.c user/resolve/unwind/cfa.c user/resolve/code/code.c user/resolve/unwind/callsite.c user/resolve/code/starts.c
 * sources: user/resolve/maps/maps.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c user/resolve/unwind/snapshot.c
 * sources: user/base/intern.c user/base/index.c
 * libs: -ldw -lelf -lz -llzma -ldl -liberty
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../user/resolve/elf/cache.h"
#include "../../user/resolve/lock.h"
#include "../../user/resolve/symbol/symbol.h"
#include "../../user/resolve/symbol/tail.h"

#define MUST(condition) do { if (!(condition)) abort(); } while (0)
#define SECTIONS_MAX 64
#define ADDRESSES 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Inlined functions, lexical blocks, tail calls, types with arrays and unions, statics. */
static const char source[] =
	"struct s { int n; union { long l; struct { char c[3]; int m[4]; } t; } u[2]; };"
	"struct s table[3]; static int hidden; int (*volatile p)(int);"
	"__attribute__((noinline)) int leaf(int x) { static int calls; return calls += x + hidden; }"
	"static inline int twice(int x) { int i, s = 0; for (i = 0; i < x; i++) { int k = i * x;"
	" if (k & 1) s += leaf(k); } return s; }"
	"__attribute__((noinline)) int tail(int x) { return leaf(x + 1); }"
	"int both(int x) { return twice(x) + twice(x + 1) + table[1].u[1].t.m[2] + hidden++; }"
	"int pointer(int x) { return p(x); }"
	"int main(int c, char **v) { (void)v; return both(c) + tail(c) + pointer(c); }";

static uint8_t *base;
static size_t base_bytes;
static int fd;
static uint64_t code_start, code_bytes, data_start, data_bytes;
/* What is changed: the headers, and the sections, by offset and size in the file. */
static struct {
	size_t offset, bytes;
} parts[SECTIONS_MAX];
static size_t nparts;

static void part_add(size_t offset, size_t bytes)
{
	if (nparts == SECTIONS_MAX || !bytes || offset + bytes > base_bytes)
		return;
	parts[nparts].offset = offset;
	parts[nparts++].bytes = bytes;
}

static void sections_read(void)
{
	Elf *elf = elf_memory((char *)base, base_bytes);
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	GElf_Ehdr ehdr;

	MUST(elf && gelf_getehdr(elf, &ehdr));
	part_add(0, ehdr.e_ehsize + (size_t)ehdr.e_phentsize * ehdr.e_phnum);
	part_add(ehdr.e_shoff, (size_t)ehdr.e_shentsize * ehdr.e_shnum);
	while ((scn = elf_nextscn(elf, scn))) {
		MUST(gelf_getshdr(scn, &shdr));
		if (shdr.sh_type != SHT_NOBITS)
			part_add(shdr.sh_offset, shdr.sh_size);
		if ((shdr.sh_flags & SHF_EXECINSTR) && shdr.sh_size > code_bytes) {
			code_start = shdr.sh_addr;
			code_bytes = shdr.sh_size;
		}
		if (shdr.sh_type == SHT_NOBITS) {
			data_start = shdr.sh_addr;
			data_bytes = shdr.sh_size;
		}
	}
	elf_end(elf);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *version = getenv("FUZZ_DWARF");
	char command[256];
	FILE *p;

	(void)argc;
	(void)argv;
	elf_version(EV_CURRENT);
	fd = memfd_create("program", 0);
	MUST(fd >= 0);
	snprintf(command, sizeof(command), "gcc -O2 -gdwarf-%s -nostdlib -shared -fPIC -x c - -o /proc/%d/fd/%d",
		 version ? version : "5", getpid(), fd);
	p = popen(command, "w");
	MUST(p && fputs(source, p) >= 0 && !pclose(p));
	base_bytes = (size_t)lseek(fd, 0, SEEK_END);
	base = malloc(base_bytes);
	MUST(base && pread(fd, base, base_bytes, 0) == (ssize_t)base_bytes);
	sections_read();
	MUST(code_bytes && nparts > 8);
	return 0;
}

static void ask(struct lsp_symbols *s, struct lsp_elf *e)
{
	struct lsp_tail tails[LSP_TAIL_MAX];
	const struct lsp_line *lines;
	bool ambiguous;
	size_t i, j, n;

	for (i = 0; i < ADDRESSES; i++) {
		uint64_t at = code_start + code_bytes * i / ADDRESSES;
		struct lsp_place place = { .region = LSP_REGION_STATIC, .elf = e,
					   .vaddr = data_start + data_bytes * i / ADDRESSES };

		MUST(!lsp_symbol_lines(s, e, at, &lines, &n) && n);
		for (j = 0; j < n; j++)
			MUST(*lines[j].function && lines[j].linkage && lines[j].file);
		MUST(lsp_symbol_tail_callers(s, e, at, e, code_start + i, tails, &ambiguous) >= 0);
		MUST(*lsp_lock_name(s, &place, LSP_SYNC_MUTEX, NULL));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const struct lsp_elf_options options = { .debug_dir = "/nonexistent" };
	uint8_t *changed = malloc(base_bytes);
	struct lsp_elf_cache *cache;
	struct lsp_symbols *s;
	struct lsp_elf *e;
	char path[64];
	size_t i;

	MUST(changed);
	memcpy(changed, base, base_bytes);
	for (i = 0; i + 4 <= bytes && i < 256; i += 4) {
		size_t part = data[i] % nparts;
		size_t at = ((size_t)data[i + 1] << 8 | data[i + 2]) % parts[part].bytes;

		changed[parts[part].offset + at] = data[i + 3];
	}
	MUST(pwrite(fd, changed, base_bytes, 0) == (ssize_t)base_bytes);
	free(changed);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	MUST(!lsp_elf_cache_create(&options, &cache) && !lsp_symbols_create(&s));
	if (!lsp_elf_open(cache, path, &e)) {
		ask(s, e);
		lsp_elf_put(e);
	}
	lsp_symbols_destroy(s);
	lsp_elf_cache_destroy(cache);
	return 0;
}
