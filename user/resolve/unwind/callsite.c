/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps, for each file in which it searched, the file's functions and the names to which the slots
 * of its GOT are bound. So it can follow a call through the PLT to the function of another file.
 */
#include "callsite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../code/code.h"
#include "../code/starts.h"
#include "../elf/debugfile.h"
#include "../elf/symtab.h"

/* A search ends after a frame of this size. */
#define SCAN_MAX_BYTES 65536

/* If a file lacks a symbol for a function, its beginning may lie this far before an address. */
#define UNNAMED_MAX_BYTES 4096

struct got_slot {
	uint64_t vaddr;
	const char *name;
};

struct lsp_callsites {
	struct lsp_symtab *functions;	/* NULL: no symbols */
	struct lsp_starts *starts;	/* if there are none: what the code itself tells */
	struct got_slot *slots;		/* by vaddr */
	size_t nslots;
};

static int slot_compare(const void *a, const void *b)
{
	const struct got_slot *x = a, *y = b;

	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

static void relocations_read(struct lsp_callsites *c, Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL), *symbols = NULL;
	Elf_Scn *symscn = elf_getscn(elf, sh->sh_link);
	size_t i, n = data ? data->d_size / sizeof(Elf64_Rela) : 0;
	struct got_slot *more;
	GElf_Shdr symsh;

	if (symscn && gelf_getshdr(symscn, &symsh) && symsh.sh_type == SHT_DYNSYM)
		symbols = elf_getdata(symscn, NULL);
	if (!symbols || !n)
		return;
	more = realloc(c->slots, (c->nslots + n) * sizeof(*more));
	if (!more)
		return;
	c->slots = more;
	for (i = 0; i < n; i++) {
		GElf_Rela rela;
		GElf_Sym sym;
		const char *name;

		if (!gelf_getrela(data, (int)i, &rela) ||
		    (GELF_R_TYPE(rela.r_info) != R_X86_64_JUMP_SLOT &&
		     GELF_R_TYPE(rela.r_info) != R_X86_64_GLOB_DAT) ||
		    !gelf_getsym(symbols, (int)GELF_R_SYM(rela.r_info), &sym))
			continue;
		name = elf_strptr(elf, symsh.sh_link, sym.st_name);
		if (name && *name)
			c->slots[c->nslots++] = (struct got_slot){ rela.r_offset, name };
	}
}

static void callsites_free(void *data)
{
	struct lsp_callsites *c = data;

	lsp_symtab_destroy(c->functions);
	lsp_starts_destroy(c->starts);
	free(c->slots);
	free(c);
}

static struct lsp_callsites *callsites_of(struct lsp_elf *e)
{
	struct lsp_callsites *c;
	Elf_Scn *scn = NULL;
	Elf *symbols;
	uint32_t type;
	GElf_Shdr sh;

	if (e->kept[LSP_ELF_KEEPS_CALLSITES].data)
		return e->kept[LSP_ELF_KEEPS_CALLSITES].data;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	if (!lsp_elf_symtab_elf(e, &symbols, &type))
		lsp_symtab_create_joined(symbols, type,
					 type == SHT_DYNSYM ? lsp_elf_symtab_rest(e) : NULL,
					 LSP_SYMTAB_CODE, &c->functions);
	/* a stripped static-pie still has a .dynsym, which is empty */
	if (c->functions && lsp_symtab_is_empty(c->functions)) {
		lsp_symtab_destroy(c->functions);
		c->functions = NULL;
	}
	if (!c->functions)
		lsp_starts_create(e, &c->starts);
	while (gelf_getclass(e->elf) == ELFCLASS64 && (scn = elf_nextscn(e->elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_RELA && (sh.sh_flags & SHF_ALLOC))
			relocations_read(c, e->elf, scn, &sh);
	if (c->nslots)
		qsort(c->slots, c->nslots, sizeof(*c->slots), slot_compare);
	e->kept[LSP_ELF_KEEPS_CALLSITES] = (struct lsp_elf_kept){ c, callsites_free };
	return c;
}

static const char *slot_name(const struct lsp_callsites *c, uint64_t vaddr)
{
	const struct got_slot key = { .vaddr = vaddr }, *found;

	if (!c->nslots)
		return NULL;
	found = bsearch(&key, c->slots, c->nslots, sizeof(key), slot_compare);
	return found ? found->name : NULL;
}

bool lsp_callsite_init(struct lsp_callee *ret, struct lsp_maps *maps, struct lsp_mapset *set,
		     struct lsp_map *map, uint64_t pc)
{
	struct lsp_elf *elf = lsp_map_elf(maps, set, map);
	struct lsp_callsites *c = elf ? callsites_of(elf) : NULL;
	struct lsp_symtab_symbol symbol;
	uint64_t end;

	if (!c)
		return false;
	*ret = (struct lsp_callee){
		.maps = maps, .set = set, .map = map, .elf = elf,
		.vaddr = pc - map->bias, .symbols = c->functions,
	};
	if (c->functions && !lsp_symtab_find(c->functions, ret->vaddr, &symbol))
		ret->start = symbol.start;
	else if (c->starts)
		ret->start = lsp_starts_find(c->starts, ret->vaddr, &end);
	return true;
}

/*
 * Like is_start(), for a file without symbols. There a function that others only jump to is not known, and is
 * taken for a part of the function before it. So a jump to anywhere within that part counts. (musl:
 * pthread_cond_broadcast ends with such a jump.)
 */
static bool is_unnamed_start(const struct lsp_callee *f, const struct lsp_starts *starts,
			     uint64_t target)
{
	uint64_t end;

	if (!f->start || lsp_starts_find(starts, target, &end) != target)
		return false;
	return target == f->start || lsp_code_jumps(f->elf, target, end, f->start, f->vaddr);
}

static bool is_unnamed(const struct lsp_callsites *c, uint64_t vaddr)
{
	struct lsp_symtab_symbol symbol;

	return lsp_symtab_find(c->functions, vaddr, &symbol) == -ENOENT;
}

/*
 * Whether a call of @target comes to the callee, because @target is its beginning or jumps there.
 * (musl: __syscall_cp is a jump to __syscall_cp_c, which waits.) A callee without a symbol begins a
 * little before, where there is no symbol either.
 */
static bool is_start(const struct lsp_callee *f, uint64_t target)
{
	struct lsp_callsites *c = callsites_of(f->elf);
	uint64_t low = f->start, high = f->start;
	struct lsp_symtab_symbol symbol;

	if (!c->functions)
		return c->starts && is_unnamed_start(f, c->starts, target);
	if (!f->start) {
		high = f->vaddr;
		low = high > UNNAMED_MAX_BYTES ? high - UNNAMED_MAX_BYTES : 0;
		while (low < high && !is_unnamed(c, low))
			low += 16;
		if (target >= low && target <= high && is_unnamed(c, target))
			return true;
	}
	return (f->start && target == f->start) ||
	       (!lsp_symtab_find(c->functions, target, &symbol) && symbol.start == target &&
		lsp_code_jumps(f->elf, symbol.start, symbol.end, low, high));
}

/* Finds a function that is called by name, in whatever file it is. */
static bool is_named(const struct lsp_callee *f, const char *name)
{
	struct lsp_callsites *c = callsites_of(f->elf);
	uint64_t vaddr;

	return name && c->functions &&
	       !lsp_symtab_address(c->functions, name, &vaddr) && is_start(f, vaddr);
}

bool lsp_callsite_calls(const struct lsp_callee *callee, uint64_t ra)
{
	struct lsp_map *map = lsp_mapset_lookup(callee->set, ra - 1);
	struct lsp_elf *elf = map && map->exec ? lsp_map_elf(callee->maps, callee->set, map) : NULL;
	uint64_t target, slot;

	if (!elf)
		return false;
	switch (lsp_code_call_before(elf, ra - map->bias, &target)) {
	case LSP_CALL_DIRECT:
		if (elf == callee->elf && is_start(callee, target))
			return true;
		return lsp_code_is_plt(elf, target, &slot) &&
		       is_named(callee, slot_name(callsites_of(elf), slot));
	case LSP_CALL_SLOT:
		return is_named(callee, slot_name(callsites_of(elf), target));
	default:
		return false;
	}
}

bool lsp_callsite_plausible(struct lsp_maps *maps, struct lsp_mapset *set, uint64_t ra)
{
	struct lsp_map *map = lsp_mapset_lookup(set, ra - 1);
	struct lsp_elf *elf;
	uint64_t target;

	if (!map || !map->exec)
		return false;
	elf = lsp_map_elf(maps, set, map);
	return !elf || lsp_code_call_before(elf, ra - map->bias, &target) != LSP_CALL_NONE;
}

/* Functions that others know by name are called by it. */
static bool is_local(const struct lsp_callee *f)
{
	struct lsp_callsites *c = callsites_of(f->elf);
	struct lsp_symtab_symbol symbol;
	uint64_t vaddr;

	return !f->start || !c->functions || lsp_symtab_find(c->functions, f->start, &symbol) ||
	       lsp_symtab_address(c->functions, symbol.name, &vaddr) || vaddr != f->start;
}

/*
 * Takes any return address, and tells whether its call may lead to the callee although it does not
 * name it.
 */
static bool called_somehow(const struct lsp_callee *callee, uint64_t ra, bool *perhaps)
{
	struct lsp_map *map = lsp_mapset_lookup(callee->set, ra - 1);
	struct lsp_elf *elf = map && map->exec ? lsp_map_elf(callee->maps, callee->set, map) : NULL;
	enum lsp_call_kind kind;
	uint64_t target;

	kind = elf ? lsp_code_call_before(elf, ra - map->bias, &target) : LSP_CALL_NONE;
	if (kind == LSP_CALL_NONE)
		return false;
	/*
	 * the callee is called by its address, as a thread's first function is; or by jumps alone,
	 * on the way to main()
	 */
	*perhaps = (elf == callee->elf && kind == LSP_CALL_INDIRECT && is_local(callee)) ||
		   lsp_code_is_entry(elf, ra - map->bias);
	return true;
}

/*
 * A return address whose call only may lead to the callee counts only if it is the first one on the
 * stack. One further up would leave frames out.
 */
static bool scan_first(const struct lsp_callee *callee, struct lsp_snapshot *snap,
		       uint64_t from, uint64_t *ret_addr, uint64_t *ret_ra)
{
	uint64_t addr, word;
	bool perhaps;

	for (addr = from; addr - from < SCAN_MAX_BYTES; addr += 8) {
		enum lsp_snapshot_read got = lsp_snapshot_word(snap, addr, &word);

		if (got == LSP_SNAPSHOT_OUTSIDE)
			return false;
		if (got != LSP_SNAPSHOT_OK || !called_somehow(callee, word, &perhaps))
			continue;
		*ret_addr = addr;
		*ret_ra = word;
		return perhaps;
	}
	return false;
}

bool lsp_callsite_find(const struct lsp_callee *callee, struct lsp_snapshot *snap,
		     uint64_t from, uint64_t *ret_addr, uint64_t *ret_ra)
{
	uint64_t addr, word;

	for (addr = from; addr - from < SCAN_MAX_BYTES; addr += 8) {
		enum lsp_snapshot_read got = lsp_snapshot_word(snap, addr, &word);

		if (got == LSP_SNAPSHOT_OUTSIDE)
			break;
		if (got != LSP_SNAPSHOT_OK || !lsp_callsite_calls(callee, word))
			continue;
		*ret_addr = addr;
		*ret_ra = word;
		return true;
	}
	return scan_first(callee, snap, from, ret_addr, ret_ra);
}

static bool is_interpreter(const struct lsp_map *map)
{
	const char *slash = strrchr(map->path, '/'), *base = slash ? slash + 1 : map->path;

	return map->exec && (!strncmp(base, "python", 6) || !strncmp(base, "libpython", 9));
}

bool lsp_callsite_of_python(struct lsp_maps *maps, struct lsp_mapset *set, const struct lsp_map *map,
			    struct lsp_snapshot *snap, uint64_t sp, uint64_t *ra)
{
	const struct lsp_map *caller;

	/* Memory without a file is "" or "//anon". */
	if ((map->path[0] == '/' && map->path[1] != '/') ||
	    lsp_snapshot_word(snap, sp + 8, ra) != LSP_SNAPSHOT_OK)
		return false;
	caller = lsp_mapset_lookup(set, *ra - 1);
	return caller && is_interpreter(caller) && lsp_callsite_plausible(maps, set, *ra);
}
