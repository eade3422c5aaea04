// SPDX-License-Identifier: GPL-2.0-only
/* The stage's memory, its actors' life, and what the conductor may tell them. */
#include "stage.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../workloads/c/lib/clock.h"
#include "park.h"

#define POLL_NS 200000U
#define PATIENCE_NS 60000000000U
#define WORD_PAGE 4096U

static struct stage *the_stage;
/* A pipe an actor: struct call *, or NULL: leave. Older than every process here. */
static int orders[STAGE_ACTORS][2];

static void on_signal(int signal)
{
	(void)signal;
	atomic_fetch_add(&the_stage->handled, 1);
}

struct stage *stage_create(void)
{
	struct sigaction stay = { .sa_handler = on_signal };
	struct sigaction restart = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int i;

	the_stage = mmap(NULL, sizeof(*the_stage), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (the_stage == MAP_FAILED)
		return NULL;
	for (i = 0; i < STAGE_ACTORS; i++)
		if (pipe(orders[i]))
			return NULL;
	sigaction(SIGUSR1, &stay, NULL);
	sigaction(SIGUSR2, &restart, NULL);
	return the_stage;
}

static uint32_t *page_new(int sharing)
{
	void *page = mmap(NULL, WORD_PAGE, PROT_READ | PROT_WRITE,
			  sharing | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (page == MAP_FAILED) {
		fprintf(stderr, "futex_ops: no memory below 4 GiB\n");
		exit(2);
	}
	return page;
}

void stage_open(struct stage *s, const char *test)
{
	memset(s, 0, sizeof(*s));
	s->test = test;
	/* Never unmapped: an address names one word of one test for the whole run. */
	s->page = page_new(MAP_PRIVATE);
	s->shared_page = page_new(MAP_SHARED);
}

void stage_fail(struct stage *s, const char *what)
{
	if (!s->failure)
		s->failure = what;
}

void stage_until(bool (*done)(void *arg), void *arg, const char *what)
{
	uint64_t start_ns = clock_now_ns();

	while (!done(arg)) {
		if (clock_now_ns() - start_ns > PATIENCE_NS) {
			printf("{\"test\":\"%s\",\"summary\":true,\"ok\":false,\"failure\":\"%s\"}\n",
			       the_stage->test, what);
			fflush(stdout);
			_exit(1);
		}
		clock_sleep_ns(POLL_NS);
	}
}

uint32_t *stage_word(struct stage *s)
{
	/* A cache line each. */
	return &s->page[16 * s->words++];
}

uint32_t *stage_shared_word(struct stage *s)
{
	return &s->shared_page[16 * s->shared_words++];
}

const struct timespec *stage_timeout(struct stage *s, int clock, unsigned int ms)
{
	struct timespec *ts = &s->timeout[s->timeouts++];

	if (clock != STAGE_RELATIVE)
		clock_gettime(clock, ts);
	ts->tv_sec += ms / 1000;
	ts->tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_nsec -= 1000000000;
		ts->tv_sec++;
	}
	return ts;
}

/* ---- in the actor ---- */

static uint64_t voluntary_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_nvcsw;
}

static void call_make(struct call *c)
{
	uint64_t switches = voluntary_switches();

	c->before_ns = clock_now_ns();
	atomic_store(&c->state, CALL_STARTED);
	c->result = c->run ? c->run(c) : raw_call(&c->args);
	c->return_ns = clock_now_ns();
	c->seq = atomic_fetch_add(&the_stage->returned, 1);
	c->switches = voluntary_switches() - switches;
	atomic_store(&c->state, CALL_DONE);
}

static void *actor_main(void *arg)
{
	struct actor *a = arg;

	struct call *c;

	a->tid = (pid_t)syscall(SYS_gettid);
	a->tgid = getpid();
	atomic_store(&a->ready, true);
	for (;;) {
		if (read(orders[a - the_stage->actor][0], &c, sizeof(c)) != sizeof(c))
			continue;
		if (!c)
			return NULL;
		call_make(c);
	}
}

/* ---- in the conductor ---- */

static struct actor *actor_new(struct stage *s, const char *role)
{
	struct actor *a = &s->actor[s->actors++];

	if (s->actors > STAGE_ACTORS)
		abort();
	snprintf(a->role, sizeof(a->role), "%s", role);
	return a;
}

static void actor_order(struct actor *a, struct call *c)
{
	if (write(orders[a - the_stage->actor][1], &c, sizeof(c)) != sizeof(c))
		abort();
}

static bool actor_ready(void *arg)
{
	return atomic_load(&((struct actor *)arg)->ready);
}

static int actor_start(struct actor *a)
{
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 * 1024);
	err = pthread_create(&a->thread, &attr, actor_main, a);
	pthread_attr_destroy(&attr);
	return -err;
}

struct actor *stage_thread(struct stage *s, const char *role)
{
	struct actor *a = actor_new(s, role);

	if (actor_start(a))
		abort();
	stage_until(actor_ready, a, "a thread did not start");
	return a;
}

struct actor *stage_fork(struct stage *s, const char *role)
{
	struct actor *a = actor_new(s, role);
	pid_t pid;

	a->process = true;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		abort();
	if (!pid) {
		actor_main(a);
		_exit(0);
	}
	stage_until(actor_ready, a, "a process did not start");
	return a;
}

static long run_start(struct call *c)
{
	return actor_start(c->data);
}

struct actor *stage_beside(struct stage *s, const char *role, struct actor *beside)
{
	struct actor *a = actor_new(s, role);
	struct call *c = stage_post_run(s, beside, "start", run_start, a);

	stage_returns(s, c, 0);
	stage_until(actor_ready, a, "a thread beside did not start");
	return a;
}

static struct call *call_new(struct stage *s, struct actor *a, const char *op)
{
	struct call *c = &s->call[s->calls++];

	if (s->calls > STAGE_CALLS)
		abort();
	c->actor = a;
	c->op = op;
	return c;
}

struct call *stage_post(struct stage *s, struct actor *a, const char *op, struct raw_args args)
{
	struct call *c = call_new(s, a, op);

	c->args = args;
	actor_order(a, c);
	return c;
}

struct call *stage_post_run(struct stage *s, struct actor *a, const char *op,
			    long (*run)(struct call *), void *data)
{
	struct call *c = call_new(s, a, op);

	c->run = run;
	c->data = data;
	actor_order(a, c);
	return c;
}

static bool call_parked(void *arg)
{
	struct call *c = arg;
	struct actor *a = c->actor;

	if (atomic_load(&c->state) == CALL_DONE)
		return true;
	return atomic_load(&c->state) == CALL_STARTED &&
	       park_in_call(a->tgid, a->tid, c->args.nr);
}

void stage_parked(struct stage *s, struct call *c)
{
	stage_until(call_parked, c, "a wait did not sleep");
	if (!c->parked_ns)
		c->parked_ns = clock_now_ns();
	if (atomic_load(&c->state) == CALL_DONE)
		stage_fail(s, "a wait returned before it was woken");
}

struct call *stage_wait(struct stage *s, struct actor *a, const char *op, struct raw_args args)
{
	struct call *c = stage_post(s, a, op, args);

	c->waits = true;
	stage_parked(s, c);
	return c;
}

static bool call_done(void *arg)
{
	return atomic_load(&((struct call *)arg)->state) == CALL_DONE;
}

void stage_returns(struct stage *s, struct call *c, long want)
{
	stage_until(call_done, c, "a call did not return");
	if (c->result != want)
		stage_fail(s, "a call returned something else");
}

struct call *stage_call(struct stage *s, struct actor *a, const char *op,
			struct raw_args args, long want)
{
	struct call *c = stage_post(s, a, op, args);

	stage_returns(s, c, want);
	return c;
}

void stage_woken(struct stage *s, struct call *wait, struct call *waker, const char *outcome,
		 long want)
{
	wait->waker = waker;
	stage_ended(s, wait, outcome, want);
}

void stage_ended(struct stage *s, struct call *wait, const char *outcome, long want)
{
	wait->waits = true;
	wait->outcome = outcome;
	stage_returns(s, wait, want);
	/* The kernel's own word: without a switch there was no sleep. */
	if (outcome && !wait->switches)
		wait->outcome = "nosleep";
}

void stage_killed(struct stage *s, struct call *wait)
{
	wait->outcome = "signal";
	wait->killed = true;
	wait->return_ns = clock_now_ns();
	if (atomic_load(&wait->state) == CALL_DONE)
		stage_fail(s, "a wait of a killed task returned");
}

static bool actor_gone(void *arg)
{
	struct actor *a = arg;
	int status;

	if (a->process)
		return waitpid(a->tgid, &status, WNOHANG) == a->tgid;
	return !park_state(a->tgid, a->tid);
}

static bool actor_joined(void *arg)
{
	struct actor *a = arg;

	return pthread_tryjoin_np(a->thread, NULL) == 0;
}

struct call *stage_exit(struct stage *s, struct actor *a)
{
	struct call *c = call_new(s, a, "exit");

	c->before_ns = clock_now_ns();
	atomic_store(&c->state, CALL_DONE);
	actor_order(a, NULL);
	stage_until(actor_gone, a, "an actor did not leave");
	c->return_ns = clock_now_ns();
	c->seq = atomic_fetch_add(&s->returned, 1);
	if (!a->process && a->tgid == getpid())
		stage_until(actor_joined, a, "an actor did not join");
	a->gone = true;
	return c;
}

struct waiting_for {
	struct stage *stage;
	unsigned int handled;
};

static bool signal_handled(void *arg)
{
	struct waiting_for *w = arg;

	return atomic_load(&w->stage->handled) >= w->handled;
}

void stage_signal(struct stage *s, struct actor *a, int signal)
{
	struct waiting_for w = { s, atomic_load(&s->handled) + 1 };

	syscall(SYS_tgkill, a->tgid, a->tid, signal);
	stage_until(signal_handled, &w, "a signal was not handled");
}

void stage_close(struct stage *s)
{
	unsigned int i;

	/* Processes take their threads with them; those are never joined. */
	for (i = s->actors; i-- > 0;) {
		struct actor *a = &s->actor[i];

		if (a->gone)
			continue;
		actor_order(a, NULL);
		if (a->process || a->tgid != getpid())
			stage_until(actor_gone, a, "an actor did not leave");
		else
			stage_until(actor_joined, a, "an actor did not join");
		a->gone = true;
	}
}
