/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Would catch: a call frame instruction that is read wrongly, a row that
 * starts an instruction too early or too late, a function that is missing or
 * that hides another, a rule squeezed into the compact form that does not fit
 * there. The reference is libdw's own interpreter, asked for every row of real
 * files. Also: damaged sections that are believed.
 *
 * sources: user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c user/resolve/unwind/fde.c user/resolve/unwind/cfa.c user/resolve/elf/file.c
 * sources: user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c user/resolve/elf/debugfile.c user/resolve/elf/minidebug.c user/base/maptext.c
 * sources: user/resolve/unwind/callsite.c user/resolve/code/starts.c user/resolve/code/code.c user/resolve/elf/symtab.c user/resolve/elf/gopcln.c user/resolve/elf/range.c
 * sources: user/resolve/maps/maps.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c user/base/arena.c user/resolve/unwind/snapshot.c
 * sources: user/base/intern.c user/base/index.c tests/unit/scratch.c
 * libs: -ldw -lelf -lz -llzma -ldl
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../../user/resolve/unwind/cfi.h"
#include "../../user/resolve/unwind/fde.h"
#include "../../user/resolve/elf/cache.h"
#include "../../user/resolve/elf/debugfile.h"
#include "../../user/resolve/elf/section.h"
#include "scratch.h"

static const char source_plain[] =
	"#include <stdlib.h>\n"
	"extern int sink(void *);\n"
	"int f(int n) { char *p = alloca(n); return sink(p) + 1; }\n"
	"int g(int n) { char b[300]; if (n > 3) return sink(b); return f(n) + sink(b); }\n"
	"int h(int n) { char q[64] __attribute__((aligned(64))); char *p = alloca(n);"
	" return sink(p) + sink(q); }\n"
	"__attribute__((noipa)) int sink(void *p) { return p != 0; }\n"
	"int main(int c, char **v) { (void)v; return g(c) + h(c) + atoi(\"1\"); }\n";

struct tally {
	size_t rows;
	size_t complex;
	size_t plt;
	size_t deref;
	size_t signal;
	size_t undefined;
	double libdw_s;
};

static double seconds(void)
{
	return (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

/* ---- the reference ---- */

static bool op_is_breg(const Dwarf_Op *op, unsigned int reg, int64_t off)
{
	if (op->atom == DW_OP_bregx)
		return op->number == reg && (int64_t)op->number2 == off;
	return op->atom == DW_OP_breg0 + reg && (int64_t)op->number == off;
}

static bool cfa_agrees(Dwarf_Frame *frame, const struct lsp_cfi_rule *r)
{
	Dwarf_Op *ops;
	size_t n;

	if (dwarf_frame_cfa(frame, &ops, &n))
		return false;
	switch (r->cfa_kind) {
	case LSP_CFA_REG:
		return n == 1 && op_is_breg(&ops[0], r->cfa_reg, r->cfa_off);
	case LSP_CFA_DEREF:
		return n == 2 && op_is_breg(&ops[0], r->cfa_reg, r->cfa_off) &&
		       ops[1].atom == DW_OP_deref;
	case LSP_CFA_PLT:
		return n == 9 && op_is_breg(&ops[0], 7, 8) && op_is_breg(&ops[1], 16, 0) &&
		       ops[2].atom == DW_OP_lit15 && ops[3].atom == DW_OP_and &&
		       ops[4].atom == DW_OP_lit0 + r->cfa_off && ops[5].atom == DW_OP_ge &&
		       ops[6].atom == DW_OP_lit3 && ops[7].atom == DW_OP_shl &&
		       ops[8].atom == DW_OP_plus;
	default:
		return false;
	}
}

static bool slot_agrees(Dwarf_Frame *frame, int reg, unsigned int kind, int64_t off,
			const struct lsp_cfi_rule *r)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (dwarf_frame_register(frame, reg, mem, &ops, &n))
		return false;
	switch (kind) {
	case LSP_SLOT_SAME:
		return n == 0 && !ops;
	case LSP_SLOT_UNDEFINED:
		return n == 0 && ops;
	case LSP_SLOT_CFA:
		return n >= 1 && ops[0].atom == DW_OP_call_frame_cfa &&
		       (n == 1 ? off == 0 : n == 2 && ops[1].atom == DW_OP_plus_uconst &&
			(int64_t)ops[1].number == off);
	case LSP_SLOT_REG:
		return n == 2 && op_is_breg(&ops[1], r->cfa_reg, off);
	default:
		return false;
	}
}

static bool rule_agrees(Dwarf_Frame *frame, const struct lsp_cfi_rule *r, bool signal)
{
	if (signal != !!(r->flags & LSP_CFI_SIGNAL))
		return false;
	if (LSP_CFI_RA(r) == LSP_SLOT_UNDEFINED)
		return slot_agrees(frame, 16, LSP_SLOT_UNDEFINED, 0, r);
	if (r->cfa_kind == LSP_CFA_COMPLEX)
		return true;
	return cfa_agrees(frame, r) &&
	       slot_agrees(frame, 16, LSP_CFI_RA(r), r->ra_off, r) &&
	       slot_agrees(frame, 6, LSP_CFI_RBP(r), r->rbp_off, r);
}

static void tally_add(struct tally *t, const struct lsp_cfi_rule *r)
{
	t->rows++;
	t->complex += r->cfa_kind == LSP_CFA_COMPLEX;
	t->plt += r->cfa_kind == LSP_CFA_PLT;
	t->deref += r->cfa_kind == LSP_CFA_DEREF;
	t->signal += r->flags & LSP_CFI_SIGNAL;
	t->undefined += r->cfa_kind != LSP_CFA_NONE && LSP_CFI_RA(r) == LSP_SLOT_UNDEFINED;
}

/* Every row of libdw's in [lo, hi) against ours. Returns the disagreements. */
static size_t rows_compare(const char *what, Dwarf_CFI *ref, const struct lsp_cfi *c,
			   uint64_t lo, uint64_t hi, struct tally *t)
{
	size_t bad = 0;
	uint64_t pc = lo;

	while (pc < hi) {
		const struct lsp_cfi_rule *r = lsp_cfi_lookup(c, pc);
		Dwarf_Frame *frame;
		Dwarf_Addr start, end;
		double begin = seconds();
		bool signal;

		if (dwarf_cfi_addrframe(ref, pc, &frame)) {
			if (r->cfa_kind != LSP_CFA_NONE && bad++ < 5)
				printf("%s %#llx: a rule where libdw has none (%s)\n", what,
				       (unsigned long long)pc, dwarf_errmsg(-1));
			pc++;
			while (pc < hi && lsp_cfi_lookup(c, pc)->cfa_kind == LSP_CFA_NONE)
				pc++;
			continue;
		}
		t->libdw_s += seconds() - begin;
		dwarf_frame_info(frame, &start, &end, &signal);
		tally_add(t, r);
		if ((!rule_agrees(frame, r, signal) || lsp_cfi_lookup(c, end - 1) != r) && bad++ < 5)
			printf("%s %#llx..%#llx: kind %u reg %u off %d slots %#x flags %u\n", what,
			       (unsigned long long)start, (unsigned long long)end, r->cfa_kind,
			       r->cfa_reg, r->cfa_off, r->slots, r->flags);
		free(frame);
		pc = end > pc ? end : pc + 1;
	}
	return bad;
}

static struct lsp_elf *elf_open(struct lsp_elf_cache *cache, const char *path)
{
	struct lsp_elf *e;

	return lsp_elf_open(cache, path, &e) ? NULL : e;
}

static size_t file_compare(const char *path, bool debug_frame, struct tally *t)
{
	struct lsp_elf_cache *cache;
	struct lsp_cfi *c;
	struct lsp_elf *e;
	Dwarf *dwarf = NULL;
	Dwarf_CFI *ref;
	struct tally own = { 0 };
	double begin, built;
	size_t i, bad = 0;

	assert_int_equal(lsp_elf_cache_create(NULL, &cache), 0);
	e = elf_open(cache, path);
	assert_non_null(e);
	begin = seconds();
	assert_int_equal(lsp_cfi_create(e->elf, NULL, &c), 0);
	built = seconds() - begin;
	if (debug_frame)
		assert_int_equal(lsp_elf_dwarf(e, &dwarf), 0);
	ref = debug_frame ? dwarf_getcfi(dwarf) : dwarf_getcfi_elf(e->elf);
	assert_non_null(ref);
	assert_true(c->nrows > 0);
	assert_false(c->damaged);
	for (i = 0; i < e->nloads; i++)
		if (e->loads[i].exec)
			bad += rows_compare(e->name, ref, c, e->loads[i].vaddr,
					    e->loads[i].vaddr + e->loads[i].memsz, &own);
	printf("%-28s %7zu rows %5zu rules %4zu KiB, %.3f us/row; libdw %.3f; plt %zu deref %zu"
	       " signal %zu outermost %zu complex %zu; %zu disagree\n", e->name, own.rows,
	       c->nrules, (c->nrows * 6 + c->nrules * 12) / 1024, built * 1e6 / (double)own.rows,
	       own.libdw_s * 1e6 / (double)own.rows, own.plt, own.deref, own.signal, own.undefined,
	       own.complex, bad);
	t->rows += own.rows;
	t->complex += own.complex;
	t->plt += own.plt;
	t->deref += own.deref;
	t->signal += own.signal;
	t->undefined += own.undefined;
	lsp_cfi_destroy(c);
	if (!debug_frame)
		dwarf_cfi_end(ref);
	lsp_elf_cache_destroy(cache);
	return bad;
}

/* ---- tests ---- */

static void real_files(void **state)
{
	static const char *const always[] = {
		"/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2", "/proc/self/exe",
	};
	static const char *const perhaps[] = {
		"/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/bin/gdb", "/usr/bin/python3",
		"/usr/bin/git", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
	};
	struct tally t = { 0 };
	size_t i, bad = 0;

	(void)state;
	for (i = 0; i < sizeof(always) / sizeof(*always); i++)
		bad += file_compare(always[i], false, &t);
	for (i = 0; i < sizeof(perhaps) / sizeof(*perhaps); i++)
		if (!access(perhaps[i], R_OK))
			bad += file_compare(perhaps[i], false, &t);
	printf("%zu rows in all, %zu complex (%.3f %%)\n", t.rows, t.complex,
	       100.0 * (double)t.complex / (double)t.rows);
	assert_int_equal(bad, 0);
	assert_true(t.rows > 20000);
	assert_true(t.plt > 0 && t.signal > 0 && t.undefined > 0);
	/* few enough that the slow way for them does not matter */
	assert_true((double)t.complex < 0.001 * (double)t.rows);
}

static void compile(const char *source, const char *flags, char path[64])
{
	char command[512];
	FILE *f;

	assert_int_equal(scratch_create(NULL), 0);
	f = fopen(scratch_path("a.c"), "w");
	assert_non_null(f);
	fputs(source, f);
	fclose(f);
	snprintf(command, sizeof(command), "gcc %s -w -o \"$SCRATCH\"/a \"$SCRATCH\"/a.c", flags);
	scratch_shell(command);
	snprintf(path, 64, "%s", scratch_path("a"));
}

/* Programs whose entries differ in kind from what distributions ship. */
static void compiled_files(void **state)
{
	static const struct {
		const char *flags;
		bool debug_frame;
	} kinds[] = {
		{ "-O2", false },
		{ "-O2 -static", false },		/* has no .eh_frame_hdr */
		{ "-O2 -mstackrealign", false },
		{ "-O0 -fno-omit-frame-pointer", false },
		{ "-O2 -g -nostartfiles -e main -fno-asynchronous-unwind-tables", true },
		{ "-O2 -g -nostartfiles -e main -fno-asynchronous-unwind-tables -gz", true },
	};
	struct tally t = { 0 };
	size_t i, bad = 0;
	char path[64];

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		compile(source_plain, kinds[i].flags, path);
		t.deref = 0;
		bad += file_compare(path, kinds[i].debug_frame, &t);
		assert_int_equal(scratch_destroy(NULL), 0);
		/* h()'s stack is realigned in each of them */
		assert_true(t.deref > 0);
	}
	assert_int_equal(bad, 0);
}

/* .eh_frame decides where both sections speak; .debug_frame fills what it lacks. */
static void both_sections(void **state)
{
	struct lsp_elf_cache *cache;
	struct lsp_cfi *c;
	struct lsp_elf *e;
	char path[64];

	(void)state;
	compile(source_plain, "-O2 -g -fno-asynchronous-unwind-tables", path);
	assert_int_equal(lsp_elf_cache_create(NULL, &cache), 0);
	e = elf_open(cache, path);
	assert_non_null(e);
	assert_int_equal(lsp_cfi_create(e->elf, NULL, &c), 0);
	/* _start comes from crt1.o's .eh_frame and is outermost, main from .debug_frame */
	GElf_Ehdr eh;
	GElf_Shdr sh;
	Elf_Data *d = lsp_elf_section(e->elf, ".symtab", &sh);
	size_t i;
	bool main_seen = false;

	gelf_getehdr(e->elf, &eh);
	assert_int_equal(LSP_CFI_RA(lsp_cfi_lookup(c, eh.e_entry)), LSP_SLOT_UNDEFINED);
	for (i = 0; d && i < d->d_size / sizeof(Elf64_Sym); i++) {
		const Elf64_Sym *s = (const Elf64_Sym *)d->d_buf + i;
		const char *name = elf_strptr(e->elf, sh.sh_link, s->st_name);

		if (!name || strcmp(name, "main"))
			continue;
		main_seen = true;
		assert_int_equal(lsp_cfi_lookup(c, s->st_value)->cfa_kind, LSP_CFA_REG);
		assert_int_equal(lsp_cfi_lookup(c, s->st_value)->cfa_off, 8);
	}
	assert_true(main_seen);
	lsp_cfi_destroy(c);
	lsp_elf_cache_destroy(cache);
	assert_int_equal(scratch_destroy(NULL), 0);
}

/* A program whose section table was cut off has the same rules: its program headers lead to them. */
static void no_sections(void **state)
{
	static const uint8_t nothing[8];
	struct lsp_elf_cache *cache;
	struct lsp_elf *whole, *bare;
	struct lsp_cfi *want, *got;
	char path[64], cut[80], command[256];
	size_t i;
	int fd;

	(void)state;
	compile(source_plain, "-O2", path);
	snprintf(cut, sizeof(cut), "%s.cut", path);
	snprintf(command, sizeof(command), "cp %s %s", path, cut);
	assert_int_equal(system(command), 0);
	fd = open(cut, O_WRONLY);
	/* e_shoff, then e_shnum and e_shstrndx */
	assert_int_equal(pwrite(fd, nothing, 8, 0x28), 8);
	assert_int_equal(pwrite(fd, nothing, 4, 0x3c), 4);
	close(fd);
	assert_int_equal(lsp_elf_cache_create(NULL, &cache), 0);
	whole = elf_open(cache, path);
	bare = elf_open(cache, cut);
	assert_non_null(whole);
	assert_non_null(bare);
	assert_int_equal(lsp_cfi_create(whole->elf, NULL, &want), 0);
	assert_int_equal(lsp_cfi_create(bare->elf, NULL, &got), 0);
	assert_false(lsp_cfi_wants_debug(bare->elf));
	assert_true(want->nrows > 10);
	assert_int_equal(got->nrows, want->nrows);
	for (i = 0; i < want->nrows; i++)
		assert_memory_equal(lsp_cfi_lookup(got, want->base + want->pcs[i]),
				    lsp_cfi_lookup(want, want->base + want->pcs[i]),
				    sizeof(struct lsp_cfi_rule));
	lsp_cfi_destroy(want);
	lsp_cfi_destroy(got);
	lsp_elf_cache_destroy(cache);
	assert_int_equal(scratch_destroy(NULL), 0);
}

/* Lengths and pointers that lead out of the section end the reading, not the process. */
static void damaged_sections(void **state)
{
	static const uint8_t truncated[] = { 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0 };
	static const uint8_t no_nul[] = { 8, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 'x' };
	static const uint8_t orphan[] = { 12, 0, 0, 0, 0x99, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const uint8_t long64[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0 };
	static const struct {
		const uint8_t *data;
		size_t bytes;
	} sections[] = {
		{ truncated, sizeof(truncated) }, { no_nul, sizeof(no_nul) },
		{ orphan, sizeof(orphan) }, { long64, sizeof(long64) },
	};
	struct lsp_fdes f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		assert_int_equal(lsp_fdes_read(sections[i].data, sections[i].bytes, 0x1000, true, 0,
					       UINT64_MAX, &f), 0);
		assert_int_equal(f.n, 0);
		assert_true(f.damaged);
		lsp_fdes_uninit(&f);
	}
	assert_int_equal(lsp_fdes_read("\0\0\0\0\0\0\0", 8, 0, true, 0, UINT64_MAX, &f), 0);
	assert_false(f.damaged);
	lsp_fdes_uninit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_files),
		cmocka_unit_test(compiled_files),
		cmocka_unit_test(both_sections),
		cmocka_unit_test(no_sections),
		cmocka_unit_test(damaged_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
