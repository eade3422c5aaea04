/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interprets call frame instructions. The tests compare it with libdw's interpreter
 * (dwarf_cfi_addrframe), row by row. libdw's answers for one address at a time and allocates memory
 * for each answer, and the binaries of a distribution have ten million rows.
 */
#include "cfa.h"

#include <dwarf.h>
#include <errno.h>
#include <string.h>

#define RBP 6
#define RSP 7

/* Compilers nest one level, hand-written assembly a few. */
#define REMEMBER_MAX 16

/* An opcode, an offset and an opcode. */
#define EXPR_MAX 12

struct run {
	const struct lsp_cfa_common *common;
	struct lsp_leb in;
	struct lsp_cfa_state now;
	struct lsp_cfa_state remembered[REMEMBER_MAX];
	unsigned int depth;
	uint64_t loc;
	uint64_t end;
	bool initial;		/* a CIE is being run, so there is no state to restore */
	lsp_cfa_row_fn row;
	void *arg;
};

static int64_t times(uint64_t factor, int64_t align)
{
	return (int64_t)(factor * (uint64_t)align);
}

/* Returns the register @number if it is followed, or NULL. */
static struct lsp_cfa_register *tracked(struct run *r, struct lsp_cfa_state *s, uint64_t number)
{
	if (number == r->common->ra_column)
		return &s->regs[LSP_CFA_RA];
	if (number == RBP)
		return &s->regs[LSP_CFA_RBP];
	if (number == RSP)
		return &s->regs[LSP_CFA_RSP];
	return NULL;
}

static void rule_set(struct run *r, uint64_t number, enum lsp_cfa_reg_kind kind, int64_t offset)
{
	struct lsp_cfa_register *reg = tracked(r, &r->now, number);

	if (reg)
		*reg = (struct lsp_cfa_register){ .kind = kind, .offset = offset };
}

static void rule_expression(struct run *r, enum lsp_cfa_reg_kind kind)
{
	uint64_t number = lsp_leb_unsigned(&r->in);
	uint64_t bytes = lsp_leb_unsigned(&r->in);
	const uint8_t *expr = lsp_leb_bytes(&r->in, bytes);
	struct lsp_cfa_register *reg = tracked(r, &r->now, number);

	if (reg && expr)
		*reg = (struct lsp_cfa_register){ .kind = kind, .expr = expr, .expr_bytes = bytes };
}

static int rule_restore(struct run *r, uint64_t number)
{
	struct lsp_cfa_register *reg = tracked(r, &r->now, number);
	struct lsp_cfa_state initial;

	if (r->initial)
		return -EBADMSG;
	if (reg) {
		initial = r->common->initial;
		*reg = *tracked(r, &initial, number);
	}
	return 0;
}

static void cfa_set(struct run *r, uint64_t reg, int64_t offset)
{
	r->now.cfa_set = true;
	r->now.cfa_reg = reg;
	r->now.cfa_off = offset;
	r->now.cfa_expr = NULL;
}

static int cfa_expression(struct run *r)
{
	uint64_t bytes = lsp_leb_unsigned(&r->in);

	r->now.cfa_expr = lsp_leb_bytes(&r->in, bytes);
	r->now.cfa_expr_bytes = bytes;
	r->now.cfa_set = true;
	return r->now.cfa_expr ? 0 : -EBADMSG;
}

static int advance_to(struct run *r, uint64_t to)
{
	struct lsp_cfi_rule rule;
	int err = 0;

	if (r->initial || to < r->loc)
		return -EBADMSG;
	if (to > r->end)
		to = r->end;
	if (to > r->loc) {
		lsp_cfa_compact(&r->now, r->common->signal, &rule);
		err = r->row(r->arg, r->loc, to, &rule);
	}
	r->loc = to;
	return err;
}

static int advance(struct run *r, uint64_t delta)
{
	uint64_t bytes = delta * r->common->code_align;

	if (bytes > r->end - r->loc)
		bytes = r->end - r->loc;
	return advance_to(r, r->loc + bytes);
}

static int state_remember(struct run *r)
{
	if (r->depth == REMEMBER_MAX)
		return -EBADMSG;
	r->remembered[r->depth++] = r->now;
	return 0;
}

static int state_restore(struct run *r)
{
	if (!r->depth)
		return -EBADMSG;
	r->now = r->remembered[--r->depth];
	return 0;
}

static int step_cfa(struct run *r, uint8_t op)
{
	int64_t align = r->common->data_align;
	uint64_t reg;

	switch (op) {
	case DW_CFA_def_cfa:
		reg = lsp_leb_unsigned(&r->in);
		cfa_set(r, reg, (int64_t)lsp_leb_unsigned(&r->in));
		return 0;
	case DW_CFA_def_cfa_sf:
		reg = lsp_leb_unsigned(&r->in);
		cfa_set(r, reg, times((uint64_t)lsp_leb_signed(&r->in), align));
		return 0;
	case DW_CFA_def_cfa_register:
		reg = lsp_leb_unsigned(&r->in);
		if (!r->now.cfa_set || r->now.cfa_expr)
			return -EBADMSG;
		r->now.cfa_reg = reg;
		return 0;
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
		if (!r->now.cfa_set || r->now.cfa_expr)
			return -EBADMSG;
		r->now.cfa_off = op == DW_CFA_def_cfa_offset ?
			(int64_t)lsp_leb_unsigned(&r->in) :
			times((uint64_t)lsp_leb_signed(&r->in), align);
		return 0;
	case DW_CFA_def_cfa_expression:
		return cfa_expression(r);
	default:
		return -EBADMSG;
	}
}

static int step_register(struct run *r, uint8_t op)
{
	int64_t align = r->common->data_align;
	uint64_t reg;

	if (op == DW_CFA_expression || op == DW_CFA_val_expression) {
		rule_expression(r, op == DW_CFA_expression ? LSP_CFA_REG_EXPRESSION :
				LSP_CFA_REG_VAL_EXPRESSION);
		return 0;
	}
	reg = lsp_leb_unsigned(&r->in);
	switch (op) {
	case DW_CFA_offset_extended:
		rule_set(r, reg, LSP_CFA_REG_OFFSET, times(lsp_leb_unsigned(&r->in), align));
		return 0;
	case DW_CFA_offset_extended_sf:
		rule_set(r, reg, LSP_CFA_REG_OFFSET,
			 times((uint64_t)lsp_leb_signed(&r->in), align));
		return 0;
	case DW_CFA_GNU_negative_offset_extended:
		rule_set(r, reg, LSP_CFA_REG_OFFSET, times(-lsp_leb_unsigned(&r->in), align));
		return 0;
	case DW_CFA_val_offset:
		rule_set(r, reg, LSP_CFA_REG_VAL_OFFSET, times(lsp_leb_unsigned(&r->in), align));
		return 0;
	case DW_CFA_val_offset_sf:
		rule_set(r, reg, LSP_CFA_REG_VAL_OFFSET,
			 times((uint64_t)lsp_leb_signed(&r->in), align));
		return 0;
	case DW_CFA_restore_extended:
		return rule_restore(r, reg);
	case DW_CFA_undefined:
		rule_set(r, reg, LSP_CFA_REG_UNDEFINED, 0);
		return 0;
	case DW_CFA_same_value:
		rule_set(r, reg, LSP_CFA_REG_SAME, 0);
		return 0;
	case DW_CFA_register:
		rule_set(r, reg, LSP_CFA_REG_REGISTER, (int64_t)lsp_leb_unsigned(&r->in));
		return 0;
	default:
		return -EBADMSG;
	}
}

static int step(struct run *r)
{
	uint8_t op = (uint8_t)lsp_leb_fixed(&r->in, 1);
	uint64_t low = op & 0x3f;

	switch (op & 0xc0) {
	case DW_CFA_advance_loc:
		return advance(r, low);
	case DW_CFA_offset:
		rule_set(r, low, LSP_CFA_REG_OFFSET,
			 times(lsp_leb_unsigned(&r->in), r->common->data_align));
		return 0;
	case DW_CFA_restore:
		return rule_restore(r, low);
	}
	switch (op) {
	case DW_CFA_nop:
		return 0;
	case DW_CFA_advance_loc1:
		return advance(r, lsp_leb_fixed(&r->in, 1));
	case DW_CFA_advance_loc2:
		return advance(r, lsp_leb_fixed(&r->in, 2));
	case DW_CFA_advance_loc4:
		return advance(r, lsp_leb_fixed(&r->in, 4));
	case DW_CFA_set_loc:
		/* .debug_frame only; compilers use advance_loc */
		if (r->common->encoding != DW_EH_PE_absptr)
			return -EBADMSG;
		return advance_to(r, lsp_leb_fixed(&r->in, 8));
	case DW_CFA_remember_state:
		return state_remember(r);
	case DW_CFA_restore_state:
		return state_restore(r);
	case DW_CFA_GNU_args_size:
		lsp_leb_unsigned(&r->in);
		return 0;
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
	case DW_CFA_def_cfa_register:
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
	case DW_CFA_def_cfa_expression:
		return step_cfa(r, op);
	default:
		return step_register(r, op);
	}
}

static int run_all(struct run *r)
{
	int err = 0;

	while (!err && r->in.at < r->in.end) {
		err = step(r);
		if (!err && r->in.bad)
			err = -EBADMSG;
	}
	return err;
}

int lsp_cfa_run(const struct lsp_cfa_common *common, struct lsp_leb program,
		uint64_t start, uint64_t end, lsp_cfa_row_fn row, void *arg)
{
	struct run r;
	int err;

	r.common = common;
	r.in = program;
	r.now = common->initial;
	r.depth = 0;
	r.loc = start;
	r.end = end;
	r.initial = false;
	r.row = row;
	r.arg = arg;
	err = run_all(&r);
	return err ? err : advance_to(&r, end);
}

int lsp_cfa_initial(struct lsp_cfa_common *common, struct lsp_leb program)
{
	struct run r;
	int err;

	memset(&common->initial, 0, sizeof(common->initial));
	r.common = common;
	r.in = program;
	r.now = common->initial;
	r.depth = 0;
	r.loc = r.end = 0;
	r.initial = true;
	r.row = NULL;
	r.arg = NULL;
	err = run_all(&r);
	common->initial = r.now;
	return err;
}

/* Decodes "breg N, offset"; with *@deref a dereference follows it. */
static bool expr_simple(const uint8_t *expr, size_t bytes, uint64_t *reg, int64_t *off, bool *deref)
{
	struct lsp_leb in = { expr, expr + bytes, false };
	uint8_t op = (uint8_t)lsp_leb_fixed(&in, 1);

	/* a row stays cheap because of this bound: the expression is read again for each row */
	if (bytes > EXPR_MAX || op < DW_OP_breg0 || op > DW_OP_breg31)
		return false;
	*reg = (uint64_t)op - DW_OP_breg0;
	*off = lsp_leb_signed(&in);
	*deref = lsp_leb_left(&in) == 1 && *in.at == DW_OP_deref;
	return !in.bad && (*deref || !lsp_leb_left(&in));
}

/* The linker's expression for a PLT: rsp + 8 + ((rip & 15) >= N ? 8 : 0). */
static bool expr_plt(const uint8_t *e, size_t bytes, int32_t *threshold)
{
	static const uint8_t head[] = { DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and };
	static const uint8_t tail[] = { DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus };

	if (bytes != sizeof(head) + 1 + sizeof(tail) || memcmp(e, head, sizeof(head)) ||
	    memcmp(e + sizeof(head) + 1, tail, sizeof(tail)) ||
	    e[sizeof(head)] < DW_OP_lit0 || e[sizeof(head)] > DW_OP_lit15)
		return false;
	*threshold = e[sizeof(head)] - DW_OP_lit0;
	return true;
}

static bool compact_cfa(const struct lsp_cfa_state *s, struct lsp_cfi_rule *c)
{
	uint64_t reg = s->cfa_reg;
	int64_t off = s->cfa_off;
	bool deref = false;

	if (!s->cfa_set)
		return false;
	if (s->cfa_expr) {
		if (expr_plt(s->cfa_expr, s->cfa_expr_bytes, &c->cfa_off)) {
			c->cfa_kind = LSP_CFA_PLT;
			c->cfa_reg = RSP;
			return true;
		}
		if (!expr_simple(s->cfa_expr, s->cfa_expr_bytes, &reg, &off, &deref))
			return false;
	}
	if (reg > 15 || off != (int32_t)off)
		return false;
	c->cfa_kind = deref ? LSP_CFA_DEREF : LSP_CFA_REG;
	c->cfa_reg = (uint8_t)reg;
	c->cfa_off = (int32_t)off;
	return true;
}

static bool compact_slot(const struct lsp_cfa_register *r, const struct lsp_cfi_rule *c,
			 unsigned int *kind, int16_t *offset)
{
	uint64_t reg;
	int64_t off = r->offset;
	bool deref;

	switch (r->kind) {
	case LSP_CFA_REG_UNSPECIFIED:
	case LSP_CFA_REG_SAME:
		*kind = LSP_SLOT_SAME;
		return true;
	case LSP_CFA_REG_UNDEFINED:
		*kind = LSP_SLOT_UNDEFINED;
		return true;
	case LSP_CFA_REG_OFFSET:
		*kind = LSP_SLOT_CFA;
		break;
	case LSP_CFA_REG_EXPRESSION:
		if (!expr_simple(r->expr, r->expr_bytes, &reg, &off, &deref) || deref ||
		    reg != c->cfa_reg || c->cfa_kind == LSP_CFA_PLT)
			return false;
		*kind = LSP_SLOT_REG;
		break;
	default:
		return false;
	}
	*offset = (int16_t)off;
	return off == *offset;
}

/* The compact form has no rule for rsp, so rsp must be the CFA. */
static bool rsp_is_cfa(const struct lsp_cfa_state *s, const struct lsp_cfi_rule *c)
{
	const struct lsp_cfa_register *r = &s->regs[LSP_CFA_RSP];
	uint64_t reg;
	int64_t off;
	bool deref;

	if (r->kind == LSP_CFA_REG_UNSPECIFIED)
		return true;
	if (r->kind == LSP_CFA_REG_VAL_OFFSET)
		return r->offset == 0;
	/* a signal frame: the CFA is the saved rsp, and so is rsp */
	return r->kind == LSP_CFA_REG_EXPRESSION && c->cfa_kind == LSP_CFA_DEREF &&
	       expr_simple(r->expr, r->expr_bytes, &reg, &off, &deref) && !deref &&
	       reg == c->cfa_reg && off == c->cfa_off;
}

void lsp_cfa_compact(const struct lsp_cfa_state *s, bool signal, struct lsp_cfi_rule *ret)
{
	unsigned int rbp, ra;

	memset(ret, 0, sizeof(*ret));
	if (!compact_cfa(s, ret) || !rsp_is_cfa(s, ret) ||
	    !compact_slot(&s->regs[LSP_CFA_RBP], ret, &rbp, &ret->rbp_off) ||
	    !compact_slot(&s->regs[LSP_CFA_RA], ret, &ra, &ret->ra_off)) {
		/* an outermost frame needs no other rule */
		memset(ret, 0, sizeof(*ret));
		ret->cfa_kind = LSP_CFA_COMPLEX;
		rbp = LSP_SLOT_SAME;
		ra = s->regs[LSP_CFA_RA].kind == LSP_CFA_REG_UNDEFINED ?
			LSP_SLOT_UNDEFINED : LSP_SLOT_SAME;
	} else if (s->regs[LSP_CFA_RA].kind == LSP_CFA_REG_UNSPECIFIED) {
		ra = LSP_SLOT_UNDEFINED;
	}
	if (ra == LSP_SLOT_UNDEFINED) {
		memset(ret, 0, sizeof(*ret));
		ret->cfa_kind = LSP_CFA_REG;
		ret->cfa_reg = RSP;
		rbp = LSP_SLOT_UNDEFINED;
	}
	ret->slots = (uint8_t)(rbp | ra << 4);
	ret->flags = signal ? LSP_CFI_SIGNAL : 0;
}
