// SPDX-License-Identifier: GPL-2.0-only
/* One word in two processes: anonymous shared memory, and a file at two addresses. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests.h"

static void shared_anon(struct stage *s)
{
	struct actor *first = stage_fork(s, "first"), *second = stage_fork(s, "second");
	struct actor *waker = stage_thread(s, "waker");
	uint32_t *word = stage_shared_word(s);
	struct call *wait[2], *wake;

	wait[0] = stage_wait(s, first, "wait", raw_wait(word, 0, 0, NULL));
	wait[1] = stage_wait(s, second, "wait", raw_wait(word, 0, 0, NULL));
	wake = stage_call(s, waker, "wake", raw_wake(word, 0, 1), 1);
	stage_woken(s, wait[0], wake, "woken", 0);
	wake = stage_call(s, first, "wake", raw_wake(word, 0, 1), 1);
	stage_woken(s, wait[1], wake, "woken", 0);
}

/* Private words of the same address in two processes are two locks. */
static void private_twins(struct stage *s)
{
	struct actor *first = stage_fork(s, "first"), *second = stage_fork(s, "second");
	struct actor *beside = stage_beside(s, "beside", second);
	uint32_t *word = stage_word(s);
	struct call *wait[2], *wake;

	wait[0] = stage_wait(s, first, "wait", raw_wait(word, FUTEX_PRIVATE_FLAG, 0, NULL));
	wait[1] = stage_wait(s, second, "wait", raw_wait(word, FUTEX_PRIVATE_FLAG, 0, NULL));
	wake = stage_call(s, beside, "wake", raw_wake(word, FUTEX_PRIVATE_FLAG, INT_MAX), 1);
	stage_woken(s, wait[1], wake, "woken", 0);
	/* Only its own process could wake the other. */
	stage_signal(s, first, SIGUSR1);
	stage_ended(s, wait[0], "signal", -EINTR);
}

static uint32_t *map_file(int fd)
{
	uint32_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		abort();
	return page;
}

static void shared_file(struct stage *s)
{
	struct actor *waiter, *waker, *cousin;
	int fd = memfd_create("futex_ops", MFD_CLOEXEC);
	uint32_t *here, *there;
	struct call *wait[2], *wake;

	if (fd < 0 || ftruncate(fd, 4096))
		abort();
	/* Both processes have both mappings and use one each. */
	here = map_file(fd) + 25;
	there = map_file(fd) + 25;
	waiter = stage_fork(s, "waiter");
	cousin = stage_fork(s, "cousin");
	waker = stage_thread(s, "waker");
	wait[0] = stage_wait(s, waiter, "wait", raw_wait(there, 0, 0, NULL));
	wait[1] = stage_wait(s, cousin, "wait", raw_wait(here, 0, 0, NULL));
	wake = stage_call(s, waker, "wake", raw_wake(here, 0, INT_MAX), 2);
	stage_woken(s, wait[0], wake, "woken", 0);
	stage_woken(s, wait[1], wake, "woken", 0);
	close(fd);
}

/* ---- PI mutexes, by processes that have the words at different addresses ---- */

struct twins {
	uint32_t *here;
	uint32_t *there;
};

static struct twins twins_map(unsigned int index)
{
	int fd = memfd_create("futex_ops", MFD_CLOEXEC);
	struct twins t;

	if (fd < 0 || ftruncate(fd, 4096))
		abort();
	t.here = map_file(fd) + index;
	t.there = map_file(fd) + index;
	close(fd);
	return t;
}

static struct raw_args pi(uint32_t *word, unsigned int op)
{
	return raw_futex(word, op, 0, NULL, NULL, 0);
}

static void shared_pi(struct stage *s)
{
	struct twins word = twins_map(0);
	struct actor *owner = stage_thread(s, "owner");
	struct actor *waiter = stage_fork(s, "waiter"), *cousin = stage_fork(s, "cousin");
	struct call *wait[2], *wake;

	stage_call(s, owner, "lock_pi", pi(word.here, FUTEX_LOCK_PI), 0);
	wait[0] = stage_wait(s, waiter, "lock_pi", pi(word.there, FUTEX_LOCK_PI));
	wait[1] = stage_wait(s, cousin, "lock_pi", pi(word.here, FUTEX_LOCK_PI));
	wake = stage_call(s, owner, "unlock_pi", pi(word.here, FUTEX_UNLOCK_PI), 0);
	stage_woken(s, wait[0], wake, "woken", 0);
	wake = stage_call(s, waiter, "unlock_pi", pi(word.there, FUTEX_UNLOCK_PI), 0);
	stage_woken(s, wait[1], wake, "woken", 0);
	stage_call(s, cousin, "unlock_pi", pi(word.here, FUTEX_UNLOCK_PI), 0);
}

/* Ends on the mutex that the other process waits for: moved to a held one, or granted a free one. */
static void run_shared_requeue_pi(struct stage *s, bool free)
{
	struct twins cond = twins_map(1), mutex = twins_map(2);
	struct actor *owner = stage_thread(s, "owner");
	struct actor *waiter = stage_fork(s, "waiter"), *cousin = stage_fork(s, "cousin");
	struct call *wait[2], *wake;

	wait[0] = stage_wait(s, waiter, "wait_requeue_pi",
			     raw_futex(cond.there, FUTEX_WAIT_REQUEUE_PI, 0, NULL, mutex.there, 0));
	wait[0]->extra_nosleep = true;
	if (!free)
		stage_call(s, owner, "lock_pi", pi(mutex.here, FUTEX_LOCK_PI), 0);
	wake = stage_call(s, owner, "cmp_requeue_pi",
			  raw_futex(cond.here, FUTEX_CMP_REQUEUE_PI, 1, (void *)0UL, mutex.here, 0), 1);
	if (!free)
		wake = stage_call(s, owner, "unlock_pi", pi(mutex.here, FUTEX_UNLOCK_PI), 0);
	stage_woken(s, wait[0], wake, "requeued", 0);
	wait[1] = stage_wait(s, cousin, "lock_pi", pi(mutex.here, FUTEX_LOCK_PI));
	wake = stage_call(s, waiter, "unlock_pi", pi(mutex.there, FUTEX_UNLOCK_PI), 0);
	stage_woken(s, wait[1], wake, "woken", 0);
	stage_call(s, cousin, "unlock_pi", pi(mutex.here, FUTEX_UNLOCK_PI), 0);
}

static void shared_requeue_pi(struct stage *s)
{
	run_shared_requeue_pi(s, false);
}

static void shared_grant_pi(struct stage *s)
{
	run_shared_requeue_pi(s, true);
}

const struct test tests_shared[] = {
	{ "shared_anon", shared_anon, "anonymous shared memory between processes" },
	{ "shared_file", shared_file, "a file, mapped at different addresses" },
	{ "shared_pi", shared_pi, "a PI mutex in a file, mapped at different addresses" },
	{ "shared_requeue_pi", shared_requeue_pi, "FUTEX_CMP_REQUEUE_PI to such a mutex, held" },
	{ "shared_grant_pi", shared_grant_pi, "FUTEX_CMP_REQUEUE_PI to such a mutex, free" },
	{ "private_twins", private_twins, "private words of equal address in two processes" },
	{ 0 }
};
