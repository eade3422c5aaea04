// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task 6: a map from strings to numbers behind one mutex, or in 32 shards with
 * a mutex each. Get and Put are mixed.
 *
 * An operation sleeps under its lock and outside it: with more threads than
 * CPUs, computing or yielding there would measure the scheduler's queue, where
 * a preempted holder stops everybody whatever the number of shards. By the
 * defaults a thread holds a lock a sixth of its time: with one lock about 58
 * of 64 threads wait at any time, with 32 locks about three.
 */
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/options.h"
#include "lib/team.h"
#include "lib/work.h"

#define SHARDS 32
#define SLOTS 256	/* slots of a shard: a power of two, more than its keys */
#define KEYS 2048
#define KEY_BYTES 16

enum { SINGLE, SHARDED };
static const char *const variants[] = { "single", "sharded", NULL };

struct task06 {
	struct options options;
	unsigned int variant;
	uint64_t hold_us;
	uint64_t think_us;
};

static struct task06 g_task = {
	.options = {
		.lab = { .threads = 64, .duration_ms = 1500 },
		.seed = { .threads = 64, .duration_ms = 5000 },
	},
	.hold_us = 4000,
	.think_us = 20000,
};

struct slot {
	char key[KEY_BYTES];
	int value;
};

struct shard {
	pthread_mutex_t mu;
	struct slot *slots;
	unsigned int mask;
} __attribute__((aligned(64)));

static struct {
	struct shard shards[SHARDS];
	unsigned int n;
} g_map;

static struct slot g_slots[SHARDS * SLOTS];
static char g_keys[KEYS][KEY_BYTES];

static uint32_t hash(const char *key)
{
	uint32_t h = 2166136261U;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 16777619U;
	return h ^ h >> 15;
}

/* Returns the slot of @key, or the free slot where it belongs. The caller holds the shard's mutex. */
static struct slot *shard_find(struct shard *shard, const char *key, uint32_t h)
{
	unsigned int i = h / SHARDS & shard->mask;

	while (shard->slots[i].key[0] && strcmp(shard->slots[i].key, key))
		i = (i + 1) & shard->mask;
	return &shard->slots[i];
}

static PLAIN int map_get(struct member *me, const char *key)
{
	uint32_t h = hash(key);
	unsigned int s = h % g_map.n;
	struct shard *shard = &g_map.shards[s];
	struct meter *m = &me->meters[s];
	uint64_t locking_ns = meter_locking(m);
	int value;

	pthread_mutex_lock(&shard->mu);
	meter_locked(m, locking_ns);
	value = shard_find(shard, key, h)->value;
	if (g_task.hold_us)
		member_nap(me, g_task.hold_us * 1000);
	meter_unlocking(m);
	pthread_mutex_unlock(&shard->mu);
	return value;
}

static PLAIN void map_put(struct member *me, const char *key, int value)
{
	uint32_t h = hash(key);
	unsigned int s = h % g_map.n;
	struct shard *shard = &g_map.shards[s];
	struct meter *m = &me->meters[s];
	uint64_t locking_ns = meter_locking(m);
	struct slot *slot;

	pthread_mutex_lock(&shard->mu);
	meter_locked(m, locking_ns);
	slot = shard_find(shard, key, h);
	memcpy(slot->key, key, KEY_BYTES);
	slot->value = value;
	if (g_task.hold_us)
		member_nap(me, g_task.hold_us * 1000);
	meter_unlocking(m);
	pthread_mutex_unlock(&shard->mu);
}

static PLAIN void user(struct member *me)
{
	uint64_t random = me->index + 1;

	for (; member_goes_on(me); me->ops++) {
		const char *key;

		random = random * 6364136223846793005U + 1442695040888963407U;
		key = g_keys[(random >> 33) % KEYS];
		if (random >> 32 & 1)
			map_get(me, key);
		else
			map_put(me, key, (int)me->ops);
		if (g_task.think_us)
			member_nap(me, g_task.think_us * 1000);
	}
}

static void map_init(struct team_lock *locks)
{
	static char names[SHARDS][24];
	unsigned int i;

	g_map.n = g_task.variant == SINGLE ? 1 : SHARDS;
	for (i = 0; i < g_map.n; i++) {
		pthread_mutex_init(&g_map.shards[i].mu, NULL);
		g_map.shards[i].mask = SHARDS * SLOTS / g_map.n - 1;
		g_map.shards[i].slots = &g_slots[i * (g_map.shards[i].mask + 1)];
		snprintf(names[i], sizeof(names[i]), "g_map.shards[%u].mu", i);
		locks[i] = (struct team_lock){ names[i], "mutex" };
	}
	for (i = 0; i < KEYS; i++)
		snprintf(g_keys[i], KEY_BYTES, "key-%u", i);
}

int main(int argc, char **argv)
{
	static const struct options_row rows[] = {
		{ "variant", NULL, "one mutex, or 32 (single)", .choice = &g_task.variant, .choices = variants },
		{ "hold", "US", "sleep under the lock (4000)", .number = &g_task.hold_us, .max = 1000000 },
		{ "think", "US", "sleep outside it (20000)", .number = &g_task.think_us, .max = 1000000 },
		{ 0 }
	};
	static struct team_lock locks[SHARDS];
	struct team *team;

	options_parse(rows, "A map behind one mutex or 32 of them.", argc, argv, &g_task.options);
	options_resolve(&g_task.options);
	map_init(locks);
	team = team_create(&g_task.options, g_task.options.run.threads, user, locks, g_map.n);
	team_run(team);
	team_print_begin(team, "task06", variants[g_task.variant]);
	json_u64("shards", g_map.n);
	return team_print_end(team);
}
