// SPDX-License-Identifier: GPL-2.0-only
/* A futex wait by io_uring: no task sleeps in a futex, so there is no span. */
#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests.h"

/* IORING_OP_FUTEX_WAIT is an enumerator and newer than many headers. */
#define URING_OP_FUTEX_WAIT 51
#define SQE_ADDR3 48
#define NR_SETUP 425
#define NR_ENTER 426

struct uring {
	int fd;
	char *rings;
	struct io_uring_sqe *sqes;
	struct io_uring_params params;
};

static struct uring ring;

static atomic_uint *ring_at(uint32_t offset)
{
	return (atomic_uint *)(void *)(ring.rings + offset);
}

static bool ring_open(void)
{
	struct io_uring_params *p = &ring.params;

	memset(&ring, 0, sizeof(ring));
	ring.fd = (int)syscall(NR_SETUP, 4, p);
	if (ring.fd < 0)
		return false;
	ring.rings = mmap(NULL, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe) + 4096,
			  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd,
			  IORING_OFF_SQ_RING);
	ring.sqes = mmap(NULL, p->sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQES);
	if (ring.rings != MAP_FAILED && ring.sqes != MAP_FAILED &&
	    (p->features & IORING_FEAT_SINGLE_MMAP))
		return true;
	close(ring.fd);
	return false;
}

/* Hands one wait on @word to the kernel and comes back at once. */
static long run_submit(struct call *c)
{
	struct io_uring_sqe *sqe = &ring.sqes[0];
	struct io_uring_params *p = &ring.params;

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = URING_OP_FUTEX_WAIT;
	sqe->fd = RAW_F2_U32 | RAW_F2_PRIVATE;
	sqe->addr = (unsigned long)c->data;
	sqe->off = 0;	/* the value */
	memcpy((char *)sqe + SQE_ADDR3, &(uint64_t){ FUTEX_BITSET_MATCH_ANY }, sizeof(uint64_t));
	*ring_at(p->sq_off.array) = 0;
	atomic_fetch_add(ring_at(p->sq_off.tail), 1);
	return syscall(NR_ENTER, ring.fd, 1, 0, 0, NULL, 0) == 1 ? 0 : -errno;
}

/* Waits in io_uring, not in a futex, for the completion; returns its result. */
static long run_complete(struct call *c)
{
	struct io_uring_params *p = &ring.params;
	struct io_uring_cqe *cqes = (struct io_uring_cqe *)(void *)(ring.rings + p->cq_off.cqes);

	(void)c;
	if (atomic_load(ring_at(p->cq_off.head)) == atomic_load(ring_at(p->cq_off.tail)) &&
	    syscall(NR_ENTER, ring.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	return cqes[atomic_fetch_add(ring_at(p->cq_off.head), 1) & (p->cq_entries - 1)].res;
}

static bool completed(void)
{
	struct io_uring_params *p = &ring.params;

	return atomic_load(ring_at(p->cq_off.head)) != atomic_load(ring_at(p->cq_off.tail));
}

static void io_uring_wait(struct stage *s)
{
	struct actor *waiter, *waker;
	struct call *c;
	uint32_t *word;

	s->unsupported = !ring_open();
	if (s->unsupported)
		return;
	waiter = stage_thread(s, "waiter");
	waker = stage_thread(s, "waker");
	word = stage_word(s);
	stage_returns(s, stage_post_run(s, waiter, "submit", run_submit, word), 0);
	if (completed()) {
		/* The kernel has io_uring, but not this operation. */
		s->unsupported = true;
	} else {
		stage_call(s, waker, "wake", raw_wake(word, FUTEX_PRIVATE_FLAG, 1), 1);
		c = stage_post_run(s, waiter, "complete", run_complete, NULL);
		stage_ended(s, c, NULL, 0);
	}
	close(ring.fd);
}

const struct test tests_uring[] = {
	{ "io_uring", io_uring_wait, "a futex wait by io_uring: no span" },
	{ 0 }
};
