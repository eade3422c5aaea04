// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task 13: a hot path for a regression test. --hold-extra makes its critical
 * section longer by so many percent, as a careless change would; nothing else
 * differs between two runs. It computes there, so what else runs on the machine
 * shows as well; --hold-us sleeps instead.
 */
#include <error.h>
#include <sched.h>

#include "lib/json.h"
#include "lib/options.h"
#include "lib/team.h"
#include "lib/turn.h"
#include "lib/work.h"

struct task13 {
	struct options options;
	uint64_t work_in;
	uint64_t hold_us;
	uint64_t hold_extra;
};

static struct task13 g_task = {
	.options = {
		.lab = { .threads = 8, .count = 60 },
		.seed = { .threads = 8, .count = 5000 },
	},
	.work_in = 400000,
};

static struct {
	pthread_mutex_t mu;
	uint64_t requests;
} g_hot = { .mu = PTHREAD_MUTEX_INITIALIZER };
static atomic_uint at_work;

static uint64_t with_extra(uint64_t amount)
{
	return amount + amount * g_task.hold_extra / 100;
}

static PLAIN void hot_path(struct member *me)
{
	struct meter *m = &me->meters[0];
	uint64_t locking_ns = meter_locking(m);

	pthread_mutex_lock(&g_hot.mu);
	meter_locked(m, locking_ns);
	turn_progress(&g_hot.requests);
	if (g_task.hold_us)
		member_nap(me, with_extra(g_task.hold_us * 1000));
	else
		work_spin(with_extra(g_task.work_in));
	sched_yield();
	meter_unlocking(m);
	pthread_mutex_unlock(&g_hot.mu);
}

/* Yielding and giving turns make the queue the same in every run: all other threads are in it. */
static PLAIN void serve(struct member *me)
{
	atomic_fetch_add(&at_work, 1);
	for (; member_goes_on(me); me->ops++) {
		hot_path(me);
		turn_give(&g_hot.requests, &at_work);
	}
	atomic_fetch_sub(&at_work, 1);
}

int main(int argc, char **argv)
{
	static const struct options_row rows[] = {
		{ "work-in", "ITERATIONS", "spin inside the lock (400000)", .number = &g_task.work_in, .max = 1000000000 },
		{ "hold-us", "US", "sleep inside the lock instead (0)", .number = &g_task.hold_us, .max = 1000000 },
		{ "hold-extra", "PCT", "so much more of it: the regression (0)", .number = &g_task.hold_extra, .max = 10000 },
		{ 0 }
	};
	static const struct team_lock locks[] = { { "g_hot.mu", "mutex" } };
	struct team *team;

	options_parse(rows, "A hot path behind a mutex, and how to make it worse.", argc, argv, &g_task.options);
	options_resolve(&g_task.options);
	team = team_create(&g_task.options, g_task.options.run.threads, serve, locks, 1);
	team_run(team);
	if (g_hot.requests != team_ops(team, NULL))
		error(1, 0, "requests were lost");
	team_print_begin(team, "task13", "mutex");
	json_u64("hold_extra_percent", g_task.hold_extra);
	return team_print_end(team);
}
