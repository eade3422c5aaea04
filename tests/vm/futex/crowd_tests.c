// SPDX-License-Identifier: GPL-2.0-only
/* The tests of many threads: parked ones, a storm on a mutex, and races. */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../workloads/c/lib/clock.h"
#include "../../../workloads/c/lib/json.h"
#include "crowd.h"
#include "park.h"
#include "raw.h"

#define LINE_WORDS 16	/* one word a cache line */
#define TURN_NS 1000000U
#define PATIENCE_NS 300000000000U

struct words {
	uint32_t *at;
	unsigned int n;
};

static struct words words_new(unsigned int n)
{
	size_t bytes = (size_t)n * LINE_WORDS * sizeof(uint32_t);
	uint32_t *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	if (at == MAP_FAILED) {
		fprintf(stderr, "futex_ops: no memory for %u words\n", n);
		exit(2);
	}
	return (struct words){ at, n };
}

static uint32_t *word_of(const struct words *words, unsigned int i)
{
	return &words->at[(size_t)(i % words->n) * LINE_WORDS];
}

static struct crowd *crowd_or_die(unsigned int threads, void (*run)(struct crowd_thread *),
				  void *data)
{
	struct crowd *crowd = crowd_create(threads, run, data);

	if (!crowd) {
		fprintf(stderr, "futex_ops: cannot start %u threads\n", threads);
		exit(2);
	}
	return crowd;
}

/* ---- parked ---- */

static void park_once(struct crowd_thread *me)
{
	crowd_wait(me, word_of(me->crowd->data, me->index), 0, NULL);
}

static bool all_parked(const struct crowd *crowd)
{
	uint64_t start_ns = clock_now_ns();
	unsigned int i;

	for (i = 0; i < crowd->threads; i++)
		while (!park_in_call(getpid(), crowd->thread[i].tid, RAW_NR_FUTEX)) {
			if (clock_now_ns() - start_ns > PATIENCE_NS)
				return false;
			clock_sleep_ns(1000000);
		}
	return true;
}

static void announce(const struct crowd *crowd, uint64_t start_ns)
{
	json_object_open(NULL);
	json_string("test", "parked");
	json_string("kind", "parked");
	json_u64("pid", (uint64_t)getpid());
	json_u64("threads", crowd->threads);
	json_u64("before_ns", start_ns);
	json_u64("parked_ns", clock_now_ns());
	json_object_close();
	json_finish();
}

static bool parked(const struct crowd_options *options)
{
	struct words words = words_new(options->words);
	struct crowd *crowd = crowd_or_die(options->threads, park_once, &words);
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	struct crowd_thread waker = { .crowd = crowd };
	uint64_t start_ns = clock_now_ns();
	unsigned int i;
	bool ok;

	crowd_start(crowd);
	ok = all_parked(crowd);
	announce(crowd, start_ns);
	if (options->hold_seconds)
		poll(&input, 1, (int)options->hold_seconds * 1000);
	for (i = 0; i < words.n; i++)
		crowd_wake(&waker, word_of(&words, i), INT_MAX);
	crowd_join(crowd);
	/* The conductor's wakes belong into the total as well. */
	crowd->thread[0].counts.wakes += waker.counts.wakes;
	crowd->thread[0].counts.woken += waker.counts.woken;
	ok = ok && waker.counts.woken == crowd->threads;
	ok = crowd_report("parked", crowd, ok);
	crowd_destroy(crowd);
	return ok;
}

/* ---- storm: a mutex made of one word, 0 free, 1 held, 2 held and waited for ---- */

struct storm {
	struct words words;
	const struct crowd_options *options;
	uint64_t *held;		/* per word, written under its lock */
};

static bool storm_lock(struct crowd_thread *me, uint32_t *word)
{
	const struct storm *storm = me->crowd->data;
	const struct timespec ts = { .tv_nsec = storm->options->timeout_us * 1000L };
	_Atomic uint32_t *state = (_Atomic uint32_t *)word;
	uint32_t seen = 0;

	if (atomic_compare_exchange_strong(state, &seen, 1))
		return true;
	if (seen != 2)
		seen = atomic_exchange(state, 2);
	while (seen) {
		if (crowd_wait(me, word, 2, ts.tv_nsec ? &ts : NULL) == -ETIMEDOUT)
			return false;
		seen = atomic_exchange(state, 2);
	}
	return true;
}

static void storm_unlock(struct crowd_thread *me, uint32_t *word)
{
	uint64_t end_ns;

	if (atomic_exchange((_Atomic uint32_t *)word, 0) != 2 || crowd_wake(me, word, 1) < 1)
		return;
	/* The woken one shall find the word free now and then. */
	end_ns = clock_now_ns() + TURN_NS;
	while (!atomic_load((_Atomic uint32_t *)word) && clock_now_ns() < end_ns)
		sched_yield();
}

static void storm_worker(struct crowd_thread *me)
{
	struct storm *storm = me->crowd->data;
	uint64_t random = me->index * 2654435761U + 1;

	while (!atomic_load_explicit(&me->crowd->stop, memory_order_relaxed)) {
		unsigned int i;

		random = random * 6364136223846793005U + 1442695040888963407U;
		i = (unsigned int)(random >> 33) % storm->words.n;
		if (!storm_lock(me, word_of(&storm->words, i)))
			continue;
		storm->held[i]++;
		me->counts.acquired++;
		if (me->counts.acquired % 4 == 0)
			sched_yield();
		storm_unlock(me, word_of(&storm->words, i));
	}
}

static bool storm(const struct crowd_options *options)
{
	struct storm storm = { .words = words_new(options->words), .options = options };
	struct crowd *crowd;
	uint64_t held = 0;
	unsigned int i;
	bool ok;

	storm.held = calloc(options->words, sizeof(*storm.held));
	if (!storm.held)
		return false;
	crowd = crowd_or_die(options->threads, storm_worker, &storm);
	crowd_start(crowd);
	clock_sleep_ns(options->seconds * 1000000000ULL);
	crowd_join(crowd);
	for (i = 0; i < options->words; i++)
		held += storm.held[i];
	ok = crowd_report("storm", crowd, held == crowd_total(crowd).acquired);
	crowd_destroy(crowd);
	free(storm.held);
	return ok;
}

/* ---- races: a waiter with an even number, its waker with the next one ---- */

#define AIM_NS 20000

struct race {
	struct words words;
	unsigned int rounds;
	bool timed;
	bool signals;
	atomic_uint finished;		/* waiters */
	_Atomic uint64_t *deadline_ns;	/* of each waiter's wait, 0 between waits */
};

static void race_waiter(struct crowd_thread *me, struct race *race)
{
	uint32_t *word = word_of(&race->words, me->index / 2);
	unsigned int round;

	/* A timer that fires when it is due. */
	prctl(PR_SET_TIMERSLACK, 1UL);
	for (round = 0; round < race->rounds; round++) {
		struct timespec ts = { .tv_nsec = 60000 + round % 8 * 20000 };
		uint64_t deadline_ns = clock_now_ns() + (uint64_t)ts.tv_nsec;

		atomic_store(&race->deadline_ns[me->index / 2], deadline_ns);
		if (crowd_wait(me, word, 0, race->timed ? &ts : NULL) == 0 && race->timed &&
		    clock_now_ns() >= deadline_ns)
			me->counts.after_deadline++;
		atomic_store(&race->deadline_ns[me->index / 2], 0);
	}
	atomic_fetch_add(&race->finished, 1);
}

/* Nobody to wake: leave the CPU to the waiter, should it be the only one. */
static void race_pause(unsigned int idle)
{
	if (idle % 4096)
		sched_yield();
	else
		clock_sleep_ns(20000);
}

/* Once a round: until the timer is about to fire, or with a signal ahead of the wake. */
static void race_aim(struct crowd_thread *me, const struct race *race, uint64_t deadline_ns,
		     unsigned int round)
{
	int aim_ns = (int)(round % 41) * AIM_NS / 20 - AIM_NS;
	uint64_t seen_ns = clock_now_ns();

	/* Let the waiter come as far as its sleep, now and then. */
	while (race->signals && clock_now_ns() - seen_ns < round % 41 * 1000)
		;
	if (race->timed)
		while ((int64_t)(clock_now_ns() - deadline_ns) < aim_ns)
			sched_yield();
	if (race->signals)
		syscall(SYS_tgkill, getpid(), me->crowd->thread[me->index - 1].tid, SIGUSR1);
}

static void race_waker(struct crowd_thread *me, struct race *race)
{
	uint32_t *word = word_of(&race->words, me->index / 2);
	unsigned int idle = 0, round = 0;
	uint64_t deadline_ns, aimed_ns = 0;

	while (atomic_load(&race->finished) < me->crowd->threads / 2) {
		deadline_ns = atomic_load(&race->deadline_ns[me->index / 2]);
		if (!deadline_ns) {
			if (++idle % 256 == 0)
				race_pause(idle);
			continue;
		}
		if (deadline_ns != aimed_ns)
			race_aim(me, race, deadline_ns, round++);
		aimed_ns = deadline_ns;
		if (!crowd_wake(me, word, 1))
			sched_yield();
	}
}

/* A race is between two CPUs, where there are two: left alone, the pair ends up on one. */
static void race_pin(unsigned int which)
{
	cpu_set_t allowed, one;
	int cpu;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) || CPU_COUNT(&allowed) < 2)
		return;
	CPU_ZERO(&one);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && !which--) {
			CPU_SET(cpu, &one);
			sched_setaffinity(0, sizeof(one), &one);
			return;
		}
}

static void race_worker(struct crowd_thread *me)
{
	struct race *race = me->crowd->data;

	race_pin(me->index % 2);
	if (me->index % 2)
		race_waker(me, race);
	else
		race_waiter(me, race);
}

static bool race_run(const char *name, const struct crowd_options *options, bool timed,
		     bool signals)
{
	struct race race = {
		.words = words_new(1), .rounds = options->rounds, .timed = timed, .signals = signals,
	};
	struct crowd *crowd;
	bool ok;

	race.deadline_ns = calloc(1, sizeof(*race.deadline_ns));
	if (!race.deadline_ns)
		return false;
	crowd = crowd_or_die(2, race_worker, &race);
	crowd_start(crowd);
	while (atomic_load(&crowd->finished) < crowd->threads)
		clock_sleep_ns(1000000);
	crowd_join(crowd);
	ok = crowd_report(name, crowd, true);
	crowd_destroy(crowd);
	free(race.deadline_ns);
	return ok;
}

static bool race_nosleep(const struct crowd_options *options)
{
	return race_run("race_nosleep", options, false, false);
}

static bool race_timeout(const struct crowd_options *options)
{
	return race_run("race_timeout", options, true, false);
}

static bool race_signal(const struct crowd_options *options)
{
	return race_run("race_signal", options, false, true);
}

const struct crowd_test crowd_tests[] = {
	{ "parked", parked, "--threads waiters on --words, held for --hold or until a line" },
	{ "storm", storm, "--threads on --words mutexes for --seconds" },
	{ "race_nosleep", race_nosleep, "wakes without pause: waiters that may not sleep" },
	{ "race_timeout", race_timeout, "wakes at the moment of the timeout" },
	{ "race_signal", race_signal, "wakes together with signals" },
	{ 0 }
};
