// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task 9: a long run for profiles taken one after the other. SIGUSR1 lets half
 * of the threads that still work go home, which begins a phase; so does SIGUSR2,
 * which does nothing else. What each phase has seen is printed at the end, and
 * SIGTERM ends the run.
 */
#include <sched.h>
#include <signal.h>

#include "lib/json.h"
#include "lib/options.h"
#include "lib/team.h"
#include "lib/turn.h"
#include "lib/work.h"

#define PHASES 16

/* Sums over all members at the end of a phase. */
struct phase {
	unsigned int threads;
	uint64_t end_ns;
	uint64_t ops;
	uint64_t call_ns;
};

struct task09 {
	struct options options;
	uint64_t halve_ms;
	uint64_t work_in;
};

static struct task09 g_task = {
	.options = {
		.lab = { .threads = 16, .duration_ms = 3000 },
		.seed = { .threads = 64, .duration_ms = 300000 },
	},
	.work_in = 2000,
};

static struct {
	pthread_mutex_t mu;
	uint64_t done;
} g_jobs = { .mu = PTHREAD_MUTEX_INITIALIZER };

static atomic_uint at_work;
static atomic_uint active;
static volatile sig_atomic_t halve, mark, over;
static struct phase phases[PHASES];
static unsigned int phases_n;

static PLAIN void do_job(struct member *me)
{
	struct meter *m = &me->meters[0];
	uint64_t locking_ns = meter_locking(m);

	pthread_mutex_lock(&g_jobs.mu);
	meter_locked(m, locking_ns);
	turn_progress(&g_jobs.done);
	work_spin(g_task.work_in);
	sched_yield();
	meter_unlocking(m);
	pthread_mutex_unlock(&g_jobs.mu);
}

static PLAIN void job_worker(struct member *me)
{
	atomic_fetch_add(&at_work, 1);
	for (; member_goes_on(me) && me->index < atomic_load(&active); me->ops++) {
		do_job(me);
		turn_give(&g_jobs.done, &at_work);
	}
	atomic_fetch_sub(&at_work, 1);
}

static void on_usr1(int signal)
{
	(void)signal;
	halve = 1;
}

static void on_usr2(int signal)
{
	(void)signal;
	mark = 1;
}

static void on_term(int signal)
{
	(void)signal;
	over = 1;
}

static void phase_end(const struct team *team)
{
	struct phase *phase;
	unsigned int i;

	if (phases_n == PHASES)
		return;
	phase = &phases[phases_n++];
	phase->threads = atomic_load(&active);
	phase->end_ns = clock_now_ns() - team->start_ns;
	/* These are read while they are written, which is accurate enough for a comparison of phases. */
	for (i = 0; i < team->threads; i++) {
		phase->ops += team->members[i].ops;
		phase->call_ns += team->members[i].meters[0].call_ns;
	}
}

static void tick(struct team *team)
{
	uint64_t since_ms = (clock_now_ns() - team->start_ns) / 1000000;

	if (g_task.halve_ms && since_ms >= g_task.halve_ms) {
		g_task.halve_ms = 0;
		halve = 1;
	}
	if (over)
		team_stop(team);
	if (mark)
		phase_end(team);
	mark = 0;
	if (!halve)
		return;
	halve = 0;
	if (atomic_load(&active) < 2)
		return;
	phase_end(team);
	atomic_store(&active, atomic_load(&active) / 2);
}

static void print_phases(void)
{
	struct phase last = { 0 };
	unsigned int i;

	json_array_open("phases");
	for (i = 0; i < phases_n; i++) {
		json_object_open(NULL);
		json_u64("threads", phases[i].threads);
		json_u64("ns", phases[i].end_ns - last.end_ns);
		json_u64("ops", phases[i].ops - last.ops);
		json_u64("call_ns", phases[i].call_ns - last.call_ns);
		json_object_close();
		last = phases[i];
	}
	json_array_close();
}

int main(int argc, char **argv)
{
	static const struct options_row rows[] = {
		{ "halve-at", "MS", "halve the threads then, without a signal", .number = &g_task.halve_ms, .max = 86400000 },
		{ "work-in", "ITERATIONS", "spin inside the lock (2000)", .number = &g_task.work_in },
		{ 0 }
	};
	static const struct team_lock locks[] = { { "g_jobs.mu", "mutex" } };
	struct sigaction halving = { .sa_handler = on_usr1, .sa_flags = SA_RESTART };
	struct sigaction marking = { .sa_handler = on_usr2, .sa_flags = SA_RESTART };
	struct sigaction ending = { .sa_handler = on_term, .sa_flags = SA_RESTART };
	struct team *team;

	options_parse(rows, "A long run; SIGUSR1 halves the number of threads, SIGUSR2 begins a new phase"
		      " of what is printed, SIGTERM ends it.", argc, argv, &g_task.options);
	options_resolve(&g_task.options);
	atomic_store(&active, g_task.options.run.threads);
	team = team_create(&g_task.options, g_task.options.run.threads, job_worker, locks, 1);
	team->tick = tick;
	sigaction(SIGUSR1, &halving, NULL);
	sigaction(SIGUSR2, &marking, NULL);
	sigaction(SIGTERM, &ending, NULL);
	team_run(team);
	phase_end(team);
	team_print_begin(team, "task09", "mutex");
	print_phases();
	return team_print_end(team);
}
