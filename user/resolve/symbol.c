/* SPDX-License-Identifier: GPL-2.0-only */
/* Joins the symbol table, the inline index and the line tables to lines. */
#include "symbol.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "demangle.h"
#include "inline.h"
#include "line.h"
#include "symbol_private.h"
#include "symfile.h"

#define LINES_MIN 64

/* An address on its way to lines. */
struct question {
	struct lsp_symbols *symbols;
	struct lsp_symfile *file;
	uint64_t vaddr;
	struct lsp_symtab_symbol symbol;	/* name NULL: none */
	struct lsp_inline in;
	bool unit;				/* in.unit is set */
	struct lsp_line lines[LSP_INLINE_MAX];
	size_t n;
};

int lsp_symbols_create(struct lsp_symbols **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void lsp_symbols_destroy(struct lsp_symbols *s)
{
	if (!s)
		return;
	lsp_text_uninit(&s->text);
	free(s->lines);
	free(s);
}

/* Whether the language has no scopes: a plain name is the whole name. */
static bool is_plain_language(Dwarf_Die *unit)
{
	switch (dwarf_srclang(unit)) {
	case DW_LANG_C89:
	case DW_LANG_C:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case DW_LANG_Go:
	case DW_LANG_Mips_Assembler:
	case 0x2c:	/* DW_LANG_C17, newer than some dwarf.h */
		return true;
	default:
		return false;
	}
}

/* Takes over @name (NULL: no memory). */
static int function_set(struct question *q, struct lsp_line *l, char *name, const char *linkage)
{
	int err = -ENOMEM;

	if (name) {
		l->function = lsp_text_intern(&q->symbols->text, name);
		l->linkage = lsp_text_intern(&q->symbols->text, linkage ? linkage : name);
		if (l->function && l->linkage)
			err = 0;
	}
	free(name);
	return err;
}

/* By the symbol that covers the address. */
static int symbol_name(struct question *q, struct lsp_line *l)
{
	char *linkage = strndup(q->symbol.name, strcspn(q->symbol.name + 1, "@") + 1);
	int err = linkage ? function_set(q, l, lsp_demangle(linkage), linkage) : -ENOMEM;

	free(linkage);
	return err;
}

static int unknown_name(struct question *q, struct lsp_line *l)
{
	l->function = lsp_text_format(&q->symbols->text, "%s+0x%llx", q->file->elf->name,
				      (unsigned long long)q->vaddr);
	l->linkage = l->function;
	return l->function ? 0 : -ENOMEM;
}

static int symbol_or_unknown_name(struct question *q, struct lsp_line *l)
{
	return q->symbol.name ? symbol_name(q, l) : unknown_name(q, l);
}

/* By DWARF; where that has no name, by the symbol. */
static int die_name(struct question *q, Dwarf_Die *die, struct lsp_line *l)
{
	const char *linkage = lsp_line_linkage(die), *name;
	char *scoped;

	if (linkage)
		return function_set(q, l, lsp_demangle(linkage), linkage);
	name = lsp_line_name(die);
	if (!name)
		return symbol_or_unknown_name(q, l);
	if (is_plain_language(&q->in.unit))
		return function_set(q, l, strdup(name), NULL);
	scoped = lsp_line_scoped_name(die);
	return function_set(q, l, scoped, name);
}

/* Whether the symbol names the out-of-line function of the address, and not something inside it. */
static int symbol_is_function(struct question *q, bool *ret)
{
	struct lsp_inline *start;
	int err;

	*ret = false;
	if (!q->symbol.name)
		return 0;
	if (q->symbol.start == q->vaddr) {
		*ret = true;
		return 0;
	}
	start = malloc(sizeof(*start));
	if (!start)
		return -ENOMEM;
	err = lsp_inlines_find(q->file->inlines, q->symbol.start, start);
	*ret = !err && start->n && dwarf_dieoffset(&start->functions[start->n - 1]) ==
				   dwarf_dieoffset(&q->in.functions[q->in.n - 1]);
	free(start);
	return err == -ENOMEM ? err : 0;
}

static int function_name(struct question *q, size_t i, struct lsp_line *l)
{
	bool by_symbol = false;
	int err = 0;

	/* the symbol knows the public name of several, DWARF the one in the source */
	if (i + 1 == q->in.n)
		err = symbol_is_function(q, &by_symbol);
	if (err)
		return err;
	return by_symbol ? symbol_name(q, l) : die_name(q, &q->in.functions[i], l);
}

/* Names in line tables may be relative to where the compiler ran. */
static const char *file_intern(struct question *q, const char *file)
{
	Dwarf_Attribute attr;
	const char *dir = NULL;

	if (*file && *file != '/' && *file != '<' &&
	    dwarf_attr(&q->in.unit, DW_AT_comp_dir, &attr))
		dir = dwarf_formstring(&attr);
	if (!dir || *dir != '/')
		return lsp_text_intern(&q->symbols->text, file);
	return lsp_text_format(&q->symbols->text, "%s%s%s", dir,
			       dir[strlen(dir) - 1] == '/' ? "" : "/", file);
}

/* Function @i of the chain; its place is where the one inlined into it was called. */
static int line_make(struct question *q, size_t i)
{
	struct lsp_line *l = &q->lines[i];
	const char *file = "";
	int err;

	l->start_line = 0;
	l->line = 0;
	if (i == 0) {
		uint64_t start = q->in.start;

		if (q->symbol.name && q->symbol.start > start)
			start = q->symbol.start;
		/* between functions there is padding, with the line of what is before it */
		if (q->unit && (q->in.n || q->symbol.name))
			lsp_line_find(&q->in.unit, q->vaddr, start, &file, &l->line);
	} else {
		lsp_line_call(&q->in.unit, &q->in.functions[i - 1], &file, &l->line);
	}
	l->file = file_intern(q, file);
	if (!l->file)
		return -ENOMEM;
	if (i >= q->in.n)
		return symbol_or_unknown_name(q, l);
	err = function_name(q, i, l);
	l->start_line = lsp_line_declared(&q->in.functions[i]);
	return err;
}

static int question_ask(struct question *q)
{
	struct lsp_symtab *code;
	struct lsp_inlines *inlines;
	size_t i;
	int err;

	err = lsp_symfile_symtab(q->file, LSP_SYMTAB_CODE, &code);
	if (err)
		return err;
	if (lsp_symtab_find(code, q->vaddr, &q->symbol))
		q->symbol.name = NULL;
	err = lsp_symfile_inlines(q->file, &inlines);
	if (!err)
		err = lsp_inlines_find(inlines, q->vaddr, &q->in);
	if (err == -ENOMEM)
		return err;
	q->unit = !err;
	q->n = q->unit && q->in.n ? q->in.n : 1;
	if (!q->unit)
		q->in.n = 0;
	for (i = 0, err = 0; !err && i < q->n; i++)
		err = line_make(q, i);
	return err;
}

int lsp_symbol_lines(struct lsp_symbols *s, struct lsp_elf *e, uint64_t vaddr,
		     const struct lsp_line **lines, size_t *n)
{
	const struct lsp_symfile_memo *memo;
	struct question *q;
	struct lsp_symfile *f;
	struct lsp_line *made;
	int err = lsp_symfile_get(e, &f);

	if (err)
		return err;
	memo = lsp_symfile_recall(f, vaddr);
	if (memo) {
		*lines = memo->lines;
		*n = memo->n;
		return 0;
	}
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->symbols = s;
	q->file = f;
	q->vaddr = vaddr;
	err = question_ask(q);
	made = err ? NULL : lsp_text_alloc(&s->text, q->n * sizeof(*made));
	if (made) {
		memcpy(made, q->lines, q->n * sizeof(*made));
		*lines = made;
		*n = q->n;
		err = lsp_symfile_note(f, vaddr, made, q->n);
	}
	free(q);
	return err ? err : made ? 0 : -ENOMEM;
}

static bool is_same_line(const struct lsp_line *x, const struct lsp_line *y)
{
	return x->function == y->function && x->linkage == y->linkage && x->file == y->file &&
	       x->line == y->line && x->start_line == y->start_line;
}

/* Strings are interned: their addresses stand for them. */
static const struct lsp_line **line_slot(const struct lsp_line **lines, size_t nlines,
					 const struct lsp_line *line)
{
	uint64_t hash = (uintptr_t)line->function * 31 + (uintptr_t)line->linkage * 7 +
			(uintptr_t)line->file + line->line;
	size_t i = (hash * 0x9e3779b97f4a7c15ULL >> 32) & (nlines - 1);

	while (lines[i] && !is_same_line(lines[i], line))
		i = (i + 1) & (nlines - 1);
	return &lines[i];
}

static int lines_grow(struct lsp_symbols *s)
{
	size_t i, n = s->nlines ? 2 * s->nlines : LINES_MIN;
	const struct lsp_line **lines;

	if (s->lines_used < s->nlines / 2)
		return 0;
	lines = calloc(n, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	for (i = 0; i < s->nlines; i++)
		if (s->lines[i])
			*line_slot(lines, n, s->lines[i]) = s->lines[i];
	free(s->lines);
	s->lines = lines;
	s->nlines = n;
	return 0;
}

int lsp_symbol_line(struct lsp_symbols *s, const struct lsp_line *line,
		    const struct lsp_line **ret)
{
	struct lsp_line l = *line, *made;
	const struct lsp_line **slot;

	l.function = lsp_text_intern(&s->text, line->function ? line->function : "");
	l.linkage = lsp_text_intern(&s->text, line->linkage ? line->linkage : "");
	l.file = lsp_text_intern(&s->text, line->file ? line->file : "");
	if (!l.function || !l.linkage || !l.file || lines_grow(s))
		return -ENOMEM;
	slot = line_slot(s->lines, s->nlines, &l);
	if (!*slot) {
		made = lsp_text_alloc(&s->text, sizeof(*made));
		if (!made)
			return -ENOMEM;
		*made = l;
		*slot = made;
		s->lines_used++;
	}
	*ret = *slot;
	return 0;
}
