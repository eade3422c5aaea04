// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks are called with the session's own functions only, from process context and
 * never out of one another, so there is no recursion to guard against, and no hit is
 * ever missed.
 */
#include "hook.h"

#include "compat.h"

#ifdef LSP_HOOKS

static struct {
	unsigned long entry;
	lsp_hook hook;
} hooks[LSP_HOOKS_MAX] __read_mostly;
static unsigned int nr_hooks;

static void notrace hook_call(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op,
			      struct ftrace_regs *regs)
{
	/* Written out: this is run three times a wait. */
	if (hooks[0].entry == ip)
		hooks[0].hook(regs);
	else if (hooks[1].entry == ip)
		hooks[1].hook(regs);
	else if (hooks[2].entry == ip)
		hooks[2].hook(regs);
	else if (hooks[3].entry == ip)
		hooks[3].hook(regs);
}

/* Permanent: or else a write to kernel.ftrace_enabled would deafen us without a word. */
static struct ftrace_ops hook_ops = { .func = hook_call, .flags = FTRACE_OPS_FL_PERMANENT };

bool lsp_hook_supported(void)
{
	return true;
}

void lsp_hook_add(unsigned long entry, lsp_hook hook)
{
	hooks[nr_hooks].entry = entry;
	hooks[nr_hooks++].hook = hook;
}

/* Without functions of its own an ops would be called for every one of the kernel. */
static void hooks_forget(void)
{
	while (nr_hooks) {
		ftrace_set_filter_ip(&hook_ops, hooks[--nr_hooks].entry, 1, 0);
		hooks[nr_hooks].entry = 0;
	}
}

int lsp_hook_arm(void)
{
	unsigned int i;
	int ret = nr_hooks ? 0 : -ENOENT;

	for (i = 0; i < nr_hooks && !ret; i++)
		ret = ftrace_set_filter_ip(&hook_ops, hooks[i].entry, 0, 0);
	if (!ret)
		ret = register_ftrace_function(&hook_ops);
	if (ret)
		hooks_forget();
	return ret;
}

void lsp_hook_disarm(void)
{
	if (!nr_hooks)
		return;
	unregister_ftrace_function(&hook_ops);
	hooks_forget();
}

#else

bool lsp_hook_supported(void)
{
	return false;
}

void lsp_hook_add(unsigned long entry, lsp_hook hook)
{
}

int lsp_hook_arm(void)
{
	return -EOPNOTSUPP;
}

void lsp_hook_disarm(void)
{
}

#endif
