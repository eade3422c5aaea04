// SPDX-License-Identifier: GPL-2.0-only
/* Waits that end because a task ends: the owner, the joined thread, the waiter. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../workloads/c/lib/clock.h"
#include "park.h"
#include "tests.h"

#define P FUTEX_PRIVATE_FLAG

/* What the kernel walks when its owner dies. */
struct robust_lock {
	struct robust_list_head head;
	struct robust_list entry;
	uint32_t *word;
};

static struct robust_lock robust;

/* The list's offset from entry to word is one for the whole list of one lock. */
static long run_set_robust(struct call *c)
{
	bool pi = c->data;

	robust.head.list.next = (struct robust_list *)((uintptr_t)&robust.entry | pi);
	robust.entry.next = &robust.head.list;
	robust.head.futex_offset = (long)((uintptr_t)robust.word - (uintptr_t)&robust.entry);
	robust.head.list_op_pending = NULL;
	return syscall(SYS_set_robust_list, &robust.head, sizeof(robust.head));
}

static void make_robust(struct stage *s, struct actor *owner, uint32_t *word, bool pi)
{
	robust.word = word;
	stage_returns(s, stage_post_run(s, owner, "set_robust_list", run_set_robust,
					pi ? owner : NULL), 0);
}

static void robust_death(struct stage *s)
{
	struct actor *owner = stage_thread(s, "owner"), *first = stage_thread(s, "first");
	struct actor *second = stage_thread(s, "second"), *waker = stage_thread(s, "waker");
	uint32_t *word = stage_word(s);
	struct call *wait[2], *wake;

	*word = (uint32_t)owner->tid | FUTEX_WAITERS;
	make_robust(s, owner, word, false);
	/* The kernel wakes robust words as shared ones. */
	wait[0] = stage_wait(s, first, "wait", raw_wait(word, 0, *word, NULL));
	wait[1] = stage_wait(s, second, "wait", raw_wait(word, 0, *word, NULL));
	wake = stage_exit(s, owner);
	stage_woken(s, wait[0], wake, "owner_died", 0);
	if (!(*word & FUTEX_OWNER_DIED))
		stage_fail(s, "the word does not say that its owner died");
	wake = stage_call(s, waker, "wake", raw_wake(word, 0, 1), 1);
	stage_woken(s, wait[1], wake, "woken", 0);
}

static void robust_death_pi(struct stage *s)
{
	struct actor *owner = stage_thread(s, "owner"), *waiter = stage_thread(s, "waiter");
	uint32_t *word = stage_word(s);
	struct call *wait, *wake;

	stage_call(s, owner, "lock_pi", raw_futex(word, FUTEX_LOCK_PI | P, 0, NULL, NULL, 0), 0);
	make_robust(s, owner, word, true);
	wait = stage_wait(s, waiter, "lock_pi",
			  raw_futex(word, FUTEX_LOCK_PI | P, 0, NULL, NULL, 0));
	wake = stage_exit(s, owner);
	stage_woken(s, wait, wake, "owner_died", 0);
	if (!(*word & FUTEX_OWNER_DIED))
		stage_fail(s, "the word does not say that its owner died");
	*word &= ~FUTEX_OWNER_DIED;
	stage_call(s, waiter, "unlock_pi", raw_futex(word, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0),
		   0);
}

/* ---- clear_child_tid ---- */

static atomic_bool child_may_exit;

/* Runs without a thread descriptor of its own: system calls that succeed only. */
static int bare_child(void *arg)
{
	const struct timespec poll = { .tv_nsec = 200000 };

	(void)arg;
	while (!atomic_load(&child_may_exit))
		syscall(SYS_nanosleep, &poll, NULL);
	return 0;
}

static bool thread_gone(void *arg)
{
	struct actor *child = arg;

	return !park_state(child->tgid, child->tid);
}

/* What pthread_join() waits for, with a thread that glibc knows nothing of. */
static void join_wake(struct stage *s)
{
	static char stack[32768] __attribute__((aligned(16)));
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	struct actor *joiner = stage_thread(s, "joiner");
	struct actor *child = &s->actor[s->actors++];
	struct call *wait, *leave = &s->call[s->calls++];
	uint32_t *word = stage_word(s);

	atomic_store(&child_may_exit, false);
	child->gone = true;
	child->role[0] = 'c';
	child->tgid = getpid();
	child->tid = clone(bare_child, stack + sizeof(stack), flags, NULL, word, NULL, word);
	if (child->tid < 0) {
		stage_fail(s, "no bare thread");
		return;
	}
	wait = stage_wait(s, joiner, "wait", raw_wait(word, 0, (uint32_t)child->tid, NULL));
	leave->actor = child;
	leave->op = "exit";
	leave->before_ns = clock_now_ns();
	atomic_store(&child_may_exit, true);
	stage_until(thread_gone, child, "the bare thread did not leave");
	leave->return_ns = clock_now_ns();
	stage_woken(s, wait, leave, "woken", 0);
	if (*word)
		stage_fail(s, "the thread id was not cleared");
}

/* ---- the waiter dies ---- */

static bool process_gone(void *arg)
{
	int status;

	return waitpid(*(pid_t *)arg, &status, WNOHANG) == *(pid_t *)arg;
}

static void kill_parked(struct stage *s)
{
	struct actor *main = stage_fork(s, "main"), *other = stage_beside(s, "other", main);
	uint32_t *word = stage_word(s);
	struct call *wait[2];

	wait[0] = stage_wait(s, main, "wait", raw_wait(word, P, 0, NULL));
	wait[1] = stage_wait(s, other, "wait", raw_wait(word, P, 0, NULL));
	kill(main->tgid, SIGKILL);
	stage_until(process_gone, &main->tgid, "the process did not die");
	main->gone = other->gone = true;
	stage_killed(s, wait[0]);
	stage_killed(s, wait[1]);
}

static long run_exec(struct call *c)
{
	char *argv[] = { "futex_ops", "--nothing", NULL };

	(void)c;
	return execv("/proc/self/exe", argv);
}

/* exec by another thread kills the parked ones, the leader among them. */
static void exec_parked(struct stage *s)
{
	struct actor *main = stage_fork(s, "main"), *other = stage_beside(s, "other", main);
	struct actor *caller = stage_beside(s, "caller", main);
	uint32_t *word = stage_word(s);
	struct call *wait[2];

	wait[0] = stage_wait(s, main, "wait", raw_wait(word, P, 0, NULL));
	wait[1] = stage_wait(s, other, "wait", raw_wait(word, P, 0, NULL));
	stage_post_run(s, caller, "exec", run_exec, NULL);
	stage_until(process_gone, &main->tgid, "the new program did not end");
	main->gone = other->gone = caller->gone = true;
	stage_killed(s, wait[0]);
	stage_killed(s, wait[1]);
}

/* ---- stop and go on: the only way into restart_syscall ---- */

static bool process_stopped(void *arg)
{
	pid_t pid = *(pid_t *)arg;

	return park_state(pid, pid) == 'T';
}

static void stop_continue(struct stage *s)
{
	struct actor *waiter = stage_fork(s, "waiter"), *waker = stage_thread(s, "waker");
	uint32_t *word = stage_shared_word(s);
	struct call *wait, *wake;

	wait = stage_wait(s, waiter, "wait", raw_wait(word, 0, 0,
						      stage_timeout(s, STAGE_RELATIVE, 60000)));
	kill(waiter->tgid, SIGSTOP);
	stage_until(process_stopped, &waiter->tgid, "the process did not stop");
	kill(waiter->tgid, SIGCONT);
	stage_parked(s, wait);
	wait->signals = 1;
	wake = stage_call(s, waker, "wake", raw_wake(word, 0, 1), 1);
	stage_woken(s, wait, wake, "woken", 0);
}

const struct test tests_death[] = {
	{ "robust_death", robust_death, "the owner of a robust word dies" },
	{ "robust_death_pi", robust_death_pi, "the owner of a PI mutex dies" },
	{ "join", join_wake, "CLONE_CHILD_CLEARTID: the kernel wakes the joiner" },
	{ "kill_parked", kill_parked, "SIGKILL for a process of parked threads" },
	{ "exec_parked", exec_parked, "exec from another thread while parked" },
	{ "stop_continue", stop_continue, "stopped and continued: restart_syscall" },
	{ 0 }
};
