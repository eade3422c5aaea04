/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds where calls and tail calls lead: by the tail calls in DWARF, or else by the machine code.
 * It follows the slots of the PLT and the GOT, and looks up names in other files.
 */
#include "target.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "../code/code.h"
#include "../code/jump.h"
#include "../dwarf/line.h"
#include "../elf/slot.h"
#include "symfile.h"
#include "../dwarf/die_walk.h"

int lsp_target_symtab(struct lsp_elf *e, struct lsp_symtab **ret)
{
	struct lsp_symfile *f;
	int err = lsp_symfile_get(e, &f);

	return err ? err : lsp_symfile_symtab(f, LSP_SYMTAB_CODE, ret);
}

/*
 * Finds the function that @from knows by @name: in @from if @local, or in the callee's file, or
 * else somewhere, called from @at.
 */
static int place_by_name(struct lsp_elf *callee, struct lsp_elf *from, const char *name, bool local,
			 uint64_t at, struct lsp_target *ret)
{
	struct lsp_symtab *t;
	int err = -ENOENT;

	ret->name = NULL;
	if (local) {
		ret->elf = from;
		err = lsp_target_symtab(from, &t);
		if (!err)
			err = lsp_symtab_address(t, name, &ret->vaddr);
	}
	if (err == -ENOENT && callee != from) {
		ret->elf = callee;
		err = lsp_target_symtab(callee, &t);
		if (!err)
			err = lsp_symtab_address(t, name, &ret->vaddr);
	}
	if (err == -ENOENT) {
		*ret = (struct lsp_target){ from, at, name };
		err = 0;
	}
	return err;
}

/* Finds what is called through the pointer at @slot of @e, from @at. */
static int place_by_slot(struct lsp_elf *callee, struct lsp_elf *e, uint64_t slot, uint64_t at,
			 struct lsp_target *ret)
{
	struct lsp_symfile *f;
	struct lsp_slots *slots;
	const char *name;
	int err = lsp_symfile_get(e, &f);

	if (!err)
		err = lsp_symfile_slots(f, &slots);
	*ret = (struct lsp_target){ .elf = e };
	if (!err)
		err = lsp_slots_find(slots, slot, &name, &ret->vaddr);
	/* a library's calls to itself go through the table too */
	if (!err && name)
		err = place_by_name(callee, e, name, callee == e, at, ret);
	return err;
}

/*
 * Returns 0 if a function begins at @vaddr, -ENOENT if none does. *@inside tells whether a function
 * covers it all the same.
 */
static int function_check(struct lsp_elf *e, uint64_t vaddr, bool *inside)
{
	struct lsp_symtab_symbol symbol;
	struct lsp_symtab *t;
	int err = lsp_target_symtab(e, &t);

	if (!err)
		err = lsp_symtab_find(t, vaddr, &symbol);
	*inside = !err;
	return err ? err : symbol.start == vaddr ? 0 : -ENOENT;
}

/* Finds the slot or the function that a call or a load names. */
static int named_place(struct lsp_elf *callee, struct lsp_elf *e, bool slot, uint64_t target,
		       uint64_t at, struct lsp_target *ret)
{
	bool inside;
	int err = 0;

	if (!slot) {
		/* a function may look like an entry of the PLT, but entries have no symbols */
		err = function_check(e, target, &inside);
		*ret = (struct lsp_target){ e, target, NULL };
		if (err != -ENOENT || inside || !lsp_code_is_plt(e, target, &target))
			return err;
		at = ret->vaddr;
	}
	err = place_by_slot(callee, e, target, at, ret);
	return err || ret->name ? err : function_check(ret->elf, ret->vaddr, &inside);
}

struct loads {
	struct lsp_elf *callee;
	struct lsp_elf *e;
	struct lsp_target_called *ret;
};

/* Takes an address that is put into the register of the call, if it is that of a function. */
static int load_add(void *arg, enum lsp_jump_kind kind, uint64_t vaddr, uint64_t target)
{
	struct loads *l = arg;
	struct lsp_target_called *c = l->ret;
	size_t i;
	int err;

	if (c->n == LSP_TARGET_CALLED_MAX)
		return -E2BIG;
	err = named_place(l->callee, l->e, kind == LSP_JUMP_SLOT, target, vaddr, &c->at[c->n]);
	for (i = 0; !err && i < c->n; i++)
		if (c->at[i].elf == c->at[c->n].elf && c->at[i].vaddr == c->at[c->n].vaddr)
			return 0;
	c->n += !err;
	return err == -ENOMEM ? err : 0;
}

/* Compilers keep a function's address in a register over a loop. */
static int called_by_register(struct lsp_elf *callee, struct lsp_elf *e, uint64_t ra,
			      struct lsp_target_called *ret)
{
	struct loads l = { callee, e, ret };
	struct lsp_symtab_symbol symbol;
	struct lsp_symtab *t;
	int err = lsp_target_symtab(e, &t);

	if (!err)
		err = lsp_symtab_find(t, ra - 1, &symbol);
	if (!err)
		err = lsp_jump_loads(e, symbol.start, symbol.end, ra, load_add, &l);
	if (err)
		return err == -ENOMEM ? err : -ENOENT;
	return ret->n ? 0 : -ENOENT;
}

int lsp_target_called(struct lsp_elf *callee, struct lsp_elf *e, uint64_t ra,
		      struct lsp_target_called *ret)
{
	enum lsp_call_kind kind;
	uint64_t target;
	int err;

	*ret = (struct lsp_target_called){ 0 };
	kind = lsp_code_call_before(e, ra, &target);
	if (kind == LSP_CALL_INDIRECT)
		return called_by_register(callee, e, ra, ret);
	if (kind == LSP_CALL_NONE)
		return -ENOENT;
	err = named_place(callee, e, kind == LSP_CALL_SLOT, target, ra - 1, &ret->at[0]);
	ret->n = !err;
	ret->certain = true;
	return err;
}

int lsp_target_function(const struct lsp_target *p, struct lsp_inlines **inlines, Dwarf_Die *ret)
{
	struct lsp_inline *in;
	struct lsp_symfile *f;
	int err = lsp_symfile_get(p->elf, &f);

	if (!err)
		err = lsp_symfile_inlines(f, inlines);
	if (err)
		return err;
	in = malloc(sizeof(*in));
	if (!in)
		return -ENOMEM;
	err = lsp_inlines_find(*inlines, p->vaddr, in);
	if (!err && !in->n)
		err = -ENOENT;
	if (!err)
		*ret = in->functions[in->n - 1];
	free(in);
	return err;
}

static bool is_flag(Dwarf_Die *die, unsigned int name, unsigned int gnu_name)
{
	Dwarf_Attribute attr;
	bool set;

	return (dwarf_attr(die, name, &attr) || dwarf_attr(die, gnu_name, &attr)) &&
	       !dwarf_formflag(&attr, &set) && set;
}

static bool address_get(Dwarf_Die *die, unsigned int name, uint64_t *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, name, &attr) && !dwarf_formaddr(&attr, ret) && *ret;
}

/* Finds where the tail call @site leads. */
static int jump_target(struct lsp_target_jumps *j, Dwarf_Die *site, uint64_t at, struct lsp_target *ret)
{
	struct lsp_inlines *inlines;
	struct lsp_symfile *f;
	Dwarf_Attribute attr;
	const char *name;
	Dwarf_Die origin;
	int err;

	if ((!dwarf_attr(site, DW_AT_call_origin, &attr) &&
	     !dwarf_attr(site, DW_AT_abstract_origin, &attr)) ||
	    !dwarf_formref_die(&attr, &origin))
		return -ENOENT;
	err = lsp_symfile_get(j->elf, &f);
	if (!err)
		err = lsp_symfile_inlines(f, &inlines);
	*ret = (struct lsp_target){ .elf = j->elf };
	if (!err)
		err = lsp_inlines_entry(inlines, &origin, &ret->vaddr);
	if (err != -ENOENT)
		return err;
	name = lsp_line_linkage(&origin);
	if (!name)
		name = lsp_line_name(&origin);
	return name ? place_by_name(j->callee, j->elf, name, true, at, ret) : -ENOENT;
}

static int site_visit(void *arg, Dwarf_Die *die, uint32_t parent, uint32_t *own)
{
	struct lsp_target_jumps *j = arg;
	struct lsp_target_jump *jump;
	int tag = dwarf_tag(die), err;

	(void)parent;
	(void)own;
	if (tag == DW_TAG_subprogram)
		return LSP_WALK_ON;
	if ((tag != DW_TAG_call_site && tag != DW_TAG_GNU_call_site) ||
	    !is_flag(die, DW_AT_call_tail_call, DW_AT_GNU_tail_call))
		return LSP_WALK_DOWN;
	if (j->n == LSP_TARGET_JUMPS_MAX) {
		j->unknown_target = true;
		return LSP_WALK_STOP;
	}
	jump = &j->jumps[j->n];
	jump->vaddr = 0;
	if (address_get(die, DW_AT_call_return_pc, &jump->vaddr) ||
	    address_get(die, DW_AT_low_pc, &jump->vaddr))
		jump->vaddr--;
	else
		address_get(die, DW_AT_call_pc, &jump->vaddr);
	err = jump_target(j, die, jump->vaddr, &jump->to);
	if (err == -ENOMEM)
		return err;
	if (err)
		j->unknown_target = true;
	else
		j->n++;
	return LSP_WALK_ON;
}

/* Adds the tail calls that DWARF lists, but only if it says that it lists them all. */
static int jumps_read_dwarf(struct lsp_target_jumps *j, const struct lsp_target *p)
{
	struct lsp_inlines *inlines;
	Dwarf_Die function;
	int err = lsp_target_function(p, &inlines, &function);

	if (err)
		return err == -ENOMEM ? err : 0;
	j->known = is_flag(&function, DW_AT_call_all_calls, DW_AT_GNU_all_call_sites) ||
		   is_flag(&function, DW_AT_call_all_tail_calls, DW_AT_GNU_all_tail_call_sites) ||
		   is_flag(&function, DW_AT_call_all_source_calls,
			   DW_AT_GNU_all_source_call_sites);
	return j->known ? lsp_walk(&function, 0, site_visit, j) : 0;
}

static bool is_exec(const struct lsp_elf *e, uint64_t vaddr)
{
	size_t i;

	for (i = 0; i < e->nloads; i++)
		if (e->loads[i].exec && vaddr - e->loads[i].vaddr < e->loads[i].memsz)
			return true;
	return false;
}

/* Takes a jump that the code seems to have. It is real if a function begins at its target. */
static int code_jump(void *arg, enum lsp_jump_kind kind, uint64_t vaddr, uint64_t target)
{
	struct lsp_target_jumps *j = arg;
	struct lsp_target_jump *jump = &j->jumps[j->n];
	struct lsp_symtab *t;
	bool inside = false, slot = kind == LSP_JUMP_SLOT;
	int err = -ENOENT;

	if (j->n == LSP_TARGET_JUMPS_MAX)
		return -E2BIG;
	jump->vaddr = vaddr;
	jump->to = (struct lsp_target){ j->elf, target, NULL };
	if (!slot && !is_exec(j->elf, target))
		return 0;
	if (!slot)
		err = function_check(j->elf, target, &inside);
	if (err == -ENOENT && !inside && (slot || lsp_code_is_plt(j->elf, target, &target))) {
		err = place_by_slot(j->callee, j->elf, target, vaddr, &jump->to);
		j->known &= !err;
	} else if (err == -ENOENT && !inside && kind != LSP_JUMP_CALL) {
		if (lsp_target_symtab(j->elf, &t))
			return -ENOMEM;
		j->known &= lsp_symtab_is_full(t);
	}
	if (err)
		return err == -ENOMEM ? err : 0;
	j->n += kind != LSP_JUMP_CALL;
	return 1;
}

static int jumps_read_code(struct lsp_target_jumps *j, const struct lsp_target *p)
{
	struct lsp_symtab_symbol symbol;
	struct lsp_symtab *t;
	bool indirect;
	int err = lsp_target_symtab(p->elf, &t);

	if (err)
		return err;
	j->known = true;
	err = lsp_symtab_find(t, p->vaddr, &symbol);
	if (!err)
		err = lsp_jump_scan(p->elf, symbol.start, symbol.end, code_jump, j, &indirect);
	j->known &= !err && !indirect;
	return err == -ENOMEM ? err : 0;
}

int lsp_target_jumps_read(struct lsp_target_jumps *j, const struct lsp_target *p)
{
	int err;

	if (p->name)
		return 0;
	j->elf = p->elf;
	err = jumps_read_dwarf(j, p);
	return err || j->known ? err : jumps_read_code(j, p);
}
