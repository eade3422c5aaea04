// SPDX-License-Identifier: GPL-2.0-only
/* Threads in bulk. */
#include "crowd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../workloads/c/lib/clock.h"
#include "../../../workloads/c/lib/json.h"
#include "raw.h"

#define POLL_NS 1000000U
#define STACK_BYTES (32 * 1024)

static void *thread_main(void *arg)
{
	struct crowd_thread *me = arg;
	struct crowd *crowd = me->crowd;
	char nothing;

	me->tid = (pid_t)syscall(SYS_gettid);
	atomic_fetch_add(&crowd->ready, 1);
	/* Not by polling: ten thousand threads would never come to rest. */
	while (read(crowd->gate[0], &nothing, 1) < 0)
		;
	if (!atomic_load(&crowd->stop))
		crowd->run(me);
	atomic_fetch_add(&crowd->finished, 1);
	return NULL;
}

struct crowd *crowd_create(unsigned int threads, void (*run)(struct crowd_thread *), void *data)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	pthread_attr_t attr;
	int err = 0;

	if (!crowd)
		return NULL;
	crowd->run = run;
	crowd->data = data;
	crowd->thread = calloc(threads, sizeof(*crowd->thread));
	if (!crowd->thread || pipe(crowd->gate)) {
		free(crowd->thread);
		free(crowd);
		return NULL;
	}
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	/* One mapping a thread: ten thousand must fit into the default limit. */
	pthread_attr_setguardsize(&attr, 0);
	while (!err && crowd->threads < threads) {
		struct crowd_thread *me = &crowd->thread[crowd->threads];

		me->crowd = crowd;
		me->index = crowd->threads;
		err = pthread_create(&me->thread, &attr, thread_main, me);
		if (!err)
			crowd->threads++;
	}
	pthread_attr_destroy(&attr);
	while (atomic_load(&crowd->ready) < crowd->threads)
		clock_sleep_ns(POLL_NS);
	if (!err)
		return crowd;
	atomic_store(&crowd->stop, true);
	crowd_start(crowd);
	crowd_join(crowd);
	crowd_destroy(crowd);
	return NULL;
}

void crowd_start(struct crowd *crowd)
{
	close(crowd->gate[1]);
}

void crowd_join(struct crowd *crowd)
{
	unsigned int i;

	atomic_store(&crowd->stop, true);
	for (i = 0; i < crowd->threads; i++)
		while (pthread_tryjoin_np(crowd->thread[i].thread, NULL) == EBUSY)
			clock_sleep_ns(POLL_NS);
}

void crowd_destroy(struct crowd *crowd)
{
	if (!crowd)
		return;
	close(crowd->gate[0]);
	free(crowd->thread);
	free(crowd);
}

static uint64_t voluntary_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_nvcsw;
}

static enum crowd_result result_kind(long result)
{
	switch (result) {
	case 0:
		return CROWD_OK;
	case -EAGAIN:
		return CROWD_EAGAIN;
	case -ETIMEDOUT:
		return CROWD_ETIMEDOUT;
	case -EINTR:
		return CROWD_EINTR;
	default:
		return CROWD_OTHER;
	}
}

long crowd_wait(struct crowd_thread *me, uint32_t *word, uint32_t val, const struct timespec *ts)
{
	struct raw_args args = raw_wait(word, FUTEX_PRIVATE_FLAG, val, ts);
	uint64_t switches = voluntary_switches();
	long result = raw_call(&args);
	enum crowd_result kind = result_kind(result);

	me->counts.waits[kind]++;
	if (voluntary_switches() != switches)
		me->counts.slept[kind]++;
	return result;
}

long crowd_wake(struct crowd_thread *me, uint32_t *word, unsigned int waiters)
{
	struct raw_args args = raw_wake(word, FUTEX_PRIVATE_FLAG, waiters);
	long result = raw_call(&args);

	me->counts.wakes++;
	if (result > 0)
		me->counts.woken += (uint64_t)result;
	return result;
}

struct crowd_counts crowd_total(const struct crowd *crowd)
{
	struct crowd_counts sum = { 0 };
	unsigned int i, k;

	for (i = 0; i < crowd->threads; i++) {
		const struct crowd_counts *c = &crowd->thread[i].counts;

		sum.acquired += c->acquired;
		for (k = 0; k < CROWD_RESULTS; k++) {
			sum.waits[k] += c->waits[k];
			sum.slept[k] += c->slept[k];
		}
		sum.after_deadline += c->after_deadline;
		sum.wakes += c->wakes;
		sum.woken += c->woken;
	}
	return sum;
}

static void print_results(const char *name, const uint64_t *results)
{
	static const char *const names[] = { "ok", "eagain", "etimedout", "eintr", "other" };
	unsigned int k;

	json_object_open(name);
	for (k = 0; k < CROWD_RESULTS; k++)
		json_u64(names[k], results[k]);
	json_object_close();
}

bool crowd_report(const char *test, const struct crowd *crowd, bool ok)
{
	struct crowd_counts sum = crowd_total(crowd);

	ok = ok && sum.woken == sum.waits[CROWD_OK];
	json_object_open(NULL);
	json_string("test", test);
	json_string("kind", "summary");
	json_bool("ok", ok);
	json_u64("pid", (uint64_t)getpid());
	json_u64("threads", crowd->threads);
	json_u64("acquired", sum.acquired);
	print_results("waits", sum.waits);
	print_results("slept", sum.slept);
	json_u64("after_deadline", sum.after_deadline);
	json_u64("wakes", sum.wakes);
	json_u64("releases", sum.woken);
	json_object_close();
	json_finish();
	return ok;
}
