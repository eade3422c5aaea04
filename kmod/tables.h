/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that a session holds: the tables and rings of the other parts, which are made together and
 * given back together. Also adds a process to those that are observed.
 */
#ifndef _LSP_TABLES_H
#define _LSP_TABLES_H

#include <linux/types.h>

#include "filter.h"

/* What the tables of a session depend on. */
struct lsp_tables_options {
	u32 stack_mode;
	bool stack_both;	/* take each stack both by learned rules and by copying */
	bool why;		/* keep what threads do, for why holds were long */
	u32 ring_bytes;
	struct lsp_filter_options filter;
	const u32 *tgids;	/* ids in the caller's pid namespace */
	u32 ntgids;
};

/*
 * Makes tables for @threads threads. Process context, may sleep. @wake wakes the worker from any
 * context. Returns 0, -ENOMEM, or -ESRCH if a given id is no process, with a sentence in *@why.
 */
int lsp_tables_init(const struct lsp_tables_options *o, u32 threads, void (*wake)(void), const char **why);
/* Gives all tables back. The probes have been removed, and nobody else uses the tables. */
void lsp_tables_uninit(void);
u64 lsp_tables_memory(void);

/* Observes one more process of the caller's pid namespace. Returns 0 or -ESRCH. */
int lsp_tables_process_add(u32 nr);

#endif
