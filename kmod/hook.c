// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks are attached only to functions that a session needs, and the kernel calls these functions
 * from process context and never from one another. So no hook can be called out of another one: no
 * guard against recursion is needed, and no call is missed.
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
	/* This is run three times for each wait, so the loop is written out. */
	if (hooks[0].entry == ip)
		hooks[0].hook(regs);
	else if (hooks[1].entry == ip)
		hooks[1].hook(regs);
	else if (hooks[2].entry == ip)
		hooks[2].hook(regs);
	else if (hooks[3].entry == ip)
		hooks[3].hook(regs);
}

/* FTRACE_OPS_FL_PERMANENT: otherwise a write to kernel.ftrace_enabled would silently turn the hooks off. */
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

void lsp_hook_change(unsigned int n, lsp_hook hook)
{
	WRITE_ONCE(hooks[n].hook, hook);
}

/*
 * The ops is unregistered before this: an ops without functions is called for every function of the
 * kernel.
 */
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

void lsp_hook_change(unsigned int n, lsp_hook hook)
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

/* The function to which the guard is attached. Nobody calls it, so the guard costs nothing. */
static noinline void guarded(void)
{
	barrier();
}

/*
 * An ops that is permanent for the sake of kprobes: ftrace also calls the kprobes at the entries of
 * functions. A session with hooks does not need it, as the hooks' ops is permanent already. Each
 * additional ops makes the end of a session wait for all tasks once more.
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
