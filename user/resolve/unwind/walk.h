/* SPDX-License-Identifier: GPL-2.0-only */
/* The addresses of a stack's frames, as unwinding finds them. */
#ifndef LSP_UNWIND_WALK_H
#define LSP_UNWIND_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../maps/mapset.h"
#include "../trace.h"

/* Frames that are walked at most; what is deeper is cut as TRUNCATED. */
#define LSP_WALK_MAX 1024

struct lsp_step {
	uint64_t pc;		/* inside the call: return address - 1; exact where a signal hit */
	struct lsp_map *map;	/* NULL outside every mapping; valid until the set changes */
	bool guessed;		/* not found by call frame information */
	bool interrupted;	/* by a signal: pc is not in a call */
};

struct lsp_walk {
	struct lsp_step steps[LSP_WALK_MAX];	/* leaf first */
	size_t n;
	enum lsp_end end;
};

#endif
