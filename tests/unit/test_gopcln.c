// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a layout of Go's table that is read wrongly, a name or a row that
 * belongs to a neighbour, a text that begins elsewhere in position-independent
 * programs, a table that the C compiler's linker has put among other data, and
 * damaged tables that are believed. The reference is what Go writes for others:
 * .symtab and .debug_frame of the same program before it was stripped.
 *
 * sources: tests/unit/scratch.c user/resolve/elf/gopcln.c user/resolve/elf/symtab.c user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c
 * sources: user/resolve/unwind/fde.c user/resolve/unwind/cfa.c user/resolve/elf/file.c user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c
 * sources: user/resolve/elf/debugfile.c user/resolve/elf/minidebug.c user/base/maptext.c user/resolve/unwind/callsite.c
 * sources: user/resolve/code/starts.c user/resolve/code/code.c user/resolve/elf/range.c user/resolve/maps/maps.c
 * sources: user/resolve/maps/mapset.c user/resolve/maps/mapsets.c user/base/arena.c user/resolve/unwind/snapshot.c
 * sources: user/base/intern.c user/base/index.c
 * libs: -ldw -lelf -lz -llzma -ldl
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../user/resolve/unwind/cfi.h"
#include "../../user/resolve/elf/gopcln.h"
#include "../../user/resolve/unwind/go_rules.h"
#include "../../user/resolve/elf/file.h"
#include "../../user/resolve/elf/section.h"
#include "../../user/resolve/elf/symtab.h"
#include "scratch.h"

#define BUILD "cd \"$SUBJECTS/../../zoo/go\" && GO111MODULE=off GOCACHE=\"$SCRATCH/cache\" go build "

struct file {
	int fd;
	Elf *elf;
};

static struct file file_open(const char *name)
{
	struct file f = { .fd = open(scratch_path(name), O_RDONLY) };

	assert_true(f.fd >= 0);
	f.elf = elf_begin(f.fd, ELF_C_READ, NULL);
	assert_non_null(f.elf);
	return f;
}

static void file_close(struct file *f)
{
	elf_end(f->elf);
	close(f->fd);
}

static int setup(void **state)
{
	(void)state;
	elf_version(EV_CURRENT);
	return scratch_create(NULL) ||
	       scratch_run(BUILD "-o $SCRATCH/plain main.go") ||
	       scratch_run(BUILD "-ldflags '-s -w' -o $SCRATCH/plain-stripped main.go") ||
	       scratch_run(BUILD "-buildmode=pie -o $SCRATCH/pie main.go") ||
	       scratch_run(BUILD "-buildmode=pie -ldflags '-s -w' -o $SCRATCH/pie-stripped main.go") ||
	       scratch_run(BUILD "-buildmode=pie -ldflags=-linkmode=external -o $SCRATCH/linked main.go") ||
	       scratch_run("strip -o $SCRATCH/linked-stripped $SCRATCH/linked") ||
	       scratch_run(BUILD "-ldflags=-linkmode=external -o $SCRATCH/placed main.go") ||
	       scratch_run("strip -o $SCRATCH/placed-stripped $SCRATCH/placed");
}

/* Steps over the mark of a type that is local to a function: the linker writes a middle dot, the runtime a full stop. */
static const char *dot_skip(const char *s)
{
	return *s == '.' ? s + 1 : !strncmp(s, "\u00b7", 2) ? s + 2 : NULL;
}

/*
 * .symtab also says how a function takes its arguments (".abi0"), and what types
 * a generic one is for, where the runtime has "[...]".
 */
static bool name_is(const char *symbol, const char *own)
{
	while (*own && *own != '[') {
		const char *s = dot_skip(symbol), *o = dot_skip(own);

		if (!s != !o || (!s && *symbol != *own))
			return false;
		symbol = s ? s : symbol + 1;
		own = o ? o : own + 1;
	}
	return *own ? *symbol == '[' : !*symbol || !strcmp(symbol, ".abi0");
}

/* What .symtab calls the Go functions must be what the stripped twin's own table says. */
static void names_compare(const char *whole, const char *stripped)
{
	struct file f = file_open(whole), bare = file_open(stripped);
	struct lsp_symtab *want, *got;
	struct lsp_symtab_symbol x, y;
	struct lsp_gopcln t;
	struct lsp_gopcln_func go;
	size_t i, n = 0, bad = 0;

	assert_int_equal(lsp_symtab_create(f.elf, SHT_SYMTAB, LSP_SYMTAB_CODE, &want), 0);
	assert_int_equal(lsp_symtab_create(bare.elf, SHT_DYNSYM, LSP_SYMTAB_CODE, &got), 0);
	assert_int_equal(lsp_gopcln_init(&t, bare.elf), 0);
	for (i = 0; i < t.nfuncs; i++) {
		assert_true(lsp_gopcln_func(&t, i, &go));
		if (lsp_symtab_find(want, go.start, &x) || x.start != go.start)
			continue;
		n++;
		y.name = "(none)";
		if ((lsp_symtab_find(got, (go.start + go.end) / 2, &y) || y.start != go.start ||
		     !name_is(x.name, y.name)) && bad++ < 5)
			printf("%s %#llx: '%s', not '%s'\n", stripped, (unsigned long long)go.start,
			       y.name, x.name);
	}
	printf("%s: %zu functions, %zu of them in .symtab\n", stripped, t.nfuncs, n);
	assert_int_equal(bad, 0);
	assert_true(n > 1000 && n > t.nfuncs * 9 / 10);
	lsp_symtab_destroy(want);
	lsp_symtab_destroy(got);
	file_close(&f);
	file_close(&bare);
}

static void test_names(void **state)
{
	(void)state;
	names_compare("plain", "plain-stripped");
	names_compare("pie", "pie-stripped");
	names_compare("linked", "linked-stripped");
	names_compare("placed", "placed-stripped");
}

static bool cfa_is(Dwarf_Frame *frame, int64_t off)
{
	Dwarf_Op *ops;
	size_t n;

	if (dwarf_frame_cfa(frame, &ops, &n) || n != 1)
		return false;
	return ops[0].atom == DW_OP_bregx ? ops[0].number == 7 && (int64_t)ops[0].number2 == off :
					    ops[0].atom == DW_OP_breg7 && (int64_t)ops[0].number == off;
}

/* Go's linker writes .debug_frame of the same numbers: each row of it is asked for. */
static void rows_compare(const char *whole, const char *stripped)
{
	struct file f = file_open(whole), bare = file_open(stripped);
	Dwarf *dwarf = dwarf_begin_elf(f.elf, DWARF_C_READ, NULL);
	Dwarf_CFI *ref = dwarf ? dwarf_getcfi(dwarf) : NULL;
	struct lsp_gopcln t;
	struct lsp_gopcln_func go;
	struct lsp_cfi *c;
	size_t i, rows = 0, roots = 0, bad = 0;

	assert_non_null(ref);
	assert_int_equal(lsp_cfi_create(bare.elf, NULL, &c), 0);
	assert_false(c->damaged);
	assert_int_equal(lsp_gopcln_init(&t, bare.elf), 0);
	for (i = 0; i < t.nfuncs; i++) {
		uint64_t pc;

		assert_true(lsp_gopcln_func(&t, i, &go));
		for (pc = go.start; pc < go.end;) {
			const struct lsp_cfi_rule *r = lsp_cfi_lookup(c, pc);
			Dwarf_Addr start, end = pc + 1;
			Dwarf_Frame *frame;

			if (r->cfa_kind != LSP_CFA_NONE && LSP_CFI_RA(r) == LSP_SLOT_UNDEFINED) {
				roots++;
				break;
			}
			if (r->cfa_kind == LSP_CFA_NONE || dwarf_cfi_addrframe(ref, pc, &frame)) {
				pc++;
				continue;
			}
			dwarf_frame_info(frame, &start, &end, NULL);
			rows++;
			if (!cfa_is(frame, r->cfa_off) && bad++ < 5)
				printf("%s %s+%#llx: rsp + %d\n", stripped, go.name,
				       (unsigned long long)(pc - go.start), r->cfa_off);
			free(frame);
			pc = end > pc ? end : pc + 1;
		}
	}
	printf("%s: %zu rows, %zu functions where a stack ends\n", stripped, rows, roots);
	assert_int_equal(bad, 0);
	assert_true(rows > 3000 && roots >= 8 && roots < 30);
	lsp_cfi_destroy(c);
	dwarf_end(dwarf);
	file_close(&f);
	file_close(&bare);
}

static void test_rows(void **state)
{
	(void)state;
	rows_compare("plain", "plain-stripped");
	rows_compare("pie", "pie-stripped");
	rows_compare("linked", "linked-stripped");
	rows_compare("placed", "placed-stripped");
}

/* A program in C has no such table. */
static void test_no_go(void **state)
{
	struct lsp_gopcln t;
	int fd = open("/proc/self/exe", O_RDONLY);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);

	(void)state;
	assert_non_null(elf);
	assert_int_equal(lsp_gopcln_init(&t, elf), -ENOENT);
	elf_end(elf);
	close(fd);
}

static int row_check(void *arg, uint64_t start, uint64_t end, const struct lsp_cfi_rule *rule)
{
	uint64_t *last = arg;

	assert_true(start < end && start >= *last && rule->cfa_kind == LSP_CFA_REG);
	*last = end;
	return 0;
}

static void table_read(Elf *elf)
{
	struct lsp_gopcln t;
	struct lsp_gopcln_func f;
	size_t i;

	if (lsp_gopcln_init(&t, elf))
		return;
	for (i = 0; i < t.nfuncs && lsp_gopcln_func(&t, i, &f); i++) {
		uint64_t last = 0;

		assert_true(strlen(f.name) < t.bytes && f.start < f.end);
		lsp_go_rules_run(f.stack, f.start, f.end, row_check, &last);
	}
}

/* Numbers of the table overwritten, and the file cut; the sanitizers watch. */
static void test_damage(void **state)
{
	struct file f = file_open("plain-stripped");
	GElf_Shdr sh;
	Elf_Data *d = lsp_elf_section(f.elf, ".gopclntab", &sh);
	size_t bytes = sh.sh_offset + sh.sh_size, i;
	unsigned int seed = 1;
	uint8_t *copy;

	(void)state;
	assert_non_null(d);
	bytes = (size_t)lseek(f.fd, 0, SEEK_END);
	copy = malloc(bytes);
	assert_non_null(copy);
	for (i = 0; i < 40; i++) {
		size_t at = sh.sh_offset + (i < 20 ? 4 * i : (size_t)rand_r(&seed) % sh.sh_size);
		uint32_t value = i & 1 ? UINT32_MAX : (uint32_t)rand_r(&seed);
		Elf *elf;

		assert_int_equal(pread(f.fd, copy, bytes, 0), bytes);
		memcpy(copy + at, &value, sizeof(value));
		elf = elf_memory((char *)copy, bytes - (i > 30 ? sh.sh_size / 2 : 0));
		if (elf)
			table_read(elf);
		elf_end(elf);
	}
	free(copy);
	file_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_no_go),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, setup, scratch_destroy);
}
