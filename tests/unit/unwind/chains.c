// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that block in every primitive of pthread, below calls that are
 * known: its own truth for test_unwind.c. chains KIND [ROUNDS]; worker() calls
 * level1 -> level2 -> level3 -> do_KIND. Kinds: mutex cond rwlock sem barrier,
 * deep (level3 recurses 200 times), endless (2500 times), signal (a handler
 * takes the lock while spin() runs), drap (a realigned stack), jit (through code
 * written at run time), jit-python (through code as CPython writes it), odd (through a function whose rule is an expression).
 */
#include <alloca.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define THREADS 3
#define FAR __attribute__((noinline, noclone))

void do_mutex(int n);
void do_cond(int n);
void do_rwlock(int n);
void do_sem(int n);
void do_barrier(int n);
void do_deep(int n);
void do_endless(int n);
void do_signal(int n);
void do_drap(int n);
void do_jit(int n);
void do_jit_python(int n);
void do_odd(int n);
void odd_call(void (*f)(void));
void level1(int n);
void level2(int n);
void level3(int n);
void recurse(int n, int depth);
void spin(void);
void handler(int sig);
void from_jit(void);
void *worker(void *arg);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t sem;
static pthread_barrier_t barrier;
static volatile int sink;
static volatile sig_atomic_t handled, inside;
static void (*op)(int n);
static void (*through)(void (*)(void)), (*through_python)(void (*)(void));
static int rounds = 200;
static int turn;

/* Whoever holds the lock lets the others run into it. */
static void hold(void)
{
	usleep(50);
}

FAR void do_mutex(int n)
{
	pthread_mutex_lock(&mutex);
	hold();
	pthread_mutex_unlock(&mutex);
	sink = n;
}

FAR void do_cond(int n)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += until.tv_nsec < 998000000 ? 1000000 : 0;
	pthread_mutex_lock(&mutex);
	pthread_cond_broadcast(&cond);
	if (++turn % THREADS)
		pthread_cond_timedwait(&cond, &mutex, &until);
	pthread_mutex_unlock(&mutex);
	sink = n;
}

FAR void do_rwlock(int n)
{
	if (n % 3)
		pthread_rwlock_rdlock(&rwlock);
	else
		pthread_rwlock_wrlock(&rwlock);
	hold();
	pthread_rwlock_unlock(&rwlock);
	sink = n;
}

FAR void do_sem(int n)
{
	sem_wait(&sem);
	hold();
	sem_post(&sem);
	sink = n;
}

FAR void do_barrier(int n)
{
	pthread_barrier_wait(&barrier);
	sink = n;
}

FAR void recurse(int n, int depth)
{
	if (depth)
		recurse(n, depth - 1);
	else
		do_mutex(n);
	sink = n;
}

FAR void do_deep(int n)
{
	recurse(n, 200);
	sink = n;
}

FAR void do_endless(int n)
{
	recurse(n, 2500);
	sink = n;
}

FAR void handler(int sig)
{
	/* not what a handler may do, but what some do */
	do_mutex(sig);
	handled = 1;
}

FAR void spin(void)
{
	inside = 1;
	while (!handled)
		sink++;
	inside = 0;
}

static void *kicker(void *thread)
{
	while (!inside)
		sched_yield();
	pthread_kill(*(pthread_t *)thread, SIGUSR1);
	return NULL;
}

FAR void do_signal(int n)
{
	static _Thread_local pthread_t self, other;
	static atomic_int spinning;

	/* one at a time spins, the others give the lock something to wait for */
	if (atomic_exchange(&spinning, 1)) {
		do_mutex(n);
		sink = n;
		return;
	}
	self = pthread_self();
	handled = 0;
	pthread_create(&other, NULL, kicker, &self);
	spin();
	pthread_join(other, NULL);
	atomic_store(&spinning, 0);
	sink = n;
}

FAR void do_drap(int n)
{
	/* an aligned local beside a dynamic one needs a register of its own for the arguments */
	char aligned[128] __attribute__((aligned(64)));
	char *dynamic = alloca((size_t)(n % 64) + 16);

	memset(aligned, n, sizeof(aligned));
	memset(dynamic, n, (size_t)(n % 64) + 16);
	do_mutex(aligned[n % 128] + dynamic[n % 16]);
	sink = aligned[(n + 1) % 128];
}

FAR void from_jit(void)
{
	do_mutex(1);
	sink = 1;
}

FAR void do_jit(int n)
{
	through(from_jit);
	sink = n;
}

FAR void do_jit_python(int n)
{
	through_python(from_jit);
	sink = n;
}

/* Calls what it is given. Its CFA is rsp + 8 + 8, as an expression. */
__asm__(".text\n.globl odd_call\n.type odd_call, @function\nodd_call:\n\t.cfi_startproc\n"
	"\tpush %rbx\n"
	"\t.cfi_escape 0x0f, 4, 0x77, 8, 0x38, 0x22\n"
	"\t.cfi_offset %rbx, -16\n"
	"\tcall *%rdi\n"
	"\tpop %rbx\n"
	"\t.cfi_def_cfa %rsp, 8\n"
	"\tret\n\t.cfi_endproc\n\t.size odd_call, .-odd_call\n");

FAR void do_odd(int n)
{
	odd_call(from_jit);
	sink = n;
}

FAR void level3(int n)
{
	op(n);
	sink = n;
}

FAR void level2(int n)
{
	level3(n);
	sink = n;
}

FAR void level1(int n)
{
	level2(n);
	sink = n;
}

FAR void *worker(void *arg)
{
	int i;

	for (i = 0; i < rounds; i++)
		level1(i);
	return arg;
}

/* push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret */
static void jit_make(void)
{
	static const uint8_t code[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3 };
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	memcpy(p, code, sizeof(code));
	memcpy(&through, &p, sizeof(p));
	/* sub $8,%rsp; call *%rdi; add $8,%rsp; ret */
	p = (char *)p + 64;
	memcpy(p, "\x48\x83\xec\x08\xff\xd7\x48\x83\xc4\x08\xc3", 11);
	memcpy(&through_python, &p, sizeof(p));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*op)(int n);
	} kinds[] = {
		{ "mutex", do_mutex }, { "cond", do_cond }, { "rwlock", do_rwlock },
		{ "sem", do_sem }, { "barrier", do_barrier }, { "deep", do_deep },
		{ "endless", do_endless },
		{ "signal", do_signal }, { "drap", do_drap }, { "jit", do_jit },
		{ "jit-python", do_jit_python }, { "odd", do_odd },
	};
	pthread_t threads[THREADS];
	unsigned int i;

	for (i = 0; argc > 1 && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, argv[1]))
			op = kinds[i].op;
	if (!op)
		return 64;
	if (argc > 2)
		rounds = atoi(argv[2]);
	signal(SIGUSR1, handler);
	sem_init(&sem, 0, 1);
	pthread_barrier_init(&barrier, NULL, THREADS);
	jit_make();
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
