/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that start together, and what each of them saw. They start at a pipe, and the duration is a
 * nanosleep, so no futex is used for either. Between the start and the end the only futex waits of the process
 * are those of the workload. pthread_join() comes after the end, and waits at most once for each member.
 */
#ifndef LIB_TEAM_H
#define LIB_TEAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "meter.h"
#include "options.h"

struct team;

struct team_lock {
	const char *name;	/* the name that a debugger would write: g_store.mu */
	const char *sync;	/* the class, as the profiles name it */
};

struct member {
	struct team *team;
	unsigned int index;
	const char *role;
	void (*run)(struct member *me);
	struct meter *meters;	/* one per lock of the team */
	uint64_t ops;
	uint64_t count;		/* operations to do; UINT64_MAX: until stopped */
	uint64_t naps;		/* sleeps of the workload's own, not for a lock */
	/* results */
	pid_t tid;
	uint64_t switches;	/* voluntary context switches in run() */
	uint64_t preempted;	/* involuntary ones; sched_yield() counts here */
	uint64_t cpu_ns;
	uint64_t end_ns;
	pthread_t thread;
};

struct team {
	const struct options *options;
	unsigned int threads;
	unsigned int locks;
	const struct team_lock *lock;
	struct member *members;
	void (*tick)(struct team *team);	/* every few ms while a duration runs; team_stop() in it ends that early */
	atomic_uint ready;
	int gate[2];		/* a pipe; closing its end opens the gate */
	atomic_bool stop;
	uint64_t start_ns;
	uint64_t wall_ns;	/* from the gate to the last member's end */
};

/*
 * Makes a team of @threads members, all with the role "worker" and @run. Change single members before
 * team_run(). @lock has @locks entries and must outlive the team. Ends the program if there is no memory.
 */
struct team *team_create(const struct options *options, unsigned int threads,
			 void (*run)(struct member *), const struct team_lock *lock,
			 unsigned int locks);
void team_destroy(struct team *team);

/* Runs all members to their end, or for the options' duration. Ends the program on failure. */
void team_run(struct team *team);
/* Stops the members, which ask member_goes_on(). Any member may call it. */
void team_stop(struct team *team);

/* True until the member has done its count or the team's time is over. */
static inline bool member_goes_on(const struct member *me)
{
	return me->ops < me->count &&
	       !atomic_load_explicit(&me->team->stop, memory_order_relaxed);
}

/* Sleeps for @ns, and counts that among the member's naps. */
void member_nap(struct member *me, uint64_t ns);

/* Returns the number of sleeps that the member's locks caused: its voluntary switches without its naps. */
static inline uint64_t member_sleeps(const struct member *me)
{
	return me->switches > me->naps ? me->switches - me->naps : 0;
}

/* Returns what a member has seen of all of its locks together. */
struct meter member_total(const struct member *me);

/* Returns the operations of all members whose role is @role (NULL: of all members). */
uint64_t team_ops(const struct team *team, const char *role);

/*
 * Opens the JSON object of the program @name in its @variant, prints the truth
 * (sizes, wall time, throughput, totals, an entry a lock, an entry a member) and
 * leaves the object open for the program's own figures.
 */
void team_print_begin(const struct team *team, const char *name, const char *variant);

/* Closes the object and ends the team. Returns the program's exit status. */
int team_print_end(struct team *team);

#endif
