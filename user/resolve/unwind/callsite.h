/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the call site of a function that has no call frame information, and so its caller: the first
 * return address on the stack whose call instruction leads to that function. The function is known
 * (struct lsp_callee), and the place where it was called is what is looked for.
 */
#ifndef LSP_UNWIND_CALLSITE_H
#define LSP_UNWIND_CALLSITE_H

#include <stdbool.h>
#include <stdint.h>

#include "../maps/maps.h"
#include "snapshot.h"

/* The function that was called, and whose call site is looked for. */
struct lsp_callee {
	struct lsp_maps *maps;
	struct lsp_mapset *set;
	struct lsp_map *map;
	struct lsp_elf *elf;
	uint64_t vaddr;		/* vaddr of an address within it */
	uint64_t start;		/* vaddr of its first instruction; 0 unknown */
	bool symbols;		/* the file has symbols, but perhaps none for this function */
};

/*
 * Fills @ret for the function at @pc in @map, whose caller is to be found. Returns false if the
 * file cannot be read.
 */
bool lsp_callsite_init(struct lsp_callee *ret, struct lsp_maps *maps, struct lsp_mapset *set,
		     struct lsp_map *map, uint64_t pc);

/* Whether the call instruction before the return address @ra certainly leads to @callee. */
bool lsp_callsite_calls(const struct lsp_callee *callee, uint64_t ra);

/* Whether a call instruction ends at @ra. True if the code cannot be read. */
bool lsp_callsite_plausible(struct lsp_maps *maps, struct lsp_mapset *set, uint64_t ra);

/* Finds the lowest word of the stack from @from upwards that is a return address into a caller of @callee. */
bool lsp_callsite_find(const struct lsp_callee *callee, struct lsp_snapshot *snap,
		     uint64_t from, uint64_t *ret_addr, uint64_t *ret_ra);

/*
 * Whether @map is code that CPython made to call a Python function (python -X perf), as far as can be seen without the
 * code: it has no file, and the word above the one at @sp is a return address into the interpreter. Then *@ra is that.
 * Such code has 8 bytes of the stack, below its return address.
 */
bool lsp_callsite_of_python(struct lsp_maps *maps, struct lsp_mapset *set, const struct lsp_map *map,
			    struct lsp_snapshot *snap, uint64_t sp, uint64_t *ra);

#endif
