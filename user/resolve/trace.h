/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The types of a resolved stack: how it ended, its objects, lines and frames. The resolver fills
 * them in; all that read resolved stacks use them.
 */
#ifndef LSP_RESOLVE_TRACE_H
#define LSP_RESOLVE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../capture/span.h"

/* How a stack ended. */
#define LSP_ENDS(X)				\
	X(COMPLETE, "complete")			/* at a frame whose CFI says it is the outermost */ \
	X(TRUNCATED, "truncated")		/* the snapshot ended first */ \
	X(NO_CFI, "no_cfi")			/* no unwind information and no fallback */ \
	X(NO_MAP, "no_map")			/* an address outside every known mapping */ \
	X(BAD, "bad")				/* the chain made no sense */ \
	X(NONE, "none")				/* nothing was captured */
#define LSP_ENUM_END(id, name) LSP_END_##id,
enum lsp_end { LSP_ENDS(LSP_ENUM_END) LSP_END_COUNT };
const char *lsp_end_name(unsigned int end);	/* "?" beyond the last */

/* A mapped file (or region) in one process. */
struct lsp_object {
	const char *path;	/* as the process sees it; "[vdso]", "//anon", … */
	const char *build_id;	/* lowercase hex or "" */
	uint64_t start;		/* of the executable mapping */
	uint64_t end;
	uint64_t offset;
	bool symbolised;	/* the file had a symbol table of some kind */
};

struct lsp_line {
	const char *function;	/* demangled; "libc.so.6+0x8a1b0" where no symbol covers it */
	const char *linkage;	/* as the linker knows it */
	const char *file;	/* absolute or "" */
	uint32_t line;
	uint32_t start_line;
};

struct lsp_frame {
	uint64_t pc;		/* an address within the call: return address - 1, for the leaf, too */
	const struct lsp_object *object;	/* NULL outside every mapping */
	const struct lsp_line *lines;		/* innermost inlined first, at least one */
	size_t nlines;
	bool guessed;		/* found by a frame pointer or another guess, not by unwind information */
};

struct lsp_trace {
	struct lsp_frame *frames;	/* leaf first; frames[0] is pthread_mutex_lock or the like */
	size_t nframes;
	enum lsp_end end;
	enum lsp_sync sync;
	bool native;		/* the primitive is one whose word is itself, never a word of its threads' */
	const char *site;	/* the first function beyond the lock and its wrappers; NULL: not known */
	size_t hidden;		/* how many inner frames of the library were cut off at the leaf */
};

/* Whose stack it is. This decides which functions are cut off (those of lock or of unlock). */
enum lsp_side { LSP_SIDE_WAITER, LSP_SIDE_RELEASER };

/* Frees the frames. Strings and objects are the resolver's. */
void lsp_trace_uninit(struct lsp_trace *t);

#endif
