/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The executable mappings of the processes that are recorded. Each change is
 * noted when it happens and sent as a REMAP record. So a generation is known
 * even if it or its process ends before the worker reads the mappings. Now and
 * then all mappings are read and sent as MAP records. Their ranges are kept for
 * the stack filter. A process is identified by its mm. A generation has a number
 * that is unique in the session, and is a time in which no address changes its
 * meaning. So no generation begins when a process removes a mapping, nor when it
 * makes the same mapping executable again.
 */
#ifndef _LSP_MAPS_H
#define _LSP_MAPS_H

#include <linux/rcupdate.h>
#include <linux/types.h>

#include "core/laid.h"
#include "core/sparse.h"

/* What is executable in a generation, or was so earlier and has not been replaced since. */
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
	u32 tgid;			/* with which the mappings are sent */
	u32 generation;			/* 0: no room, the module sends no mappings */
	const struct lsp_text *text;	/* NULL while they are still to be read */
	bool deep;			/* its stacks need the larger window */
};

/* Process context, may sleep. @wake calls the worker from any context. 0 or -ENOMEM. */
int lsp_maps_init(void (*wake)(void));
void lsp_maps_uninit(void);
u64 lsp_maps_memory(void);

/* The view of the current process; the first call makes the worker read its mappings. Preemption stays off until the view's last use. */
void lsp_maps_current(struct lsp_maps_view *ret);

/* Only the generation; 0 if the mappings of this process have not been asked for before. As above. */
u32 lsp_maps_generation(void);

/* The same for a process whose mm the caller holds. Process context with preemption off. */
struct mm_struct;
void lsp_maps_of(struct mm_struct *mm, u32 tgid, struct lsp_maps_view *ret);

/*
 * The executable mapping @vma of the current process is new or has changed; the memory map is locked for
 * writing. @recorded: the session records the process. @expected: stacks of the process will be asked for, so its
 * mappings are sent before. Probe context.
 */
struct vm_area_struct;
void lsp_maps_changed(struct vm_area_struct *vma, bool recorded, bool expected);

/* A process that is recorded has got @child as a copy of its parent's memory map. Preemption off. */
void lsp_maps_forked(const struct mm_struct *parent, struct mm_struct *child, u32 tgid);

/* From now on the stacks of processes that are sent with @tgid are looked at in the larger window. Process context. */
void lsp_maps_deepen(u32 tgid);

/*
 * For the worker: reads and sends what is due, and forgets processes that are gone, for a bounded time. May
 * sleep. False: there was no room or time for all, or somebody keeps mappings locked; call
 * again. @last: mappings that are locked are given up (counted).
 */
bool lsp_maps_update(bool last);

#endif
