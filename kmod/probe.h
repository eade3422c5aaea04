/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the module listens to the kernel: kprobes and kretprobes on functions of the futex code,
 * which are found by trying names, and the tracepoints of fork and exit. Arms and disarms these
 * probes, lets them rehearse, and tells the state of each.
 */
#ifndef _LSP_PROBE_H
#define _LSP_PROBE_H

#include <linux/types.h>

struct lsp_probe_state {
	const char *name;	/* what the probe is for */
	const char *symbol;	/* the function that is probed; NULL if this kernel has no such function */
	u64 missed;		/* how often it did not run since it was armed */
};

/*
 * Finds the functions. Returns -ENOENT, with a message in the log, if a necessary one is missing.
 * Process context.
 */
int lsp_probe_init(void);

/*
 * These run in process context and may sleep. arm returns 0, -ENXIO while kernel.ftrace_enabled
 * is 0, or the error of a probe. After disarm no wait and no wake is seen, but exits still are, so
 * that the known threads can be walked. release ends that, too.
 * After arm with @trial nothing is recorded before rehearse has returned 0. rehearse waits until every rehearsed probe
 * has heard the owner, see trial.h. It returns -EINTR or -ENODATA with a sentence in *@why, and leaves the probes armed.
 */
int lsp_probe_arm(u32 max_parked, bool trial);
int lsp_probe_rehearse(const char **why);
void lsp_probe_disarm(void);
void lsp_probe_release(void);

/* About how much memory the kernel has for the armed probes. */
u64 lsp_probe_memory(void);

/* Reads the state of the probe number @index. Returns false when there are no more probes. */
bool lsp_probe_state(unsigned int index, struct lsp_probe_state *ret);

#endif
