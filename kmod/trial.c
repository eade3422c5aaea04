// SPDX-License-Identifier: GPL-2.0-only
#include "trial.h"

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "filter.h"

/*
 * A probe that has heard nothing for this long, and at this many looks, is refused. The number of looks gives a machine
 * more time that stood still or has far too much to do.
 */
#define TRIAL_MS 5000
#define TRIAL_LOOKS 500

static void trial_hear(struct lsp_probe *p)
{
	if (!p->heard && lsp_filter_is_owner())
		WRITE_ONCE(p->heard, true);
}

int lsp_trial_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	/* The function may return to the handler of the recording, which then finds no wait. */
	memset(ri->data, 0, sizeof(struct wait_call));
	return 0;
}

int lsp_trial_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	trial_hear(container_of(get_kretprobe(ri), struct lsp_probe, krp));
	return 0;
}

int lsp_trial_handler(struct kprobe *kp, struct pt_regs *regs)
{
	trial_hear(container_of(kp, struct lsp_probe, kp));
	return 0;
}

/* The probes that the hooks belong to. */
static struct lsp_probe *hooked_probes[LSP_HOOKS_MAX];

#define TRIAL_HOOK(n)						\
static void trial_hook_##n(struct ftrace_regs *regs)		\
{								\
	trial_hear(hooked_probes[n]);				\
}
TRIAL_HOOK(0)
TRIAL_HOOK(1)
TRIAL_HOOK(2)
TRIAL_HOOK(3)

lsp_hook lsp_trial_hook(unsigned int n, struct lsp_probe *p)
{
	static const lsp_hook trial_hooks[LSP_HOOKS_MAX] = {
		trial_hook_0, trial_hook_1, trial_hook_2, trial_hook_3
	};

	hooked_probes[n] = p;
	return trial_hooks[n];
}

/* The first probe that has not heard the rehearsal, or NULL. */
static const struct lsp_probe *trial_silent(const struct lsp_probe *probes, unsigned int n, bool hooked)
{
	const struct lsp_probe *p;

	for (p = probes; p < probes + n; p++)
		if (p->found && p->rehearsed && !READ_ONCE(p->heard) && (hooked || !p->only_hooked))
			return p;
	return NULL;
}

int lsp_trial_run(const struct lsp_probe *probes, unsigned int n, bool hooked, const char **why)
{
	/* There are two because the sentence is sent when another START may already write its own. */
	static char sentences[2][256];
	static unsigned int next;
	unsigned long begin = jiffies, until = begin + msecs_to_jiffies(TRIAL_MS);
	const struct lsp_probe *p;
	char *to = sentences[next];
	unsigned int looks = 0;

	while ((p = trial_silent(probes, n, hooked)) && (looks++ < TRIAL_LOOKS || time_before(jiffies, until))) {
		if (fatal_signal_pending(current)) {
			*why = "interrupted";
			return -EINTR;
		}
		usleep_range(200, 400);
	}
	if (!p)
		return 0;
	next = !next;
	snprintf(to, sizeof(sentences[0]), "heard nothing of %s (probe '%s') in %lu s: the kernel's compiler may have put the "
		 "function into its callers, or the collector's system calls may be denied; %s", p->symbol, p->name,
		 (jiffies - begin) / HZ, p->only_hooked ? "load the module with hooks=0" :
						   "lockspan user records without the module");
	*why = to;
	return -ENODATA;
}
