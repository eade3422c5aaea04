// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks 1 and 3: some threads increment one counter under one mutex.
 *
 * An increment takes nanoseconds, so on a few CPUs two threads hardly ever
 * meet. So every yield_every-th increment gives up the CPU while it holds the
 * mutex, and its thread then lets another one have a turn: without that, on a
 * machine that is slow to wake a thread, each would run to its end alone. The
 * kernel counts the switch of sched_yield() as an involuntary one: "sleeps" are
 * the mutex's alone.
 */
#include <error.h>
#include <sched.h>

#include "lib/json.h"
#include "lib/options.h"
#include "lib/team.h"
#include "lib/turn.h"
#include "lib/work.h"

struct task01 {
	struct options options;
	uint64_t work_in;
	uint64_t work_out;
	uint64_t yield_every;
	bool greedy;
};

static struct task01 g_task = {
	.options = {
		.lab = { .threads = 8, .count = 2000 },
		.seed = { .threads = 8, .count = 100000 },
	},
	.work_out = 20,
	.yield_every = 4,
};

pthread_mutex_t counter_mu = PTHREAD_MUTEX_INITIALIZER;
static uint64_t counter;
static atomic_uint at_work;

static bool is_kth(const struct member *me)
{
	return g_task.yield_every && me->ops % g_task.yield_every == 0;
}

static PLAIN void increment(struct member *me)
{
	struct meter *m = &me->meters[0];
	uint64_t locking_ns = meter_locking(m);

	pthread_mutex_lock(&counter_mu);
	meter_locked(m, locking_ns);
	turn_progress(&counter);
	work_spin(g_task.work_in);
	if (is_kth(me))
		sched_yield();
	meter_unlocking(m);
	pthread_mutex_unlock(&counter_mu);
}

static PLAIN void worker(struct member *me)
{
	atomic_fetch_add(&at_work, 1);
	for (; member_goes_on(me); me->ops++) {
		increment(me);
		work_spin(g_task.work_out);
		if (!g_task.greedy && is_kth(me))
			turn_give(&counter, &at_work);
	}
	atomic_fetch_sub(&at_work, 1);
}

int main(int argc, char **argv)
{
	static const struct options_row rows[] = {
		{ "work-in", "ITERATIONS", "spin inside the lock (0)", .number = &g_task.work_in },
		{ "work-out", "ITERATIONS", "spin outside (20)", .number = &g_task.work_out },
		{ "yield-every", "K", "sched_yield in the lock at every K-th increment; 0 never (4)", .number = &g_task.yield_every },
		{ "greedy", NULL, "give no turn to the others after it", .flag = &g_task.greedy },
		{ 0 }
	};
	static const struct team_lock locks[] = { { "counter_mu", "mutex" } };
	struct team *team;

	options_parse(rows, "A counter behind a mutex, incremented by several threads.", argc, argv, &g_task.options);
	options_resolve(&g_task.options);
	team = team_create(&g_task.options, g_task.options.run.threads, worker, locks, 1);
	team_run(team);
	if (counter != team_ops(team, NULL))
		error(1, 0, "counter is %llu", (unsigned long long)counter);
	team_print_begin(team, "task01", "mutex");
	json_u64("counter", counter);
	return team_print_end(team);
}
