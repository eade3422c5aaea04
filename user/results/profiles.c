// SPDX-License-Identifier: GPL-2.0-only
#include "profiles.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "losses.h"
#include "why.h"

#define MAX_LOCATIONS 4096
/* Things that the holders of one row did and that are told apart. */
#define WHY_PARTS 256

/* Columns of contention.ext.pb.gz. */
enum ext_column {
	EXT_CONTENTIONS, EXT_DELAY, EXT_SCHED, EXT_HANDOFF, EXT_HOLD, EXT_SPURIOUS, EXT_WAITERS,
	EXT_DEPTH, EXT_COUNT
};

static const struct lsp_profile_type ext_types[EXT_COUNT] = {
	[EXT_CONTENTIONS] = { "contentions", "count" },
	[EXT_DELAY] = { "delay", "nanoseconds" },
	[EXT_SCHED] = { "sched_delay", "nanoseconds" },
	[EXT_HANDOFF] = { "handoff", "nanoseconds" },
	[EXT_HOLD] = { "hold", "nanoseconds" },
	[EXT_SPURIOUS] = { "spurious", "count" },
	[EXT_WAITERS] = { "waiters", "count" },
	[EXT_DEPTH] = { "depth", "count" },
};

/*
 * Frames that stand for no code. Each has an address of its own, because readers tell frames apart
 * by address.
 */
enum pseudo {
	PSEUDO_HANDOFF, PSEUDO_INTERRUPT, PSEUDO_NO_STACK, PSEUDO_WORKER, PSEUDO_GIVEN_UP,
	PSEUDO_END,		/* and one frame for each way in which a stack can end */
	PSEUDO_COUNT = PSEUDO_END + LSP_END_COUNT
};
#define PSEUDO_START 0x1000

/* ---- sums ---- */

static int row_sum(void *arg, const struct lsp_row *row)
{
	struct lsp_profiles_summary *s = arg;
	struct lsp_profiles_sum *to = &s->block;

	if (row->given_up) {
		if (lsp_row_is_blamed(row))
			lsp_estimate_merge(&s->given_up, &row->sums->estimate);
		return 0;
	}
	if (row->kind == LSP_ROW_OPEN)
		to = &s->open;
	else if (row->kind == LSP_ROW_MUTEX)
		to = lsp_row_is_blamed(row) ? &s->mutex : &s->other;
	if (to == &s->other)
		lsp_estimate_merge(&s->unblamed[lsp_unblamed_reason(row)], &row->sums->estimate);
	lsp_estimate_merge(&to->estimate, &row->sums->estimate);
	to->ends[row->trace->end] += row->sums->estimate.kept;
	to->hidden += row->sums->estimate.kept * row->trace->hidden;
	s->handoff_ns += row->sums->handoff_ns;
	return 0;
}

void lsp_profiles_summary(const struct lsp_collector *c, struct lsp_profiles_summary *ret)
{
	memset(ret, 0, sizeof(*ret));
	lsp_collector_rows(c, row_sum, ret);
}

/* ---- stacks ---- */

static int64_t object_mapping(struct lsp_profile *p, const struct lsp_object *o)
{
	static const char deleted[] = " (deleted)";
	const size_t cut = sizeof(deleted) - 1;
	struct lsp_profile_mapping m = { 0 };
	char path[4096 + 32];
	size_t bytes;

	if (!o)
		return 0;
	m.start = o->start;
	m.limit = o->end;
	m.offset = o->offset;
	m.filename = o->path;
	/* " (deleted)" is a remark of the kernel's, and no part of the file's name. */
	bytes = strlen(o->path);
	if (bytes > cut && bytes < sizeof(path) && !strcmp(o->path + bytes - cut, deleted)) {
		snprintf(path, sizeof(path), "%.*s", (int)(bytes - cut), o->path);
		m.filename = path;
	}
	m.build_id = o->build_id;
	m.has_functions = o->symbolised;
	return lsp_profile_mapping_add(p, &m);
}

int64_t lsp_profiles_frame(struct lsp_profile *p, const struct lsp_frame *f)
{
	struct lsp_profile_line lines[64];
	size_t n = f->nlines < 64 ? f->nlines : 64;
	int64_t mapping = object_mapping(p, f->object);

	if (mapping < 0)
		return mapping;
	for (size_t i = 0; i < n; i++) {
		lines[i].function = f->lines[i].function;
		lines[i].system_name = f->lines[i].linkage;
		lines[i].file = f->lines[i].file;
		lines[i].line = f->lines[i].line;
		lines[i].start_line = f->lines[i].start_line;
	}
	return lsp_profile_location_add(p, (uint64_t)mapping, f->pc, lines, n);
}

static int64_t pseudo_location(struct lsp_profile *p, unsigned int which)
{
	static const char *const names[PSEUDO_END] = {
		"[handoff]", "[interrupt]", "[no stack]", "[kernel worker]", "[given up]",
	};
	const struct lsp_profile_mapping m = {
		.start = PSEUDO_START, .limit = PSEUDO_START + PSEUDO_COUNT,
		.filename = "[lockspan]", .build_id = "", .has_functions = true,
	};
	struct lsp_profile_line line = { .file = "" };
	int64_t mapping = lsp_profile_mapping_add(p, &m);
	char name[32];

	if (mapping < 0)
		return mapping;
	if (which < PSEUDO_END)
		snprintf(name, sizeof(name), "%s", names[which]);
	else
		snprintf(name, sizeof(name), "[%s]", lsp_end_name(which - PSEUDO_END));
	line.function = name;
	line.system_name = name;
	return lsp_profile_location_add(p, (uint64_t)mapping, PSEUDO_START + which, &line, 1);
}

/*
 * Makes locations of the row's stack, leaf first. If the stack is not complete, the root says so.
 */
static int row_locations(struct lsp_profile *p, const struct lsp_row *row, uint64_t *ids)
{
	const struct lsp_trace *t = row->trace;
	int64_t id;
	int n = 0;

	if (row->interrupt || row->worker || !t->nframes) {
		id = pseudo_location(p, row->interrupt ? PSEUDO_INTERRUPT :
					row->worker ? PSEUDO_WORKER : PSEUDO_NO_STACK);
		if (id < 0)
			return (int)id;
		ids[0] = (uint64_t)id;
		return 1;
	}
	for (size_t i = 0; i < t->nframes && n < MAX_LOCATIONS - 1; i++) {
		id = lsp_profiles_frame(p, &t->frames[i]);
		if (id < 0)
			return (int)id;
		ids[n++] = (uint64_t)id;
	}
	if (t->end != LSP_END_COMPLETE) {
		id = pseudo_location(p, PSEUDO_END + t->end);
		if (id < 0)
			return (int)id;
		ids[n++] = (uint64_t)id;
	}
	return n;
}

/* ---- samples ---- */

struct build {
	struct lsp_profiles *out;
	const struct lsp_collector *c;
	bool pids;		/* there are several processes, so the sample says which */
	const char *session;
	uint32_t first_tgid;
	const struct lsp_object *main_object;
	double main_weight;
	uint64_t ids[MAX_LOCATIONS];
};

#define LABELS_MAX 7

/* A lock that nobody is blamed for all the same is told from those in the mutex profile. */
static const char *role_label(const struct lsp_row *row)
{
	if (row->role == LSP_ROLE_LOCK && row->doubt)
		return lsp_unblamed_name(lsp_unblamed_reason(row));
	return lsp_role_name(row->role);
}

static size_t row_labels(const struct build *b, const struct lsp_row *row, const char *kind,
			 struct lsp_profile_label *to)
{
	size_t n = 0;

	to[n++] = (struct lsp_profile_label){ .key = "lock", .str = row->lock };
	to[n++] = (struct lsp_profile_label){ .key = "kind", .str = kind };
	to[n++] = (struct lsp_profile_label){ .key = "sync", .str = lsp_sync_name(row->sync) };
	to[n++] = (struct lsp_profile_label){ .key = "comm", .str = row->comm };
	if (row->kind == LSP_ROW_MUTEX)
		to[n++] = (struct lsp_profile_label){ .key = "role", .str = role_label(row) };
	if (b->pids)
		to[n++] = (struct lsp_profile_label){ .key = "pid", .num = row->tgid, .unit = "id" };
	if (b->session)
		to[n++] = (struct lsp_profile_label){ .key = "session", .str = b->session };
	return n;
}

static int sample_add(struct build *b, struct lsp_profile *p, const struct lsp_row *row,
		      const char *kind, const double *values)
{
	struct lsp_profile_label labels[LABELS_MAX];
	size_t nlabels = row_labels(b, row, kind, labels);
	int n = row_locations(p, row, b->ids);

	if (n < 0)
		return n;
	return lsp_profile_sample_add(p, b->ids, (size_t)n, labels, nlabels, values);
}

/*
 * Handoff is charged to nobody, so there is one sample for each lock, whatever event it came with.
 */
static int handoff_add(struct build *b, const struct lsp_row *row)
{
	const struct lsp_profile_label labels[2] = {
		{ .key = "lock", .str = row->lock }, { .key = "kind", .str = "handoff" },
	};
	double values[EXT_COUNT] = { [EXT_HANDOFF] = row->sums->handoff_ns };
	int64_t id = pseudo_location(b->out->ext, PSEUDO_HANDOFF);
	uint64_t location = (uint64_t)id;

	if (id < 0)
		return (int)id;
	return lsp_profile_sample_add(b->out->ext, &location, 1, labels, 2, values);
}

static int block_add(struct build *b, const struct lsp_row *row)
{
	const struct lsp_sums *s = row->sums;
	const double values[2] = { s->estimate.count, s->estimate.delay_ns };
	const double ext[EXT_COUNT] = {
		[EXT_CONTENTIONS] = s->estimate.count, [EXT_DELAY] = s->estimate.delay_ns,
		[EXT_SCHED] = s->sched_ns, [EXT_SPURIOUS] = s->rewaits, [EXT_DEPTH] = s->depth,
	};
	int err = sample_add(b, b->out->block, row, "block", values);

	return err ? err : sample_add(b, b->out->ext, row, "block", ext);
}

/*
 * Without this sample the shares in the file would hide what no release was charged with. It has no
 * thread, either.
 */
static int given_up_add(struct build *b, const struct lsp_row *row)
{
	const double values[2] = { row->sums->estimate.count, row->sums->estimate.delay_ns };
	int64_t id = pseudo_location(b->out->mutex, PSEUDO_GIVEN_UP);
	struct lsp_profile_label labels[LABELS_MAX];
	uint64_t location = (uint64_t)id;
	size_t n = 0;

	if (id < 0)
		return (int)id;
	for (size_t i = 0, all = row_labels(b, row, "given_up", labels); i < all; i++)
		if (strcmp(labels[i].key, "comm"))
			labels[n++] = labels[i];
	return lsp_profile_sample_add(b->out->mutex, &location, 1, labels, n, values);
}

/*
 * One sample for each thing that the holders did. The releases stand with the largest part, and what no
 * part accounts for is unknown.
 */
static int why_add(struct build *b, const struct lsp_row *row)
{
	const struct lsp_why *why = row->sums->why;
	double ns[WHY_PARTS + 1] = { row->sums->estimate.delay_ns };
	size_t n = 1, largest = 0;
	struct lsp_profile_label labels[8];
	size_t nlabels = row_labels(b, row, "mutex", labels);
	int locations = row_locations(b->out->mutex, row, b->ids), err = 0;
	char text[1024];

	for (size_t i = 0; why && i < why->n && n <= WHY_PARTS; i++) {
		ns[n] = (double)why->sums[i].ns;
		ns[0] -= ns[n++];
	}
	for (size_t i = 0; i < n; i++)
		if (ns[i] > ns[largest])
			largest = i;
	for (size_t i = 0; i < n && locations >= 0 && !err; i++) {
		const double values[2] = { i == largest ? row->sums->estimate.count : 0, ns[i] };

		if (!values[0] && values[1] <= 0)
			continue;
		labels[nlabels] = (struct lsp_profile_label){
			.key = "why", .str = lsp_why_cause(b->c, i ? why->sums[i - 1].what : 0, text, sizeof(text)),
		};
		err = lsp_profile_sample_add(b->out->mutex, b->ids, (size_t)locations, labels, nlabels + (ns[i] > 0), values);
	}
	return locations < 0 ? locations : err;
}

static int mutex_add(struct build *b, const struct lsp_row *row)
{
	const struct lsp_sums *s = row->sums;
	const double values[2] = { s->estimate.count, s->estimate.delay_ns };
	const double ext[EXT_COUNT] = {
		[EXT_CONTENTIONS] = s->estimate.count, [EXT_HOLD] = s->estimate.delay_ns,
		[EXT_WAITERS] = s->waiters,
	};
	int err = 0;

	if (lsp_row_is_blamed(row))
		err = row->has_why ? why_add(b, row) : sample_add(b, b->out->mutex, row, "mutex", values);
	return err ? err : sample_add(b, b->out->ext, row, "mutex", ext);
}

static int row_add(void *arg, const struct lsp_row *row)
{
	struct build *b = arg;
	int err = 0;

	if (row->given_up)
		return lsp_row_is_blamed(row) ? given_up_add(b, row) : 0;
	if (row->kind == LSP_ROW_BLOCK && row->sums->estimate.kept)
		err = block_add(b, row);
	else if (row->kind == LSP_ROW_MUTEX)
		err = mutex_add(b, row);
	if (!err && row->sums->handoff_ns > 0)
		err = handoff_add(b, row);
	return err;
}

/* ---- before the samples: what stands first, and whether processes must be told apart ---- */

static bool object_is_program(const struct lsp_object *o)
{
	const char *base = strrchr(o->path, '/');

	return base && !strstr(base, ".so") && o->path[0] == '/' && o->path[1] != '/';
}

/* The program's own file is in most stacks, so the first file met is a good guess. */
static int row_survey(void *arg, const struct lsp_row *row)
{
	struct build *b = arg;

	if (!b->first_tgid)
		b->first_tgid = row->tgid;
	else if (row->tgid != b->first_tgid)
		b->pids = true;
	for (size_t i = 0; i < row->trace->nframes; i++) {
		const struct lsp_object *o = row->trace->frames[i].object;

		if (o && object_is_program(o) && row->sums->estimate.delay_ns >= b->main_weight) {
			b->main_object = o;
			b->main_weight = row->sums->estimate.delay_ns;
		}
	}
	return 0;
}

/* ---- comments ---- */

static int __attribute__((format(printf, 2, 3)))
comment(struct lsp_profile *p, const char *format, ...)
{
	char text[1200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return lsp_profile_comment_add(p, text);
}

static uint64_t counter(const struct lsp_profiles_facts *f, enum lockspan_counter which)
{
	return f->end->counters[which];
}

struct lsp_profiles_exact lsp_profiles_exact(const struct lsp_client_report *end)
{
	struct lsp_profiles_exact exact = {
		.delay_ns = end->counters[LOCKSPAN_C_LOCK_WAIT_NS] -
			    end->counters[LOCKSPAN_C_NOSLEEP_WAIT_NS] -
			    end->counters[LOCKSPAN_C_OPEN_WAIT_NS] -
			    end->counters[LOCKSPAN_C_ERROR_WAIT_NS],
	};

	for (int i = 0; i < LOCKSPAN_OUTCOME_COUNT; i++)
		if (i != LOCKSPAN_NOSLEEP && i != LOCKSPAN_OPEN && i != LOCKSPAN_ERROR)
			exact.contentions += end->counters[i];
	return exact;
}

static int divided_comment(struct lsp_profile *p, const struct lsp_collector *c, const struct lsp_profiles_facts *f)
{
	struct lsp_divided d;

	if (!f->end)
		return 0;
	d = lsp_divided_find(f->end, c);
	if (!d.redivided)
		return 0;
	return comment(p, "with virtual keys: %llu ns hold, %llu ns handoff, %llu ns tails, of them %llu ns given up",
		       (unsigned long long)d.hold_ns, (unsigned long long)d.handoff_ns,
		       (unsigned long long)d.tail_ns, (unsigned long long)d.given_up_ns);
}

static int exact_comments(struct lsp_profile *p, const struct lsp_profiles_facts *f)
{
	struct lsp_profiles_exact block;
	int err;

	if (!f->end)
		return comment(p, "exact totals: unknown, the module did not end the recording");
	block = lsp_profiles_exact(f->end);
	err = comment(p, "exact block: %llu contentions, %llu ns lock wait, %llu ns sched delay",
		      (unsigned long long)block.contentions, (unsigned long long)block.delay_ns,
		      (unsigned long long)counter(f, LOCKSPAN_C_SCHED_DELAY_NS));
	if (!err)
		err = comment(p, "exact releases: %llu, %llu ns hold (every class)",
			      (unsigned long long)counter(f, LOCKSPAN_C_RELEASES),
			      (unsigned long long)counter(f, LOCKSPAN_C_HOLD_NS));
	if (!err)
		err = comment(p, "nobody's: %llu ns handoff, %llu ns tails, of them %llu ns given up",
			      (unsigned long long)counter(f, LOCKSPAN_C_HANDOFF_NS),
			      (unsigned long long)counter(f, LOCKSPAN_C_TAIL_NS),
			      (unsigned long long)counter(f, LOCKSPAN_C_GIVEN_UP_NS));
	if (!err)
		err = comment(p, "open waits: %llu, %llu ns",
			      (unsigned long long)counter(f, LOCKSPAN_C_OPEN),
			      (unsigned long long)counter(f, LOCKSPAN_C_OPEN_WAIT_NS));
	return err;
}

/* Hold that the mutex profile leaves out, each with its reason. */
static int unblamed_comment(struct lsp_profile *p, const struct lsp_profiles_summary *s)
{
	bool any = false;
	int err = 0;

	for (unsigned int i = 0; !err && i < LSP_UNBLAMED_COUNT; i++) {
		const struct lsp_estimate *e = &s->unblamed[i];

		if (!e->kept)
			continue;
		any = true;
		err = comment(p, "not blamed: %.0f ns hold of %.0f releases, %s: %s", e->delay_ns, e->count,
			      lsp_unblamed_name(i), lsp_unblamed_why(i));
	}
	return err || any ? err : comment(p, "not blamed: 0 ns");
}

static int loss_comment(struct lsp_profile *p, const struct lsp_profiles_facts *f)
{
	char text[1024];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; f->losses && i < f->losses->n && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %s=%llu", f->losses->losses[i].name,
				      (unsigned long long)f->losses->losses[i].count);
	for (size_t i = 0; f->end && i < f->end->nprobes && n < sizeof(text); i++)
		if (f->end->probes[i].missed)
			n += (size_t)snprintf(text + n, sizeof(text) - n, " missed:%s=%llu",
					      f->end->probes[i].name,
					      (unsigned long long)f->end->probes[i].missed);
	return comment(p, "losses:%s", n ? text : " none");
}

static int comments_add(struct lsp_profile *p, const char *what, const struct lsp_profiles_sum *sum,
			const struct lsp_profiles_summary *all, const struct lsp_collector *c,
			const struct lsp_profiles_facts *f)
{
	int err = comment(p, "lockspan %s profile: block rate %llu ns, mutex fraction %u, min delay %llu ns",
			  what, (unsigned long long)f->rates.block_rate_ns, f->rates.mutex_fraction,
			  (unsigned long long)f->rates.min_delay_ns);

	if (err || f->session)
		return err;
	err = exact_comments(p, f);
	if (!err)
		err = divided_comment(p, c, f);
	if (!err)
		err = unblamed_comment(p, all);
	if (!err)
		err = loss_comment(p, f);
	if (!err)
		err = comment(p, "stacks: %.1f%% complete of %llu kept events",
			      sum->estimate.kept ? 100.0 * (double)sum->ends[LSP_END_COMPLETE] / (double)sum->estimate.kept :
			      100.0, (unsigned long long)sum->estimate.kept);
	return err;
}

static void sum_merge(struct lsp_profiles_sum *to, const struct lsp_profiles_sum *from)
{
	to->estimate.kept += from->estimate.kept;
	for (int i = 0; i < LSP_END_COUNT; i++)
		to->ends[i] += from->ends[i];
}

static int comments_all(struct lsp_profiles *out, const struct lsp_collector *c,
			const struct lsp_profiles_facts *f)
{
	struct lsp_profiles_summary s;
	struct lsp_profiles_sum all;
	int err;

	lsp_profiles_summary(c, &s);
	all = s.block;
	sum_merge(&all, &s.mutex);
	sum_merge(&all, &s.other);
	err = comments_add(out->block, "block", &s.block, &s, c, f);
	if (!err)
		err = comments_add(out->mutex, "mutex", &s.mutex, &s, c, f);
	if (!err)
		err = comments_add(out->ext, "contention", &all, &s, c, f);
	return err;
}

/* ---- all of it ---- */

int lsp_profiles_create(const struct lsp_collector *c, const struct lsp_profiles_facts *facts,
			struct lsp_profiles *ret)
{
	struct build *b = calloc(1, sizeof(*b));
	struct lsp_profile *each[3];
	int64_t id = 0;
	int err = -ENOMEM;

	memset(ret, 0, sizeof(*ret));
	if (!b)
		return -ENOMEM;
	b->out = ret;
	b->c = c;
	b->session = facts->session;
	b->pids = facts->session;
	ret->block = lsp_profile_create(lsp_profile_contention_types, 2);
	ret->mutex = lsp_profile_create(lsp_profile_contention_types, 2);
	ret->ext = lsp_profile_create(ext_types, EXT_COUNT);
	if (!ret->block || !ret->mutex || !ret->ext)
		goto out;

	lsp_collector_rows(c, row_survey, b);
	each[0] = ret->block;
	each[1] = ret->mutex;
	each[2] = ret->ext;
	for (int i = 0; i < 3 && id >= 0; i++) {
		lsp_profile_time_set(each[i], facts->time_ns, 0);
		id = object_mapping(each[i], b->main_object);
	}
	err = id < 0 ? (int)id : comments_all(ret, c, facts);
	if (!err)
		err = lsp_collector_rows(c, row_add, b);
out:
	if (err)
		lsp_profiles_destroy(ret);
	free(b);
	return err;
}

void lsp_profiles_destroy(struct lsp_profiles *p)
{
	lsp_profile_destroy(p->block);
	lsp_profile_destroy(p->mutex);
	lsp_profile_destroy(p->ext);
	memset(p, 0, sizeof(*p));
}
