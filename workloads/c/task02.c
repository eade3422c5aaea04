// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task 2: one thread sleeps while it holds the mutex, the others need it for a
 * microsecond. The mutex profile must blame the slow holder, the block profile
 * show the fast ones.
 */
#include "lib/json.h"
#include "lib/options.h"
#include "lib/team.h"
#include "lib/work.h"

#define NS_PER_MS 1000000U

struct task02 {
	struct options options;
	uint64_t hold_ms;
	uint64_t pause_ms;
};

/* The count is the number of the slow thread's holds. The fast threads go on until it is done. */
static struct task02 g_task = {
	.options = {
		.lab = { .threads = 8, .count = 10 },
		.seed = { .threads = 8, .count = 50 },
	},
	.pause_ms = 10,
};

static struct {
	pthread_mutex_t mu;
	uint64_t value;
} g_shared = { .mu = PTHREAD_MUTEX_INITIALIZER };

static PLAIN void slow_update(struct member *me)
{
	struct meter *m = &me->meters[0];
	uint64_t locking_ns = meter_locking(m);

	pthread_mutex_lock(&g_shared.mu);
	meter_locked(m, locking_ns);
	g_shared.value++;
	member_nap(me, g_task.hold_ms * NS_PER_MS);
	meter_unlocking(m);
	pthread_mutex_unlock(&g_shared.mu);
}

static PLAIN void slow_holder(struct member *me)
{
	for (; member_goes_on(me); me->ops++) {
		slow_update(me);
		member_nap(me, g_task.pause_ms * NS_PER_MS);
	}
	team_stop(me->team);
}

static PLAIN void fast_update(struct member *me)
{
	struct meter *m = &me->meters[0];
	uint64_t locking_ns = meter_locking(m);

	pthread_mutex_lock(&g_shared.mu);
	meter_locked(m, locking_ns);
	g_shared.value++;
	work_spin(3000);
	meter_unlocking(m);
	pthread_mutex_unlock(&g_shared.mu);
}

/* The pause keeps the mutex free often enough for the slow thread to get it. */
static PLAIN void fast_worker(struct member *me)
{
	for (; member_goes_on(me); me->ops++) {
		fast_update(me);
		member_nap(me, 200000);
	}
}

int main(int argc, char **argv)
{
	static const struct options_row rows[] = {
		{ "hold", "MS", "how long the slow one sleeps with the mutex (100)", .number = &g_task.hold_ms, .max = 60000 },
		{ "pause", "MS", "and without it (10)", .number = &g_task.pause_ms, .max = 60000 },
		{ 0 }
	};
	static const struct team_lock locks[] = { { "g_shared.mu", "mutex" } };
	struct team *team;
	unsigned int i;

	options_parse(rows, "One slow holder of a mutex among fast ones.", argc, argv, &g_task.options);
	options_resolve(&g_task.options);
	if (!g_task.hold_ms)
		g_task.hold_ms = 100;
	team = team_create(&g_task.options, g_task.options.run.threads, fast_worker, locks, 1);
	for (i = 1; i < team->threads; i++) {
		team->members[i].role = "fast";
		team->members[i].count = UINT64_MAX;
	}
	team->members[0].role = "slow";
	team->members[0].run = slow_holder;
	team_run(team);
	team_print_begin(team, "task02", "mutex");
	json_u64("hold_ms", g_task.hold_ms);
	json_u64("holds", team->members[0].ops);
	return team_print_end(team);
}
