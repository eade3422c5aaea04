/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stacks of a profile as the formats of other tools have them: a list of frames, root first, and
 * one value. Samples that differ only in labels or addresses are one stack.
 */
#ifndef LSP_EXPORT_STACKS_H
#define LSP_EXPORT_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include "../base/intern.h"
#include "../profile/pprof.h"

/* A function, or with LSP_EXPORT_LINES a line in it. An inlined function is a frame, too. */
struct lsp_export_frame {
	const char *name;
	const char *file;	/* "": not known, or not asked for */
	int64_t line;		/* 0: likewise */
};

/* The frames of one or more lists of stacks. All zero is empty. */
struct lsp_export_frames {
	struct lsp_intern names;
	struct lsp_intern frames;	/* of struct lsp_export_frame; ids are places */
};

/* All zero is empty. */
struct lsp_export_stacks {
	struct lsp_intern stacks;	/* of frames' places, root first; ids are places */
	double *values;			/* by the stack's place */
	size_t n;			/* how many stacks there are */
	size_t room;
};

struct lsp_export_stack {
	const uint32_t *frames;		/* root first */
	size_t n;
	double value;
};

/* What tells two frames apart: their functions, or functions and lines. */
enum lsp_export_detail { LSP_EXPORT_FUNCTIONS, LSP_EXPORT_LINES };

/*
 * Adds the samples of @p, with their values in @column. A frame without a name is called
 * FILE+0xOFFSET after its mapping, a sample without frames [no stack]. Returns 0, -ENOMEM, or
 * -EOVERFLOW beyond 4 GiB of stacks or names.
 */
int lsp_export_stacks_add(struct lsp_export_stacks *s, struct lsp_export_frames *f,
			  const struct lsp_profile *p, size_t column, enum lsp_export_detail detail);

void lsp_export_frames_uninit(struct lsp_export_frames *f);
void lsp_export_stacks_uninit(struct lsp_export_stacks *s);

/* The frame at @place, and the stack at @place. Each must be below the table's count. */
const struct lsp_export_frame *lsp_export_frame(const struct lsp_export_frames *f, uint32_t place);
struct lsp_export_stack lsp_export_stack(const struct lsp_export_stacks *s, uint32_t place);

#endif
