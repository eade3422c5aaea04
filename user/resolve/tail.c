/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the frames that tail calls took away: the call instruction names the
 * first of them; the tail calls in DWARF, or the jumps in the code, name those
 * between.
 */
#include "symbol.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "demangle.h"
#include "inline.h"
#include "jump.h"
#include "line.h"
#include "slot.h"
#include "symbol_private.h"
#include "symfile.h"
#include "walk.h"

/* Functions entered in one search, and jumps of one function. */
#define VISITS_MAX 128
#define JUMPS_MAX 64

/*
 * A function by its first address, or by a @name that another file has: then
 * @elf and @vaddr are where it was called by that name.
 */
struct place {
	struct lsp_elf *elf;
	uint64_t vaddr;
	const char *name;	/* NULL: by its address */
};

struct jump {
	struct place to;
	uint64_t vaddr;		/* of the jump */
};

/* The tail calls of one function. */
struct jumps {
	struct search *search;
	struct lsp_elf *elf;
	struct jump jumps[JUMPS_MAX];
	size_t n;
	bool known;		/* these are all */
	bool unknown_target;
	int err;
};

struct path {
	struct place at[LSP_TAIL_MAX];
	uint64_t jump[LSP_TAIL_MAX];	/* how @at was left; 0 not known */
	size_t n;
	bool open;			/* one of them has a jump to an unknown place */
};

struct search {
	struct lsp_elf *callee;
	uint64_t callee_vaddr;
	struct path path;
	struct path exact;	/* leads to the callee */
	struct path maybe;	/* leads to a function that DWARF does not tell of */
	size_t nexact;
	size_t nmaybe;
	unsigned int visits;
	bool leaks;		/* a function may jump to where DWARF does not tell */
	bool cut;		/* the search was not complete */
};

static int symtab_get(struct lsp_elf *e, struct lsp_symtab **ret)
{
	struct lsp_symfile *f;
	int err = lsp_symfile_get(e, &f);

	return err ? err : lsp_symfile_symtab(f, LSP_SYMTAB_CODE, ret);
}

/*
 * Where a function that @from knows by @name is: there, if @local, or in the
 * callee's file; else somewhere, called from @at.
 */
static int place_by_name(struct search *s, struct lsp_elf *from, const char *name, bool local,
			 uint64_t at, struct place *ret)
{
	struct lsp_symtab *t;
	int err = -ENOENT;

	ret->name = NULL;
	if (local) {
		ret->elf = from;
		err = symtab_get(from, &t);
		if (!err)
			err = lsp_symtab_address(t, name, &ret->vaddr);
	}
	if (err == -ENOENT && s->callee != from) {
		ret->elf = s->callee;
		err = symtab_get(s->callee, &t);
		if (!err)
			err = lsp_symtab_address(t, name, &ret->vaddr);
	}
	if (err == -ENOENT) {
		*ret = (struct place){ from, at, name };
		err = 0;
	}
	return err;
}

/* What the pointer at @slot of @e calls, from @at. */
static int place_by_slot(struct search *s, struct lsp_elf *e, uint64_t slot, uint64_t at,
			 struct place *ret)
{
	struct lsp_symfile *f;
	struct lsp_slots *slots;
	const char *name;
	int err = lsp_symfile_get(e, &f);

	if (!err)
		err = lsp_symfile_slots(f, &slots);
	*ret = (struct place){ .elf = e };
	if (!err)
		err = lsp_slots_find(slots, slot, &name, &ret->vaddr);
	/* a library's calls to itself go through the table too */
	if (!err && name)
		err = place_by_name(s, e, name, s->callee == e, at, ret);
	return err;
}

/* 0 when a function begins at @vaddr, -ENOENT when none does; *@inside: one is there all the same. */
static int function_check(struct lsp_elf *e, uint64_t vaddr, bool *inside)
{
	struct lsp_symtab_symbol symbol;
	struct lsp_symtab *t;
	int err = symtab_get(e, &t);

	if (!err)
		err = lsp_symtab_find(t, vaddr, &symbol);
	*inside = !err;
	return err ? err : symbol.start == vaddr ? 0 : -ENOENT;
}

/* The function that the call instruction before @ra names; only one that a symbol starts at. */
static int called_place(struct search *s, struct lsp_elf *e, uint64_t ra, struct place *ret)
{
	uint64_t target, slot;
	bool inside;
	int err;

	switch (lsp_code_call_before(e, ra, &target)) {
	case LSP_CALL_DIRECT:
		/* a function may look like an entry of the PLT; but those have no symbols */
		err = function_check(e, target, &inside);
		*ret = (struct place){ e, target, NULL };
		if (err != -ENOENT || inside || !lsp_code_is_plt(e, target, &slot))
			return err;
		err = place_by_slot(s, e, slot, target, ret);
		break;
	case LSP_CALL_SLOT:
		err = place_by_slot(s, e, target, ra - 1, ret);
		break;
	default:
		return -ENOENT;
	}
	return err || ret->name ? err : function_check(ret->elf, ret->vaddr, &inside);
}

/* The out-of-line function of DWARF at @p; false when there is none. */
static int function_get(const struct place *p, struct lsp_inlines **inlines, Dwarf_Die *ret)
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

/* Whether the callee's frame runs in the function at @p. */
static int covers(struct search *s, const struct place *p, bool *ret)
{
	const struct place callee = { s->callee, s->callee_vaddr, NULL };
	struct lsp_symtab_symbol a, b;
	struct lsp_inlines *inlines;
	struct lsp_symtab *t;
	Dwarf_Die x, y;
	int err;

	*ret = false;
	if (p->elf != s->callee || p->name)
		return 0;
	err = symtab_get(p->elf, &t);
	if (err)
		return err;
	*ret = !lsp_symtab_find(t, p->vaddr, &a) && !lsp_symtab_find(t, s->callee_vaddr, &b) &&
	       a.start == b.start;
	if (*ret)
		return 0;
	err = function_get(p, &inlines, &x);
	if (!err)
		err = function_get(&callee, &inlines, &y);
	*ret = !err && dwarf_dieoffset(&x) == dwarf_dieoffset(&y);
	return err == -ENOMEM ? err : 0;
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

/* Where the tail call @site leads. */
static int jump_target(struct jumps *j, Dwarf_Die *site, uint64_t at, struct place *ret)
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
	*ret = (struct place){ .elf = j->elf };
	if (!err)
		err = lsp_inlines_entry(inlines, &origin, &ret->vaddr);
	if (err != -ENOENT)
		return err;
	name = lsp_line_linkage(&origin);
	if (!name)
		name = lsp_line_name(&origin);
	return name ? place_by_name(j->search, j->elf, name, true, at, ret) : -ENOENT;
}

static int site_visit(void *arg, Dwarf_Die *die, uint32_t parent, uint32_t *own)
{
	struct jumps *j = arg;
	struct jump *jump;
	int tag = dwarf_tag(die), err;

	(void)parent;
	(void)own;
	if (tag == DW_TAG_subprogram)
		return LSP_WALK_ON;
	if ((tag != DW_TAG_call_site && tag != DW_TAG_GNU_call_site) ||
	    !is_flag(die, DW_AT_call_tail_call, DW_AT_GNU_tail_call))
		return LSP_WALK_DOWN;
	if (j->n == JUMPS_MAX) {
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

/* Those that DWARF lists; only where it says that it lists them all. */
static int jumps_read_dwarf(struct jumps *j, const struct place *p)
{
	struct lsp_inlines *inlines;
	Dwarf_Die function;
	int err = function_get(p, &inlines, &function);

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

/* One that the code seems to have; real if a function begins where it leads. */
static int code_jump(void *arg, enum lsp_jump_kind kind, uint64_t vaddr, uint64_t target)
{
	struct jumps *j = arg;
	struct jump *jump = &j->jumps[j->n];
	struct lsp_symtab *t;
	bool inside = false, slot = kind == LSP_JUMP_SLOT;
	int err = -ENOENT;

	if (j->n == JUMPS_MAX)
		return -E2BIG;
	jump->vaddr = vaddr;
	jump->to = (struct place){ j->elf, target, NULL };
	if (!slot && !is_exec(j->elf, target))
		return 0;
	if (!slot)
		err = function_check(j->elf, target, &inside);
	if (err == -ENOENT && !inside && (slot || lsp_code_is_plt(j->elf, target, &target))) {
		err = place_by_slot(j->search, j->elf, target, vaddr, &jump->to);
		j->known &= !err;
	} else if (err == -ENOENT && !inside && kind != LSP_JUMP_CALL) {
		if (symtab_get(j->elf, &t))
			return -ENOMEM;
		j->known &= lsp_symtab_is_full(t);
	}
	if (err)
		return err == -ENOMEM ? err : 0;
	j->n += kind != LSP_JUMP_CALL;
	return 1;
}

static int jumps_read_code(struct jumps *j, const struct place *p)
{
	struct lsp_symtab_symbol symbol;
	struct lsp_symtab *t;
	bool indirect;
	int err = symtab_get(p->elf, &t);

	if (err)
		return err;
	j->known = true;
	err = lsp_symtab_find(t, p->vaddr, &symbol);
	if (!err)
		err = lsp_jump_scan(p->elf, symbol.start, symbol.end, code_jump, j, &indirect);
	j->known &= !err && !indirect;
	return err == -ENOMEM ? err : 0;
}

static int jumps_read(struct jumps *j, const struct place *p)
{
	int err;

	if (p->name)
		return 0;
	j->elf = p->elf;
	err = jumps_read_dwarf(j, p);
	return err || j->known ? err : jumps_read_code(j, p);
}

static bool on_path(const struct path *path, const struct place *p)
{
	size_t i;

	for (i = 0; i < path->n; i++)
		if (path->at[i].elf == p->elf && path->at[i].vaddr == p->vaddr &&
		    path->at[i].name == p->name)
			return true;
	return false;
}

/* Notes that the path ends at @p, which is the callee (@exact) or may lead to it. */
static void path_end(struct search *s, bool exact)
{
	size_t *n = exact ? &s->nexact : &s->nmaybe;

	if (!(*n)++)
		*(exact ? &s->exact : &s->maybe) = s->path;
}

static int search_from(struct search *s, const struct place *p)
{
	struct jumps *j;
	bool open = s->path.open, found;
	size_t i;
	int err = covers(s, p, &found);

	if (err || found) {
		if (found)
			path_end(s, true);
		return err;
	}
	if (on_path(&s->path, p))
		return 0;
	if (s->path.n == LSP_TAIL_MAX || s->visits++ == VISITS_MAX) {
		s->cut = true;
		return 0;
	}
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->search = s;
	err = jumps_read(j, p);
	s->path.at[s->path.n] = *p;
	s->path.jump[s->path.n++] = 0;
	s->path.open = open || j->unknown_target;
	s->leaks |= j->unknown_target || !j->known;
	if (!err && !j->known)
		path_end(s, false);
	s->path.open |= !j->known;
	for (i = 0; !err && i < j->n; i++) {
		s->path.jump[s->path.n - 1] = j->jumps[i].vaddr;
		err = search_from(s, &j->jumps[i].to);
	}
	s->path.n--;
	s->path.open = open;
	free(j);
	return err;
}

/* The lines of a function in a file that is not known, by its name. */
static int named_lines(struct lsp_symbols *symbols, const char *name, struct lsp_tail *ret)
{
	char *function = lsp_demangle(name);
	const struct lsp_line line = { .function = function, .linkage = name };
	int err = function ? lsp_symbol_line(symbols, &line, &ret->lines) : -ENOMEM;

	ret->nlines = 1;
	free(function);
	return err;
}

/* Where it was left is not known: the function alone, not what happens to be inlined at its start. */
static int whole_function(struct lsp_symbols *symbols, struct lsp_tail *t)
{
	struct lsp_line line = t->lines[t->nlines - 1];

	if (t->nlines == 1)
		return 0;
	line.line = line.start_line;
	t->nlines = 1;
	return lsp_symbol_line(symbols, &line, &t->lines);
}

/* Writes the path from its end, the function nearest to the callee first. */
static int path_write(struct lsp_symbols *symbols, const struct path *path,
		      struct lsp_tail ret[LSP_TAIL_MAX])
{
	size_t i;
	int err;

	for (i = 0; i < path->n; i++) {
		const size_t at = path->n - 1 - i;
		const struct place *p = &path->at[at];
		struct lsp_tail *t = &ret[i];

		t->elf = p->elf;
		t->vaddr = path->jump[at] ? path->jump[at] : p->vaddr;
		err = p->name ? named_lines(symbols, p->name, t) :
				lsp_symbol_lines(symbols, t->elf, t->vaddr, &t->lines, &t->nlines);
		if (!err && !path->jump[at])
			err = whole_function(symbols, t);
		if (err)
			return err;
	}
	return (int)path->n;
}

/* Whether both have one name: a part of a function that the compiler split off. */
static int is_same_name(struct lsp_symbols *symbols, const struct search *s, const struct place *p,
			bool *ret)
{
	const struct lsp_line *x, *y;
	size_t n, m;
	int err;

	*ret = false;
	if (p->name)
		return 0;
	err = lsp_symbol_lines(symbols, p->elf, p->vaddr, &x, &n);
	if (!err)
		err = lsp_symbol_lines(symbols, s->callee, s->callee_vaddr, &y, &m);
	*ret = !err && p->elf == s->callee && x[n - 1].function == y[m - 1].function;
	return err;
}

int lsp_symbol_tail_callers(struct lsp_symbols *symbols, struct lsp_elf *caller,
			    uint64_t call_vaddr, struct lsp_elf *callee, uint64_t callee_vaddr,
			    struct lsp_tail ret[LSP_TAIL_MAX], bool *ambiguous)
{
	struct search *s = calloc(1, sizeof(*s));
	struct path first = { .n = 1 };
	const struct path *chosen = &first;
	bool same;
	int err;

	*ambiguous = false;
	/* what a signal interrupted made no call */
	if (lsp_code_is_sigreturn(callee, callee_vaddr) ||
	    lsp_code_is_sigreturn(callee, callee_vaddr + 1)) {
		free(s);
		return 0;
	}
	if (!s)
		return -ENOMEM;
	s->callee = callee;
	s->callee_vaddr = callee_vaddr;
	err = called_place(s, caller, call_vaddr + 1, &first.at[0]);
	if (!err)
		err = is_same_name(symbols, s, &first.at[0], &same);
	if (!err && !same)
		err = search_from(s, &first.at[0]);
	/* what cannot have jumped to the callee was not called: the name led to another function */
	if (!err && !same && (s->nexact || s->nmaybe || s->leaks || s->cut)) {
		if (s->nexact == 1 && !s->exact.open && !s->cut)
			chosen = &s->exact;
		else if (!s->nexact && s->nmaybe == 1 && !s->maybe.open && !s->cut)
			chosen = &s->maybe;
		*ambiguous = chosen != &s->exact;
		err = path_write(symbols, chosen, ret);
	}
	free(s);
	return err == -ENOENT ? 0 : err;
}
