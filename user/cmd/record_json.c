// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes record.json, which has everything about a recording except the samples. lockspan-record(1)
 * documents its keys.
 */
#include "record_json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "../results/groups.h"
#include "../collect/threads.h"
#include "cmd.h"
#include "deadlocks.h"
#include "json.h"
#include "../capture/userfile.h"
#include "record_roles.h"
#include "record_roots.h"
#include "record_time.h"

#define FORMAT 1
/* How many distinct open waits are listed. */
#define OPEN_MAX 1000
/*
 * How many locks and how many stacks are listed with their intervals; the profiles have all of
 * them.
 */
#define GROUPS_MAX 100
/* How many threads are listed; the last row has the sum of the others. */
#define THREADS_MAX 1000

static struct json_object *object_under(struct json_object *o, const char *key)
{
	struct json_object *child = json_object_new_object();

	json_object_object_add(o, key, child);
	return child;
}

static const char *stack_mode_name(uint32_t mode)
{
	static const char *const names[] = {
		[LOCKSPAN_STACK_NONE] = "none", [LOCKSPAN_STACK_RAW] = "raw",
		[LOCKSPAN_STACK_SPARSE] = "sparse", [LOCKSPAN_STACK_FP] = "fp",
	};

	return mode < __LOCKSPAN_STACK_LAST ? names[mode] : "?";
}

static void options_add(struct json_object *o, const struct lsp_record_options *options,
			const struct lsp_record_result *r)
{
	struct json_object *list = json_object_new_array();

	for (char **arg = options->command; arg && *arg; arg++)
		json_object_array_add(list, lsp_json_new_string(*arg));
	json_object_object_add(o, "command", list);
	list = json_object_new_array();
	for (size_t i = 0; i < options->npids; i++)
		json_object_array_add(list, json_object_new_int64(options->pids[i]));
	json_object_object_add(o, "pids", list);
	list = json_object_new_array();
	for (size_t i = 0; i < options->npids && r->pid_commands; i++)
		json_object_array_add(list, lsp_json_new_string(r->pid_commands[i] ? r->pid_commands[i] : ""));
	json_object_object_add(o, "pid_commands", list);
	lsp_json_string(o, "cgroup", options->cgroup ? options->cgroup : "");
	json_object_object_add(o, "all", json_object_new_boolean(options->all));
	/* The program's own side has a record.json of its own, below this one's folder. */
	json_object_object_add(o, "with_user", json_object_new_boolean(options->with_user && !r->user));
	if (r->exit_status >= 0)
		lsp_json_u64(o, "exit_status", (uint64_t)r->exit_status);
	lsp_json_rates(o, &options->rates);
	lsp_json_string(o, "stack_mode", stack_mode_name(r->stack_mode));
}

static void times_add(struct json_object *o, const struct lsp_record_result *r)
{
	time_t seconds = (time_t)(r->wall_ns / 1000000000);
	struct tm tm;
	char text[64];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	lsp_json_string(o, "begun", text);
	lsp_json_u64(o, "start_ns", r->start_ns);
	lsp_json_u64(o, "stop_ns", r->stop_ns);
	lsp_json_u64(o, "duration_ns", r->stop_ns - r->start_ns);
}

static void losses_add(struct json_object *o, const struct lsp_record_result *r)
{
	struct json_object *reasons = json_object_new_array(), *notes = json_object_new_array(), *losses;
	struct lsp_collector_totals t;
	char text[LSP_LOSS_TEXT];

	for (size_t i = 0; i < r->losses->n; i++) {
		lsp_loss_text(&r->losses->losses[i], text, sizeof(text));
		json_object_array_add(r->losses->losses[i].note ? notes : reasons, json_object_new_string(text));
	}
	lsp_collector_totals(r->collector, &t);
	json_object_object_add(o, "partial", json_object_new_boolean(r->losses->partial));
	json_object_object_add(o, "partial_reasons", reasons);
	json_object_object_add(o, "notes", notes);

	losses = object_under(o, "losses");
	lsp_json_u64(losses, "gaps", t.gaps);
	lsp_json_u64(losses, "gap_records", t.gap_records);
	lsp_json_u64(losses, "damaged_messages", t.damaged);
	lsp_json_u64(losses, "unfit_records", t.unfit);
	lsp_json_u64(losses, "refused_messages", r->faults->refused);
	lsp_json_u64(losses, "truncated_messages", r->faults->truncated);
	lsp_json_u64(losses, "socket_full", r->faults->socket_full);
	lsp_json_u64(losses, "unrecorded", t.unrecorded);
	lsp_json_u64(losses, "unknown_records", t.unknown);
	lsp_json_u64(losses, "stacks_missing", t.stacks_missing);
	for (unsigned int i = 0; r->end && i < LOCKSPAN_C_COUNT; i++)
		if (!strncmp(lsp_counter_name(i), "lost_", 5))
			lsp_json_u64(losses, lsp_counter_name(i), r->end->counters[i]);
	/*
	 * Counters that are written only if they are not 0: of stacks, of files, and of the
	 * recorder.
	 */
	for (size_t i = 0; i < r->losses->n; i++)
		lsp_json_u64(losses, r->losses->losses[i].name, r->losses->losses[i].count);
}

static void exact_add(struct json_object *o, const struct lsp_client_report *end)
{
	struct json_object *exact = object_under(o, "exact");
	struct lsp_profiles_exact block = lsp_profiles_exact(end);

	lsp_json_u64(exact, "contentions", block.contentions);
	lsp_json_u64(exact, "delay_ns", block.delay_ns);
	lsp_json_u64(exact, "releases", end->counters[LOCKSPAN_C_RELEASES]);
	lsp_json_u64(exact, "hold_ns", end->counters[LOCKSPAN_C_HOLD_NS]);
	lsp_json_u64(exact, "handoff_ns", end->counters[LOCKSPAN_C_HANDOFF_NS]);
	lsp_json_u64(exact, "tail_ns", end->counters[LOCKSPAN_C_TAIL_NS]);
	lsp_json_u64(exact, "carried_ns", end->counters[LOCKSPAN_C_CARRIED_NS]);
	lsp_json_u64(exact, "given_up_ns", end->counters[LOCKSPAN_C_GIVEN_UP_NS]);
}

/* The hold that somebody is blamed for, and the hold that nobody is blamed for, add up to this hold. */
static void divided_add(struct json_object *o, const struct lsp_record_result *r)
{
	struct lsp_divided d = lsp_divided_find(r->end, r->collector);
	struct json_object *divided;

	if (!d.redivided)
		return;
	divided = object_under(o, "with_virtual_keys");
	lsp_json_u64(divided, "hold_ns", d.hold_ns);
	lsp_json_u64(divided, "handoff_ns", d.handoff_ns);
	lsp_json_u64(divided, "tail_ns", d.tail_ns);
	lsp_json_u64(divided, "given_up_ns", d.given_up_ns);
}

/* Writes an estimate and, if it has one, its 95 % interval. @most_ns is a known upper limit. */
static struct json_object *estimate_new(const struct lsp_estimate *e, double most_ns)
{
	static const char *const words[] = {
		[LSP_INTERVAL_EXACT] = "exact", [LSP_INTERVAL_SHOWN] = "95%",
		[LSP_INTERVAL_TOO_FEW] = "too few",
	};
	struct json_object *o = json_object_new_object();
	enum lsp_interval interval;
	double low_ns, high_ns;

	lsp_json_u64(o, "kept", e->kept);
	lsp_json_double(o, "contentions", e->count);
	lsp_json_double(o, "delay_ns", e->delay_ns);
	interval = lsp_estimate_interval(e, most_ns, &low_ns, &high_ns);
	lsp_json_string(o, "interval", words[interval]);
	if (interval == LSP_INTERVAL_SHOWN) {
		lsp_json_double(o, "low_ns", low_ns);
		lsp_json_double(o, "high_ns", high_ns);
	}
	return o;
}

/* In place of the upper limit of a sum: no interval but an exact one contains it. */
#define NO_INTERVAL (-1.0)

/* Returns the upper limit of all waits, or of all hold charges. */
static double most_block_ns(const struct lsp_record_result *r)
{
	return r->end ? (double)lsp_profiles_exact(r->end).delay_ns : INFINITY;
}

static double most_mutex_ns(const struct lsp_record_result *r)
{
	return r->end ? (double)r->end->counters[LOCKSPAN_C_HOLD_NS] : INFINITY;
}

/* Whether the kept releases agree with the exact total of all releases. */
static bool charges_fit(const struct lsp_record_result *r)
{
	struct lsp_estimate all = r->summary->mutex.estimate;

	lsp_estimate_merge(&all, &r->summary->other.estimate);
	return !r->end || lsp_estimate_fits(&all, most_mutex_ns(r));
}

static void sum_add(struct json_object *o, const char *key, const struct lsp_profiles_sum *s,
		    double most_ns)
{
	struct json_object *sum = estimate_new(&s->estimate, most_ns), *ends;

	json_object_object_add(o, key, sum);
	lsp_json_u64(sum, "hidden_frames", s->hidden);
	ends = object_under(sum, "stack_ends");
	for (unsigned int i = 0; i < LSP_END_COUNT; i++)
		lsp_json_u64(ends, lsp_end_name(i), s->ends[i]);
}

static void estimates_add(struct json_object *o, const struct lsp_record_result *r)
{
	const struct lsp_estimate *outcomes = lsp_collector_outcomes(r->collector);
	struct json_object *estimated = object_under(o, "estimated"), *all;

	/*
	 * This estimate is beside its own exact total, which must not hide an upper end that is too
	 * low.
	 */
	sum_add(estimated, "block", &r->summary->block, INFINITY);
	sum_add(estimated, "mutex", &r->summary->mutex, most_mutex_ns(r));
	sum_add(estimated, "other_releases", &r->summary->other, most_mutex_ns(r));
	sum_add(estimated, "open", &r->summary->open, INFINITY);
	json_object_object_add(estimated, "given_up", estimate_new(&r->summary->given_up, INFINITY));
	lsp_json_double(estimated, "handoff_ns", r->summary->handoff_ns);

	all = object_under(o, "outcomes");
	for (unsigned int i = 0; i < LOCKSPAN_OUTCOME_COUNT; i++)
		json_object_object_add(all, lsp_outcome_name(i), estimate_new(&outcomes[i], INFINITY));
}

/* Adds how long single waits, or holds, of a lock were, where that is known. */
static void lengths_add(struct json_object *to, const struct lsp_collector *c, const char *lock, bool holds, uint64_t n)
{
	struct lsp_lengths lengths;

	for (int i = 0; i < LSP_LENGTH_COUNT && lsp_collector_lengths(c, lock, holds, n, &lengths); i++)
		lsp_json_double(to, lsp_length_kinds[i].name, lengths.ns[i]);
}

/* Writes "locks" or "stacks": those with most delay, with their intervals. */
static int groups_add(struct json_object *o, const char *key, const struct lsp_record_result *r,
		      enum lsp_grouping by)
{
	struct json_object *list = json_object_new_array();
	double most_mutex = most_mutex_ns(r);
	struct lsp_groups groups;
	int err = lsp_groups_create(r->collector, by, &groups);

	json_object_object_add(o, key, list);
	if (err)
		return err;
	if (!charges_fit(r))
		most_mutex = NO_INTERVAL;
	for (size_t i = 0; i < groups.n && i < GROUPS_MAX; i++) {
		const struct lsp_group *g = &groups.groups[i];
		struct json_object *one = json_object_new_object(), *block, *mutex;

		if (by == LSP_GROUP_LOCK) {
			lsp_json_string(one, "lock", g->lock);
		} else {
			json_object_object_add(one, "stack", lsp_json_new_stack(g->trace));
			lsp_json_string(one, "stack_end", lsp_end_name(g->trace->end));
		}
		lsp_json_string(one, "sync", lsp_sync_name(g->sync));
		if (by == LSP_GROUP_LOCK) {
			lsp_json_string(one, "role", lsp_role_name(g->role));
			lsp_json_double(one, "chained", lsp_evidence_chained(&g->evidence));
			lsp_json_double(one, "handoff_share", lsp_group_handoff(g));
		}
		block = estimate_new(&g->block, most_block_ns(r));
		mutex = estimate_new(&g->mutex, most_mutex);
		if (by == LSP_GROUP_LOCK) {
			lengths_add(block, r->collector, g->lock, false, g->block.kept);
			lengths_add(mutex, r->collector, g->lock, true, g->mutex.kept);
		}
		json_object_object_add(one, "block", block);
		json_object_object_add(one, "mutex", mutex);
		lsp_json_double(one, "handoff_ns", g->handoff_ns);
		lsp_json_double(one, "tail_ns", g->tail_ns);
		if (by == LSP_GROUP_LOCK)
			lsp_json_double(one, "given_up_ns", g->given_up.delay_ns);
		json_object_array_add(list, one);
	}
	lsp_groups_destroy(&groups);
	return 0;
}

static int thread_compare(const void *a, const void *b)
{
	const struct lsp_thread *x = a, *y = b;
	double p = x->waited_ns + x->blamed_ns, q = y->waited_ns + y->blamed_ns;

	if (p != q)
		return p < q ? 1 : -1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static struct json_object *thread_new(const struct lsp_thread *t, const char *comm)
{
	struct json_object *o = json_object_new_object();

	lsp_json_u64(o, "tid", t->tid);
	lsp_json_u64(o, "pid", t->tgid);
	lsp_json_string(o, "comm", comm);
	lsp_json_double(o, "waits", t->waits);
	lsp_json_double(o, "waited_ns", t->waited_ns);
	lsp_json_double(o, "late_ns", t->late_ns);
	lsp_json_double(o, "releases", t->releases);
	lsp_json_double(o, "blamed_ns", t->blamed_ns);
	lsp_json_double(o, "open", t->open);
	lsp_json_double(o, "open_longest_ns", t->open_longest_ns);
	return o;
}

static void thread_merge(struct lsp_thread *to, const struct lsp_thread *from)
{
	to->waits += from->waits;
	to->waited_ns += from->waited_ns;
	to->late_ns += from->late_ns;
	to->releases += from->releases;
	to->blamed_ns += from->blamed_ns;
	to->open += from->open;
	if (from->open_longest_ns > to->open_longest_ns)
		to->open_longest_ns = from->open_longest_ns;
}

/* Writes "threads": those with most delay, and one row with id 0 for all others. */
static void threads_add(struct json_object *o, const struct lsp_record_result *r)
{
	const struct lsp_threads *all = lsp_collector_threads(r->collector);
	struct json_object *list = json_object_new_array();
	struct lsp_thread *sorted = malloc((all->n + 1) * sizeof(*sorted)), others = { 0 };
	size_t listed = 0;

	json_object_object_add(o, "threads", list);
	if (!sorted)
		return;
	if (all->n) {
		memcpy(sorted, all->threads, all->n * sizeof(*sorted));
		qsort(sorted, all->n, sizeof(*sorted), thread_compare);
	}
	for (size_t i = 0; i < all->n; i++)
		if (!sorted[i].tid || listed == THREADS_MAX)
			thread_merge(&others, &sorted[i]);
		else if (++listed)
			json_object_array_add(list, thread_new(&sorted[i],
					      lsp_collector_comm(r->collector, &sorted[i])));
	if (others.waits || others.releases || others.open)
		json_object_array_add(list, thread_new(&others, "others"));
	free(sorted);
}

static int open_row_add(void *arg, const struct lsp_row *row)
{
	struct json_object *list = arg, *o;

	if (row->kind != LSP_ROW_OPEN || json_object_array_length(list) >= OPEN_MAX)
		return 0;
	o = json_object_new_object();
	lsp_json_u64(o, "waits", row->sums->estimate.kept);
	lsp_json_double(o, "longest_ns", row->sums->estimate.largest_ns);
	lsp_json_string(o, "lock", row->lock);
	lsp_json_string(o, "sync", lsp_sync_name(row->sync));
	lsp_json_string(o, "comm", row->comm);
	lsp_json_u64(o, "pid", row->tgid);
	lsp_json_string(o, "stack_end", lsp_end_name(row->trace->end));
	json_object_object_add(o, "stack", lsp_json_new_stack(row->trace));
	return json_object_array_add(list, o);
}

/* Writes what the userspace recorder reports of itself. */
static void recorder_add(struct json_object *o, const struct lsp_userfile_result *u)
{
	struct json_object *recorder = object_under(o, "recorder");

	lsp_json_u64(recorder, "in_processes", u->processes);
	lsp_json_u64(recorder, "wait_ns", u->capture_ns);
	lsp_json_u64(recorder, "release_ns", u->release_ns);
	lsp_json_u64(recorder, "handoff_ns", u->waiting_ns);
	lsp_json_u64(recorder, "lost_busy", u->lost[LSP_USERFILE_BUSY]);
	lsp_json_u64(recorder, "lost_room", u->lost[LSP_USERFILE_ROOM]);
	lsp_json_u64(recorder, "lost_space", u->lost[LSP_USERFILE_SPACE]);
	lsp_json_u64(recorder, "waits_shared", u->waits_shared);
	lsp_json_u64(recorder, "waits_unplaced", u->waits_unplaced);
}

static struct json_object *record_build(const struct lsp_record_options *options,
					const struct lsp_record_result *r)
{
	struct json_object *o = json_object_new_object(), *open;
	struct lsp_collector_totals t;
	struct utsname host;

	lsp_json_u64(o, "format", FORMAT);
	lsp_json_string(o, "lockspan", LSP_RELEASE);
	lsp_json_u64(o, "contract", LOCKSPAN_VERSION);
	if (!uname(&host)) {
		lsp_json_string(o, "kernel", host.release);
		lsp_json_string(o, "machine", host.machine);
	}
	options_add(o, options, r);
	times_add(o, r);
	losses_add(o, r);
	if (r->end) {
		exact_add(o, r->end);
		divided_add(o, r);
		lsp_json_counters(o, r->end);
		lsp_json_probes(o, r->end);
	}
	estimates_add(o, r);
	groups_add(o, "locks", r, LSP_GROUP_LOCK);
	groups_add(o, "stacks", r, LSP_GROUP_STACK);
	threads_add(o, r);
	lsp_record_roles_add(o, r);
	lsp_record_roots_add(o, r);
	lsp_record_time_add(o, r->collector);
	json_object_object_add(o, "deadlocks", lsp_deadlocks_json(r->deadlocks, r->collector));

	lsp_collector_totals(r->collector, &t);
	lsp_json_u64(o, "threads_undecided", t.threads_undecided);
	lsp_json_u64(o, "processes", t.processes);
	lsp_json_u64(o, "distinct_stacks", t.traces);
	if (r->user)
		recorder_add(o, r->user);
	if (options->stack_both) {
		lsp_json_u64(o, "stack_pairs", t.pairs);
		lsp_json_u64(o, "stack_pairs_equal", t.pairs_equal);
	}
	open = json_object_new_array();
	lsp_collector_rows(r->collector, open_row_add, open);
	json_object_object_add(o, "open_waits", open);
	return o;
}

static int text_write(int fd, const char *text)
{
	size_t bytes = strlen(text);

	while (bytes) {
		ssize_t n = write(fd, text, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		bytes -= (size_t)n;
	}
	return 0;
}

int lsp_record_json_write(const struct lsp_record_options *o, const struct lsp_record_result *r,
			  const char *path)
{
	struct json_object *record = record_build(o, r);
	char temporary[4100];
	int err, fd;

	snprintf(temporary, sizeof(temporary), "%s.tmp", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err = -errno;
		goto out;
	}
	err = text_write(fd, json_object_to_json_string_ext(record, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	if (!err)
		err = text_write(fd, "\n");
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(temporary, path))
		err = -errno;
	if (err)
		unlink(temporary);
out:
	json_object_put(record);
	return err;
}
