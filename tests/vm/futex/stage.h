/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stage: actors (threads and processes that do one system call when told)
 * and the calls they made. The conductor, the main thread, decides who does
 * what in which order and never makes a futex call itself. Nobody on the stage
 * waits by a futex except in the calls under test: actors read their orders from
 * pipes, the conductor polls.
 */
#ifndef FUTEX_STAGE_H
#define FUTEX_STAGE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "raw.h"

#define STAGE_ACTORS 32
#define STAGE_CALLS 128
#define STAGE_TIMEOUTS 64

struct call;

struct actor {
	char role[16];
	pid_t tid;
	pid_t tgid;
	bool process;			/* made by stage_fork() */
	bool gone;
	pthread_t thread;
	atomic_bool ready;
};

enum call_state { CALL_POSTED, CALL_STARTED, CALL_DONE };

struct call {
	struct actor *actor;
	const char *op;			/* a name of LOCKSPAN_OPS for a wait, else the call's name */
	struct raw_args args;
	long (*run)(struct call *c);	/* instead of args, with data */
	void *data;
	atomic_int state;
	long result;
	uint64_t before_ns;
	uint64_t parked_ns;		/* time at which it was seen asleep in the call; 0: nobody looked */
	uint64_t return_ns;
	unsigned int seq;		/* place in the order in which the calls of a test returned */
	uint64_t switches;		/* voluntary switches of the thread during the call */
	/* what is expected of a wait */
	bool waits;
	const char *outcome;		/* NULL: no span */
	struct call *waker;
	unsigned int signals;		/* number of spans before it that signals ended */
	bool extra_nosleep;		/* may show a second span that did not sleep */
	bool killed;			/* the call never returned; return_ns is when the thread was gone */
};

struct stage {
	const char *test;
	const char *failure;		/* first thing that went wrong */
	bool unsupported;
	unsigned int actors;
	unsigned int calls;
	unsigned int timeouts;
	unsigned int words;
	unsigned int shared_words;
	uint32_t *page;			/* private */
	uint32_t *shared_page;
	struct actor actor[STAGE_ACTORS];
	struct call call[STAGE_CALLS];
	struct timespec timeout[STAGE_TIMEOUTS];
	atomic_uint returned;
	atomic_uint handled;		/* signals that reached a handler */
};

/*
 * One stage a process, in memory that forked actors share, below 4 GiB so that
 * 32-bit calls reach it. NULL without memory.
 */
struct stage *stage_create(void);

/* Empties the stage for @test; every test gets words that no other had. */
void stage_open(struct stage *s, const char *test);

/* Sends all actors away, and waits until they are gone. */
void stage_close(struct stage *s);

/* Makes an actor: a thread of this process, a process, or a thread of the process of @beside. */
struct actor *stage_thread(struct stage *s, const char *role);
struct actor *stage_fork(struct stage *s, const char *role);
struct actor *stage_beside(struct stage *s, const char *role, struct actor *beside);

/* Returns a futex word with the value 0, in private memory below 4 GiB. */
uint32_t *stage_word(struct stage *s);
/* Returns a futex word with the value 0, in memory that forked actors share. */
uint32_t *stage_shared_word(struct stage *s);

/* Returns a timeout @ms from now, of @clock, or relative with STAGE_RELATIVE. */
#define STAGE_RELATIVE (-1)
const struct timespec *stage_timeout(struct stage *s, int clock, unsigned int ms);

/* Tells @a to make a call, without waiting for anything. */
struct call *stage_post(struct stage *s, struct actor *a, const char *op, struct raw_args args);
/* Tells @a to run a function, without waiting for anything. */
struct call *stage_post_run(struct stage *s, struct actor *a, const char *op,
			    long (*run)(struct call *), void *data);
/* Posts a wait and returns when the actor sleeps in it. */
struct call *stage_wait(struct stage *s, struct actor *a, const char *op, struct raw_args args);
/* Posts a call and returns when it has returned @want, else the test has failed. */
struct call *stage_call(struct stage *s, struct actor *a, const char *op,
			struct raw_args args, long want);

/* Waits until @c sleeps; returns once more after a signal. */
void stage_parked(struct stage *s, struct call *c);
/* Waits until @c has returned @want, else the test has failed. */
void stage_returns(struct stage *s, struct call *c, long want);
/* Waits until @wait has returned @want, and notes that @waker ended it. */
void stage_woken(struct stage *s, struct call *wait, struct call *waker, const char *outcome,
		 long want);
/* Waits until @wait has ended by itself with @want. */
void stage_ended(struct stage *s, struct call *wait, const char *outcome, long want);
/* Notes that @wait ended with the death of its task. To be called when the task is gone. */
void stage_killed(struct stage *s, struct call *wait);

/* Sends @a away; the returned call is its exit, finished when it is gone. */
struct call *stage_exit(struct stage *s, struct actor *a);

/* Sends @signal to a single actor's thread, and waits until it was handled. */
void stage_signal(struct stage *s, struct actor *a, int signal);

void stage_fail(struct stage *s, const char *what);

/* Waits by polling until @done(@arg) or, after a minute, ends the program with @what. */
void stage_until(bool (*done)(void *arg), void *arg, const char *what);

#endif
