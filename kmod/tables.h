/* SPDX-License-Identifier: GPL-2.0-only */
/* All that a session holds: the tables and rings of the other parts, made and given back together. */
#ifndef _LSP_TABLES_H
#define _LSP_TABLES_H

#include <linux/types.h>

#include "filter.h"

/* What the tables of a session depend on. */
struct lsp_tables_options {
	u32 stack_mode;
	bool stack_both;	/* by learned rules and by copying */
	u32 ring_bytes;
	struct lsp_filter_options filter;
	const u32 *tgids;	/* in the caller's pid namespace */
	u32 ntgids;
};

/*
 * Process context, may sleep. Room for @threads at a time; @wake calls the worker from any
 * context. 0, -ENOMEM, or -ESRCH when there is no process of a given id, with a sentence in *@why.
 */
int lsp_tables_init(const struct lsp_tables_options *o, u32 threads, void (*wake)(void), const char **why);
/* The probes are gone, and nobody else looks. */
void lsp_tables_uninit(void);
u64 lsp_tables_memory(void);

/* Observes one more process, of the caller's pid namespace. 0 or -ESRCH. */
int lsp_tables_process_add(u32 nr);

#endif
