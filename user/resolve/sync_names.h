/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of libraries whose functions wait and wake. All names of such functions stand in the tables of
 * sync_names.c. To teach lockspan another library, add its functions there.
 */
#ifndef LSP_RESOLVE_SYNC_NAMES_H
#define LSP_RESOLVE_SYNC_NAMES_H

#include <stdbool.h>

#include "../capture/span.h"

enum lsp_sync_kind {
	LSP_SYNC_INTERNAL,	/* inside the library: not shown */
	LSP_SYNC_PUBLIC,	/* what a program calls: the leaf to show */
	LSP_SYNC_ROOT,		/* where threads begin: nothing is shown from here outwards */
};

/* Functions of one family may call each other; the outermost is the one that was called. */
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
};

struct lsp_sync_name {
	const char *name;	/* bare; '*' stands for anything */
	unsigned char sync;	/* enum lsp_sync; OTHER: says nothing */
	unsigned char kind;
	unsigned char family;
	bool waits;		/* a condition variable's wait: releases and takes a mutex too */
};

/* By the name that people read; NULL: not known. */
const struct lsp_sync_name *lsp_sync_name_find(const char *function);

/*
 * Whether a function only passes on what its caller wants, so that it is neither the place of a wait nor the one
 * after which a lock is named: a function that programs call to wait or wake, std::lock_guard, operator new.
 * @file: its source file, "" if it is not known.
 */
bool lsp_sync_is_wrapper(const char *function, const char *file);

/* A library whose unnamed code is internal. */
struct lsp_sync_library {
	const char *prefix;	/* of the file's name */
	unsigned char sync;	/* of waits that no name tells about */
	bool libc;		/* any function of it, listed or not, is the library's */
	bool glibc_merged;	/* glibc from 2.34 on: libpthread is in it */
};

/* By the mapped file's path; NULL: not one of them. */
const struct lsp_sync_library *lsp_sync_library_find(const char *path);

#endif
