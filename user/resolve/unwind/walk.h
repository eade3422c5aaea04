/* SPDX-License-Identifier: GPL-2.0-only */
/* The result of a walk: the addresses of a stack's frames. */
#ifndef LSP_UNWIND_WALK_H
#define LSP_UNWIND_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../maps/mapset.h"
#include "../trace.h"

/* The largest number of frames that are walked. A deeper stack ends as TRUNCATED. */
#define LSP_WALK_MAX 1024

struct lsp_step {
	uint64_t pc;		/* return address - 1, within the call; exact where a signal hit */
	struct lsp_map *map;	/* NULL outside all mappings; valid until the set changes */
	bool guessed;		/* not found by call frame information */
	bool interrupted;	/* interrupted by a signal: pc is not within a call */
};

struct lsp_walk {
	struct lsp_step steps[LSP_WALK_MAX];	/* leaf first */
	size_t n;
	enum lsp_end end;
};

#endif
