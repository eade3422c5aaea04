// SPDX-License-Identifier: GPL-2.0-only
/*
 * oddwake WAY ROUNDS: wakes that are not as wakes usually are; prints what the waiter's own clock says.
 *  stolen  a PI mutex is handed to a thread that does not get to run before another takes it again, in
 *          second_lock(), for 50 ms
 *  passed  a PI mutex on its way to one waiter becomes another's, whose priority raised() raises
 *  exec    a process that holds a robust lock becomes another program
 *  uring   a worker of io_uring's wakes
 * libs: -pthread
 */
#include <errno.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../lib/sleeper.h"

#define FUNCTION __attribute__((noinline, noclone))
/* As the kernel has them; headers may be older. */
#define URING_OP_FUTEX_WAKE 52
#define FUTEX2_U32_PRIVATE (2 | 128)
#define SQE_ADDR3 48
#define NR_SETUP 425
#define NR_ENTER 426

static pthread_mutex_t g_pi_mu;
static atomic_int g_round, g_done;
static uint64_t g_waited_ns;
static int g_rounds;

static void fifo(pthread_t thread, int priority)
{
	const struct sched_param param = { .sched_priority = priority };

	if (pthread_setschedparam(thread, SCHED_FIFO, &param))
		exit(3);
}

static void pi_init(void)
{
	pthread_mutexattr_t attr;
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (sched_setaffinity(0, sizeof(first), &first))
		exit(3);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&g_pi_mu, &attr);
}

/* ---- stolen ---- */

static void *late_waiter(void *unused)
{
	uint64_t from_ns;

	for (int i = 1; i <= g_rounds; i++) {
		while (g_round < i)
			usleep(500);
		from_ns = clock_ns(CLOCK_MONOTONIC);
		pthread_mutex_lock(&g_pi_mu);
		g_waited_ns += clock_ns(CLOCK_MONOTONIC) - from_ns;
		pthread_mutex_unlock(&g_pi_mu);
		g_done = i;
	}
	return unused;
}

static FUNCTION void first_unlock(void)
{
	pthread_mutex_unlock(&g_pi_mu);
	__asm__ volatile("");
}

static FUNCTION void second_lock(void)
{
	pthread_mutex_lock(&g_pi_mu);
	usleep(50000);
	pthread_mutex_unlock(&g_pi_mu);
	__asm__ volatile("");
}

static void run_stolen(void)
{
	pthread_t waiter;

	pi_init();
	pthread_create(&waiter, NULL, late_waiter, NULL);
	fifo(waiter, 10);
	fifo(pthread_self(), 30);
	for (int i = 1; i <= g_rounds; i++) {
		pthread_mutex_lock(&g_pi_mu);
		g_round = i;
		usleep(5000);
		first_unlock();
		second_lock();
		while (g_done < i)
			usleep(1000);
	}
	pthread_join(waiter, NULL);
}

/* ---- passed ---- */

static atomic_int g_tid[2];

static FUNCTION void *waiter_of(void *number)
{
	int n = (int)(intptr_t)number;

	g_tid[n] = (int)syscall(SYS_gettid);
	for (int i = 1; i <= g_rounds; i++) {
		while (g_round < i)
			usleep(500);
		pthread_mutex_lock(&g_pi_mu);
		if (n)
			usleep(20000);
		pthread_mutex_unlock(&g_pi_mu);
		g_done++;
		while (g_done < 2 * i)
			usleep(500);
	}
	return NULL;
}

static FUNCTION void raised(pthread_t waiter)
{
	fifo(waiter, 20);
	__asm__ volatile("");
}

static void run_passed(void)
{
	pthread_t waiter[2];

	pi_init();
	for (intptr_t n = 0; n < 2; n++)
		pthread_create(&waiter[n], NULL, waiter_of, (void *)n);
	fifo(waiter[0], 10);
	fifo(pthread_self(), 30);
	for (int i = 1; i <= g_rounds; i++) {
		fifo(waiter[1], 5);
		pthread_mutex_lock(&g_pi_mu);
		g_round = i;
		while (!sleeper_in_futex(g_tid[0]) || !sleeper_in_futex(g_tid[1]))
			usleep(500);
		usleep(2000);
		/* The first waiter is on the first processor too, where this thread still runs. */
		pthread_mutex_unlock(&g_pi_mu);
		raised(waiter[1]);
		while (g_done < 2 * i)
			usleep(500);
	}
	for (int n = 0; n < 2; n++)
		pthread_join(waiter[n], NULL);
}

/* ---- exec ---- */

struct shared {
	struct robust_list_head head;
	struct robust_list entry;
	atomic_uint word;
	atomic_int go;
};

static void become_another(struct shared *s)
{
	s->head.list.next = &s->entry;
	s->entry.next = &s->head.list;
	s->head.futex_offset = (long)offsetof(struct shared, word) - (long)offsetof(struct shared, entry);
	s->head.list_op_pending = NULL;
	s->word = (unsigned int)getpid() | FUTEX_WAITERS;
	if (syscall(SYS_set_robust_list, &s->head, sizeof(s->head)))
		_exit(3);
	while (!s->go || !sleeper_in_futex(getppid()))
		usleep(500);
	usleep(2000);
	execl("/proc/self/exe", "oddwake", "nothing", "0", NULL);
	_exit(3);
}

static FUNCTION void wait_for_owner(struct shared *s, unsigned int value)
{
	while (s->word == value)
		syscall(SYS_futex, &s->word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void run_exec(void)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t from_ns;
	pid_t child;

	for (int i = 0; i < g_rounds; i++) {
		memset(s, 0, sizeof(*s));
		child = fork();
		if (!child)
			become_another(s);
		while (!s->word)
			usleep(500);
		s->go = 1;
		from_ns = clock_ns(CLOCK_MONOTONIC);
		wait_for_owner(s, (unsigned int)child | FUTEX_WAITERS);
		g_waited_ns += clock_ns(CLOCK_MONOTONIC) - from_ns;
		waitpid(child, NULL, 0);
	}
}

/* ---- uring ---- */

static atomic_uint g_word;

static FUNCTION void *uring_waiter(void *unused)
{
	g_tid[0] = (int)syscall(SYS_gettid);
	for (int i = 0; i < g_rounds; i++)
		while ((int)g_word == i)
			syscall(SYS_futex, &g_word, FUTEX_WAIT_PRIVATE, i, NULL, NULL, 0);
	return unused;
}

static int uring_wake(int fd, char *rings, const struct io_uring_params *p, struct io_uring_sqe *sqe)
{
	atomic_uint *head = (void *)(rings + p->cq_off.head), *tail = (void *)(rings + p->cq_off.tail);
	struct io_uring_cqe *cqes = (void *)(rings + p->cq_off.cqes);

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = URING_OP_FUTEX_WAKE;
	sqe->flags = IOSQE_ASYNC;	/* by a worker */
	sqe->fd = FUTEX2_U32_PRIVATE;
	sqe->addr = (unsigned long)&g_word;
	sqe->off = 1;
	memcpy((char *)sqe + SQE_ADDR3, &(uint64_t){ FUTEX_BITSET_MATCH_ANY }, sizeof(uint64_t));
	*(uint32_t *)(void *)(rings + p->sq_off.array) = 0;
	atomic_fetch_add((atomic_uint *)(void *)(rings + p->sq_off.tail), 1);
	if (syscall(NR_ENTER, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1 || *head == *tail)
		return -EIO;
	return cqes[atomic_fetch_add(head, 1) & (p->cq_entries - 1)].res;
}

static FUNCTION void run_uring(void)
{
	struct io_uring_params p = { 0 };
	int fd = (int)syscall(NR_SETUP, 4, &p);
	struct io_uring_sqe *sqe;
	pthread_t waiter;
	char *rings;

	if (fd < 0)
		exit(4);
	rings = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe) + 4096,
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
	sqe = mmap(NULL, p.sq_entries * sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		   IORING_OFF_SQES);
	if (rings == MAP_FAILED || sqe == MAP_FAILED)
		exit(4);
	pthread_create(&waiter, NULL, uring_waiter, NULL);
	for (int i = 0; i < g_rounds; i++) {
		while (!g_tid[0] || !sleeper_in_futex(g_tid[0]))
			usleep(500);
		usleep(1000);
		g_word++;
		if (uring_wake(fd, rings, &p, sqe) < 0)
			exit(4);	/* this kernel has no such operation */
	}
	pthread_join(waiter, NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} ways[] = {
		{ "stolen", run_stolen }, { "passed", run_passed }, { "exec", run_exec }, { "uring", run_uring },
	};

	if (argc != 3)
		return 2;
	g_rounds = atoi(argv[2]);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(argv[1], ways[i].name))
			ways[i].run();
	printf("{\"waited_ns\":%lu}\n", (unsigned long)g_waited_ns);
	return 0;
}
