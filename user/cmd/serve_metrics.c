// SPDX-License-Identifier: GPL-2.0-only
#include "serve_metrics.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../results/groups.h"
#include "../results/losses.h"
#include "../results/profiles.h"
#include "../serve/metrics.h"

#define LOST "lost_"

static void counter_write(FILE *to, const char *name, const char *help, uint64_t value)
{
	lsp_metrics_begin(to, name, "counter", help);
	lsp_metrics_number(to, name, NULL, value);
}

static void gauge_write(FILE *to, const char *name, const char *help, uint64_t value)
{
	lsp_metrics_begin(to, name, "gauge", help);
	lsp_metrics_number(to, name, NULL, value);
}

static void seconds_write(FILE *to, const char *name, const char *help, uint64_t ns)
{
	lsp_metrics_begin(to, name, "counter", help);
	lsp_metrics_seconds(to, name, NULL, ns);
}

/* A number that is an estimate. */
static uint64_t rounded(double value)
{
	return value > 0 ? (uint64_t)llround(value) : 0;
}

static void session_write(FILE *to, const struct lsp_recorder *from)
{
	const char *name = "lockspan_info";
	struct utsname host = { .release = "" };

	uname(&host);
	lsp_metrics_begin(to, name, "gauge", "The release of lockspan and of the kernel; always 1.");
	lsp_metrics_number(to, name, (const struct lsp_metrics_label[2]){
		{ "lockspan", LSP_RELEASE }, { "kernel", host.release } }, 1);
	name = "lockspan_session_start_time_seconds";
	lsp_metrics_begin(to, name, "gauge", "When the session began, since 1970. All counters were 0 then.");
	lsp_metrics_seconds(to, name, NULL, (uint64_t)from->wall_ns);
}

/* ---- exact totals, which the module has summed ---- */

static void waits_write(FILE *to, const struct lsp_client_report *r)
{
	const char *name = "lockspan_waits_total";
	const uint64_t *c = r->counters;

	lsp_metrics_begin(to, name, "counter", "Waits that have ended, by how.");
	for (unsigned int i = 0; i < LOCKSPAN_OUTCOME_COUNT; i++)
		if (lsp_span_is_contention(&(struct lockspan_span){ .outcome = (uint8_t)i }))
			lsp_metrics_number(to, name, (const struct lsp_metrics_label[2]){
				{ "outcome", lsp_outcome_name(i) } }, c[i]);
	seconds_write(to, "lockspan_wait_seconds_total", "Time that these waits took until they were released or given up.",
		      lsp_profiles_exact(r).delay_ns);
	seconds_write(to, "lockspan_late_seconds_total", "Time that released threads then waited for a processor.",
		      c[LOCKSPAN_C_SCHED_DELAY_NS]);
	counter_write(to, "lockspan_waits_unmeasured_total", "Waits whose end was not seen, so that they have no length.",
		      c[LOCKSPAN_ERROR]);
	gauge_write(to, "lockspan_waiting_threads", "Threads that wait now.", r->open_spans);
	counter_write(to, "lockspan_releases_total", "Waiters that were released.", c[LOCKSPAN_C_RELEASES]);
	seconds_write(to, "lockspan_hold_seconds_total", "Part of the waiting that was charged to those who released.",
		      c[LOCKSPAN_C_HOLD_NS]);
	seconds_write(to, "lockspan_handoff_seconds_total", "Part of the waiting from a release until the lock was seen taken again.",
		      c[LOCKSPAN_C_HANDOFF_NS]);
	seconds_write(to, "lockspan_given_up_seconds_total", "Part of the waiting that ended by itself, and that no release answers for.",
		      c[LOCKSPAN_C_GIVEN_UP_NS]);
}

/* ---- losses ---- */

static void lost_write(FILE *to, const struct lsp_recorder *from, const struct lsp_client_report *r)
{
	const struct lsp_client_faults *faults = lsp_client_faults(from->client);
	const struct lsp_losses_source source = { .collector = from->collector, .end = r, .faults = faults,
		.foreign_pids = from->foreign_pids, .no_stacks = from->request.stack_mode == LOCKSPAN_STACK_NONE };
	const char *name = "lockspan_lost_total";
	struct lsp_collector_totals t;
	struct lsp_losses losses;

	lsp_collector_totals(from->collector, &t);
	lsp_metrics_begin(to, name, "counter", "Records that were lost, by the reason.");
	for (unsigned int i = 0; i < LOCKSPAN_C_COUNT; i++)
		if (!strncmp(lsp_counter_name(i), LOST, strlen(LOST)))
			lsp_metrics_number(to, name, (const struct lsp_metrics_label[2]){
				{ "reason", lsp_counter_name(i) + strlen(LOST) } }, r->counters[i]);
	lsp_metrics_number(to, name, (const struct lsp_metrics_label[2]){ { "reason", "gap" } }, t.gap_records);
	lsp_metrics_number(to, name, (const struct lsp_metrics_label[2]){ { "reason", "unfit" } }, t.unfit);
	lsp_metrics_number(to, name, (const struct lsp_metrics_label[2]){ { "reason", "unrecorded" } }, t.unrecorded);
	lsp_metrics_number(to, name, (const struct lsp_metrics_label[2]){ { "reason", "stack_missing" } }, t.stacks_missing);
	name = "lockspan_lost_messages_total";
	lsp_metrics_begin(to, name, "counter", "Messages of the module that could not be used, by the reason; each may have had many records.");
	lsp_metrics_number(to, name, (const struct lsp_metrics_label[2]){ { "reason", "damaged" } }, t.damaged);
	lsp_metrics_number(to, name, (const struct lsp_metrics_label[2]){ { "reason", "refused" } }, faults->refused);
	lsp_metrics_number(to, name, (const struct lsp_metrics_label[2]){ { "reason", "truncated" } }, faults->truncated);
	counter_write(to, "lockspan_socket_full_total", "How often the socket from the module was full.", faults->socket_full);
	lsp_losses_find(&source, &losses);
	gauge_write(to, "lockspan_partial", "1 if the numbers lack something, for one of these reasons or another.", losses.partial);
}

/* ---- locks ---- */

/*
 * The others have no series of their sum: it would shrink when one of them came among the first, and a counter
 * that shrinks is taken for one that began anew. What they are is the difference to the totals.
 */
static int locks_write(FILE *to, const struct lsp_recorder *from)
{
	static const struct {
		const char *name, *help;
	} metrics[] = {
		{ "lockspan_lock_waits_total", "Waits for a lock; an estimate if waits are sampled." },
		{ "lockspan_lock_wait_seconds_total", "Time that was waited for a lock; likewise." },
		{ "lockspan_lock_blamed_seconds_total", "Part of it that is in the mutex profile, as the blame of who released the lock." },
	};
	struct lsp_groups g;
	int err = lsp_groups_create(from->collector, LSP_GROUP_LOCK, &g);
	size_t n = err || g.n < LSP_SERVE_LOCKS_MAX ? g.n : LSP_SERVE_LOCKS_MAX;

	if (err)
		return err;
	for (size_t k = 0; k < sizeof(metrics) / sizeof(metrics[0]); k++) {
		lsp_metrics_begin(to, metrics[k].name, "counter", metrics[k].help);
		for (size_t i = 0; i < n; i++) {
			const struct lsp_group *lock = &g.groups[i];
			const struct lsp_metrics_label labels[2] = {
				{ "lock", lock->lock }, { "class", lsp_sync_name(lock->sync) } };

			if (!k)
				lsp_metrics_number(to, metrics[k].name, labels, rounded(lock->block.count));
			else
				lsp_metrics_seconds(to, metrics[k].name, labels,
						    rounded(k == 1 ? lock->block.delay_ns : lock->mutex.delay_ns));
		}
	}
	gauge_write(to, "lockspan_locks", "Locks that were waited for.", g.n);
	gauge_write(to, "lockspan_locks_shown", "Those of them that have series of their own here: the ones with most waiting.", n);
	lsp_groups_destroy(&g);
	return 0;
}

/* ---- what it costs ---- */

static uint64_t resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *from = fopen("/proc/self/statm", "re");

	if (from && fscanf(from, "%*u %lu", &pages) != 1)
		pages = 0;
	if (from)
		fclose(from);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void cost_write(FILE *to, const struct lsp_recorder *from, const struct lsp_client_report *r)
{
	const char *name = "lockspan_collector_cpu_seconds_total";
	struct lsp_collector_totals t;
	struct rusage used;

	gauge_write(to, "lockspan_module_memory_bytes", "Memory of the module.", r->memory_bytes);
	counter_write(to, "lockspan_module_records_total", "Waits and releases that the module has sent.",
		      r->counters[LOCKSPAN_C_KEPT] + r->counters[LOCKSPAN_C_RELEASES_KEPT]);
	lsp_metrics_begin(to, "lockspan_module_probe_missed_total", "counter", "Calls of a probe that the kernel left out, on the whole machine.");
	for (size_t i = 0; i < r->nprobes; i++)
		lsp_metrics_number(to, "lockspan_module_probe_missed_total", (const struct lsp_metrics_label[2]){
			{ "probe", r->probes[i].name }, { "symbol", r->probes[i].symbol } }, r->probes[i].missed);
	getrusage(RUSAGE_SELF, &used);
	lsp_metrics_begin(to, name, "counter", "Processor time of lockspan serve.");
	lsp_metrics_seconds(to, name, (const struct lsp_metrics_label[2]){ { "mode", "user" } },
			    (uint64_t)used.ru_utime.tv_sec * 1000000000 + (uint64_t)used.ru_utime.tv_usec * 1000);
	lsp_metrics_seconds(to, name, (const struct lsp_metrics_label[2]){ { "mode", "system" } },
			    (uint64_t)used.ru_stime.tv_sec * 1000000000 + (uint64_t)used.ru_stime.tv_usec * 1000);
	gauge_write(to, "lockspan_collector_memory_bytes", "Memory of lockspan serve that is in use.", resident_bytes());
	lsp_collector_totals(from->collector, &t);
	gauge_write(to, "lockspan_collector_stacks", "Different stacks.", t.traces);
}

int lsp_serve_metrics_write(FILE *to, const struct lsp_recorder *from)
{
	struct lsp_client_report r;
	int err = lsp_client_status(from->client, &r);

	if (err)
		return err;
	session_write(to, from);
	waits_write(to, &r);
	lost_write(to, from, &r);
	err = locks_write(to, from);
	cost_write(to, from, &r);
	return err;
}
