// SPDX-License-Identifier: GPL-2.0-only
#include "json.h"

#include <json-c/json.h>
#include <math.h>
#include <string.h>

#include "bounds.h"
#include "words.h"

#define FORMAT 1

/*
 * Counts and times are written as integers if they are whole, and cut to the digits that a double
 * has.
 */
struct json_object *lsp_report_json_number(double value)
{
	if (!isfinite(value))
		return NULL;
	if (fabs(value) < 9e15 && value == floor(value))
		return json_object_new_int64((int64_t)value);
	return json_object_new_double(value);
}

static void number_add(struct json_object *o, const char *key, double value)
{
	json_object_object_add(o, key, lsp_report_json_number(value));
}

static void text_add(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

void lsp_report_json_bounds(struct json_object *o, const struct lsp_bounds *b)
{
	text_add(o, "interval", lsp_trust_name(b->trust));
	if (b->trust != LSP_TRUST_SHOWN)
		return;
	number_add(o, "low_ns", b->low_ns);
	number_add(o, "high_ns", b->high_ns);
}

static struct json_object *object_under(struct json_object *o, const char *key)
{
	struct json_object *child = json_object_new_object();

	json_object_object_add(o, key, child);
	return child;
}

static void block_add(struct json_object *o, const double *v, bool ext)
{
	number_add(o, "contentions", v[LSP_V_WAITS]);
	number_add(o, "delay_ns", v[LSP_V_WAITED]);
	if (!ext)
		return;
	number_add(o, "sched_delay_ns", v[LSP_V_LATE]);
	number_add(o, "spurious", v[LSP_V_SPURIOUS]);
	if (v[LSP_V_WAITS] > 0)
		number_add(o, "depth_mean", v[LSP_V_DEPTH] / v[LSP_V_WAITS]);
}

static void mutex_add(struct json_object *o, const double *v, bool ext)
{
	double releases = v[LSP_V_RELEASES] + v[LSP_V_OTHER_RELEASES];

	number_add(o, "contentions", v[LSP_V_RELEASES]);
	number_add(o, "delay_ns", v[LSP_V_BLAMED]);
	if (!ext)
		return;
	number_add(o, "other_releases", v[LSP_V_OTHER_RELEASES]);
	number_add(o, "other_hold_ns", v[LSP_V_OTHER_HOLD]);
	if (releases > 0)
		number_add(o, "waiters_mean", v[LSP_V_CHARGED] / releases);
}

static void lengths_add(struct json_object *o, const struct lsp_lengths *lengths)
{
	for (int i = 0; i < LSP_LENGTH_COUNT; i++)
		if (lengths->ns[i] >= 0)
			number_add(o, lsp_length_kinds[i].name, lengths->ns[i]);
}

static struct json_object *row_new(const struct lsp_table *t, const struct lsp_table_row *row)
{
	struct json_object *o = json_object_new_object(), *side;

	text_add(o, lsp_by_names[t->by], row->name);
	if (t->by == LSP_BY_SITE) {
		text_add(o, "file", row->file);
		number_add(o, "wait_line", (double)row->wait_line);
		number_add(o, "release_line", (double)row->release_line);
	}
	if (row->tid)
		number_add(o, "tid", row->tid);
	if (row->tid)
		number_add(o, "pid", row->pid);
	if (t->by != LSP_BY_LOCK)
		text_add(o, "lock", row->lock);
	if (t->by != LSP_BY_SYNC)
		text_add(o, "sync", row->sync);
	if (t->has_block) {
		side = object_under(o, "block");
		block_add(side, row->v, t->has_ext);
		lsp_report_json_bounds(side, &row->waited);
		lengths_add(side, &row->waits);
	}
	if (t->has_mutex) {
		side = object_under(o, "mutex");
		mutex_add(side, row->v, t->has_ext);
		lsp_report_json_bounds(side, &row->blamed);
		lengths_add(side, &row->holds);
		if (row->why.n)
			json_object_object_add(side, "why", lsp_causes_json(&row->why, lsp_report_json_number));
	}
	if (t->has_ext && t->by == LSP_BY_LOCK)
		number_add(o, "handoff_ns", row->v[LSP_V_HANDOFF]);
	if (t->by == LSP_BY_LOCK)
		number_add(o, "tail_ns", row->tail_ns);
	if (t->has_mutex && (t->by == LSP_BY_LOCK || t->by == LSP_BY_SYNC))
		number_add(o, "given_up_ns", row->v[LSP_V_GIVEN_UP]);
	number_add(o, "open", row->v[LSP_V_OPEN]);
	number_add(o, "open_longest_ns", row->open_longest_ns);
	return o;
}

static void exact_add(struct json_object *o, const struct lsp_facts *f)
{
	struct lsp_facts_totals t;
	struct json_object *exact;

	lsp_facts_totals(f, &t);
	if (!f->n)
		return;
	number_add(o, "duration_ns", t.duration_ns);
	number_add(o, "missed", t.missed);
	if (!t.exact)
		return;
	exact = object_under(o, "exact");
	number_add(exact, "contentions", t.contentions);
	number_add(exact, "delay_ns", t.delay_ns);
	number_add(exact, "sched_delay_ns", t.sched_ns);
	number_add(exact, "releases", t.releases);
	number_add(exact, "hold_ns", t.hold_ns);
	number_add(exact, "handoff_ns", t.handoff_ns);
	number_add(exact, "tail_ns", t.tail_ns);
	if (t.recorder_ns > 0)
		number_add(exact, "recorder_handoff_ns", t.recorder_ns);
	number_add(exact, "open", t.open_waits);
	number_add(exact, "open_ns", t.open_ns);
}

static void sentence_add(void *arg, const char *sentence)
{
	json_object_array_add(arg, json_object_new_string(sentence));
}

static void open_add(struct json_object *o, const struct lsp_facts *f, const char *only)
{
	struct json_object *list = json_object_new_array(), *one;
	struct lsp_facts_open open;

	for (size_t i = 0; lsp_facts_open(f, i, &open); i++) {
		if (!lsp_words_asked(open.lock, only))
			continue;
		one = json_object_new_object();
		number_add(one, "waits", open.waits);
		number_add(one, "longest_ns", open.longest_ns);
		text_add(one, "lock", open.lock);
		text_add(one, "sync", open.sync);
		text_add(one, "comm", open.comm);
		number_add(one, "pid", open.pid);
		json_object_object_add(one, "stack", json_object_get(open.stack));
		json_object_array_add(list, one);
	}
	json_object_object_add(o, "open_waits", list);
}

struct json_object *lsp_report_json(const struct lsp_recording *r, const struct lsp_table *t,
				    size_t top)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array(), *total;

	number_add(o, "format", FORMAT);
	text_add(o, "by", lsp_by_names[t->by]);
	if (r->only)
		text_add(o, "only", r->only);
	number_add(o, "recordings", (double)r->facts.n);
	if (r->facts.rates_known) {
		number_add(o, "block_rate_ns", r->facts.block_rate_ns);
		number_add(o, "mutex_fraction", r->facts.mutex_fraction);
	}
	exact_add(o, &r->facts);
	json_object_object_add(o, "partial",
			       json_object_new_boolean(lsp_facts_partial(&r->facts, sentence_add, list)));
	json_object_object_add(o, "partial_reasons", list);
	list = json_object_new_array();
	lsp_facts_notes(&r->facts, sentence_add, list);
	json_object_object_add(o, "notes", list);
	total = object_under(o, "total");
	if (t->has_block)
		block_add(object_under(total, "block"), t->total, t->has_ext);
	if (t->has_mutex)
		mutex_add(object_under(total, "mutex"), t->total, t->has_ext);
	if (t->has_ext)
		number_add(total, "handoff_ns", t->total[LSP_V_HANDOFF]);
	if (t->has_mutex)
		number_add(total, "given_up_ns", t->total[LSP_V_GIVEN_UP]);
	list = json_object_new_array();
	for (size_t i = 0; i < t->n && i < top; i++)
		json_object_array_add(list, row_new(t, &t->rows[i]));
	json_object_object_add(o, "rows", list);
	number_add(o, "rows_left_out", t->n > top ? (double)(t->n - top) : 0);
	open_add(o, &r->facts, r->only);
	return o;
}
