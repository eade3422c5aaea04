/* SPDX-License-Identifier: GPL-2.0-only */
/* Makes nodes with ranges from functions. The deepest node of an address is its innermost function. */
#include "inline.h"

#include <dwarf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../../base/index.h"
#include "../elf/range.h"
#include "die_walk.h"

#define NO_NODE UINT32_MAX

/*
 * The maximum number of ranges of one unit. More of them (100 MB) would mean that many entries share long
 * lists, which no compiler makes.
 */
#define RANGES_MAX (4U << 20)

/* A node: a function, out of line or inlined into its parent. */
struct node {
	Dwarf_Off die;
	uint32_t parent;
	uint32_t depth;
};

struct unit {
	Dwarf_Off die;
	bool walked;
	struct node *nodes;
	size_t nnodes;
	size_t room;
	struct lsp_ranges ranges;	/* ids are indices into nodes */
};

struct lsp_inlines {
	Dwarf *dw;
	struct unit *units;
	size_t nunits;
	size_t room;
	struct lsp_ranges ranges;	/* ids are indices into units */
	bool split;
};

/* Adds all ranges of a DIE; *@n_ret is how many there were. Address 0 marks what the linker threw away. */
static int die_ranges_add(struct lsp_ranges *r, Dwarf_Die *die, uint32_t id, uint32_t rank,
			  size_t *n_ret)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t offset = 0;
	int err = 0;

	*n_ret = 0;
	while (!err && (offset = dwarf_ranges(die, offset, &base, &start, &end)) > 0) {
		if (!start || start >= end)
			continue;
		err = lsp_ranges_add(r, start, end, id, rank);
		(*n_ret)++;
	}
	return err;
}

static int unit_add(struct lsp_inlines *x, Dwarf_Die *die)
{
	struct unit *u;
	size_t n;

	if (lsp_array_grow(&x->units, &x->room, x->nunits, sizeof(*x->units)))
		return -ENOMEM;
	u = &x->units[x->nunits];
	*u = (struct unit){ .die = dwarf_dieoffset(die) };
	return die_ranges_add(&x->ranges, die, (uint32_t)x->nunits++, 0, &n);
}

int lsp_inlines_create(Dwarf *dw, struct lsp_inlines **ret)
{
	struct lsp_inlines *x = calloc(1, sizeof(*x));
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t type;
	int err = 0;

	if (!x)
		return -ENOMEM;
	x->dw = dw;
	/* without the last argument libdw does not open .dwo files */
	while (!err && !dwarf_get_units(dw, cu, &cu, NULL, &type, &die, NULL)) {
		x->split |= type == DW_UT_skeleton;
		if (type == DW_UT_compile || type == DW_UT_skeleton)
			err = unit_add(x, &die);
	}
	if (!err)
		err = lsp_ranges_flatten(&x->ranges);
	if (err) {
		lsp_inlines_destroy(x);
		return err;
	}
	*ret = x;
	return 0;
}

void lsp_inlines_destroy(struct lsp_inlines *x)
{
	size_t i;

	if (!x)
		return;
	for (i = 0; i < x->nunits; i++) {
		free(x->units[i].nodes);
		lsp_ranges_uninit(&x->units[i].ranges);
	}
	free(x->units);
	lsp_ranges_uninit(&x->ranges);
	free(x);
}

bool lsp_inlines_are_split(const struct lsp_inlines *x)
{
	return x->split;
}

/* Adds a function with its ranges; *@node stays NO_NODE when it has none. */
static int node_add(struct unit *u, Dwarf_Die *die, uint32_t parent, uint32_t *node)
{
	uint32_t id = (uint32_t)u->nnodes;
	uint32_t depth = parent == NO_NODE ? 0 : u->nodes[parent].depth + 1;
	size_t n;
	int err;

	*node = NO_NODE;
	if (lsp_array_grow(&u->nodes, &u->room, u->nnodes, sizeof(*u->nodes)))
		return -ENOMEM;
	err = die_ranges_add(&u->ranges, die, id, depth, &n);
	if (err || !n)
		return err;
	u->nodes[u->nnodes++] = (struct node){ dwarf_dieoffset(die), parent, depth };
	*node = id;
	return 0;
}

static int visit(void *arg, Dwarf_Die *die, uint32_t parent, uint32_t *own)
{
	struct unit *u = arg;
	int err;

	if (u->ranges.n >= RANGES_MAX)
		return LSP_WALK_STOP;
	switch (dwarf_tag(die)) {
	case DW_TAG_subprogram:
		parent = NO_NODE;
		/* fall through */
	case DW_TAG_inlined_subroutine:
		err = node_add(u, die, parent, own);
		if (err)
			return err;
		/* an abstract instance may hold the body of a lambda's function */
		return *own != NO_NODE || dwarf_hasattr(die, DW_AT_inline) ? LSP_WALK_DOWN :
									     LSP_WALK_ON;
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
	case DW_TAG_with_stmt:
	case DW_TAG_structure_type:	/* local classes hold the bodies of their functions */
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		return LSP_WALK_DOWN;
	default:
		return LSP_WALK_ON;
	}
}

static int unit_walk(struct lsp_inlines *x, struct unit *u)
{
	Dwarf_Die unit;
	int err = 0;

	u->walked = true;
	if (dwarf_offdie(x->dw, u->die, &unit))
		err = lsp_walk(&unit, NO_NODE, visit, u);
	return err ? err : lsp_ranges_flatten(&u->ranges);
}

static struct unit *unit_find(struct lsp_inlines *x, Dwarf_Off die)
{
	size_t low = 0, high = x->nunits;

	/* units were added in the file's order */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (x->units[mid].die < die)
			low = mid + 1;
		else
			high = mid;
	}
	return low < x->nunits && x->units[low].die == die ? &x->units[low] : NULL;
}

/* Whether @die is @target or refers to it as what it is an instance or the body of. */
static bool leads_to(Dwarf_Die *die, Dwarf_Off target)
{
	Dwarf_Attribute attr;
	Dwarf_Die at = *die, next;
	int i;

	for (i = 0; i < 4; i++) {
		if (dwarf_dieoffset(&at) == target)
			return true;
		if ((!dwarf_attr(&at, DW_AT_abstract_origin, &attr) &&
		     !dwarf_attr(&at, DW_AT_specification, &attr)) ||
		    !dwarf_formref_die(&attr, &next))
			return false;
		at = next;
	}
	return false;
}

int lsp_inlines_entry(struct lsp_inlines *x, Dwarf_Die *die, uint64_t *ret)
{
	Dwarf_Off target = dwarf_dieoffset(die);
	struct unit *u;
	Dwarf_Die unit;
	size_t i;
	int err;

	if (!dwarf_entrypc(die, ret) && *ret)
		return 0;
	u = dwarf_diecu(die, &unit, NULL, NULL) ? unit_find(x, dwarf_dieoffset(&unit)) : NULL;
	if (!u)
		return -ENOENT;
	if (!u->walked) {
		err = unit_walk(x, u);
		if (err)
			return err;
	}
	for (i = 0; i < u->nnodes; i++) {
		Dwarf_Die body;

		if (u->nodes[i].parent == NO_NODE &&
		    dwarf_offdie(x->dw, u->nodes[i].die, &body) && leads_to(&body, target) &&
		    !dwarf_entrypc(&body, ret) && *ret)
			return 0;
	}
	return -ENOENT;
}

/* Copies the chain from @node outwards. */
static void chain_read(struct lsp_inlines *x, const struct unit *u, uint32_t node,
		       struct lsp_inline *ret)
{
	while (node != NO_NODE) {
		if (ret->n == LSP_INLINE_MAX)
			ret->n--;
		if (dwarf_offdie(x->dw, u->nodes[node].die, &ret->functions[ret->n]))
			ret->n++;
		node = u->nodes[node].parent;
	}
}

int lsp_inlines_find(struct lsp_inlines *x, uint64_t vaddr, struct lsp_inline *ret)
{
	const struct lsp_range *r = lsp_ranges_find(&x->ranges, vaddr);
	struct unit *u;
	int err;

	if (!r)
		return -ENOENT;
	u = &x->units[r->id];
	if (!u->walked) {
		err = unit_walk(x, u);
		if (err)
			return err;
	}
	ret->n = 0;
	ret->start = r->start;
	if (!dwarf_offdie(x->dw, u->die, &ret->unit))
		return -ENOENT;
	r = lsp_ranges_find(&u->ranges, vaddr);
	if (r) {
		ret->start = r->start;
		chain_read(x, u, r->id, ret);
	}
	return 0;
}
