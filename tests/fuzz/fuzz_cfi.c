// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: call frame information that makes the table builder read outside
 * the section, use memory or time out of proportion, or give rows that are not
 * in order or refer to no rule. For libFuzzer; tests/fuzz/run builds and starts
 * it. An input that begins as an ELF file does is one; any other is a section:
 * .eh_frame when its first byte is even, else .debug_frame. The corpus: four
 * small functions, one with a realigned stack, linked by -static -nostdlib
 * -Wl,-N (so that they stay below 4 KiB) with and without -g
 * -fno-asynchronous-unwind-tables; their sections; the dynamic linker's.
 * sources: user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c user/resolve/unwind/fde.c user/resolve/unwind/cfa.c
 * sources: user/resolve/elf/file.c user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c user/resolve/elf/debugfile.c user/resolve/elf/minidebug.c
 * sources: user/resolve/unwind/callsite.c user/resolve/code/starts.c user/resolve/code/code.c user/resolve/elf/symtab.c user/resolve/elf/gopcln.c
 * sources: user/resolve/elf/range.c user/resolve/maps/maps.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c
 * sources: user/base/maptext.c user/base/arena.c user/resolve/unwind/snapshot.c
 * sources: user/base/intern.c user/base/index.c
 * libs: -ldw -lelf -lz -llzma -ldl
 */
#include <stdlib.h>
#include <string.h>

#include "../../user/resolve/unwind/cfi.h"
#include "../../user/resolve/unwind/fde.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

struct rows {
	uint64_t start;
	uint64_t end;
	uint64_t last;
};

static int row_check(void *arg, uint64_t start, uint64_t end, const struct lsp_cfi_rule *rule)
{
	struct rows *r = arg;

	MUST(start < end && start >= r->last && start >= r->start && end <= r->end);
	MUST(rule->cfa_kind > LSP_CFA_NONE && rule->cfa_kind <= LSP_CFA_COMPLEX);
	MUST(rule->cfa_reg < 16);
	MUST(LSP_CFI_RBP(rule) <= LSP_SLOT_UNDEFINED && LSP_CFI_RA(rule) <= LSP_SLOT_UNDEFINED);
	r->last = end;
	return 0;
}

static void section(const uint8_t *data, size_t bytes, bool eh_frame)
{
	struct lsp_fdes f;
	size_t i;

	MUST(!lsp_fdes_read(data, bytes, 0x400000, eh_frame, 0x1000, 1ULL << 47, &f));
	for (i = 0; i < f.n; i++) {
		struct rows r = { f.fdes[i].start, f.fdes[i].end, 0 };

		MUST(!i || f.fdes[i - 1].start <= f.fdes[i].start);
		MUST(f.fdes[i].program.at >= data && f.fdes[i].program.end <= data + bytes);
		lsp_cfa_run(f.fdes[i].common, f.fdes[i].program, r.start, r.end, row_check, &r);
	}
	lsp_fdes_uninit(&f);
}

static void file(uint8_t *data, size_t bytes)
{
	Elf *elf = elf_memory((char *)data, bytes);
	const struct lsp_cfi_rule *rule;
	struct lsp_cfi *c;
	size_t i;

	if (!elf)
		return;
	MUST(!lsp_cfi_create(elf, NULL, &c));
	for (i = 0; i < c->nrows; i++) {
		MUST(!i || c->pcs[i - 1] < c->pcs[i]);
		MUST(c->ids[i] < c->nrules);
		rule = lsp_cfi_lookup(c, c->base + c->pcs[i]);
		MUST(rule == &c->rules[c->ids[i]]);
	}
	if (c->nrows) {
		MUST(lsp_cfi_lookup(c, UINT64_MAX)->cfa_kind == LSP_CFA_NONE);
		MUST(c->ids[c->nrows - 1] == 0);
	}
	lsp_cfi_destroy(c);
	elf_end(elf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint8_t *copy = malloc(bytes ? bytes : 1);

	elf_version(EV_CURRENT);
	MUST(copy);
	memcpy(copy, data, bytes);
	if (bytes > 4 && !memcmp(data, ELFMAG, SELFMAG))
		file(copy, bytes);
	else if (bytes)
		section(copy + 1, bytes - 1, !(data[0] & 1));
	free(copy);
	return 0;
}
