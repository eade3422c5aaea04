/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps the entries of a span file that name stacks and locks, and finds the entry of a stack or a key. For single
 * events events.h asks here.
 */
#ifndef LSP_COMPARE_NAMES_H
#define LSP_COMPARE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../capture/spanfile.h"

/* All zero is empty. */
struct lsp_event_names {
	struct lsp_event_stack {
		uint64_t id;
		uint32_t tgid;
		uint32_t trace;
		uint32_t generation;
	} *stacks;			/* ascending by tgid, then id */
	size_t nstacks, stacks_room;
	struct lsp_event_trace {
		char *site;
		bool cond;
	} *traces;			/* by number */
	size_t ntraces;
	struct lsp_event_lock {
		uint64_t key;
		char *name;
		char *sync;
		size_t order;		/* in the file */
		uint32_t tgid;
		uint32_t generation;
	} *locks;			/* ascending by key, then order */
	size_t nlocks, locks_room;
};

/* Keeps an entry if it is a stack, a trace or a lock. Returns 0 or -ENOMEM. */
int lsp_event_names_add(struct lsp_event_names *n, const struct lsp_spanfile_entry *entry);
void lsp_event_names_uninit(struct lsp_event_names *n);

/* To be called after the last entry, and before the functions below. */
void lsp_event_names_sort(struct lsp_event_names *n);

/* NULL: the file does not have it. */
const struct lsp_event_trace *lsp_event_names_trace(const struct lsp_event_names *n, uint32_t tgid, uint64_t stack);

/* Returns the name that holds for an event with this key, process and stack. NULL: the key was never given one. */
const struct lsp_event_lock *lsp_event_names_lock(const struct lsp_event_names *n, uint64_t key, uint32_t tgid,
						  uint64_t stack);

#endif
