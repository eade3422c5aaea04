/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions of libraries that wait, wake or wrap, those of interpreters, and what --skip adds to
 * them. All names of such functions are in the tables of
 * sync_names.c. To teach lockspan another library, add its functions there.
 */
#ifndef LSP_RESOLVE_SYNC_NAMES_H
#define LSP_RESOLVE_SYNC_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "../capture/span.h"

enum lsp_sync_kind {
	LSP_SYNC_INTERNAL,	/* an inner function of the library: not shown */
	LSP_SYNC_PUBLIC,	/* what a program calls: the leaf to show */
	LSP_SYNC_ROOT,		/* a function in which threads begin: from here outwards nothing is shown */
};

/* Functions of one family may call each other. The program called the outermost of them. */
enum lsp_sync_family {
	LSP_FAMILY_C,
	LSP_FAMILY_MALLOC,
	LSP_FAMILY_STDIO,
	LSP_FAMILY_CXX,
	LSP_FAMILY_RUST,
	LSP_FAMILY_GO,
	LSP_FAMILY_ABSL,
	LSP_FAMILY_FOLLY,
	LSP_FAMILY_GLIB,
	LSP_FAMILY_GOMP,	/* OpenMP: libgomp's and libomp's */
	LSP_FAMILY_QT,
	LSP_FAMILY_TBB,
	LSP_FAMILY_INNODB,
	LSP_FAMILY_BEAM,
	/* From here on the functions stand over the C library's, by which they wait. */
	LSP_FAMILY_POSTGRES,
	LSP_FAMILY_JAVA,
};

struct lsp_sync_name {
	const char *name;	/* bare; '*' stands for anything */
	unsigned char sync;	/* enum lsp_sync; OTHER: the name tells no class */
	unsigned char kind;
	unsigned char family;
	bool waits;		/* a condition variable's wait: releases and takes a mutex too */
};

/* Finds a function by its bare name. NULL: it is not known. */
const struct lsp_sync_name *lsp_sync_name_find(const char *function);

/*
 * Whether a function only passes on what its caller wants, so that it is neither the place of a wait nor the one
 * after which a lock is named: a function that programs call to wait or wake, std::lock_guard, operator new.
 * @file: its source file, "" if it is not known.
 */
bool lsp_sync_is_wrapper(const char *function, const char *file);

/*
 * Where stacks have functions of a program that an interpreter runs, these are what tells, and not the interpreter's
 * functions within. Whether @function is one of the interpreter's; @path: its file, or "" if it is not known. Whether it is one
 * of such a program's.
 */
bool lsp_sync_is_interpreter(const char *function, const char *path);
bool lsp_sync_is_interpreted(const char *function);

/*
 * From now on each function whose bare name fits @regex (POSIX, extended) counts as such a wrapper, too: one
 * around a program's own locks. Returns 0, or -EINVAL; then @why says in at most @bytes bytes what is wrong
 * with it.
 */
int lsp_sync_skip(const char *regex, char *why, size_t bytes);

/* A library whose functions without names count as inner functions. */
struct lsp_sync_library {
	const char *prefix;	/* beginning of the file's name */
	unsigned char sync;	/* the class of waits that no name tells */
	bool libc;		/* all of its functions are inner ones, listed or not */
	bool glibc_merged;	/* glibc from 2.34 on: libpthread is in it */
};

/* Finds a library by the path of the mapped file. NULL: it is none of them. */
const struct lsp_sync_library *lsp_sync_library_find(const char *path);

#endif
