// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task 4: a store whose Get works with the mutex held (before) or after it has
 * let it go (after). The "work" sleeps, as in the task's text, or computes.
 */
#include "lib/json.h"
#include "lib/options.h"
#include "lib/team.h"
#include "lib/work.h"

#define KEYS 64

struct task04 {
	struct options options;
	unsigned int variant;
	uint64_t work_us;
	bool spin;
};

enum { BEFORE, AFTER };
static const char *const variants[] = { "before", "after", NULL };

static struct task04 g_task = {
	.options = {
		.lab = { .threads = 32, .duration_ms = 1500 },
		.seed = { .threads = 32, .duration_ms = 5000 },
	},
	.work_us = 2000,
};

static struct {
	pthread_mutex_t mu;
	uint64_t cache[KEYS];
} g_store = { .mu = PTHREAD_MUTEX_INITIALIZER };

static PLAIN void simulated_work(struct member *me)
{
	uint64_t end_ns;

	if (!g_task.spin) {
		member_nap(me, g_task.work_us * 1000);
		return;
	}
	end_ns = clock_now_ns() + g_task.work_us * 1000;
	while (clock_now_ns() < end_ns)
		work_spin(100);
}

static PLAIN uint64_t store_get_before(struct member *me, unsigned int key)
{
	struct meter *m = &me->meters[0];
	uint64_t locking_ns = meter_locking(m), value;

	pthread_mutex_lock(&g_store.mu);
	meter_locked(m, locking_ns);
	value = g_store.cache[key];
	simulated_work(me);
	meter_unlocking(m);
	pthread_mutex_unlock(&g_store.mu);
	return value;
}

static PLAIN uint64_t store_get_after(struct member *me, unsigned int key)
{
	struct meter *m = &me->meters[0];
	uint64_t locking_ns = meter_locking(m), value;

	pthread_mutex_lock(&g_store.mu);
	meter_locked(m, locking_ns);
	value = g_store.cache[key];
	meter_unlocking(m);
	pthread_mutex_unlock(&g_store.mu);
	simulated_work(me);
	return value;
}

static PLAIN void getter(struct member *me)
{
	for (; member_goes_on(me); me->ops++) {
		unsigned int key = (unsigned int)(me->ops + me->index) % KEYS;

		if (g_task.variant == BEFORE)
			store_get_before(me, key);
		else
			store_get_after(me, key);
	}
}

int main(int argc, char **argv)
{
	static const struct options_row rows[] = {
		{ "variant", NULL, "work in the lock, or after it (before)", .choice = &g_task.variant, .choices = variants },
		{ "work", "US", "the work of one Get (2000)", .number = &g_task.work_us, .max = 1000000 },
		{ "spin", NULL, "compute instead of sleeping", .flag = &g_task.spin },
		{ 0 }
	};
	static const struct team_lock locks[] = { { "g_store.mu", "mutex" } };
	struct team *team;

	options_parse(rows, "A store with a long critical section, and with a short one.", argc, argv, &g_task.options);
	options_resolve(&g_task.options);
	team = team_create(&g_task.options, g_task.options.run.threads, getter, locks, 1);
	team_run(team);
	team_print_begin(team, "task04", variants[g_task.variant]);
	json_u64("work_us", g_task.work_us);
	return team_print_end(team);
}
