// SPDX-License-Identifier: GPL-2.0-only
#include "facts.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"

#define FORMAT 1

void lsp_facts_uninit(struct lsp_facts *f)
{
	for (size_t i = 0; i < f->n; i++)
		json_object_put(f->records[i]);
	free(f->records);
	memset(f, 0, sizeof(*f));
}

/* ---- json-c answers NULL and 0 for what is not there ---- */

static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (o && json_object_is_type(o, json_type_object))
		json_object_object_get_ex(o, key, &value);
	return value;
}

static struct json_object *list(struct json_object *o, const char *key)
{
	struct json_object *value = get(o, key);

	return json_object_is_type(value, json_type_array) ? value : NULL;
}

static double number(struct json_object *o, const char *key)
{
	double value = json_object_get_double(get(o, key));

	return isfinite(value) ? value : 0;
}

static const char *text(struct json_object *o, const char *key)
{
	struct json_object *value = get(o, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

/* ---- taking it in ---- */

static void rates_add(struct lsp_facts *f, bool known, double block_rate_ns, double mutex_fraction)
{
	f->rates_known = known;
	f->block_rate_ns = fmax(f->block_rate_ns, block_rate_ns);
	f->mutex_fraction = fmax(f->mutex_fraction, mutex_fraction);
}

int lsp_facts_add_record(struct lsp_facts *f, const char *source, char *why, size_t why_bytes)
{
	enum json_tokener_error error = json_tokener_success;
	struct json_object *o = json_tokener_parse_verbose(source, &error);
	bool first = !f->n && !f->block_rate_ns;

	if (!json_object_is_type(o, json_type_object) || !get(o, "format")) {
		snprintf(why, why_bytes, "%s", error != json_tokener_success ?
			 json_tokener_error_desc(error) : "it is not a recording's");
		json_object_put(o);
		return -EBADMSG;
	}
	if (number(o, "format") != FORMAT) {
		snprintf(why, why_bytes, "it has format %.0f, this lockspan reads %d",
			 number(o, "format"), FORMAT);
		json_object_put(o);
		return -EBADMSG;
	}
	if (lsp_array_grow(&f->records, &f->room, f->n, sizeof(*f->records))) {
		json_object_put(o);
		snprintf(why, why_bytes, "there is not enough memory for it");
		return -ENOMEM;
	}
	f->records[f->n++] = o;
	rates_add(f, first || f->rates_known, number(o, "block_rate_ns"),
		  number(o, "mutex_fraction"));
	f->min_delay_ns = fmax(f->min_delay_ns, number(o, "min_delay_ns"));
	return 0;
}

void lsp_facts_add_profile(struct lsp_facts *f, const struct lsp_profile *p)
{
	unsigned long long rate_ns;
	unsigned int fraction;
	bool first = !f->n && !f->block_rate_ns;
	const char *comment;

	for (size_t i = 0; (comment = lsp_profile_comment(p, i)); i++) {
		if (sscanf(comment, "lockspan %*s profile: block rate %llu ns, mutex fraction %u",
			   &rate_ns, &fraction) != 2)
			continue;
		rates_add(f, first || f->rates_known, rate_ns, fraction);
		return;
	}
	/* Not 0, because 0 means that nothing has been added yet. */
	rates_add(f, false, 1, 1);
}

/* ---- answers ---- */

bool lsp_facts_block_exact(const struct lsp_facts *f)
{
	return f->rates_known && f->block_rate_ns <= 1;
}

bool lsp_facts_mutex_exact(const struct lsp_facts *f)
{
	return f->rates_known && f->mutex_fraction <= 1;
}

bool lsp_facts_one_program(const struct lsp_facts *f)
{
	struct json_object *first = f->n ? list(f->records[0], "command") : NULL;

	for (size_t i = 1; i < f->n; i++)
		/* A recording without a command is of programs that it was attached to. */
		if (!first || !json_object_array_length(first) ||
		    !json_object_equal(first, list(f->records[i], "command")))
			return false;
	return true;
}

void lsp_facts_totals(const struct lsp_facts *f, struct lsp_facts_totals *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->exact = f->n > 0;
	for (size_t i = 0; i < f->n; i++) {
		struct json_object *exact = get(f->records[i], "exact"), *probes, *counters;
		/* The rows of locks have the virtual keys' division, not that of the threads' words. */
		struct json_object *divided = get(f->records[i], "with_virtual_keys");

		if (!divided)
			divided = exact;

		ret->exact &= exact != NULL;
		ret->contentions += number(exact, "contentions");
		ret->delay_ns += number(exact, "delay_ns");
		ret->releases += number(exact, "releases");
		ret->hold_ns += number(divided, "hold_ns");
		ret->handoff_ns += number(divided, "handoff_ns");
		ret->tail_ns += number(divided, "tail_ns");
		counters = get(f->records[i], "counters");
		ret->sched_ns += number(counters, "sched_delay_ns");
		ret->open_waits += number(counters, "open");
		ret->open_ns += number(counters, "open_wait_ns");
		ret->recorder_ns += number(get(f->records[i], "recorder"), "handoff_ns");
		ret->duration_ns += number(f->records[i], "duration_ns");
		probes = list(f->records[i], "probes");
		for (size_t k = 0; probes && k < json_object_array_length(probes); k++)
			ret->missed += number(json_object_array_get_idx(probes, k), "missed");
	}
}

static void sentences(struct json_object *record, const char *key,
		      void (*fn)(void *arg, const char *sentence), void *arg)
{
	struct json_object *all = list(record, key), *one;

	for (size_t i = 0; all && i < json_object_array_length(all); i++) {
		one = json_object_array_get_idx(all, i);
		if (json_object_is_type(one, json_type_string))
			fn(arg, json_object_get_string(one));
	}
}

bool lsp_facts_partial(const struct lsp_facts *f, void (*fn)(void *arg, const char *sentence),
		       void *arg)
{
	bool partial = false;

	for (size_t i = 0; i < f->n; i++) {
		partial |= json_object_get_boolean(get(f->records[i], "partial"));
		if (fn)
			sentences(f->records[i], "partial_reasons", fn, arg);
	}
	return partial;
}

void lsp_facts_notes(const struct lsp_facts *f, void (*fn)(void *arg, const char *sentence), void *arg)
{
	for (size_t i = 0; i < f->n; i++)
		sentences(f->records[i], "notes", fn, arg);
}

/* Returns element number @index of the lists called @key, counted over all records. */
static struct json_object *element(const struct lsp_facts *f, const char *key, size_t index)
{
	for (size_t i = 0; i < f->n; i++) {
		struct json_object *all = list(f->records[i], key);
		size_t n = all ? json_object_array_length(all) : 0;

		if (index < n)
			return json_object_array_get_idx(all, index);
		index -= n;
	}
	return NULL;
}

static struct lsp_facts_estimate estimate(struct json_object *o)
{
	struct lsp_facts_estimate e = {
		.kept = number(o, "kept"), .delay_ns = number(o, "delay_ns"),
		.bounds = { LSP_TRUST_UNKNOWN, 0, 0 },
	};
	const char *interval = text(o, "interval");

	for (int i = 0; i < LSP_LENGTH_COUNT; i++)
		e.lengths.ns[i] = get(o, lsp_length_kinds[i].name) ? number(o, lsp_length_kinds[i].name) : -1;

	if (!strcmp(interval, "exact"))
		e.bounds.trust = LSP_TRUST_EXACT;
	else if (!strcmp(interval, "95%"))
		e.bounds = (struct lsp_bounds){ LSP_TRUST_SHOWN, number(o, "low_ns"),
						number(o, "high_ns") };
	else if (!strcmp(interval, "too few"))
		e.bounds.trust = LSP_TRUST_TOO_FEW;
	return e;
}

static bool group(struct json_object *o, struct lsp_facts_group *ret)
{
	if (!o)
		return false;
	*ret = (struct lsp_facts_group){
		.lock = get(o, "lock") ? text(o, "lock") : NULL, .stack = list(o, "stack"),
		.sync = text(o, "sync"), .block = estimate(get(o, "block")),
		.mutex = estimate(get(o, "mutex")), .tail_ns = number(o, "tail_ns"),
	};
	return true;
}

bool lsp_facts_lock(const struct lsp_facts *f, size_t index, struct lsp_facts_group *ret)
{
	return group(element(f, "locks", index), ret);
}

bool lsp_facts_stack(const struct lsp_facts *f, size_t index, struct lsp_facts_group *ret)
{
	return group(element(f, "stacks", index), ret);
}

bool lsp_facts_open(const struct lsp_facts *f, size_t index, struct lsp_facts_open *ret)
{
	struct json_object *o = element(f, "open_waits", index);

	if (!o)
		return false;
	*ret = (struct lsp_facts_open){
		.waits = number(o, "waits"), .longest_ns = number(o, "longest_ns"),
		.lock = text(o, "lock"), .sync = text(o, "sync"), .comm = text(o, "comm"),
		.pid = number(o, "pid"), .stack = list(o, "stack"),
	};
	return true;
}

bool lsp_facts_root(const struct lsp_facts *f, size_t index, struct lsp_facts_root *ret)
{
	struct json_object *o = element(f, "roots", index);

	if (!o)
		return false;
	*ret = (struct lsp_facts_root){
		.site = text(o, "site"), .lock = text(o, "lock"), .ns = number(o, "root_ns"), .stack = list(o, "stack"),
	};
	return true;
}

struct json_object *lsp_facts_deadlock(const struct lsp_facts *f, size_t index)
{
	return list(element(f, "deadlocks", index), "threads");
}

const char *lsp_facts_roots_missing(const struct lsp_facts *f)
{
	if (!f->n)
		return "no record.json has them";
	for (size_t i = 0; i < f->n; i++) {
		const char *missing = text(f->records[i], "roots_missing");

		if (*missing)
			return missing;
		if (!list(f->records[i], "roots"))
			return "the recording has none";
	}
	return NULL;
}

bool lsp_facts_thread(const struct lsp_facts *f, size_t index, struct lsp_facts_thread *ret)
{
	struct json_object *o = element(f, "threads", index);

	for (size_t i = 0; o && i < f->n; i++)
		if (!list(f->records[i], "threads"))
			return false;
	if (!o)
		return false;
	*ret = (struct lsp_facts_thread){
		.tid = number(o, "tid"), .pid = number(o, "pid"), .comm = text(o, "comm"),
		.waits = number(o, "waits"), .waited_ns = number(o, "waited_ns"),
		.late_ns = number(o, "late_ns"), .releases = number(o, "releases"),
		.blamed_ns = number(o, "blamed_ns"), .open = number(o, "open"),
		.open_longest_ns = number(o, "open_longest_ns"),
	};
	return true;
}

/* ---- what threads did ---- */

int lsp_facts_thread_time(const struct lsp_facts *f, struct lsp_causes *ret)
{
	struct json_object *all;
	int err = 0;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < f->n && !err; i++) {
		all = list(f->records[i], "thread_time");
		for (size_t k = 0; all && k < json_object_array_length(all) && !err; k++) {
			struct json_object *one = json_object_array_get_idx(all, k);

			err = lsp_causes_add(ret, text(one, "what"), number(one, "ns"));
		}
	}
	if (err)
		lsp_causes_uninit(ret);
	return err;
}

/* Adds up a reason over all records; false if a record before the @first has it. */
static bool unblamed_sum(const struct lsp_facts *f, size_t first, struct lsp_facts_unblamed *ret)
{
	for (size_t i = 0; i < f->n; i++) {
		struct json_object *one = get(get(f->records[i], "not_blamed"), ret->name);

		if (one && i < first)
			return false;
		if (!one)
			continue;
		ret->why = text(one, "why");
		ret->releases += number(one, "releases");
		ret->hold_ns += number(one, "hold_ns");
	}
	return true;
}

bool lsp_facts_unblamed(const struct lsp_facts *f, size_t index, struct lsp_facts_unblamed *ret)
{
	for (size_t i = 0; i < f->n; i++) {
		struct json_object *all = get(f->records[i], "not_blamed");

		if (!json_object_is_type(all, json_type_object))
			continue;
		json_object_object_foreach(all, name, one) {
			(void)one;
			*ret = (struct lsp_facts_unblamed){ .name = name, .why = "" };
			if (unblamed_sum(f, i, ret) && !index--)
				return true;
		}
	}
	return false;
}

const char *lsp_facts_text(const struct lsp_facts *f, size_t index, const char *key)
{
	return index < f->n ? text(f->records[index], key) : "";
}

struct json_object *lsp_facts_record(const struct lsp_facts *f, size_t index)
{
	return index < f->n ? f->records[index] : NULL;
}
