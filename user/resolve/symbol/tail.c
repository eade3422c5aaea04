/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the frames that tail calls took away. The call instruction names the first of them. The
 * tail calls in DWARF, or the jumps in the code, name those between.
 */
#include "tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../code/code.h"
#include "demangle.h"
#include "symbol_private.h"
#include "target.h"

/* How many functions one search enters. */
#define VISITS_MAX 128

struct path {
	struct lsp_target at[LSP_TAIL_MAX];
	uint64_t jump[LSP_TAIL_MAX];	/* the address of the jump by which @at was left; 0: not known */
	size_t n;
	bool open;			/* one of them jumps to an unknown place */
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
	bool leaks;		/* a function may jump to a place that DWARF does not tell */
	bool cut;		/* the search was not complete */
};

/* Whether @p is the function in which the callee's frame runs. */
static int covers(struct search *s, const struct lsp_target *p, bool *ret)
{
	const struct lsp_target callee = { s->callee, s->callee_vaddr, NULL };
	struct lsp_symtab_symbol a, b;
	struct lsp_inlines *inlines;
	struct lsp_symtab *t;
	Dwarf_Die x, y;
	int err;

	*ret = false;
	if (p->elf != s->callee || p->name)
		return 0;
	err = lsp_target_symtab(p->elf, &t);
	if (err)
		return err;
	*ret = !lsp_symtab_find(t, p->vaddr, &a) && !lsp_symtab_find(t, s->callee_vaddr, &b) &&
	       a.start == b.start;
	if (*ret)
		return 0;
	err = lsp_target_function(p, &inlines, &x);
	if (!err)
		err = lsp_target_function(&callee, &inlines, &y);
	*ret = !err && dwarf_dieoffset(&x) == dwarf_dieoffset(&y);
	return err == -ENOMEM ? err : 0;
}

/* A function that is known by its name alone is the same wherever it was called from. */
static bool same_place(const struct lsp_target *a, const struct lsp_target *b)
{
	if (a->name && b->name)
		return !strcmp(a->name, b->name);
	return a->elf == b->elf && a->vaddr == b->vaddr && a->name == b->name;
}

static bool on_path(const struct path *path, const struct lsp_target *p)
{
	size_t i;

	for (i = 0; i < path->n; i++)
		if (same_place(&path->at[i], p))
			return true;
	return false;
}

/*
 * Whether @to goes through the same functions as @from. If so, it stands for both. If they leave a
 * function by different jumps, the place of the jump is not known.
 */
static bool path_merge(struct path *to, const struct path *from)
{
	size_t i;

	if (to->n != from->n)
		return false;
	for (i = 0; i < to->n; i++)
		if (!same_place(&to->at[i], &from->at[i]))
			return false;
	for (i = 0; i < to->n; i++)
		if (to->jump[i] != from->jump[i])
			to->jump[i] = 0;
	to->open |= from->open;
	return true;
}

/* Notes that the path ends at @p, which is the callee (@exact) or may lead to it. */
static void path_end(struct search *s, bool exact)
{
	struct path *first = exact ? &s->exact : &s->maybe;
	size_t *n = exact ? &s->nexact : &s->nmaybe;

	if (!*n)
		*first = s->path;
	else if (path_merge(first, &s->path))
		return;
	(*n)++;
}

static int search_from(struct search *s, const struct lsp_target *p)
{
	struct lsp_target_jumps *j;
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
	j->callee = s->callee;
	err = lsp_target_jumps_read(j, p);
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

/* Makes the lines of a function whose file is not known, from its name. */
static int named_lines(struct lsp_symbols *symbols, const char *name, struct lsp_tail *ret)
{
	char *function = lsp_demangle(name);
	const struct lsp_line line = { .function = function, .linkage = name };
	int err = function ? lsp_symbol_line(symbols, &line, &ret->lines) : -ENOMEM;

	ret->nlines = 1;
	free(function);
	return err;
}

/*
 * The place where the function was left is not known. So only the function is shown, without what
 * may be inlined at its start.
 */
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
		const struct lsp_target *p = &path->at[at];
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

/*
 * Whether both have one name. One of them is then a part of the function that the compiler split
 * off.
 */
static int is_same_name(struct lsp_symbols *symbols, const struct search *s, const struct lsp_target *p,
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

/* Finds the functions on the way from the one at @first, which was called, to the callee. */
static int from_called(struct lsp_symbols *symbols, struct search *s, const struct lsp_target *called,
		       struct lsp_tail ret[LSP_TAIL_MAX], bool *ambiguous)
{
	const struct path first = { .at = { *called }, .n = 1 };
	const struct path *chosen = &first;
	bool same;
	int err = is_same_name(symbols, s, called, &same);

	if (err || same)
		return err;
	err = search_from(s, called);
	/*
	 * a function that cannot have jumped to the callee was not called, so the name meant
	 * another function
	 */
	if (err || !(s->nexact || s->nmaybe || s->leaks || s->cut))
		return err;
	if (s->nexact == 1 && !s->exact.open && !s->cut)
		chosen = &s->exact;
	else if (!s->nexact && s->nmaybe == 1 && !s->maybe.open && !s->cut)
		chosen = &s->maybe;
	*ambiguous = chosen != &s->exact;
	return path_write(symbols, chosen, ret);
}

/*
 * The call went through a register. The functions that the caller puts into this register are
 * tried. The result counts only if just one of them leads to the callee, and in one way. If that
 * one is the callee itself, the way is empty.
 */
static int from_register(struct lsp_symbols *symbols, struct search *s,
			 const struct lsp_target_called *called, struct lsp_tail ret[LSP_TAIL_MAX])
{
	size_t i;
	bool same;
	int err = 0;

	for (i = 0; !err && i < called->n; i++) {
		err = is_same_name(symbols, s, &called->at[i], &same);
		if (!err && same)
			return 0;
		if (!err)
			err = search_from(s, &called->at[i]);
	}
	return err || s->nexact != 1 || s->exact.open || s->cut ? err :
	       path_write(symbols, &s->exact, ret);
}

int lsp_symbol_tail_callers(struct lsp_symbols *symbols, struct lsp_elf *caller,
			    uint64_t call_vaddr, struct lsp_elf *callee, uint64_t callee_vaddr,
			    struct lsp_tail ret[LSP_TAIL_MAX], bool *ambiguous)
{
	struct lsp_target_called called;
	struct search *s;
	int err;

	*ambiguous = false;
	/* code that a signal interrupted made no call */
	if (lsp_code_is_sigreturn(callee, callee_vaddr) ||
	    lsp_code_is_sigreturn(callee, callee_vaddr + 1))
		return 0;
	/* what the caller called is still being looked for */
	if (lsp_code_is_binder(callee, callee_vaddr + 1))
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->callee = callee;
	s->callee_vaddr = callee_vaddr;
	err = lsp_target_called(callee, caller, call_vaddr + 1, &called);
	if (!err)
		err = called.certain ? from_called(symbols, s, &called.at[0], ret, ambiguous) :
				       from_register(symbols, s, &called, ret);
	free(s);
	return err == -ENOENT ? 0 : err;
}
