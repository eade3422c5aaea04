// SPDX-License-Identifier: GPL-2.0-only
/*
 * libs: -ldl
 *
 * Much that can go wrong under a preloaded recorder, for as long as is wished:
 * userstorm [SECONDS [THREADS]]. Threads wait for locks, end and are replaced;
 * locks are made and destroyed on the heap; a child is forked and waits in
 * threads of its own; a signal handler posts a semaphore; a library comes and
 * goes; a timed wait gives up. Fails if a count is not what it must be. Prints
 * the process's anonymous memory (kB), mappings and descriptors after a sixth of
 * the time and at the end.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOCKS 4
#define TURNS 50		/* of a thread, before another takes its place */
#define THREADS_MAX 256

static struct {
	pthread_mutex_t mu;
	uint64_t count;
} slots[LOCKS] = {
	{ PTHREAD_MUTEX_INITIALIZER, 0 }, { PTHREAD_MUTEX_INITIALIZER, 0 },
	{ PTHREAD_MUTEX_INITIALIZER, 0 }, { PTHREAD_MUTEX_INITIALIZER, 0 },
};
static pthread_mutex_t idle = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static pthread_key_t at_exit;
static sem_t from_handler;
static uint64_t turns, posts, exits;
static int stop;

static void fail(const char *what)
{
	fprintf(stderr, "userstorm: %s\n", what);
	_exit(1);
}

/* A lock that one thread has and another waits for, made and destroyed. */
static void *heap_waiter(void *m)
{
	pthread_mutex_lock(m);
	pthread_mutex_unlock(m);
	return NULL;
}

static void heap_lock_use(void)
{
	pthread_mutex_t *m = malloc(sizeof(*m));
	pthread_t t;

	if (!m || pthread_mutex_init(m, NULL))
		fail("no lock");
	pthread_mutex_lock(m);
	if (pthread_create(&t, NULL, heap_waiter, m))
		fail("no thread");
	usleep(500);
	pthread_mutex_unlock(m);
	pthread_join(t, NULL);
	pthread_mutex_destroy(m);
	free(m);
}

/* Runs when a thread ends, perhaps after the recorder has let go of it. */
static void thread_ends(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&slots[0].mu);
	exits++;
	usleep(200);
	pthread_mutex_unlock(&slots[0].mu);
}

static void *worker(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;

	pthread_setspecific(at_exit, arg);
	for (int i = 0; i < TURNS; i++) {
		unsigned int at = (unsigned int)rand_r(&seed) % LOCKS;

		pthread_mutex_lock(&slots[at].mu);
		slots[at].count++;
		usleep(200);
		pthread_mutex_unlock(&slots[at].mu);
		__atomic_fetch_add(&turns, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *giver_up(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct timespec t;

		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_sec += 1;
		pthread_mutex_lock(&idle);
		pthread_cond_timedwait(&never, &idle, &t);
		pthread_mutex_unlock(&idle);
	}
	return NULL;
}

static void *handled(void *arg)
{
	uint64_t got = 0;

	/* The last post is main's, behind all others; without one of them this never ends. */
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE) || got != posts + 1) {
		while (sem_wait(&from_handler))
			;
		got++;
	}
	*(uint64_t *)arg = got - 1;
	return NULL;
}

static void on_signal(int nr)
{
	(void)nr;
	sem_post(&from_handler);
}

static void child_run(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		heap_lock_use();
		_exit(7);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
		fail("the child did not end as it should");
}

static void library_use(void)
{
	void *lib = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);

	if (!lib || !dlsym(lib, "cos"))
		fail("no library");
	dlclose(lib);
}

static unsigned long lines_count(const char *path, const char *key)
{
	FILE *f = fopen(path, "r");
	char line[512];
	unsigned long n = 0, value;

	while (f && fgets(line, sizeof(line), f)) {
		n++;
		if (key && !strncmp(line, key, strlen(key)) && sscanf(line + strlen(key), "%lu", &value) == 1) {
			n = value;
			break;
		}
	}
	if (f)
		fclose(f);
	return n;
}

static void state_print(const char *when)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned long fds = 0;

	while (d && readdir(d))
		fds++;
	if (d)
		closedir(d);
	printf("%s %lu %lu %lu\n", when, lines_count("/proc/self/status", "RssAnon:"),
	       lines_count("/proc/self/maps", NULL), fds);
	fflush(stdout);
}

static void once_a_second(void)
{
	heap_lock_use();
	child_run();
	library_use();
	posts++;
	raise(SIGUSR1);
}

int main(int argc, char **argv)
{
	time_t seconds = argc > 1 ? atoi(argv[1]) : 6, start, last;
	int n = argc > 2 ? atoi(argv[2]) : 64, shown = 0;
	pthread_t threads[THREADS_MAX], other, taker;
	uint64_t started = 0, got = 0, sum = 0;

	if (n < 1 || n > THREADS_MAX)
		fail("so many threads are not for this");
	sem_init(&from_handler, 0, 0);
	signal(SIGUSR1, on_signal);
	pthread_key_create(&at_exit, thread_ends);
	pthread_create(&other, NULL, giver_up, NULL);
	pthread_create(&taker, NULL, handled, &got);
	for (int i = 0; i < n; i++, started++)
		if (pthread_create(&threads[i], NULL, worker, (void *)(uintptr_t)(started + 1)))
			fail("no thread");
	start = last = time(NULL);
	for (int i = 0; time(NULL) - start < seconds; i = (i + 1) % n) {
		pthread_join(threads[i], NULL);
		if (pthread_create(&threads[i], NULL, worker, (void *)(uintptr_t)(++started)))
			fail("no thread");
		if (time(NULL) != last) {
			once_a_second();
			last = time(NULL);
		}
		if (!shown && time(NULL) - start >= seconds / 6) {
			state_print("early");
			shown = 1;
		}
	}
	state_print("end");
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	sem_post(&from_handler);
	pthread_join(other, NULL);
	pthread_join(taker, NULL);
	for (int i = 0; i < LOCKS; i++)
		sum += slots[i].count;
	if (sum != turns || turns % TURNS || exits != turns / TURNS)
		fail("counts under the locks are not those of the turns");
	if (got != posts)
		fail("the semaphore has lost a post");
	printf("turns %llu threads %llu\n", (unsigned long long)turns, (unsigned long long)exits);
	return 0;
}
