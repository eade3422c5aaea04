// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task 10: a store of feature flags that is read all the time and reloaded now
 * and then: copy-on-write by RCU, where Get never locks, or a read-write lock.
 *
 * libs: -lurcu-memb
 */
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/urcu-memb.h>
#include <urcu-pointer.h>

#include "lib/json.h"
#include "lib/options.h"
#include "lib/team.h"
#include "lib/work.h"

#define FLAGS 64
#define NAME_BYTES 16

enum { RCU, RWLOCK };
static const char *const variants[] = { "rcu", "rwlock", NULL };
enum { METER_READ, METER_WRITE };

struct task10 {
	struct options options;
	unsigned int variant;
	uint64_t load_us;
	uint64_t period_ms;
	uint64_t burst;
	uint64_t think_us;
};

static struct task10 g_task = {
	.options = {
		.lab = { .threads = 101, .duration_ms = 1500 },
		.seed = { .threads = 101, .duration_ms = 5000 },
	},
	.load_us = 5000,
	.period_ms = 100,
	.burst = 20,
	.think_us = 20000,
};

struct flag_table {
	uint64_t generation;
	struct {
		char name[NAME_BYTES];
		bool on;
	} flag[FLAGS];
};

static struct {
	struct flag_table *current;
	pthread_rwlock_t rw;
	uint64_t allocations;
	uint64_t allocated_bytes;
} g_flags;

static struct flag_table *table_new(void)
{
	struct flag_table *table = malloc(sizeof(*table));

	if (!table)
		error(1, 0, "no memory");
	g_flags.allocations++;
	g_flags.allocated_bytes += sizeof(*table);
	return table;
}

/* Reads what a reload takes from outside, which takes time. */
static void table_load(struct member *me, struct flag_table *table, uint64_t generation)
{
	unsigned int i;

	table->generation = generation;
	for (i = 0; i < FLAGS; i++) {
		snprintf(table->flag[i].name, NAME_BYTES, "flag-%u", i);
		table->flag[i].on = (generation + i) % 2;
	}
	if (me && g_task.load_us)
		member_nap(me, g_task.load_us * 1000);
}

static bool table_lookup(const struct flag_table *table, const char *name)
{
	unsigned int i;

	for (i = 0; i < FLAGS; i++)
		if (!strcmp(table->flag[i].name, name))
			return table->flag[i].on;
	return false;
}

static PLAIN bool flags_get_rcu(const char *name)
{
	bool on;

	urcu_memb_read_lock();
	on = table_lookup(rcu_dereference(g_flags.current), name);
	urcu_memb_read_unlock();
	return on;
}

static PLAIN bool flags_get_rwlock(struct member *me, const char *name)
{
	struct meter *m = &me->meters[METER_READ];
	uint64_t locking_ns = meter_locking(m);
	bool on;

	pthread_rwlock_rdlock(&g_flags.rw);
	meter_locked(m, locking_ns);
	on = table_lookup(g_flags.current, name);
	meter_unlocking(m);
	pthread_rwlock_unlock(&g_flags.rw);
	return on;
}

static PLAIN void flags_reload_rcu(struct member *me)
{
	struct flag_table *old = g_flags.current, *new = table_new();

	table_load(me, new, old->generation + 1);
	rcu_assign_pointer(g_flags.current, new);
	urcu_memb_synchronize_rcu();
	free(old);
}

/* Changes the store in place. Nothing is allocated, but nobody may read meanwhile. */
static PLAIN void flags_reload_rwlock(struct member *me)
{
	struct meter *m = &me->meters[METER_WRITE];
	uint64_t locking_ns = meter_locking(m);

	pthread_rwlock_wrlock(&g_flags.rw);
	meter_locked(m, locking_ns);
	table_load(me, g_flags.current, g_flags.current->generation + 1);
	meter_unlocking(m);
	pthread_rwlock_unlock(&g_flags.rw);
}

static PLAIN void reader(struct member *me)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "flag-%u", me->index % FLAGS);
	urcu_memb_register_thread();
	for (; member_goes_on(me); me->ops++) {
		if (g_task.variant == RCU)
			flags_get_rcu(name);
		else
			flags_get_rwlock(me, name);
		if (g_task.think_us && me->ops % g_task.burst == 0)
			member_nap(me, g_task.think_us * 1000);
	}
	urcu_memb_unregister_thread();
}

static PLAIN void reloader(struct member *me)
{
	urcu_memb_register_thread();
	for (; member_goes_on(me); me->ops++) {
		member_nap(me, g_task.period_ms * 1000000);
		if (g_task.variant == RCU)
			flags_reload_rcu(me);
		else
			flags_reload_rwlock(me);
	}
	urcu_memb_unregister_thread();
}

static void flags_init(void)
{
	pthread_rwlockattr_t attr;

	g_flags.current = table_new();
	table_load(NULL, g_flags.current, 0);
	pthread_rwlockattr_init(&attr);
	/* As with Go's RWMutex, a waiting writer goes before new readers. */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&g_flags.rw, &attr);
	pthread_rwlockattr_destroy(&attr);
}

int main(int argc, char **argv)
{
	static const struct options_row rows[] = {
		{ "variant", NULL, "how the flags are read (rcu)", .choice = &g_task.variant, .choices = variants },
		{ "load", "US", "what loading the flags takes (5000)", .number = &g_task.load_us, .max = 1000000 },
		{ "period", "MS", "pause between reloads (100)", .number = &g_task.period_ms, .max = 60000 },
		{ "burst", "N", "Gets between two pauses of a reader (20)", .number = &g_task.burst, .min = 1 },
		{ "think", "US", "a reader's pause; 0: readers fill the CPUs (20000)", .number = &g_task.think_us, .max = 1000000 },
		{ 0 }
	};
	static const struct team_lock locks[] = {
		{ "g_flags.rw", "rwlock_rd" }, { "g_flags.rw", "rwlock_wr" },
	};
	struct team *team;
	unsigned int i;

	options_parse(rows, "Feature flags; --threads counts the readers and the one who reloads.",
		      argc, argv, &g_task.options);
	options_resolve(&g_task.options);
	flags_init();
	team = team_create(&g_task.options, g_task.options.run.threads, reader, locks,
			   g_task.variant == RWLOCK ? 2 : 0);
	for (i = 1; i < team->threads; i++)
		team->members[i].role = "reader";
	team->members[0].role = "reloader";
	team->members[0].run = reloader;
	team_run(team);
	team_print_begin(team, "task10", variants[g_task.variant]);
	json_u64("reads", team_ops(team, "reader"));
	json_u64("reloads", team_ops(team, "reloader"));
	json_u64("allocations", g_flags.allocations);
	json_u64("allocated_bytes", g_flags.allocated_bytes);
	return team_print_end(team);
}
