// SPDX-License-Identifier: GPL-2.0-only
/* Prints what a team knows of itself: the truth with which profiles are compared. */
#include "team.h"

#include <unistd.h>

#include "json.h"

static void print_meter(const struct meter *m)
{
	json_u64("acquisitions", m->acquisitions);
	if (!m->on)
		return;
	json_u64("call_ns", m->call_ns);
	json_u64("long_calls", m->long_calls);
	json_u64("long_call_ns", m->long_call_ns);
	json_u64("max_call_ns", m->max_call_ns);
	json_u64("held_ns", m->held_ns);
}

static struct meter lock_total(const struct team *team, unsigned int lock)
{
	struct meter sum = { .on = !team->options->no_clock };
	unsigned int i;

	for (i = 0; i < team->threads; i++)
		meter_add(&sum, &team->members[i].meters[lock]);
	return sum;
}

struct meter member_total(const struct member *me)
{
	struct meter sum = { .on = !me->team->options->no_clock };
	unsigned int i;

	for (i = 0; i < me->team->locks; i++)
		meter_add(&sum, &me->meters[i]);
	return sum;
}

static void print_totals(const struct team *team)
{
	struct meter sum = { .on = !team->options->no_clock };
	uint64_t sleeps = 0, preempted = 0, cpu_ns = 0;
	unsigned int i;

	for (i = 0; i < team->threads; i++) {
		struct meter m = member_total(&team->members[i]);

		meter_add(&sum, &m);
		sleeps += member_sleeps(&team->members[i]);
		preempted += team->members[i].preempted;
		cpu_ns += team->members[i].cpu_ns;
	}
	json_u64("ops", team_ops(team, NULL));
	json_double("ops_per_s", team->wall_ns ?
		    (double)team_ops(team, NULL) * 1e9 / (double)team->wall_ns : 0);
	json_u64("sleeps", sleeps);
	json_u64("preempted", preempted);
	json_u64("cpu_ns", cpu_ns);
	print_meter(&sum);
}

static void print_locks(const struct team *team)
{
	unsigned int i;

	json_array_open("locks");
	for (i = 0; i < team->locks; i++) {
		struct meter m = lock_total(team, i);

		json_object_open(NULL);
		json_string("lock", team->lock[i].name);
		json_string("sync", team->lock[i].sync);
		print_meter(&m);
		json_object_close();
	}
	json_array_close();
}

static void print_members(const struct team *team)
{
	unsigned int i;

	json_array_open("members");
	for (i = 0; i < team->threads; i++) {
		const struct member *me = &team->members[i];
		struct meter m = member_total(me);

		json_object_open(NULL);
		json_u64("tid", (uint64_t)me->tid);
		json_string("role", me->role);
		json_u64("ops", me->ops);
		json_u64("sleeps", member_sleeps(me));
		json_u64("naps", me->naps);
		json_u64("preempted", me->preempted);
		json_u64("cpu_ns", me->cpu_ns);
		print_meter(&m);
		json_object_close();
	}
	json_array_close();
}

void team_print_begin(const struct team *team, const char *name, const char *variant)
{
	json_object_open(NULL);
	json_string("workload", name);
	json_string("variant", variant);
	json_u64("pid", (uint64_t)getpid());
	json_u64("threads", team->threads);
	json_u64("wall_ns", team->wall_ns);
	json_u64("clock_overhead_ns", clock_overhead_ns());
	json_u64("threshold_ns", team->options->threshold_ns);
	print_totals(team);
	print_locks(team);
	print_members(team);
}

int team_print_end(struct team *team)
{
	int err;

	json_object_close();
	err = json_finish();
	team_destroy(team);
	return err ? 1 : 0;
}
