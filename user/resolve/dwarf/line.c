/* SPDX-License-Identifier: GPL-2.0-only */
/* Answers what takes more than one call of libdw. */
#include "line.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

/* How many references are followed from a function to the entry that has its name. */
#define ORIGINS_MAX 16

#define SCOPES_MAX 32

/* Returns the last row at or before @vaddr; SIZE_MAX: there is none. */
static size_t row_find(Dwarf_Lines *lines, size_t n, uint64_t vaddr)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		Dwarf_Addr addr;

		if (dwarf_lineaddr(dwarf_onesrcline(lines, mid), &addr))
			return SIZE_MAX;
		if (addr <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	return low - 1;
}

/* Reads the file and the line of a row. Returns false at the end of a sequence. */
static bool row_read(Dwarf_Line *row, const char **file, uint32_t *line)
{
	bool end;
	int number;

	if (!row || dwarf_lineendsequence(row, &end) || end || dwarf_lineno(row, &number))
		return false;
	*file = dwarf_linesrc(row, NULL, NULL);
	if (!*file)
		*file = "";
	*line = number > 0 ? (uint32_t)number : 0;
	return true;
}

bool lsp_line_find(Dwarf_Die *unit, uint64_t vaddr, uint64_t low, const char **file,
		   uint32_t *line)
{
	Dwarf_Lines *lines;
	size_t n, i;

	if (dwarf_getsrclines(unit, &lines, &n))
		return false;
	i = row_find(lines, n, vaddr);
	if (i >= n || !row_read(dwarf_onesrcline(lines, i), file, line))
		return false;
	while (!*line && i--) {
		Dwarf_Line *row = dwarf_onesrcline(lines, i);
		const char *name;
		Dwarf_Addr addr;
		uint32_t number;

		if (dwarf_lineaddr(row, &addr) || addr < low || !row_read(row, &name, &number))
			break;
		if (!strcmp(name, *file))
			*line = number;
	}
	return true;
}

static bool number_get(Dwarf_Die *die, unsigned int name, Dwarf_Word *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, name, &attr) && !dwarf_formudata(&attr, ret);
}

bool lsp_line_call(Dwarf_Die *unit, Dwarf_Die *die, const char **file, uint32_t *line)
{
	Dwarf_Word index, number = 0;
	Dwarf_Files *files;
	const char *name;
	size_t n;

	if (!number_get(die, DW_AT_call_file, &index) || dwarf_getsrcfiles(unit, &files, &n) ||
	    index >= n)
		return false;
	number_get(die, DW_AT_call_line, &number);
	name = dwarf_filesrc(files, index, NULL, NULL);
	*file = name ? name : "";
	*line = number > INT32_MAX ? 0 : (uint32_t)number;
	return true;
}

/* Returns the entry of which @die is an instance or the body. */
static bool origin_get(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return (dwarf_attr(die, DW_AT_abstract_origin, &attr) ||
		dwarf_attr(die, DW_AT_specification, &attr)) && dwarf_formref_die(&attr, ret);
}

/* Finds the attribute in @die, or in the entry of which it is an instance. *@at is where it was found. */
static bool attr_find(Dwarf_Die *die, unsigned int name, Dwarf_Attribute *attr, Dwarf_Die *at)
{
	int i;

	*at = *die;
	for (i = 0; i < ORIGINS_MAX; i++) {
		Dwarf_Die next;

		if (dwarf_attr(at, name, attr))
			return true;
		if (!origin_get(at, &next))
			return false;
		*at = next;
	}
	return false;
}

uint32_t lsp_line_declared(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Word line;
	Dwarf_Die at;

	if (!attr_find(die, DW_AT_decl_line, &attr, &at) || dwarf_formudata(&attr, &line) ||
	    line > INT32_MAX)
		return 0;
	return (uint32_t)line;
}

static const char *string_find(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attr;
	const char *ret;
	Dwarf_Die at;

	if (!attr_find(die, name, &attr, &at))
		return NULL;
	ret = dwarf_formstring(&attr);
	return ret && *ret ? ret : NULL;
}

const char *lsp_line_linkage(Dwarf_Die *die)
{
	const char *ret = string_find(die, DW_AT_linkage_name);

	return ret ? ret : string_find(die, DW_AT_MIPS_linkage_name);
}

const char *lsp_line_name(Dwarf_Die *die)
{
	return string_find(die, DW_AT_name);
}

/* Puts "scope::" before @text, which is freed. NULL: no memory. */
static char *scope_add(Dwarf_Die *scope, char *text)
{
	const char *name = dwarf_diename(scope);
	size_t len;
	char *ret;

	if (!name)
		name = dwarf_tag(scope) == DW_TAG_namespace ? "(anonymous namespace)" :
		       !strncmp(text, "operator()", 10) ? "{lambda}" : "(anonymous)";
	len = strlen(name);
	ret = text ? malloc(len + 2 + strlen(text) + 1) : NULL;
	if (ret) {
		memcpy(ret, name, len);
		memcpy(ret + len, "::", 2);
		strcpy(ret + len + 2, text);
	}
	free(text);
	return ret;
}

static bool is_scope(Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_interface_type:
	case DW_TAG_subprogram:
		return true;
	default:
		return false;
	}
}

/*
 * Finds the scopes around @die, from the outermost inwards. dwarf_getscopes_die() would recurse without limit.
 */
static size_t scopes_find(Dwarf_Die *die, Dwarf_Die ret[SCOPES_MAX])
{
	Dwarf_Off target = dwarf_dieoffset(die);
	Dwarf_Die unit, at, next;
	size_t n = 0;

	if (!dwarf_diecu(die, &unit, NULL, NULL) || dwarf_child(&unit, &at))
		return 0;
	while (dwarf_dieoffset(&at) < target && n < SCOPES_MAX) {
		Dwarf_Off here = dwarf_dieoffset(&at);

		if (!dwarf_siblingof(&at, &next) && dwarf_dieoffset(&next) <= target) {
			if (dwarf_dieoffset(&next) <= here)
				break;
			at = next;
			continue;
		}
		ret[n++] = at;
		if (dwarf_child(&at, &next) || dwarf_dieoffset(&next) <= here)
			break;
		at = next;
	}
	return n;
}

char *lsp_line_scoped_name(Dwarf_Die *die)
{
	Dwarf_Die at, next, scopes[SCOPES_MAX];
	Dwarf_Attribute attr;
	const char *name;
	char *ret;
	size_t n;
	int i;

	if (!attr_find(die, DW_AT_name, &attr, &at))
		return NULL;
	name = dwarf_formstring(&attr);
	ret = name && *name ? strdup(name) : NULL;
	if (!ret)
		return NULL;
	for (i = 0; i < ORIGINS_MAX && origin_get(&at, &next); i++)
		at = next;
	n = scopes_find(&at, scopes);
	while (ret && n--)
		if (is_scope(&scopes[n]))
			ret = scope_add(&scopes[n], ret);
	return ret;
}
