// SPDX-License-Identifier: GPL-2.0-only
#include "rehearsal.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The longest that one wait lasts, whatever the other thread does. */
#define WAIT_NS 20000000
/* The pause between two steps of the waker, in which the waiter goes to sleep again. */
#define STEP_NS 100000
/* How often a thread that waits for the module's word looks whether START has returned. */
#define LOOK_MS 20
/* The module listens for five seconds. The probed functions are at rest when it then removes its probes. */
#define REHEARSE_S 4

static long futex(uint32_t *word, int op, uint32_t value, const void *timeout, uint32_t *to, uint32_t value3)
{
	return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, timeout, to, value3);
}

static time_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static struct timespec later(long ns)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += ns;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void *page_map(void)
{
	return mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Maps a page, and moves it to the place of another. */
static void page_move(void)
{
	void *page = page_map(), *place = page_map();

	/* When the move fails, the place may be nobody's any more, and is left alone. */
	if (page != MAP_FAILED && place != MAP_FAILED)
		munmap(mremap(page, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place ? place : page, 1);
	else if (page != MAP_FAILED)
		munmap(page, 1);
	else if (place != MAP_FAILED)
		munmap(place, 1);
}

/* Waits until the module has said that its probes are armed, or START has returned. The message stays in the socket. */
static void armed_await(struct lsp_rehearsal *r)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };

	while (!atomic_load(&r->over) && poll(&p, 1, LOOK_MS) <= 0)
		;
}

static void *waiter_run(void *arg)
{
	static const struct timespec wait = { .tv_nsec = WAIT_NS };
	struct lsp_rehearsal *r = arg;
	struct timespec until;
	time_t last_s;

	armed_await(r);
	last_s = now_s() + REHEARSE_S;
	while (!atomic_load(&r->over) && now_s() < last_s) {
		futex(&r->plain, FUTEX_WAIT, 0, &wait, NULL, 0);
		until = later(WAIT_NS);
		/* Success means that the wait was moved to the mutex, and that this thread holds it. */
		if (!futex(&r->requeued, FUTEX_WAIT_REQUEUE_PI, 0, &until, &r->mutex, 0))
			futex(&r->mutex, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
		page_move();
	}
	atomic_store(&r->left, true);
	return NULL;
}

static void *waker_run(void *arg)
{
	static const struct timespec step = { .tv_nsec = STEP_NS };
	struct lsp_rehearsal *r = arg;

	armed_await(r);
	while (!atomic_load(&r->left)) {
		futex(&r->plain, FUTEX_WAKE, 1, NULL, NULL, 0);
		nanosleep(&step, NULL);
		if (futex(&r->mutex, FUTEX_LOCK_PI, 0, NULL, NULL, 0))
			continue;
		/* At most one waiter is woken or moved. */
		futex(&r->requeued, FUTEX_CMP_REQUEUE_PI, 1, NULL, &r->mutex, 0);
		nanosleep(&step, NULL);
		futex(&r->mutex, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	}
	return NULL;
}

int lsp_rehearsal_begin(struct lsp_rehearsal *r, int fd)
{
	sigset_t all, mask;
	int err;

	r->fd = fd;
	r->plain = 0;
	r->requeued = 0;
	r->mutex = 0;
	atomic_init(&r->over, false);
	atomic_init(&r->left, false);
	sigfillset(&all);
	err = pthread_sigmask(SIG_SETMASK, &all, &mask);
	if (err)
		return -err;
	err = pthread_create(&r->waiter, NULL, waiter_run, r);
	if (!err) {
		err = pthread_create(&r->waker, NULL, waker_run, r);
		if (err) {
			atomic_store(&r->over, true);
			pthread_join(r->waiter, NULL);
		}
	}
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	return -err;
}

void lsp_rehearsal_end(struct lsp_rehearsal *r)
{
	atomic_store(&r->over, true);
	pthread_join(r->waiter, NULL);
	pthread_join(r->waker, NULL);
}
