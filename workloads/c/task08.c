// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task 8: back-pressure of a channel: unbuffered, with room for 1024, with eight
 * consumers, and with eight consumers of a producer that has work of its own.
 */
#include <error.h>

#include "lib/channel.h"
#include "lib/json.h"
#include "lib/options.h"
#include "lib/team.h"
#include "lib/work.h"

enum { UNBUFFERED, BUFFERED, CONSUMERS, SLOW_PRODUCER };
static const char *const variants[] = { "unbuffered", "buffered", "consumers", "slow-producer", NULL };

struct task08 {
	struct options options;
	unsigned int variant;
	uint64_t work_us;
	uint64_t make_us;
};

/* The count is the number of the producer's items, and the threads are the consumers. */
static struct task08 g_task = {
	.options = {
		.lab = { .threads = 1, .count = 200 },
		.seed = { .threads = 1, .count = 10000 },
	},
	.work_us = 5000,
	.make_us = 1000,
};

static struct channel g_out;

/* Meters here time a whole send or receive, not a lock. */
enum { METER_SEND, METER_RECEIVE };

static PLAIN void send_item(struct member *me)
{
	struct meter *m = &me->meters[METER_SEND];
	uint64_t start_ns = meter_locking(m);

	channel_send(&g_out, me->ops);
	meter_locked(m, start_ns);
}

static PLAIN void producer(struct member *me)
{
	for (; member_goes_on(me); me->ops++) {
		if (g_task.variant == SLOW_PRODUCER)
			member_nap(me, g_task.make_us * 1000);
		send_item(me);
	}
	channel_close(&g_out);
}

static PLAIN bool receive_item(struct member *me, uint64_t *ret)
{
	struct meter *m = &me->meters[METER_RECEIVE];
	uint64_t start_ns = meter_locking(m);
	bool got = channel_receive(&g_out, ret);

	if (got)
		meter_locked(m, start_ns);
	return got;
}

static PLAIN void consumer(struct member *me)
{
	uint64_t item;

	for (; receive_item(me, &item); me->ops++)
		member_nap(me, g_task.work_us * 1000);
}

int main(int argc, char **argv)
{
	static const struct options_row rows[] = {
		{ "variant", NULL, "capacity 0, capacity 1024, capacity 0 with 8 consumers, or that and a producer"
		  " that takes its time (unbuffered)", .choice = &g_task.variant, .choices = variants },
		{ "work", "US", "a consumer's time for an item (5000)", .number = &g_task.work_us, .max = 1000000 },
		{ "make", "US", "the slow producer's time for an item (1000)", .number = &g_task.make_us, .max = 1000000 },
		{ 0 }
	};
	static const struct team_lock locks[] = {
		{ "g_out.not_full", "cond" }, { "g_out.not_empty", "cond" },
	};
	struct team *team;
	unsigned int i;

	options_parse(rows, "One producer, --count items, --threads consumers.", argc, argv, &g_task.options);
	if (g_task.variant >= CONSUMERS)
		g_task.options.lab.threads = g_task.options.seed.threads = 8;
	options_resolve(&g_task.options);
	if (g_task.options.run.threads > CHANNEL_RECEIVERS)
		error(64, 0, "more than %d consumers", CHANNEL_RECEIVERS);
	if (channel_init(&g_out, g_task.variant == BUFFERED ? 1024 : 0))
		error(1, 0, "no memory");
	team = team_create(&g_task.options, g_task.options.run.threads + 1, consumer, locks, 2);
	for (i = 1; i < team->threads; i++)
		team->members[i].role = "consumer";
	team->members[0].role = "producer";
	team->members[0].run = producer;
	team_run(team);
	if (team_ops(team, "consumer") != team_ops(team, "producer"))
		error(1, 0, "items were lost");
	team_print_begin(team, "task08", variants[g_task.variant]);
	json_u64("capacity", g_out.capacity);
	json_u64("items", team_ops(team, "producer"));
	channel_uninit(&g_out);
	return team_print_end(team);
}
