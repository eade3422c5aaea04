// SPDX-License-Identifier: GPL-2.0-only
#include "apart.h"

#include <linux/close_range.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_BYTES (32U << 10)

static char stack[STACK_BYTES] __attribute__((aligned(16)));

static struct {
	void (*fn)(void *arg);
	void *arg;
	bool done;
} task;

/* It answers an instruction that does nothing on a processor. */
bool lsp_apart_valgrind(void)
{
	volatile uint64_t request[6] = { 0x1001 };
	uint64_t answer = 0;

	__asm__ volatile("rolq $3, %%rdi\n\trolq $13, %%rdi\n\t"
			 "rolq $61, %%rdi\n\trolq $51, %%rdi\n\t"
			 "xchgq %%rbx, %%rbx"
			 : "+d"(answer) : "a"(&request[0]) : "cc", "memory");
	return answer;
}

/*
 * The thread leaves the program's descriptors behind. They are not copied and then closed, because
 * closing has effects.
 */
static void task_do(void)
{
	if (syscall(__NR_close_range, 0U, ~0U, CLOSE_RANGE_UNSHARE))
		return;
	task.done = true;
	task.fn(task.arg);
}

/*
 * This is a thread, so nothing is left to be waited for. The caller stands still until it has
 * ended.
 */
static long thread_run(void)
{
	const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			   CLONE_SYSVSEM | CLONE_VFORK;
	register long none __asm__("r10") = 0;
	register long tls __asm__("r8") = 0;
	register void (*fn)(void) __asm__("r12") = task_do;
	long ret = SYS_clone;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "call *%%r12\n\t"
			 "movl %[exit], %%eax\n\t"
			 "xorl %%edi, %%edi\n\t"
			 "syscall\n\t"
			 "ud2\n"
			 "1:"
			 : "+a"(ret)
			 : "D"(flags), "S"(stack + STACK_BYTES), "d"(0L), "r"(none), "r"(tls), "r"(fn),
			   [exit] "i"(SYS_exit)
			 : "rcx", "r11", "cc", "memory");
	return ret;
}

bool lsp_apart_run(void (*fn)(void *arg), void *arg)
{
	task.fn = fn;
	task.arg = arg;
	task.done = false;
	return !lsp_apart_valgrind() && thread_run() > 0 && task.done;
}
