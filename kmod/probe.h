/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the kernel is listened to: kprobes and kretprobes on the futex code,
 * found by trying names, and the fork and exit tracepoints.
 */
#ifndef _LSP_PROBE_H
#define _LSP_PROBE_H

#include <linux/types.h>

struct lsp_probe_state {
	const char *name;	/* what it is for */
	const char *symbol;	/* where it stands, NULL: this kernel has no such function */
	u64 missed;		/* times it could not run since it was armed */
};

/* Finds the functions; -ENOENT and a message in the log when a needed one is missing. Process context. */
int lsp_probe_init(void);

/*
 * Process context, may sleep. After disarm no wait or wake is seen any more,
 * but exits still are, so that the known threads can be walked; release ends
 * that too. arm: 0, -ENXIO while kernel.ftrace_enabled is 0, or what a probe failed with.
 */
int lsp_probe_arm(u32 max_parked);
void lsp_probe_disarm(void);
void lsp_probe_release(void);

/* What the kernel keeps for the armed probes, about. */
u64 lsp_probe_memory(void);

/* State of the @index-th probe; false past the last. */
bool lsp_probe_state(unsigned int index, struct lsp_probe_state *ret);

#endif
