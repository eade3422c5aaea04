// SPDX-License-Identifier: GPL-2.0-only
#include "go_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../elf/gopcln.h"

/* What a rule has room for; runtime.call1073741824 is the largest. */
#define FRAME_MAX (INT32_MAX - 8)

static void fde_add(struct lsp_fdes *f, const struct lsp_gopcln_func *func)
{
	/* the kernel's frame of a signal lies above this one; it is known by its code */
	if (!strncmp(func->name, "runtime.sigreturn", 17) || (!func->stack.at && !func->root))
		return;
	f->fdes[f->n++] = (struct lsp_fde){ .start = func->start, .end = func->end,
					    .program = func->stack };
}

int lsp_go_rules_fdes(Elf *elf, uint64_t lo, uint64_t hi, struct lsp_fdes *ret)
{
	struct lsp_gopcln t;
	struct lsp_gopcln_func func;
	uint64_t last = lo;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	if (lsp_gopcln_init(&t, elf) || !t.nfuncs)
		return 0;
	/* a number of functions that the section has no room for */
	if (t.nfuncs > t.bytes / (2 * t.width))
		t.nfuncs = t.bytes / (2 * t.width);
	ret->fdes = calloc(t.nfuncs, sizeof(*ret->fdes));
	if (!ret->fdes)
		return -ENOMEM;
	for (i = 0; i < t.nfuncs; i++) {
		if (!lsp_gopcln_func(&t, i, &func) || func.start < last || func.end > hi) {
			ret->damaged = true;
			continue;
		}
		last = func.end;
		fde_add(ret, &func);
	}
	return 0;
}

int lsp_go_rules_run(struct lsp_leb stack, uint64_t start, uint64_t end, lsp_cfa_row_fn row,
		     void *arg)
{
	struct lsp_cfi_rule rule = {
		.cfa_kind = LSP_CFA_REG, .cfa_reg = 7, .ra_off = -8,
		.slots = LSP_SLOT_UNDEFINED | LSP_SLOT_CFA << 4,
	};
	int64_t moved = -1;
	uint64_t pc = start;
	bool first = true;
	int err = 0;

	if (!stack.at) {
		rule.slots = LSP_SLOT_UNDEFINED | LSP_SLOT_UNDEFINED << 4;
		return row(arg, start, end, &rule);
	}
	while (!err && pc < end) {
		uint64_t change = lsp_leb_unsigned(&stack), ahead;

		if (!change && !first)
			break;
		first = false;
		ahead = lsp_leb_unsigned(&stack);
		/* the sign is in the lowest bit */
		moved += change & 1 ? -(int64_t)(change >> 1) - 1 : (int64_t)(change >> 1);
		if (stack.bad || !ahead || change > UINT32_MAX || moved > FRAME_MAX)
			return -EBADMSG;
		ahead = ahead < end - pc ? ahead : end - pc;
		rule.cfa_off = (int32_t)moved + 8;
		/* assembly may take more off the stack than it has put there */
		if (moved >= 0)
			err = row(arg, pc, pc + ahead, &rule);
		pc += ahead;
	}
	return err;
}
