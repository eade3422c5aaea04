/* SPDX-License-Identifier: GPL-2.0-only */
/* Keeps the start of every variable at a fixed address; sizes are asked of the type when needed. */
#include "variable.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "../../base/index.h"
#include "type.h"
#include "die_walk.h"

#define NO_FUNCTION UINT32_MAX

struct entry {
	uint64_t start;
	Dwarf_Off die;
	uint32_t function;	/* index into functions */
};

struct lsp_variables {
	Dwarf *dw;
	struct entry *entries;
	size_t n;
	size_t room;
	Dwarf_Off *functions;	/* those that were walked */
	size_t nfunctions;
	size_t functions_room;
};

/* Reads the fixed address that the location of @die gives. */
static bool address_get(Dwarf_Die *die, uint64_t *ret)
{
	Dwarf_Attribute attr, at;
	Dwarf_Op *ops;
	Dwarf_Addr addr;
	size_t n;

	if (!dwarf_attr(die, DW_AT_location, &attr))
		return false;
	switch (dwarf_whatform(&attr)) {
	case DW_FORM_exprloc:
	case DW_FORM_block:
	case DW_FORM_block1:
	case DW_FORM_block2:
	case DW_FORM_block4:
		break;
	default:
		return false;
	}
	if (dwarf_getlocation(&attr, &ops, &n) || !n || n > 2)
		return false;
	if (n == 2 && ops[1].atom != DW_OP_plus_uconst)
		return false;
	if (ops[0].atom == DW_OP_addr)
		addr = ops[0].number;
	else if ((ops[0].atom != DW_OP_addrx && ops[0].atom != DW_OP_GNU_addr_index) ||
		 dwarf_getlocation_attr(&attr, &ops[0], &at) || dwarf_formaddr(&at, &addr))
		return false;
	*ret = addr + (n == 2 ? ops[1].number : 0);
	return true;
}

static int entry_add(struct lsp_variables *v, Dwarf_Die *die, uint32_t function)
{
	uint64_t start;

	if (!address_get(die, &start) || !start)
		return 0;
	if (lsp_array_grow(&v->entries, &v->room, v->n, sizeof(*v->entries)))
		return -ENOMEM;
	v->entries[v->n++] = (struct entry){ start, dwarf_dieoffset(die), function };
	return 0;
}

static int function_add(struct lsp_variables *v, Dwarf_Die *die, uint32_t *ret)
{
	if (lsp_array_grow(&v->functions, &v->functions_room, v->nfunctions, sizeof(*v->functions)))
		return -ENOMEM;
	*ret = (uint32_t)v->nfunctions;
	v->functions[v->nfunctions++] = dwarf_dieoffset(die);
	return 0;
}

static int visit(void *arg, Dwarf_Die *die, uint32_t parent, uint32_t *own)
{
	struct lsp_variables *v = arg;
	int err;

	switch (dwarf_tag(die)) {
	case DW_TAG_variable:
		err = entry_add(v, die, parent);
		return err ? err : LSP_WALK_ON;
	case DW_TAG_subprogram:
		err = dwarf_haschildren(die) > 0 ? function_add(v, die, own) : 0;
		return err ? err : LSP_WALK_DOWN;
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
		return LSP_WALK_DOWN;
	default:
		return LSP_WALK_ON;
	}
}

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->die < y->die ? -1 : x->die > y->die;
}

int lsp_variables_create(Dwarf *dw, struct lsp_variables **ret)
{
	struct lsp_variables *v = calloc(1, sizeof(*v));
	Dwarf_CU *cu = NULL;
	uint8_t type;
	Dwarf_Die die;
	int err = 0;

	if (!v)
		return -ENOMEM;
	v->dw = dw;
	while (!err && !dwarf_get_units(dw, cu, &cu, NULL, &type, &die, NULL))
		if (type == DW_UT_compile)
			err = lsp_walk(&die, NO_FUNCTION, visit, v);
	if (err) {
		lsp_variables_destroy(v);
		return err;
	}
	if (v->n)
		qsort(v->entries, v->n, sizeof(*v->entries), entry_compare);
	*ret = v;
	return 0;
}

void lsp_variables_destroy(struct lsp_variables *v)
{
	if (!v)
		return;
	free(v->entries);
	free(v->functions);
	free(v);
}

int lsp_variables_find(const struct lsp_variables *v, uint64_t vaddr, struct lsp_variable *ret)
{
	size_t low = 0, high = v->n;
	const struct entry *e;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v->entries[mid].start <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return -ENOENT;
	e = &v->entries[low - 1];
	if (!dwarf_offdie(v->dw, e->die, &ret->die) ||
	    !dwarf_diecu(&ret->die, &ret->unit, NULL, NULL) ||
	    !lsp_type_of(&ret->die, &ret->type))
		return -ENOENT;
	ret->in_function = e->function != NO_FUNCTION &&
			   dwarf_offdie(v->dw, v->functions[e->function], &ret->function);
	ret->start = e->start;
	ret->bytes = lsp_type_bytes(&ret->type);
	return vaddr - e->start < ret->bytes ? 0 : -ENOENT;
}
