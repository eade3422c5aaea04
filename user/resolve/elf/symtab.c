/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the table once into candidates, merges those of one address, and makes
 * the rest flat.
 */
#include "symtab.h"

#include <errno.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/index.h"
#include "gopcln.h"
#include "range.h"

struct symbol {
	uint64_t start;
	uint64_t end;		/* start: without a size */
	uint64_t limit;		/* end of its section */
	const char *name;
	uint32_t rank;		/* lower is better */
	bool local;
	bool code_type;		/* STT_FUNC and the like, not a bare label */
};

/* A name that other files can link to, without its version. */
struct name {
	const char *name;
	size_t len;
	uint32_t rank;
	uint64_t start;
};

struct lsp_symtab {
	struct symbol *symbols;
	size_t n;
	size_t room;
	struct lsp_ranges ranges;	/* ids are indices into symbols */
	bool full;
	struct name *names;		/* made at the first question by name */
	size_t nnames;
};

struct reading {
	Elf *elf;
	Elf_Data *data;
	Elf_Data *versions;	/* NULL but for .dynsym */
	size_t strings;		/* section index */
	enum lsp_symtab_kind kind;
	bool full;		/* .symtab, not .dynsym */
	GElf_Shdr section;	/* the one looked at last */
	size_t section_index;
};

static bool section_get(struct reading *r, size_t index)
{
	Elf_Scn *scn;

	if (r->section_index != index) {
		scn = elf_getscn(r->elf, index);
		r->section_index = SIZE_MAX;
		if (!scn || !gelf_getshdr(scn, &r->section))
			return false;
		r->section_index = index;
	}
	return true;
}

/* Whether the symbol's type and section make it one of those wanted. */
static bool is_wanted(struct reading *r, const GElf_Sym *sym, const char *name)
{
	unsigned int type = GELF_ST_TYPE(sym->st_info);

	if (!*name || sym->st_shndx == SHN_UNDEF || sym->st_shndx >= SHN_LORESERVE ||
	    !section_get(r, sym->st_shndx))
		return false;
	if (r->kind == LSP_SYMTAB_DATA)
		return (type == STT_OBJECT || type == STT_COMMON) && sym->st_size;
	if (!(r->section.sh_flags & SHF_EXECINSTR))
		return false;
	if (type == STT_NOTYPE)
		return name[0] != '.' && name[0] != '$' && (r->full || sym->st_size);
	return (type == STT_FUNC || type == STT_GNU_IFUNC) && (r->full || sym->st_size);
}

/* Whether this is the version that a new program would be linked to. */
static bool is_default_version(const struct reading *r, size_t index, const char *name)
{
	const char *at = strchr(name, '@');
	GElf_Versym v;

	if (r->versions && gelf_getversym(r->versions, (int)index, &v))
		return !(v & 0x8000);
	return !at || at[1] == '@';
}

static uint32_t rank_of(const struct reading *r, const GElf_Sym *sym, size_t index,
			const char *name)
{
	unsigned int bind = GELF_ST_BIND(sym->st_info);
	size_t underscores = strspn(name, "_");
	uint32_t rank = 0;

	if (GELF_ST_TYPE(sym->st_info) == STT_NOTYPE)
		rank |= 1U << 12;
	if (bind == STB_LOCAL)
		rank |= 1U << 11;
	rank |= (uint32_t)(underscores > 7 ? 7 : underscores) << 4;
	if (!is_default_version(r, index, name))
		rank |= 1U << 1;
	if (bind == STB_WEAK)
		rank |= 1U;
	return rank;
}

static int symbol_push(struct lsp_symtab *t, const struct symbol *s)
{
	if (s->end < s->start)
		return 0;
	if (lsp_array_grow(&t->symbols, &t->room, t->n, sizeof(*t->symbols)))
		return -ENOMEM;
	t->symbols[t->n++] = *s;
	return 0;
}

static int symbol_add(struct lsp_symtab *t, struct reading *r, size_t index)
{
	const char *name;
	GElf_Sym sym;

	if (!gelf_getsym(r->data, (int)index, &sym))
		return 0;
	name = elf_strptr(r->elf, r->strings, sym.st_name);
	if (!name || !is_wanted(r, &sym, name))
		return 0;
	return symbol_push(t, &(struct symbol){
		.start = sym.st_value,
		.end = sym.st_value + sym.st_size,
		.limit = r->section.sh_addr + r->section.sh_size,
		.name = name,
		.rank = rank_of(r, &sym, index, name),
		.local = GELF_ST_BIND(sym.st_info) == STB_LOCAL,
		.code_type = GELF_ST_TYPE(sym.st_info) != STT_NOTYPE,
	});
}

/* Adds the functions of a stripped Go program, which it names for its own tracebacks. */
static int go_add(struct lsp_symtab *t, Elf *elf)
{
	struct lsp_gopcln go;
	struct lsp_gopcln_func f;
	size_t i;
	int err = 0;

	if (lsp_gopcln_init(&go, elf))
		return 0;
	for (i = 0; !err && i < go.nfuncs && lsp_gopcln_func(&go, i, &f); i++)
		err = symbol_push(t, &(struct symbol){ .start = f.start, .end = f.end, .limit = f.end,
						       .name = f.name, .local = true, .code_type = true });
	return err;
}

static int symbol_compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;
	size_t xlen, ylen;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if ((x->end > x->start) != (y->end > y->start))
		return x->end > x->start ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	xlen = strlen(x->name);
	ylen = strlen(y->name);
	if (xlen != ylen)
		return xlen < ylen ? -1 : 1;
	return strcmp(x->name, y->name);
}

/*
 * Sorts the candidates. The first of those at one address has the best name, and gets the largest
 * size.
 */
static void symbols_sort(struct lsp_symtab *t)
{
	struct symbol *first = t->symbols, *s;

	if (!t->n)
		return;
	qsort(t->symbols, t->n, sizeof(*t->symbols), symbol_compare);
	for (s = first + 1; s < t->symbols + t->n; s++) {
		if (s->start != first->start)
			first = s;
		else if (s->end > first->end)
			first->end = s->end;
	}
}

static bool is_alias(const struct lsp_symtab *t, size_t i)
{
	return i && t->symbols[i - 1].start == t->symbols[i].start;
}

/* Adds a symbol without a size as what is left from it to @end. */
static int sizeless_add(struct lsp_symtab *t, struct lsp_ranges *ret, size_t i, uint64_t end)
{
	struct symbol *s = &t->symbols[i];

	if (s->end < end)
		s->end = end;
	return lsp_ranges_add(ret, s->start, end, (uint32_t)i, 0);
}

/* Gives the symbols without a size what the others, which are in t->ranges, have left. */
static int sizeless_find(struct lsp_symtab *t, struct lsp_ranges *ret)
{
	size_t i, last = SIZE_MAX;
	uint64_t end = 0;	/* of the last one, as far as is known */
	int err = 0;

	for (i = 0; !err && i < t->n; i++) {
		const struct symbol *s = &t->symbols[i];
		const struct lsp_range *next;

		if (s->end > s->start || is_alias(t, i) ||
		    lsp_ranges_find(&t->ranges, s->start))
			continue;
		if (last != SIZE_MAX && s->start < end) {
			/* a bare label inside a function in assembly does not end it */
			if (!s->code_type && t->symbols[last].code_type)
				continue;
			end = s->start;
		}
		if (last != SIZE_MAX)
			err = sizeless_add(t, ret, last, end);
		last = i;
		next = lsp_ranges_after(&t->ranges, s->start);
		end = next && next->start < s->limit ? next->start : s->limit;
	}
	if (!err && last != SIZE_MAX)
		err = sizeless_add(t, ret, last, end);
	return err;
}

static int flatten(struct lsp_symtab *t)
{
	struct lsp_ranges sizeless = { .n = 0 };
	size_t i;
	int err = 0;

	for (i = 0; !err && i < t->n; i++)
		if (!is_alias(t, i))
			err = lsp_ranges_add(&t->ranges, t->symbols[i].start,
					     t->symbols[i].end, (uint32_t)i, 0);
	if (!err)
		err = lsp_ranges_flatten(&t->ranges);
	if (!err)
		err = sizeless_find(t, &sizeless);
	for (i = 0; !err && i < sizeless.n; i++)
		err = lsp_ranges_add(&t->ranges, sizeless.ranges[i].start,
				     sizeless.ranges[i].end, sizeless.ranges[i].id, 0);
	if (!err && sizeless.n)
		err = lsp_ranges_flatten(&t->ranges);
	lsp_ranges_uninit(&sizeless);
	return err;
}

/* Finds the section of @type, and what is needed to read it. Returns false if there is none. */
static bool reading_init(struct reading *r, Elf *elf, uint32_t type)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	r->elf = elf;
	r->section_index = SIZE_MAX;
	r->full = type == SHT_SYMTAB;
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &shdr))
			continue;
		if (shdr.sh_type == SHT_GNU_versym && !r->full)
			r->versions = elf_getdata(scn, NULL);
		if (shdr.sh_type == type && !r->data) {
			r->data = elf_getdata(scn, NULL);
			r->strings = shdr.sh_link;
		}
	}
	return r->data && r->data->d_buf;
}

static int table_add(struct lsp_symtab *t, Elf *elf, uint32_t type, enum lsp_symtab_kind kind)
{
	size_t i, n = 0, entry = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
	struct reading r = { .kind = kind };
	int err = 0;

	if (entry && reading_init(&r, elf, type))
		n = r.data->d_size / entry;
	for (i = 1; !err && i < n && i < INT32_MAX; i++)
		err = symbol_add(t, &r, i);
	return err;
}

int lsp_symtab_create_joined(Elf *elf, uint32_t type, Elf *rest, enum lsp_symtab_kind kind,
			     struct lsp_symtab **ret)
{
	struct lsp_symtab *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->full = type == SHT_SYMTAB;
	err = table_add(t, elf, type, kind);
	if (!err && rest)
		err = table_add(t, rest, SHT_SYMTAB, kind);
	if (!err && kind == LSP_SYMTAB_CODE && !t->full)
		err = go_add(t, elf);
	if (!err) {
		symbols_sort(t);
		err = flatten(t);
	}
	if (err) {
		lsp_symtab_destroy(t);
		return err;
	}
	*ret = t;
	return 0;
}

int lsp_symtab_create(Elf *elf, uint32_t type, enum lsp_symtab_kind kind,
		      struct lsp_symtab **ret)
{
	return lsp_symtab_create_joined(elf, type, NULL, kind, ret);
}

void lsp_symtab_destroy(struct lsp_symtab *t)
{
	if (!t)
		return;
	lsp_ranges_uninit(&t->ranges);
	free(t->symbols);
	free(t->names);
	free(t);
}

int lsp_symtab_find(const struct lsp_symtab *t, uint64_t vaddr, struct lsp_symtab_symbol *ret)
{
	const struct lsp_range *r = lsp_ranges_find(&t->ranges, vaddr);
	const struct symbol *s;

	if (!r)
		return -ENOENT;
	s = &t->symbols[r->id];
	*ret = (struct lsp_symtab_symbol){ s->name, s->start, s->end };
	return 0;
}

bool lsp_symtab_is_full(const struct lsp_symtab *t)
{
	return t->full;
}

bool lsp_symtab_is_empty(const struct lsp_symtab *t)
{
	return !t->n;
}

static int name_compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = memcmp(x->name, y->name, x->len < y->len ? x->len : y->len);

	if (order)
		return order;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

static int names_make(struct lsp_symtab *t)
{
	size_t i;

	t->names = calloc(t->n + 1, sizeof(*t->names));
	if (!t->names)
		return -ENOMEM;
	for (i = 0; i < t->n; i++) {
		const struct symbol *s = &t->symbols[i];

		if (!s->local)
			t->names[t->nnames++] = (struct name){
				s->name, strcspn(s->name, "@"), s->rank, s->start };
	}
	qsort(t->names, t->nnames, sizeof(*t->names), name_compare);
	return 0;
}

int lsp_symtab_address(struct lsp_symtab *t, const char *name, uint64_t *ret)
{
	struct name key = { name, strcspn(name, "@"), 0, 0 };
	size_t low = 0, high;

	if (!t->names && names_make(t))
		return -ENOMEM;
	for (high = t->nnames; low < high; ) {
		size_t mid = low + (high - low) / 2;

		if (name_compare(&t->names[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == t->nnames || t->names[low].len != key.len ||
	    memcmp(t->names[low].name, name, key.len))
		return -ENOENT;
	*ret = t->names[low].start;
	return 0;
}
