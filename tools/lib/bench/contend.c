// SPDX-License-Identifier: GPL-2.0-only
/*
 * The load of tools/bench: one kind of futex traffic, over and over, and what
 * it cost. Prints what was done between two points in time, both
 * taken inside the run, so that neither start nor end of anything counts.
 *
 *   locks        every operation waits: the lock is held over a sched_yield()
 *   chain        one more mutex than threads, in a circle: each thread holds one
 *                and waits for the next, so one thread at a time can run, every
 *                operation waits, and no scheduler can order them otherwise
 *   cond         two threads a pair, each waits for the other's signal
 *   again        FUTEX_WAIT with a value that does not match
 *   wake         FUTEX_WAKE where nobody waits
 *   uncontended  a mutex of one's own
 */
#include <error.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define KEYS_MAX 16384
#define STACK_BYTES 65536
#define FRAME __attribute__((noinline, noclone))
/* Behind a call, so that it is no tail call. */
#define END __asm__ volatile("")

struct moment {
	uint64_t time_ns;
	uint64_t tool_ns;	/* CPU time of the process that watches */
	long voluntary;
	long involuntary;
};

struct pair {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	unsigned int turn;
};

static struct {
	unsigned long threads, keys, warm, count, parked, spin;
	const char *kind, *gate;
} g_options = { .threads = 4, .keys = 1, .warm = 1000, .count = 10000, .kind = "locks" };

static pthread_mutex_t g_mutexes[KEYS_MAX];
static struct pair *g_pairs;
static pthread_barrier_t g_barrier;
static unsigned long g_done;
static struct moment g_begin, g_end;
static uint32_t g_parked_words[KEYS_MAX];
static bool g_parked_end;

/* What the threads of the process whose id stands in the gate's file have run for; 0: it is empty. */
static uint64_t tool_read(void)
{
	char path[64], pid[16] = "";
	unsigned long long ns, sum = 0;
	glob_t threads;
	size_t i;
	FILE *f = g_options.gate ? fopen(g_options.gate, "r") : NULL;

	if (!f || fscanf(f, "%15[0-9]", pid) != 1)
		pid[0] = '\0';
	if (f)
		fclose(f);
	if (!pid[0])
		return 0;
	snprintf(path, sizeof(path), "/proc/%s/task/*/schedstat", pid);
	if (glob(path, 0, NULL, &threads))
		return 0;
	for (i = 0; i < threads.gl_pathc; i++) {
		f = fopen(threads.gl_pathv[i], "r");
		if (f && fscanf(f, "%llu", &ns) == 1)
			sum += ns;
		if (f)
			fclose(f);
	}
	globfree(&threads);
	return sum;
}

static void moment_take(struct moment *m)
{
	struct rusage usage;
	struct timespec t;

	getrusage(RUSAGE_SELF, &usage);
	clock_gettime(CLOCK_MONOTONIC, &t);
	m->time_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	m->voluntary = usage.ru_nvcsw;
	m->involuntary = usage.ru_nivcsw;
}

/* Reading costs something too, and is outside. */
static void moment_begin(void)
{
	g_begin.tool_ns = tool_read();
	moment_take(&g_begin);
}

static void moment_end(void)
{
	moment_take(&g_end);
	g_end.tool_ns = tool_read();
}

/* One more operation is done; false when that was enough. */
static bool done_one(void)
{
	unsigned long n = __atomic_add_fetch(&g_done, 1, __ATOMIC_RELAXED);

	if (n == g_options.warm)
		moment_begin();
	if (n == g_options.warm + g_options.count)
		moment_end();
	return n < g_options.warm + g_options.count;
}

/* Two instructions a turn. */
static void spin(void)
{
	unsigned long i;

	for (i = g_options.spin; i; i--)
		__asm__ volatile("");
}

/* ---- the kinds ---- */

static FRAME bool lock_inner(unsigned long key)
{
	bool more;

	pthread_mutex_lock(&g_mutexes[key]);
	more = done_one();
	sched_yield();
	pthread_mutex_unlock(&g_mutexes[key]);
	END;
	return more;
}

static FRAME bool lock_outer(unsigned long key)
{
	bool more = lock_inner(key);

	END;
	return more;
}

static FRAME void locks_run(unsigned long self)
{
	unsigned long i = 0;

	(void)self;
	while (lock_outer(i % g_options.keys)) {
		sched_yield();
		i++;
	}
}

static FRAME bool chain_inner(unsigned long from, unsigned long to)
{
	bool more;

	pthread_mutex_lock(&g_mutexes[to]);
	more = done_one();
	spin();
	pthread_mutex_unlock(&g_mutexes[from]);
	END;
	return more;
}

static FRAME bool chain_outer(unsigned long from, unsigned long to)
{
	bool more = chain_inner(from, to);

	END;
	return more;
}

static FRAME void chain_run(unsigned long self)
{
	unsigned long n = g_options.threads + 1, at = self;

	pthread_mutex_lock(&g_mutexes[at]);
	pthread_barrier_wait(&g_barrier);
	while (chain_outer(at, (at + 1) % n))
		at = (at + 1) % n;
	/* the one behind is to end too */
	pthread_mutex_unlock(&g_mutexes[(at + 1) % n]);
}

static FRAME bool cond_turn(struct pair *pair, unsigned int me)
{
	bool more;

	pthread_mutex_lock(&pair->mutex);
	while (pair->turn != me && pair->turn < 2)
		pthread_cond_wait(&pair->cond, &pair->mutex);
	more = pair->turn < 2 && done_one();
	/* 2 ends both of them */
	pair->turn = more ? !me : 2;
	pthread_mutex_unlock(&pair->mutex);
	pthread_cond_signal(&pair->cond);
	return more;
}

static FRAME void cond_run(unsigned long self)
{
	while (cond_turn(&g_pairs[self / 2], self & 1))
		;
}

static FRAME void again_run(unsigned long self)
{
	uint32_t word = 1;

	(void)self;
	do
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	while (done_one());
}

static FRAME void wake_run(unsigned long self)
{
	uint32_t word = 1;

	(void)self;
	do
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	while (done_one());
}

static FRAME void uncontended_run(unsigned long self)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	(void)self;
	do {
		pthread_mutex_lock(&mutex);
		__asm__ volatile("" ::: "memory");
		pthread_mutex_unlock(&mutex);
	} while (done_one());
}

static const struct {
	const char *name;
	void (*run)(unsigned long self);
} kinds[] = {
	{ "locks", locks_run }, { "chain", chain_run }, { "cond", cond_run },
	{ "again", again_run }, { "wake", wake_run }, { "uncontended", uncontended_run },
};

/* ---- the run ---- */

static void (*kind_find(void))(unsigned long)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, g_options.kind))
			return kinds[i].run;
	error(64, 0, "no kind '%s'", g_options.kind);
	return NULL;
}

static void *thread_main(void *arg)
{
	kind_find()((unsigned long)arg);
	return NULL;
}

static void *parked_main(void *arg)
{
	uint32_t *word = &g_parked_words[(unsigned long)arg % KEYS_MAX];

	while (!__atomic_load_n(&g_parked_end, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return arg;
}

static void parked_wake(void)
{
	unsigned long i;

	__atomic_store_n(&g_parked_end, true, __ATOMIC_RELEASE);
	for (i = 0; i < g_options.parked; i++) {
		__atomic_store_n(&g_parked_words[i % KEYS_MAX], 1, __ATOMIC_RELEASE);
		syscall(SYS_futex, &g_parked_words[i % KEYS_MAX], FUTEX_WAKE_PRIVATE, INT_MAX, NULL,
			NULL, 0);
	}
}

static void thread_start(pthread_t *to, void *(*run)(void *), unsigned long n)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (pthread_create(to, &attr, run, (void *)n))
		error(1, errno, "thread %lu", n);
	pthread_attr_destroy(&attr);
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "t:k:w:n:p:g:u:")) != -1) {
		switch (c) {
		case 't':
			g_options.threads = strtoul(optarg, NULL, 0);
			break;
		case 'k':
			g_options.keys = strtoul(optarg, NULL, 0);
			break;
		case 'w':
			g_options.warm = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			g_options.count = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			g_options.parked = strtoul(optarg, NULL, 0);
			break;
		case 'u':
			g_options.spin = strtoul(optarg, NULL, 0);
			break;
		case 'g':
			g_options.gate = optarg;
			break;
		default:
			exit(64);
		}
	}
	if (optind < argc)
		g_options.kind = argv[optind];
	if (!g_options.threads || !g_options.keys || g_options.keys > KEYS_MAX ||
	    g_options.threads >= KEYS_MAX)
		error(64, 0, "threads and keys from 1 to %d", KEYS_MAX - 1);
}

/* A tool that attaches needs a process that is there and does nothing yet. Its id is put into the gate's file. */
static void gate_await(void)
{
	struct timespec pause = { .tv_nsec = 10000000 };

	while (g_options.gate && access(g_options.gate, F_OK))
		nanosleep(&pause, NULL);
}

/* tool_ns kind threads keys parked spin operations ns voluntary involuntary */
static void print(void)
{
	printf("%llu %s %lu %lu %lu %lu %lu %llu %ld %ld\n",
	       (unsigned long long)(g_end.tool_ns - g_begin.tool_ns), g_options.kind, g_options.threads,
	       g_options.keys, g_options.parked, g_options.spin, g_options.count,
	       (unsigned long long)(g_end.time_ns - g_begin.time_ns),
	       g_end.voluntary - g_begin.voluntary, g_end.involuntary - g_begin.involuntary);
}

int main(int argc, char **argv)
{
	pthread_t *threads, *parked;
	unsigned long i;

	parse(argc, argv);
	kind_find();
	threads = calloc(g_options.threads, sizeof(*threads));
	parked = calloc(g_options.parked + 1, sizeof(*parked));
	g_pairs = calloc(g_options.threads, sizeof(*g_pairs));
	if (!threads || !parked || !g_pairs)
		error(1, ENOMEM, "threads");
	pthread_barrier_init(&g_barrier, NULL, (unsigned int)g_options.threads);
	gate_await();
	for (i = 0; i < g_options.parked; i++)
		thread_start(&parked[i], parked_main, i);
	for (i = 0; i < g_options.threads; i++)
		thread_start(&threads[i], thread_main, i);
	for (i = 0; i < g_options.threads; i++)
		pthread_join(threads[i], NULL);
	parked_wake();
	for (i = 0; i < g_options.parked; i++)
		pthread_join(parked[i], NULL);
	print();
	return 0;
}
