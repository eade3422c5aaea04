// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task 7: the counter of task 1 behind a mutex, or as an atomic. With the atomic
 * both profiles must be empty.
 */
#include <error.h>
#include <sched.h>

#include "lib/json.h"
#include "lib/options.h"
#include "lib/team.h"
#include "lib/turn.h"
#include "lib/work.h"

enum { MUTEX, ATOMIC };
static const char *const variants[] = { "mutex", "atomic", NULL };

struct task07 {
	struct options options;
	unsigned int variant;
	uint64_t yield_every;
};

static struct task07 g_task = {
	.options = {
		.lab = { .threads = 64, .duration_ms = 1000 },
		.seed = { .threads = 64, .duration_ms = 5000 },
	},
	.yield_every = 4,
};

static struct {
	pthread_mutex_t mu;
	uint64_t value;
	_Atomic uint64_t atomic_value;
} g_counter = { .mu = PTHREAD_MUTEX_INITIALIZER };
static atomic_uint at_work;

static bool is_kth(const struct member *me)
{
	return g_task.yield_every && me->ops % g_task.yield_every == 0;
}

static PLAIN void counter_add_mutex(struct member *me)
{
	struct meter *m = &me->meters[0];
	uint64_t locking_ns = meter_locking(m);

	pthread_mutex_lock(&g_counter.mu);
	meter_locked(m, locking_ns);
	turn_progress(&g_counter.value);
	if (is_kth(me))
		sched_yield();
	meter_unlocking(m);
	pthread_mutex_unlock(&g_counter.mu);
}

static PLAIN void counter_add_atomic(struct member *me)
{
	atomic_fetch_add(&g_counter.atomic_value, 1);
	if (is_kth(me))
		sched_yield();
}

static PLAIN void adder(struct member *me)
{
	bool mutex = g_task.variant == MUTEX;

	atomic_fetch_add(&at_work, 1);
	for (; member_goes_on(me); me->ops++) {
		if (!mutex) {
			counter_add_atomic(me);
			continue;
		}
		counter_add_mutex(me);
		if (is_kth(me))
			turn_give(&g_counter.value, &at_work);
	}
	atomic_fetch_sub(&at_work, 1);
}

int main(int argc, char **argv)
{
	static const struct options_row rows[] = {
		{ "variant", NULL, "what the counter is (mutex)", .choice = &g_task.variant, .choices = variants },
		{ "yield-every", "K", "sched_yield at every K-th addition; 0 never (4)", .number = &g_task.yield_every },
		{ 0 }
	};
	static const struct team_lock locks[] = { { "g_counter.mu", "mutex" } };
	struct team *team;
	uint64_t total;

	options_parse(rows, "A counter behind a mutex, and an atomic one.", argc, argv, &g_task.options);
	options_resolve(&g_task.options);
	team = team_create(&g_task.options, g_task.options.run.threads, adder, locks,
			   g_task.variant == MUTEX);
	team_run(team);
	total = g_counter.value + g_counter.atomic_value;
	if (total != team_ops(team, NULL))
		error(1, 0, "counter is %llu", (unsigned long long)total);
	team_print_begin(team, "task07", variants[g_task.variant]);
	json_u64("counter", total);
	return team_print_end(team);
}
