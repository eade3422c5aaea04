// SPDX-License-Identifier: GPL-2.0-only
/* Starting, stopping and joining the members. */
#include "team.h"

#include <errno.h>
#include <error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READY_POLL_NS 200000
#define TICK_NS 5000000

struct team *team_create(const struct options *options, unsigned int threads,
			 void (*run)(struct member *), const struct team_lock *lock,
			 unsigned int locks)
{
	struct team *team = calloc(1, sizeof(*team));
	unsigned int i, j;

	if (!team)
		error(1, 0, "no memory");
	team->options = options;
	team->threads = threads;
	team->locks = locks;
	team->lock = lock;
	team->members = calloc(threads, sizeof(*team->members));
	if (!team->members)
		error(1, 0, "no memory");
	for (i = 0; i < threads; i++) {
		struct member *me = &team->members[i];

		me->team = team;
		me->index = i;
		me->role = "worker";
		me->run = run;
		me->count = options->run.count ? options->run.count : UINT64_MAX;
		me->meters = calloc(locks ? locks : 1, sizeof(*me->meters));
		if (!me->meters)
			error(1, 0, "no memory");
		for (j = 0; j < locks; j++) {
			me->meters[j].on = !options->no_clock;
			me->meters[j].threshold_ns = options->threshold_ns;
		}
	}
	return team;
}

void team_destroy(struct team *team)
{
	unsigned int i;

	if (!team)
		return;
	for (i = 0; i < team->threads; i++)
		free(team->members[i].meters);
	free(team->members);
	free(team);
}

static uint64_t timeval_ns(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * 1000000000U + (uint64_t)tv.tv_usec * 1000U;
}

static void *member_main(void *arg)
{
	struct member *me = arg;
	struct team *team = me->team;
	struct rusage before, after;
	char nothing;

	me->tid = (pid_t)syscall(SYS_gettid);
	atomic_fetch_add(&team->ready, 1);
	while (read(team->gate[0], &nothing, 1) < 0)
		;
	getrusage(RUSAGE_THREAD, &before);
	me->run(me);
	getrusage(RUSAGE_THREAD, &after);
	me->end_ns = clock_now_ns();
	me->switches = (uint64_t)(after.ru_nvcsw - before.ru_nvcsw);
	me->preempted = (uint64_t)(after.ru_nivcsw - before.ru_nivcsw);
	me->cpu_ns = timeval_ns(after.ru_utime) + timeval_ns(after.ru_stime) -
		     timeval_ns(before.ru_utime) - timeval_ns(before.ru_stime);
	return NULL;
}

/* All memory is there before the start, so the measured part has no allocation and no page fault. */
static int members_start(struct team *team, unsigned int *started)
{
	pthread_attr_t attr;
	int err = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	for (*started = 0; *started < team->threads; (*started)++) {
		struct member *me = &team->members[*started];

		err = pthread_create(&me->thread, &attr, member_main, me);
		if (err)
			break;
	}
	pthread_attr_destroy(&attr);
	return -err;
}

void team_stop(struct team *team)
{
	atomic_store(&team->stop, true);
}

void member_nap(struct member *me, uint64_t ns)
{
	clock_sleep_ns(ns);
	me->naps++;
}

static void run_for(struct team *team, uint64_t ns)
{
	uint64_t end_ns = clock_now_ns() + ns;

	while (team->tick && !atomic_load(&team->stop) && clock_now_ns() + TICK_NS < end_ns) {
		clock_sleep_ns(TICK_NS);
		team->tick(team);
	}
	if (!atomic_load(&team->stop) && clock_now_ns() < end_ns)
		clock_sleep_ns(end_ns - clock_now_ns());
	team_stop(team);
}

void team_run(struct team *team)
{
	unsigned int started, i;
	int err;

	if (pipe(team->gate))
		error(1, errno, "no pipe");
	err = members_start(team, &started);
	if (err)
		error(1, -err, "cannot start a team of %u", team->threads);
	while (atomic_load(&team->ready) < started)
		clock_sleep_ns(READY_POLL_NS);
	team->start_ns = clock_now_ns();
	close(team->gate[1]);
	if (team->options->run.duration_ms)
		run_for(team, team->options->run.duration_ms * 1000000U);
	for (i = 0; i < started; i++) {
		uint64_t end_ns;

		pthread_join(team->members[i].thread, NULL);
		end_ns = team->members[i].end_ns - team->start_ns;
		if (end_ns > team->wall_ns)
			team->wall_ns = end_ns;
	}
	close(team->gate[0]);
}

uint64_t team_ops(const struct team *team, const char *role)
{
	uint64_t ops = 0;
	unsigned int i;

	for (i = 0; i < team->threads; i++)
		if (!role || !strcmp(team->members[i].role, role))
			ops += team->members[i].ops;
	return ops;
}
