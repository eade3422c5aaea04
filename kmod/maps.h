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

#include <linux/types.h>

#include "text.h"

/* What a stack that is taken now belongs to. */
struct lsp_maps_view {
	u32 tgid;			/* the process id with which the mappings are sent */
	u32 generation;			/* 0: there was no room for the process, and its mappings are not sent */
	const struct lsp_text *text;	/* NULL while the mappings have not been read */
	bool deep;			/* its stacks need the larger window */
};

/* Process context, may sleep. @wake wakes the worker from any context. Returns 0 or -ENOMEM. */
int lsp_maps_init(void (*wake)(void));
void lsp_maps_uninit(void);
u64 lsp_maps_memory(void);

/*
 * Returns the view of the current process. The first call has its mappings read by the worker.
 * Preemption stays off until the last use of the view.
 */
void lsp_maps_current(struct lsp_maps_view *ret);

/* Returns only the generation, or 0 if no view of this process was taken before. Preemption is off. */
u32 lsp_maps_generation(void);

/* Like lsp_maps_current(), for a process whose mm the caller holds. Process context with preemption off. */
struct mm_struct;
void lsp_maps_of(struct mm_struct *mm, u32 tgid, struct lsp_maps_view *ret);

/*
 * The current process has made or changed the executable mapping @vma; the memory map is locked for
 * writing. @recorded: the session records the process. @expected: stacks of the process will need
 * its mappings, so they are sent before. Probe context.
 */
struct vm_area_struct;
void lsp_maps_changed(struct vm_area_struct *vma, bool recorded, bool expected);

/* A recorded process has got @child, a copy of its parent's memory map. Preemption is off. */
void lsp_maps_forked(const struct mm_struct *parent, struct mm_struct *child, u32 tgid);

/*
 * From now on, more of the stacks is read in processes that are sent with @tgid: the larger window.
 * Process context.
 */
void lsp_maps_deepen(u32 tgid);

/*
 * Called by the worker. Reads and sends the mappings that are due, and forgets processes that have
 * ended, for a bounded time. May sleep. Returns false if room or time was not enough, or if others
 * keep mappings locked; then it is to be called again. With @last, locked mappings are given up,
 * and counted.
 */
bool lsp_maps_update(bool last);

#endif
