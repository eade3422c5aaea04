/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The executable mappings of the processes that are recorded: each change is
 * noted when it happens and told as a REMAP record, so that a generation can be
 * known whose turn comes when it or its process is over; and now and then all
 * are read and sent as MAP records. They are kept as ranges for the stack
 * filter. A process is known by its mm; a generation, unique in the session, is
 * a time in which no address changes its meaning. What a process takes away
 * therefore begins no generation, nor does what it makes executable again.
 */
#ifndef _LSP_MAPS_H
#define _LSP_MAPS_H

#include <linux/rcupdate.h>
#include <linux/types.h>

#include "core/laid.h"
#include "core/sparse.h"

/* What is executable in a generation, or was in it or before and has not been replaced. */
struct lsp_text {
	struct rcu_head rcu;
	size_t bytes;
	u32 generation;
	u32 n;
	struct lsp_laid *laid;		/* the same ranges, with their contents */
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
 * @vma, which is executable, has come to the current process or changed; its memory map is locked for
 * writing. @recorded: by this session. @expected: and its stacks will be asked for, so tell it ahead.
 * Probe context.
 */
struct vm_area_struct;
void lsp_maps_changed(struct vm_area_struct *vma, bool recorded, bool expected);

/* A process that is recorded has got @child as a copy of its parent's memory map. Preemption off. */
void lsp_maps_forked(const struct mm_struct *parent, struct mm_struct *child, u32 tgid);

/* Stacks of processes sent under @tgid need the larger window from now on. Process context. */
void lsp_maps_deepen(u32 tgid);

/*
 * Worker: reads and sends what is due, forgets the gone, for a bounded time. May
 * sleep. False: there was no room or time for all, or somebody keeps mappings locked; call
 * again. @last: mappings that are locked are given up (counted).
 */
bool lsp_maps_update(bool last);

#endif
