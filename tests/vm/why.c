// SPDX-License-Identifier: GPL-2.0-only
/*
 * why [FILE GROUP]: holds of a mutex that are long for a known reason, with the truth of it.
 *
 * A thread holds the mutex some times, each time through three steps. One victim more waits for it from
 * each step on. What the holder does in a step, in a function of its own for each:
 *   hold_warm       it sleeps, while the recorder looks at a new program and takes the processor
 *   hold_spin       it runs
 *   hold_sleep      it sleeps
 *   hold_read       it reads from a pipe that is empty
 *   hold_fault      it touches a page that is not there (userfaultfd)
 *   hold_preempted  a thread of a higher priority takes its processor
 *   hold_lock       it waits for g_inner, which another thread holds
 *   hold_mixed      it runs for 30 % of the time, and sleeps for 70 %
 *   hold_many       it sleeps 60 times, too often for all of it to be kept
 *   hold_fsync      it writes to FILE, and waits until that is on the disk
 *   hold_quota      it runs, in the control group GROUP, which lets it run for a part of the time only
 * The last two need their argument.
 * Prints what the holder did while they waited, once for each victim that waited then: how long it ran by
 * its own CPU clock, how long it had no processor by the scheduler's count, and how long it slept. And how long all
 * threads have been there together, and have run.
 * libs: -lpthread
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ULL
#define STEPS 3
#define ROUNDS 6
#define STEP_NS (8 * MS)
#define PAGE 4096

static pthread_mutex_t g_outer = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t g_inner = PTHREAD_MUTEX_INITIALIZER;
/* What the holders of one kind do, and the thread that they need for it. */
struct kind {
	const char *name;
	void (*hold)(struct kind *k, unsigned int round);
	int wanted[2], answered[2];	/* pipes to the helper and back */
	uint64_t running_ns, runnable_ns, asleep_ns;
};

static int file = -1, group = -1, no_group = -1, faults;
static char *pages;
static volatile bool inner_taken;
static volatile unsigned int calls[STEPS], back[STEPS];	/* by victim: waits that it is to make, and has made */
static volatile bool comes[STEPS], over;
static volatile uint64_t came_ns[STEPS];

static bool is(const struct kind *k, const char *which)
{
	return !strcmp(k->name, which);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static void nap_ns(uint64_t ns)
{
	struct timespec t = { .tv_nsec = (long)ns };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static void spin_ns(uint64_t ns)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + ns;

	while (clock_ns(CLOCK_MONOTONIC) < end)
		;
}

static unsigned int threads;
static uint64_t born_ns;	/* sum over the threads */

static void thread_born(void)
{
	threads++;
	born_ns += clock_ns(CLOCK_MONOTONIC);
}

static void die(const char *what)
{
	fprintf(stderr, "why: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void byte_write(int fd)
{
	if (write(fd, "x", 1) != 1)
		die("write");
}

static void byte_read(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		die("read");
}

/* ---- the helper, who is what the holder waits for ---- */

static void fault_serve(void)
{
	static char page[PAGE];
	struct uffd_msg msg;
	struct uffdio_copy copy = { .src = (unsigned long)page, .len = PAGE };

	if (read(faults, &msg, sizeof(msg)) != sizeof(msg))
		die("userfaultfd");
	nap_ns(STEP_NS);
	copy.dst = msg.arg.pagefault.address & ~(PAGE - 1ULL);
	if (ioctl(faults, UFFDIO_COPY, &copy))
		die("UFFDIO_COPY");
}

static void inner_serve(const struct kind *k)
{
	pthread_mutex_lock(&g_inner);
	inner_taken = true;
	byte_read(k->wanted[0]);
	nap_ns(STEP_NS);
	pthread_mutex_unlock(&g_inner);
	while (inner_taken)
		nap_ns(MS / 10);
}

static void *helper(void *arg)
{
	const struct kind *k = arg;

	while (is(k, "fault"))
		fault_serve();
	while (is(k, "lock"))
		inner_serve(k);
	for (;;) {
		byte_read(k->wanted[0]);
		if (is(k, "preempted")) {
			spin_ns(STEP_NS);
		} else {
			nap_ns(STEP_NS);
			byte_write(k->answered[1]);
		}
	}
	return NULL;
}

static void helper_start(struct kind *k)
{
	struct sched_param first = { .sched_priority = 10 };
	pthread_t thread;

	if (pipe(k->wanted) || pipe(k->answered) || pthread_create(&thread, NULL, helper, k))
		die("helper");
	thread_born();
	if (is(k, "preempted") && pthread_setschedparam(thread, SCHED_FIFO, &first))
		die("priority");
}

static void faults_start(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register all = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	pages = mmap(NULL, ROUNDS * STEPS * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	all.range.start = (unsigned long)pages;
	all.range.len = ROUNDS * STEPS * PAGE;
	if (faults < 0 || ioctl(faults, UFFDIO_API, &api) || ioctl(faults, UFFDIO_REGISTER, &all))
		die("userfaultfd");
}

/* ---- the holder ---- */

static void disk_wait(void)
{
	static char block[PAGE];
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + STEP_NS;

	do {
		if (pwrite(file, block, sizeof(block), 0) != sizeof(block) || fsync(file))
			die("fsync");
		block[0]++;
	} while (clock_ns(CLOCK_MONOTONIC) < end);
}

/* The thread that calls this is in the control group that @fd is of. */
static void group_enter(int fd)
{
	if (write(fd, "0", 1) != 1)
		die("control group");
}

/* Until this thread has run for so long. */
static void work_ns(uint64_t ns)
{
	uint64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static void quota_wait(void)
{
	group_enter(group);
	work_ns(STEP_NS / 2);
	group_enter(no_group);
}

static void inner_wait(const struct kind *k)
{
	while (!inner_taken)
		sched_yield();
	byte_write(k->wanted[1]);
	pthread_mutex_lock(&g_inner);
	pthread_mutex_unlock(&g_inner);
	inner_taken = false;
}

static void step(const struct kind *k, unsigned int round, unsigned int n)
{
	if (is(k, "spin")) {
		spin_ns(STEP_NS);
	} else if (is(k, "mixed")) {
		spin_ns(STEP_NS * 3 / 10);
		nap_ns(STEP_NS * 7 / 10);
	} else if (is(k, "sleep") || is(k, "warm")) {
		nap_ns(STEP_NS);
	} else if (is(k, "many")) {
		for (int i = 0; i < 20; i++)
			nap_ns(STEP_NS / 20);
	} else if (is(k, "fault")) {
		*(volatile char *)(pages + (round * STEPS + n) * PAGE) = 1;
	} else if (is(k, "fsync")) {
		disk_wait();
	} else if (is(k, "quota")) {
		quota_wait();
	} else if (is(k, "lock")) {
		inner_wait(k);
	} else {
		byte_write(k->wanted[1]);
		if (is(k, "read"))
			byte_read(k->answered[0]);
	}
}

/* How long this thread has waited for a processor, by the scheduler's own count. */
static uint64_t queued_ns(void)
{
	unsigned long long run, wait;
	static int fd = -1;
	char text[128];
	ssize_t n;

	if (fd < 0)
		fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		die("schedstat");
	text[n] = '\0';
	if (sscanf(text, "%llu %llu", &run, &wait) != 2)
		die("schedstat");
	return wait;
}

/* What the holder has done since the last call, while @waiters waited. */
static void account(struct kind *k, unsigned int waiters)
{
	static uint64_t wall_ns, cpu_ns, queue_ns;
	uint64_t queue, cpu, wall, all, ran, queued;

	/* If it has no processor between the clocks, one of them has that time and another has it not. */
	do {
		queue = queued_ns();
		cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		wall = clock_ns(CLOCK_MONOTONIC);
	} while (queued_ns() != queue);
	all = wall - wall_ns;
	ran = cpu - cpu_ns;
	queued = queue - queue_ns;
	if (ran > all)
		ran = all;
	if (queued > all - ran)
		queued = all - ran;
	k->running_ns += waiters * ran;
	k->runnable_ns += waiters * queued;
	k->asleep_ns += waiters * (all - ran - queued);
	wall_ns = wall;
	cpu_ns = cpu;
	queue_ns = queue;
}

/* One victim more waits. When some time has gone by it is asleep. */
static void victim_call(struct kind *k, unsigned int n)
{
	comes[n] = false;
	calls[n]++;
	while (!comes[n])
		sched_yield();
	account(k, n);
	/* It has waited since then, while this thread wanted a processor in order to see it. */
	k->runnable_ns += clock_ns(CLOCK_MONOTONIC) - came_ns[n];
	spin_ns(MS / 2);
}

static inline __attribute__((always_inline)) void hold_it(struct kind *k, unsigned int round)
{
	pthread_mutex_lock(&g_outer);
	account(k, 0);
	for (unsigned int n = 0; n < STEPS; n++) {
		victim_call(k, n);
		step(k, round, n);
		account(k, n + 1);
	}
	pthread_mutex_unlock(&g_outer);
	__asm__ volatile("");
}

#define HOLD(name)	\
	static __attribute__((noinline)) void hold_##name(struct kind *k, unsigned int round) { hold_it(k, round); }
HOLD(warm)
HOLD(spin)
HOLD(sleep)
HOLD(read)
HOLD(fault)
HOLD(preempted)
HOLD(lock)
HOLD(mixed)
HOLD(many)
HOLD(fsync)
HOLD(quota)

static struct kind kinds[] = {
	{ .name = "warm", .hold = hold_warm },
	{ .name = "spin", .hold = hold_spin }, { .name = "sleep", .hold = hold_sleep },
	{ .name = "read", .hold = hold_read }, { .name = "fault", .hold = hold_fault },
	{ .name = "preempted", .hold = hold_preempted }, { .name = "lock", .hold = hold_lock },
	{ .name = "mixed", .hold = hold_mixed }, { .name = "many", .hold = hold_many },
	{ .name = "fsync", .hold = hold_fsync }, { .name = "quota", .hold = hold_quota },
};

static void *victim(void *arg)
{
	unsigned int me = (unsigned int)(uintptr_t)arg;

	while (!over) {
		if (calls[me] == back[me]) {
			nap_ns(MS / 4);
			continue;
		}
		came_ns[me] = clock_ns(CLOCK_MONOTONIC);
		comes[me] = true;
		pthread_mutex_lock(&g_outer);
		pthread_mutex_unlock(&g_outer);
		back[me]++;
	}
	return NULL;
}

static void kind_run(struct kind *k, const char *comma)
{
	helper_start(k);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		k->hold(k, round);
		for (int i = 0; i < STEPS; i++)
			while (calls[i] != back[i])
				nap_ns(MS / 4);
	}
	printf("%s\"%s\":{\"running_ns\":%llu,\"runnable_ns\":%llu,\"asleep_ns\":%llu}", comma, k->name,
	       (unsigned long long)k->running_ns, (unsigned long long)k->runnable_ns,
	       (unsigned long long)k->asleep_ns);
}

/* The files by which a thread enters the control group @path, and leaves it. */
static void groups_open(const char *path)
{
	char name[256];

	snprintf(name, sizeof(name), "%s/cgroup.threads", path);
	group = open(name, O_WRONLY);
	snprintf(name, sizeof(name), "%s/../cgroup.threads", path);
	no_group = open(name, O_WRONLY);
	if (group < 0 || no_group < 0)
		die("control group");
}

static bool can(const struct kind *k)
{
	return is(k, "fsync") ? file >= 0 : is(k, "quota") ? group >= 0 : true;
}

int main(int argc, char **argv)
{
	pthread_t victims[STEPS];
	cpu_set_t cpu;

	if (argc > 2) {
		groups_open(argv[2]);
		file = open(argv[1], O_RDWR | O_CREAT, 0600);
		if (file < 0)
			die("file");
	}
	faults_start();
	thread_born();
	for (uintptr_t i = 0; i < STEPS; i++) {
		thread_born();
		pthread_create(&victims[i], NULL, victim, (void *)i);
	}
	/* So that it can be preempted there, by a helper that inherits this. The victims do not share it. */
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu))
		die("affinity");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (can(&kinds[i]))
			kind_run(&kinds[i], i ? "," : "{");
	printf(",\"all\":{\"ns\":%llu,\"running_ns\":%llu}}\n",
	       (unsigned long long)(threads * clock_ns(CLOCK_MONOTONIC) - born_ns),
	       (unsigned long long)clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	over = true;
	for (int i = 0; i < STEPS; i++)
		pthread_join(victims[i], NULL);
	return 0;
}
