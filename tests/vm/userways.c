// SPDX-License-Identifier: GPL-2.0-only
/*
 * libs: -ldl
 *
 * Programs that end, or use what is theirs, in ways that a preloaded recorder may not be ready for:
 * userways WAY.
 *   open      ends while five threads wait, 1 s and more each
 *   killed    two threads have each the other's lock; is killed after a second
 *   jump      a signal handler jumps out of a wait for a lock, 20 times
 *   lowest    opens files and counts on the lowest number, beside threads that wait
 *   busy MS [FILE]   four threads wait for one lock in turns of 50 us, for so long; makes FILE after a hundred turns
 *   ended     the same in threads, when the main thread has ended by itself
 *   recursive a recursive C11 lock is held for 300 ms by its inner part, for 300 more by its outer
 *   crowd     waits for 12 locks that lie so that they share a place in a table, each held for 100 ms
 *   children  four threads in each of three children wait for a lock that the parent has made
 *   once      three threads wait for another to do what is done once
 *   denied    the same as busy, when the process has forbidden itself to read processes' memory
 *   deadly    the same, when that would end it
 *   confined  the same, when files may not be opened either, and in a child as well
 *   plugins A B   loads two libraries in turn, 20 times each, has each let three threads wait for its lock
 *             and closes it; says how often one came to lie where the other had been
 *   shared    waits for a lock of another process
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "../lib/sleeper.h"

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static long until_ms;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Counted by threads right before they wait, so that a busy machine may take its time until they are there. */
static int arrived;

static void arrived_await(int n)
{
	while (__atomic_load_n(&arrived, __ATOMIC_RELAXED) < n)
		usleep(1000);
}

static void *take(void *lock)
{
	__atomic_fetch_add(&arrived, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(lock);
	pthread_mutex_unlock(lock);
	return NULL;
}

static int way_open(void)
{
	pthread_t t;

	pthread_mutex_lock(&held);
	for (int i = 0; i < 5; i++)
		pthread_create(&t, NULL, take, &held);
	arrived_await(5);
	usleep(1200000);
	return 3;
}

static void *take_both(void *first)
{
	pthread_mutex_lock(first);
	__atomic_fetch_add(&arrived, 1, __ATOMIC_RELAXED);
	arrived_await(2);
	pthread_mutex_lock(first == &held ? &other : &held);
	return NULL;
}

static int way_killed(void)
{
	pthread_t t;

	pthread_create(&t, NULL, take_both, &held);
	pthread_create(&t, NULL, take_both, &other);
	arrived_await(2);
	usleep(1300000);
	return kill(getpid(), SIGKILL);
}

static sigjmp_buf back;

static void jump_back(int signal)
{
	(void)signal;
	siglongjmp(back, 1);
}

static void *jump(void *arg)
{
	static volatile int i;

	for (i = 0; i < 20; i++) {
		if (sigsetjmp(back, 1))
			continue;
		ualarm(60000, 0);
		pthread_mutex_lock(&held);
	}
	return arg;
}

/* Signals are the jumping thread's. When it is done nobody waits, and releases are nobody's business. */
static int way_jump(void)
{
	sigset_t alarms;
	pthread_t t;

	signal(SIGALRM, jump_back);
	pthread_mutex_lock(&held);
	pthread_create(&t, NULL, jump, NULL);
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarms, NULL);
	pthread_join(t, NULL);
	pthread_mutex_unlock(&held);
	for (int i = 0; i < 100; i++)
		take(&held);
	puts("jumped");
	return 0;
}

static int turns_taken;

/* Some turns at least: the time may be over before a thread has run. */
static void *turns(void *arg)
{
	for (int i = 0; i < 5 || now_ms() < until_ms; i++) {
		pthread_mutex_lock(&held);
		usleep(50);
		turns_taken++;
		pthread_mutex_unlock(&held);
	}
	return arg;
}

static void *threads_come_and_go(void *arg)
{
	for (int i = 0; i < 30; i++) {
		pthread_t t[20];

		until_ms = now_ms() + 5;
		for (int j = 0; j < 20; j++)
			pthread_create(&t[j], NULL, turns, NULL);
		for (int j = 0; j < 20; j++)
			pthread_join(t[j], NULL);
	}
	__atomic_store_n((int *)arg, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* No other thread of the program opens anything, so the lowest number is the one just closed. */
static int way_lowest(void)
{
	int done = 0, bad = 0;
	pthread_t t;

	pthread_create(&t, NULL, threads_come_and_go, &done);
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		int fd;

		close(0);
		fd = open("/dev/null", O_RDONLY);
		if (!fd)
			continue;
		bad++;
		dup2(fd, 0);
		close(fd);
	}
	pthread_join(t, NULL);
	printf("%d files got another number\n", bad);
	fflush(stdout);
	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("descriptor %d is open\n", fd);
	return 0;
}

static int way_busy(long ms, const char *file)
{
	pthread_t t[4];

	until_ms = now_ms() + ms;
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, turns, NULL);
	if (file) {
		while (__atomic_load_n(&turns_taken, __ATOMIC_RELAXED) < 100)
			usleep(1000);
		close(creat(file, 0600));
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	return 0;
}

static void *busy_later(void *arg)
{
	usleep(100000);
	way_busy((long)(intptr_t)arg, NULL);
	exit(5);
}

static int way_ended(void)
{
	pthread_t t;

	pthread_create(&t, NULL, busy_later, (void *)300);
	pthread_exit(NULL);
}

static mtx_t recursive;

static int take_c11(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&arrived, 1, __ATOMIC_RELAXED);
	mtx_lock(&recursive);
	mtx_unlock(&recursive);
	return 0;
}

static __attribute__((noinline)) void give_inner(void)
{
	mtx_unlock(&recursive);
	__asm__ volatile("nop");
}

static __attribute__((noinline)) void give_outer(void)
{
	mtx_unlock(&recursive);
	__asm__ volatile("");
}

static int way_recursive(void)
{
	thrd_t t;

	mtx_init(&recursive, mtx_plain | mtx_recursive);
	mtx_lock(&recursive);
	mtx_lock(&recursive);
	thrd_create(&t, take_c11, NULL);
	arrived_await(1);
	usleep(300000);
	give_inner();
	usleep(300000);
	give_outer();
	thrd_join(t, NULL);
	return 0;
}

/* As user/preload/queue.h has it: 4,096 places, by the address in eights and in 32 KiB. */
#define CROWD 12
static struct {
	pthread_mutex_t mu;
	char pad[(4096UL << 15) - sizeof(pthread_mutex_t)];
} *crowd;

static int way_crowd(void)
{
	pthread_t t[CROWD];

	crowd = mmap(NULL, CROWD * sizeof(*crowd), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (crowd == MAP_FAILED)
		return 1;
	for (int i = 0; i < CROWD; i++) {
		pthread_mutex_init(&crowd[i].mu, NULL);
		pthread_mutex_lock(&crowd[i].mu);
	}
	for (int i = 0; i < CROWD; i++)
		pthread_create(&t[i], NULL, take, &crowd[i].mu);
	arrived_await(CROWD);
	usleep(100000);
	for (int i = 0; i < CROWD; i++)
		pthread_mutex_unlock(&crowd[i].mu);
	for (int i = 0; i < CROWD; i++)
		pthread_join(t[i], NULL);
	return 0;
}

static struct family {
	pthread_mutex_t mu;
	long count;
} *family;

static __attribute__((noinline)) void family_make(void)
{
	family = malloc(sizeof(*family));
	pthread_mutex_init(&family->mu, NULL);
	family->count = 0;
}

static void *family_turns(void *arg)
{
	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&family->mu);
		family->count++;
		usleep(50);
		pthread_mutex_unlock(&family->mu);
	}
	return arg;
}

static int way_children(void)
{
	pthread_t t[4];

	family_make();
	for (int i = 0; i < 3; i++) {
		if (fork())
			continue;
		for (int j = 0; j < 4; j++)
			pthread_create(&t[j], NULL, family_turns, NULL);
		for (int j = 0; j < 4; j++)
			pthread_join(t[j], NULL);
		printf("%ld\n", family->count);
		fflush(stdout);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	return 5;
}

static pthread_once_t done_once = PTHREAD_ONCE_INIT;

static void do_once(void)
{
	arrived_await(4);
	usleep(200000);
}

static void *want_once(void *arg)
{
	__atomic_fetch_add(&arrived, 1, __ATOMIC_RELAXED);
	pthread_once(&done_once, do_once);
	return arg;
}

static int way_once(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, want_once, NULL);
	for (int i = 0; i < 4; i++)
		while (pthread_tryjoin_np(t[i], NULL))
			usleep(1000);
	return 0;
}

/* From now on these two calls have this end. */
static int calls_filter(unsigned int first, unsigned int second, unsigned int verdict)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, second, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, verdict),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int way_filtered(unsigned int verdict)
{
	return calls_filter(SYS_process_vm_readv, SYS_process_vm_readv, verdict) || way_busy(200, NULL);
}

static int way_confined(void)
{
	int status = 0;

	if (calls_filter(SYS_process_vm_readv, SYS_openat, SECCOMP_RET_KILL_PROCESS))
		return 1;
	if (!fork())
		_exit(way_busy(200, NULL));
	wait(&status);
	return status ? 1 : way_busy(200, NULL);
}

static int way_denied(void)
{
	return way_filtered(SECCOMP_RET_ERRNO | EPERM);
}

static int way_deadly(void)
{
	return way_filtered(SECCOMP_RET_KILL_PROCESS);
}

static int way_shared(void)
{
	pthread_mutexattr_t a;
	pthread_mutex_t *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	if (m == MAP_FAILED)
		return 1;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(m, &a);
	pthread_mutex_lock(m);
	child = fork();
	if (!child) {
		take(m);
		_exit(0);
	}
	while (!sleeper_in_futex_at(child, m))
		usleep(1000);
	usleep(20000);
	pthread_mutex_unlock(m);
	waitpid(child, NULL, 0);
	return 0;
}

static int way_plugins(char **files)
{
	void *last = NULL;
	pthread_t t;
	int same = 0;

	/* Threads that wait all the time look at the mappings whenever these have changed. */
	until_ms = now_ms() + 60000;
	for (int i = 0; i < 2; i++)
		pthread_create(&t, NULL, turns, NULL);
	for (int i = 0; i < 40; i++) {
		void *library = dlopen(files[i % 2], RTLD_NOW | RTLD_LOCAL);
		void (*contend)(void) = library ? (void (*)(void))dlsym(library, "contend") : NULL;

		if (!contend)
			return 1;
		same += (void *)contend == last;
		last = (void *)contend;
		contend();
		dlclose(library);
	}
	printf("%d\n", same);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*way)(void);
	} ways[] = {
		{ "open", way_open }, { "killed", way_killed }, { "jump", way_jump }, { "lowest", way_lowest },
		{ "ended", way_ended }, { "recursive", way_recursive }, { "crowd", way_crowd },
		{ "children", way_children }, { "once", way_once }, { "shared", way_shared },
		{ "denied", way_denied }, { "deadly", way_deadly }, { "confined", way_confined },
	};
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "busy"))
		return way_busy(argc > 2 ? atol(argv[2]) : 300, argc > 3 ? argv[3] : NULL);
	if (!strcmp(name, "plugins") && argc > 3)
		return way_plugins(argv + 2);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(name, ways[i].name))
			return ways[i].way();
	fprintf(stderr, "userways: no way '%s'\n", name);
	return 2;
}
