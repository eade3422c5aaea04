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
	int ret = 0;

	for (i = 0; i < nr_hooks && !ret; i++)
		ret = ftrace_set_filter_ip(&hook_ops, hooks[i].entry, 0, 0);
	if (!ret)
		ret = register_ftrace_function(&hook_ops);
	if (ret)
		hooks_forget();
	return ret == -EBUSY ? -ENXIO : ret;
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

#ifdef CONFIG_KPROBES_ON_FTRACE

static void notrace guard_call(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op,
			       lsp_ftrace_regs *regs)
{
}

/* What the guard stands on: nobody calls it, so that it costs nothing. */
static noinline void guarded(void)
{
	barrier();
}

/*
 * Permanent for the kprobes' sake: those at a function's entry are called by ftrace as well. Hooks do not
 * need it beside theirs, and each ops more makes the end of a session wait for all tasks once more.
 */
static struct ftrace_ops guard_ops = { .func = guard_call, .flags = FTRACE_OPS_FL_PERMANENT };
static bool guarding;

int lsp_hook_guard(void)
{
	int ret = ftrace_set_filter_ip(&guard_ops, (unsigned long)guarded, 0, 0);

	if (ret)
		return ret;
	ret = register_ftrace_function(&guard_ops);
	guarding = !ret;
	if (ret)
		ftrace_set_filter_ip(&guard_ops, (unsigned long)guarded, 1, 0);
	return ret == -EBUSY ? -ENXIO : ret;
}

void lsp_hook_unguard(void)
{
	if (!guarding)
		return;
	unregister_ftrace_function(&guard_ops);
	ftrace_set_filter_ip(&guard_ops, (unsigned long)guarded, 1, 0);
	guarding = false;
}

#else

int lsp_hook_guard(void)
{
	return 0;
}

void lsp_hook_unguard(void)
{
}

#endif
