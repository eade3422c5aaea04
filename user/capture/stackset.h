/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captured stacks by the names the module gave them, as they came. A name may
 * be mentioned before its stack arrives (it travels in another CPU's stream):
 * it then has a place already, and the stack is put there when it comes.
 */
#ifndef LSP_CAPTURE_STACKSET_H
#define LSP_CAPTURE_STACKSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/index.h"
#include "span.h"

#define LSP_STACK_NOT_TAKEN 0	/* place of the name 0, by which events say that there is no stack */

struct lsp_stackset_stack {
	uint64_t id;
	uint32_t tgid;
	uint32_t generation;
	struct lockspan_stack *raw;	/* NULL: not arrived, or resolved */
	bool arrived;
	bool taught;			/* its rules have been given to the module */
	bool used;			/* named since the last compaction */
	uint64_t asked_ns;		/* when it was last missed or asked for */
	uint32_t trace;			/* the owner's number for it; LSP_INDEX_NONE at first */
};

/* A name's newest stack: the same name in a later generation is another stack. */
struct lsp_stackset_name {
	uint64_t id;
	uint32_t tgid;
	uint32_t place;
};

struct lsp_stackset {
	struct lsp_stackset_stack *stacks;
	size_t n;
	size_t room;
	struct lsp_stackset_name *names;
	size_t nnames;
	size_t names_room;
	struct lsp_index index;
	size_t raw_bytes;	/* bytes of memory that the captured stacks take */
	/*
	 * Two processes may give one name to different stacks. The module's names are unique, and processes
	 * that share their memory share the stacks too, whichever of them a STACK record calls its own.
	 */
	bool by_process;
};

int lsp_stackset_init(struct lsp_stackset *s);
void lsp_stackset_uninit(struct lsp_stackset *s);

/* Returns the place of the stack to which an event of @tgid refers, or -ENOMEM. */
int lsp_stackset_place(struct lsp_stackset *s, uint32_t tgid, uint64_t id, uint64_t now_ns,
		       uint32_t *ret);

/*
 * Adds a copy of a STACK record whose lengths have been checked. A second record with the same name
 * and generation is ignored.
 */
int lsp_stackset_put(struct lsp_stackset *s, const struct lockspan_stack *stack);

/* The stack at @place has been resolved to @trace. Its copy is freed. */
void lsp_stackset_resolve(struct lsp_stackset *s, uint32_t place, uint32_t trace);

/*
 * Drops each stack that has arrived, is not held as a copy, and was not used since the last call.
 * @moved has as many entries as there were stacks; each gets the new place of its stack, or
 * LSP_INDEX_NONE. -ENOMEM leaves everything as it was.
 */
int lsp_stackset_compact(struct lsp_stackset *s, uint32_t *moved);

#endif
