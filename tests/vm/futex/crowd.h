/* SPDX-License-Identifier: GPL-2.0-only */
/* Many threads that all do the same, started together and counted. */
#ifndef FUTEX_CROWD_H
#define FUTEX_CROWD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct crowd;

enum crowd_result { CROWD_OK, CROWD_EAGAIN, CROWD_ETIMEDOUT, CROWD_EINTR, CROWD_OTHER,
		    CROWD_RESULTS };

/* What a thread counts by the return codes of its own system calls. */
struct crowd_counts {
	uint64_t acquired;		/* storm: times in the critical section */
	uint64_t waits[CROWD_RESULTS];
	uint64_t slept[CROWD_RESULTS];	/* of these, those with a voluntary switch */
	uint64_t after_deadline;	/* it returned 0, but after its time was over */
	uint64_t wakes;			/* calls */
	uint64_t woken;			/* sum of the results of wakes: the releases */
};

/* The sizes that the command line gives. */
struct crowd_options {
	unsigned int threads;
	unsigned int words;
	unsigned int seconds;
	unsigned int rounds;
	unsigned int timeout_us;	/* storm: waits give up after this time; 0: never */
	unsigned int hold_seconds;	/* parked: how long they stay, or until a line on stdin */
};

struct crowd_test {
	const char *name;
	/* Runs the test and prints its JSON. Returns false if it failed. */
	bool (*run)(const struct crowd_options *options);
	const char *what;
};

extern const struct crowd_test crowd_tests[];

struct crowd_thread {
	struct crowd *crowd;
	unsigned int index;
	pid_t tid;
	pthread_t thread;
	struct crowd_counts counts;
};

struct crowd {
	unsigned int threads;
	void (*run)(struct crowd_thread *me);
	void *data;
	struct crowd_thread *thread;
	atomic_uint ready;
	atomic_uint finished;
	int gate[2];		/* a pipe; closing its end opens the gate */
	atomic_bool stop;
};

/* Starts the threads, which wait at the gate. NULL: there is no memory, or threads could not be started. */
struct crowd *crowd_create(unsigned int threads, void (*run)(struct crowd_thread *), void *data);
/* Opens the gate. */
void crowd_start(struct crowd *crowd);
/* Sets stop. Then waits, without a futex, until all threads have ended. */
void crowd_join(struct crowd *crowd);
void crowd_destroy(struct crowd *crowd);

/*
 * Makes one FUTEX_WAIT or FUTEX_WAIT_BITSET and sorts its result into @me's
 * counts. Returns the result.
 */
long crowd_wait(struct crowd_thread *me, uint32_t *word, uint32_t val, const struct timespec *ts);
/* Makes one FUTEX_WAKE and counts it. Returns its result. */
long crowd_wake(struct crowd_thread *me, uint32_t *word, unsigned int waiters);

struct crowd_counts crowd_total(const struct crowd *crowd);

/*
 * Prints the outermost object: test, sizes, @counts, and whether the releases
 * are as many as the waits that returned 0. Returns ok && that.
 */
bool crowd_report(const char *test, const struct crowd *crowd, bool ok);

#endif
