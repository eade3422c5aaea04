/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The executable mappings of the processes that are recorded: read in process
 * context once per process and after each change, sent as MAP records, and
 * kept as ranges for the stack filter. A process is known by its mm; every set
 * of its mappings has a generation, unique in the session.
 */
#ifndef _LSP_MAPS_H
#define _LSP_MAPS_H

#include <linux/rcupdate.h>
#include <linux/types.h>

#include "core/sparse.h"

struct lsp_text {
	struct rcu_head rcu;
	u32 generation;
	u32 n;
	u32 room;
	struct lsp_range ranges[];
};

/* What a stack that is taken now belongs to. */
struct lsp_maps_view {
	u32 tgid;			/* that the mappings are sent under */
	u32 generation;			/* 0: no room, the module sends none */
	const struct lsp_text *text;	/* NULL while they are still to be read */
	bool deep;			/* its stacks need the larger window */
};

/* Process context, may sleep. @wake calls the worker from any context. 0 or -ENOMEM. */
int lsp_maps_init(void (*wake)(void));
void lsp_maps_uninit(void);
u64 lsp_maps_memory(void);

/* For the current task's process; the first call for one makes the worker read it. Preemption off, and until the view's last use. */
void lsp_maps_current(struct lsp_maps_view *ret);

/* Only its generation, for a process whose mappings have been asked for before; 0 for any other. As above. */
u32 lsp_maps_generation(void);

/* The same for a process whose mm the caller holds. Process context with preemption off. */
struct mm_struct;
void lsp_maps_of(struct mm_struct *mm, u32 tgid, struct lsp_maps_view *ret);

/*
 * An executable mapping of the current process has come or changed. @expected:
 * it is one whose stacks will be asked for, so read it ahead. Probe context.
 */
void lsp_maps_changed(bool expected);

/* Stacks of processes sent under @tgid need the larger window from now on. Process context. */
void lsp_maps_deepen(u32 tgid);

/*
 * Worker: reads and sends what is due, forgets the gone, for a bounded time. May
 * sleep. False: there was no room or time for all, or somebody keeps mappings locked; call
 * again. @last: mappings that are locked are given up (counted).
 */
bool lsp_maps_update(bool last);

#endif
