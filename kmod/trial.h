/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds probed functions that the kernel never calls. A compiler that sees the whole kernel at once (LTO) may put
 * a function into its callers. It leaves the function's name behind, and a probe there is never hit. A session with
 * LOCKSPAN_F_REHEARSED therefore arms its probes with handlers that only note that a thread of the owner came by. When
 * all probes have noted one they get the handlers of the recording, so that the recording does not see the rehearsal.
 */
#ifndef _LSP_TRIAL_H
#define _LSP_TRIAL_H

#include <linux/kprobes.h>
#include <linux/types.h>

#include "hook.h"

struct lsp_task;

/* What a kretprobe keeps between a function's entry and its return, once for each sleeping thread. */
struct wait_call {
	struct lsp_task *task;		/* NULL: not observed, @q only shows its layout */
	const void *q;
};

/*
 * A function to be probed. Several entries of one name are the same function under the names that
 * it has had. The first one that this kernel has is used.
 */
struct lsp_probe {
	const char *name;
	const char *symbol;
	/*
	 * At most one of the next two: @begin makes a kretprobe that ends in call_end(), @end one
	 * without a begin.
	 */
	int (*begin)(struct kretprobe_instance *ri, struct pt_regs *regs);
	int (*end)(struct kretprobe_instance *ri, struct pt_regs *regs);
	int (*handler)(struct kprobe *kp, struct pt_regs *regs);
	lsp_hook hook;		/* used instead of the three above in a session with hooks, see hook.h */
	const char *only_with;	/* needed only if the function @only_with was found */
	bool optional;
	u32 at_once;		/* calls that a kretprobe can follow at a time; 0: a call of each thread */
	bool only_hooked;	/* used only in a session with hooks */
	bool rehearsed;		/* each turn of a rehearsal calls the function */
	bool heard;		/* the rehearsal of this session has called it */
	bool found;
	bool armed;
	unsigned long entry;	/* address for a hook, 0 if none can be put there */
	union {
		struct kprobe kp;
		struct kretprobe krp;
	};
};

/* The handlers that probes have during a rehearsal. */
int lsp_trial_entry(struct kretprobe_instance *ri, struct pt_regs *regs);
int lsp_trial_return(struct kretprobe_instance *ri, struct pt_regs *regs);
int lsp_trial_handler(struct kprobe *kp, struct pt_regs *regs);

/* The handler of the @n-th hook, which belongs to @p, during a rehearsal. */
lsp_hook lsp_trial_hook(unsigned int n, struct lsp_probe *p);

/*
 * Waits until all of @probes have heard the rehearsal of the owner. Process context, sleeps. 0, -EINTR after a fatal
 * signal, or -ENODATA with a sentence in *@why.
 */
int lsp_trial_run(const struct lsp_probe *probes, unsigned int n, bool hooked, const char **why);

#endif
