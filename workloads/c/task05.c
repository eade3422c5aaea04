// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task 5: a cache that many read and one writes now and then, behind a mutex or
 * a read-write lock. A reader needs some time under its lock, as one that
 * copies a value out; --writer-hold makes the writer slow.
 */
#include "lib/json.h"
#include "lib/options.h"
#include "lib/team.h"
#include "lib/work.h"

#define KEYS 64

enum { MUTEX, RWLOCK };
static const char *const variants[] = { "mutex", "rwlock", NULL };

/* Places of the locks in the meters. */
enum { METER_MU = 0, METER_READ = 0, METER_WRITE = 1 };

struct task05 {
	struct options options;
	unsigned int variant;
	uint64_t read_us;
	uint64_t write_us;
	uint64_t period_ms;
	bool prefer_readers;
};

static struct task05 g_task = {
	.options = {
		.lab = { .threads = 33, .duration_ms = 1500 },
		.seed = { .threads = 33, .duration_ms = 5000 },
	},
	.read_us = 100,
	.period_ms = 100,
};

static struct {
	pthread_mutex_t mu;
	pthread_rwlock_t rw;
	uint64_t value[KEYS];
} g_cache = { .mu = PTHREAD_MUTEX_INITIALIZER };

static PLAIN uint64_t cache_get_mutex(struct member *me, unsigned int key)
{
	struct meter *m = &me->meters[METER_MU];
	uint64_t locking_ns = meter_locking(m), value;

	pthread_mutex_lock(&g_cache.mu);
	meter_locked(m, locking_ns);
	value = g_cache.value[key];
	if (g_task.read_us)
		member_nap(me, g_task.read_us * 1000);
	meter_unlocking(m);
	pthread_mutex_unlock(&g_cache.mu);
	return value;
}

static PLAIN uint64_t cache_get_rwlock(struct member *me, unsigned int key)
{
	struct meter *m = &me->meters[METER_READ];
	uint64_t locking_ns = meter_locking(m), value;

	pthread_rwlock_rdlock(&g_cache.rw);
	meter_locked(m, locking_ns);
	value = g_cache.value[key];
	if (g_task.read_us)
		member_nap(me, g_task.read_us * 1000);
	meter_unlocking(m);
	pthread_rwlock_unlock(&g_cache.rw);
	return value;
}

static PLAIN void cache_put_mutex(struct member *me, unsigned int key)
{
	struct meter *m = &me->meters[METER_MU];
	uint64_t locking_ns = meter_locking(m);

	pthread_mutex_lock(&g_cache.mu);
	meter_locked(m, locking_ns);
	g_cache.value[key]++;
	if (g_task.write_us)
		member_nap(me, g_task.write_us * 1000);
	meter_unlocking(m);
	pthread_mutex_unlock(&g_cache.mu);
}

static PLAIN void cache_put_rwlock(struct member *me, unsigned int key)
{
	struct meter *m = &me->meters[METER_WRITE];
	uint64_t locking_ns = meter_locking(m);

	pthread_rwlock_wrlock(&g_cache.rw);
	meter_locked(m, locking_ns);
	g_cache.value[key]++;
	if (g_task.write_us)
		member_nap(me, g_task.write_us * 1000);
	meter_unlocking(m);
	pthread_rwlock_unlock(&g_cache.rw);
}

static PLAIN void reader(struct member *me)
{
	for (; member_goes_on(me); me->ops++) {
		unsigned int key = (unsigned int)(me->ops + me->index) % KEYS;

		if (g_task.variant == MUTEX)
			cache_get_mutex(me, key);
		else
			cache_get_rwlock(me, key);
		work_spin(500);
	}
}

static PLAIN void writer(struct member *me)
{
	for (; member_goes_on(me); me->ops++) {
		unsigned int key = (unsigned int)me->ops % KEYS;

		member_nap(me, g_task.period_ms * 1000000);
		if (g_task.variant == MUTEX)
			cache_put_mutex(me, key);
		else
			cache_put_rwlock(me, key);
	}
}

/* Go's RWMutex lets a waiting writer in before new readers; glibc does so on demand. */
static void cache_init(void)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	if (!g_task.prefer_readers)
		pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&g_cache.rw, &attr);
	pthread_rwlockattr_destroy(&attr);
}

int main(int argc, char **argv)
{
	static const struct options_row rows[] = {
		{ "variant", NULL, "what protects the cache (mutex)", .choice = &g_task.variant, .choices = variants },
		{ "read", "US", "a reader's time under the lock (100)", .number = &g_task.read_us, .max = 1000000 },
		{ "writer-hold", "MS", "the writer's (0; the task's slow writer: 100)", .number = &g_task.write_us,
		  .max = 60000, .factor = 1000 },
		{ "period", "MS", "the writer's pause (100)", .number = &g_task.period_ms, .max = 60000 },
		{ "prefer-readers", NULL, "glibc's own default for the rwlock", .flag = &g_task.prefer_readers },
		{ 0 }
	};
	static const struct team_lock locks[][2] = {
		{ { "g_cache.mu", "mutex" } },
		{ { "g_cache.rw", "rwlock_rd" }, { "g_cache.rw", "rwlock_wr" } },
	};
	struct team *team;
	unsigned int i;

	options_parse(rows, "A cache with many readers and one writer; --threads counts them all.",
		      argc, argv, &g_task.options);
	options_resolve(&g_task.options);
	cache_init();
	team = team_create(&g_task.options, g_task.options.run.threads, reader,
			   locks[g_task.variant], g_task.variant == MUTEX ? 1 : 2);
	for (i = 1; i < team->threads; i++)
		team->members[i].role = "reader";
	team->members[0].role = "writer";
	team->members[0].run = writer;
	team_run(team);
	team_print_begin(team, "task05", variants[g_task.variant]);
	json_u64("reads", team_ops(team, "reader"));
	json_u64("writes", team_ops(team, "writer"));
	json_u64("writer_hold_us", g_task.write_us);
	return team_print_end(team);
}
