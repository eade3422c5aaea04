// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds raw spans, as `lockspan export --json` gives them, against what is
 * known from elsewhere. Prints TAP lines; exit status 1 when one failed.
 *
 *   spancheck ops TRUTH SPANS     every operation of futex_ops: spans by
 *                                 outcome, operation, address, times within the
 *                                 call, flags, releases by (waker, waiter),
 *                                 identity of shared words. Catches a wait or
 *                                 wake path that is not seen, or is blamed on
 *                                 another.
 *   spancheck ledger SPANS        invariant 1 per key, to the nanosecond, and
 *                                 invariant 4; that each release names the
 *                                 waiter, the waker and the key of its span.
 *                                 Catches a ledger that loses or doubles time.
 * libs: -ljson-c
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

struct lines {
	json_object **at;
	size_t n;
};

static unsigned int checks, failed;

static bool check(bool ok, const char *test, const char *what)
{
	checks++;
	failed += !ok;
	printf("%s %u - %s%s%s\n", ok ? "ok" : "not ok", checks, test, *what ? ": " : "", what);
	return ok;
}

static int lines_read(const char *path, struct lines *ret)
{
	char *line = NULL;
	size_t room = 0, max = 0;
	FILE *file = fopen(path, "r");

	if (!file)
		return -errno;
	while (getline(&line, &room, file) > 0) {
		json_object *object = json_tokener_parse(line);

		if (!object || !json_object_is_type(object, json_type_object)) {
			fprintf(stderr, "spancheck: %s: not a JSON object: %s", path, line);
			exit(1);
		}
		if (ret->n == max) {
			max = max ? max * 2 : 1024;
			ret->at = realloc(ret->at, max * sizeof(*ret->at));
			if (!ret->at)
				abort();
		}
		ret->at[ret->n++] = object;
	}
	free(line);
	fclose(file);
	return 0;
}

static const char *text(json_object *o, const char *key)
{
	json_object *value;

	return json_object_object_get_ex(o, key, &value) ? json_object_get_string(value) : "";
}

static bool is(json_object *o, const char *key, const char *want)
{
	return !strcmp(text(o, key), want);
}

/* Numbers, and the hexadecimal strings of keys and addresses. */
static uint64_t number(json_object *o, const char *key)
{
	return strtoull(text(o, key), NULL, 0);
}

/* ---- ops ------------------------------------------------------------------ */

static size_t count_outcome(const struct lines *truth, const struct lines *spans, const char *test,
			    const char *outcome)
{
	size_t t, s, n = 0;

	for (t = 0; t < truth->n; t++) {
		if (!is(truth->at[t], "test", test) || !is(truth->at[t], "kind", "wait"))
			continue;
		for (s = 0; s < spans->n; s++)
			n += is(spans->at[s], "type", "span") &&
			     is(spans->at[s], "outcome", outcome) &&
			     number(spans->at[s], "tid") == number(truth->at[t], "tid");
	}
	return n;
}

/* Several calls of one thread are one wait line each; count its spans once. */
static bool first_of_thread(const struct lines *truth, size_t at)
{
	size_t t;

	for (t = 0; t < at; t++)
		if (is(truth->at[t], "test", text(truth->at[at], "test")) &&
		    is(truth->at[t], "kind", "wait") &&
		    number(truth->at[t], "tid") == number(truth->at[at], "tid"))
			return false;
	return true;
}

static void drop_repeated(struct lines *truth)
{
	size_t t;

	for (t = truth->n; t-- > 0;)
		if (is(truth->at[t], "kind", "wait") && !first_of_thread(truth, t))
			json_object_object_add(truth->at[t], "kind", json_object_new_string("again"));
}

static bool outcomes_match(const struct lines *truth, const struct lines *spans, json_object *summary)
{
	static const char *const outcomes[] = { "woken", "timeout", "signal", "requeued", "owner_died",
						"woken_late", "open", "error", "stray",
						"nosleep" };
	json_object *want = NULL;
	uint64_t extra = number(summary, "extra_nosleep");
	size_t i, got, n;

	json_object_object_get_ex(summary, "spans", &want);
	for (i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++) {
		got = count_outcome(truth, spans, text(summary, "test"), outcomes[i]);
		n = want ? number(want, outcomes[i]) : 0;
		/* A futex_waitv that is refused, and a PI lock granted before it sleeps, show as nosleep. */
		if (!strcmp(outcomes[i], "nosleep") ? got < n || got > n + extra + 1 : got != n) {
			printf("# %s: %zu spans %s, not %zu\n", text(summary, "test"), got, outcomes[i], n);
			return false;
		}
	}
	return true;
}

static size_t count_release(const struct lines *spans, uint64_t waker, uint64_t waiter)
{
	size_t s, n = 0;

	for (s = 0; s < spans->n; s++)
		n += is(spans->at[s], "type", "release") && number(spans->at[s], "tid") == waker &&
		     number(spans->at[s], "waiter_tid") == waiter;
	return n;
}

static bool releases_match(const struct lines *truth, const struct lines *spans, json_object *summary)
{
	json_object *want = NULL, *one;
	size_t i, j, n, s, t, total = 0;

	json_object_object_get_ex(summary, "releases", &want);
	for (i = 0; i < json_object_array_length(want); i++) {
		one = json_object_array_get_idx(want, i);
		for (j = n = 0; j < json_object_array_length(want); j++)
			n += number(json_object_array_get_idx(want, j), "waker") == number(one, "waker") &&
			     number(json_object_array_get_idx(want, j), "waiter") == number(one, "waiter");
		if (count_release(spans, number(one, "waker"), number(one, "waiter")) != n) {
			printf("# %s: releases of %s by %s are not %zu\n", text(summary, "test"),
			       text(one, "waiter"), text(one, "waker"), n);
			return false;
		}
	}
	/* And no others of these waiters. */
	for (t = 0; t < truth->n; t++) {
		if (!is(truth->at[t], "test", text(summary, "test")) || !is(truth->at[t], "kind", "wait"))
			continue;
		for (s = 0; s < spans->n; s++)
			total += is(spans->at[s], "type", "release") &&
				 number(spans->at[s], "waiter_tid") == number(truth->at[t], "tid");
	}
	return total == json_object_array_length(want);
}

/* A waiter that has been moved comes once more, for the word that it was moved to. */
static bool address_matches(json_object *span, json_object *call)
{
	uint64_t uaddr = number(span, "uaddr");

	if (is(call, "op", "waitv") || uaddr == number(call, "uaddr"))
		return true;
	return is(call, "op", "wait_requeue_pi") && uaddr == number(call, "uaddr2");
}

static bool flags_match(json_object *span, json_object *call)
{
	return is(span, "shared", "true") == is(call, "shared", "true") &&
	       is(span, "compat", "true") == is(call, "compat", "true");
}

/* Operation, address, times, flags and waker of the spans of one waiting call. */
static bool call_matches(const struct lines *spans, json_object *call)
{
	bool seen = false;
	size_t s;

	for (s = 0; s < spans->n; s++) {
		json_object *span = spans->at[s];

		if (!is(span, "type", "span") || number(span, "tid") != number(call, "tid") ||
		    number(span, "enq_ns") < number(call, "before_ns") ||
		    (number(call, "return_ns") && number(span, "enq_ns") > number(call, "return_ns")))
			continue;
		seen = true;
		if (!is(span, "op", text(call, "op")) || !address_matches(span, call) ||
		    !flags_match(span, call) ||
		    (number(span, "wake_ns") && !is(span, "outcome", "nosleep") &&
		     number(span, "waker_tid") != number(call, "waker_tid")) ||
		    (number(call, "return_ns") && number(span, "run_ns") > number(call, "return_ns"))) {
			printf("# %s: call %s\n# %s: span %s\n", text(call, "test"),
			       json_object_to_json_string(call), text(call, "test"),
			       json_object_to_json_string(span));
			return false;
		}
	}
	return seen || !number(call, "spans");
}

/* @key of the first span of @role that has one. */
static uint64_t key_of(const struct lines *truth, const struct lines *spans, const char *test,
		       const char *role, const char *key)
{
	size_t t, s;

	for (t = 0; t < truth->n; t++)
		for (s = 0; s < spans->n; s++)
			if (is(truth->at[t], "test", test) && is(truth->at[t], "role", role) &&
			    is(truth->at[t], "kind", "wait") && is(spans->at[s], "type", "span") &&
			    number(spans->at[s], "tid") == number(truth->at[t], "tid") &&
			    number(spans->at[s], key))
				return number(spans->at[s], key);
	return 0;
}

static bool identity_matches(const struct lines *truth, const struct lines *spans, const char *test)
{
	static const struct {
		const char *test, *role, *key, *other;
		bool same;
	} rules[] = {
		{ "shared_file", "waiter", "key", "cousin", true },
		{ "shared_anon", "first", "key", "second", true },
		{ "shared_pi", "waiter", "key", "cousin", true },
		{ "shared_requeue_pi", "waiter", "end_key", "cousin", true },
		{ "shared_grant_pi", "waiter", "end_key", "cousin", true },
		{ "private_twins", "first", "key", "second", false },
	};
	uint64_t one, other;
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		if (strcmp(test, rules[i].test))
			continue;
		one = key_of(truth, spans, test, rules[i].role, rules[i].key);
		other = key_of(truth, spans, test, rules[i].other, "key");
		printf("# %s: %s's %s 0x%" PRIx64 ", %s's key 0x%" PRIx64 "\n", test, rules[i].role,
		       rules[i].key, one, rules[i].other, other);
		return one && other && (one == other) == rules[i].same;
	}
	return true;
}

/* What the kernel itself does for a thread that exits says so. */
static bool exits_match(const struct lines *truth, const struct lines *spans, const char *test)
{
	bool join = !strcmp(test, "join"), found[2] = { false, false };
	size_t t, s;

	if (!join && strcmp(test, "robust_death") && strcmp(test, "robust_death_pi"))
		return true;
	for (t = 0; t < truth->n; t++)
		for (s = 0; s < spans->n; s++) {
			json_object *o = spans->at[s];

			if (!is(truth->at[t], "test", test) || !is(truth->at[t], "kind", "wait"))
				continue;
			if (is(o, "type", "span") && number(o, "tid") == number(truth->at[t], "tid"))
				found[0] |= join ? is(o, "join", "true") : is(o, "outcome", "owner_died");
			if (is(o, "type", "release") &&
			    number(o, "waiter_tid") == number(truth->at[t], "tid"))
				found[1] |= is(o, "exiting", "true") && join == is(o, "join", "true");
		}
	return found[0] && found[1];
}

static void check_test(const struct lines *truth, const struct lines *spans, json_object *summary)
{
	const char *test = text(summary, "test");
	bool calls = true;
	size_t t;

	if (is(summary, "unsupported", "true")) {
		check(true, test, "the kernel does not have it");
		return;
	}
	if (!check(is(summary, "ok", "true"), test, "the program's own view"))
		return;
	for (t = 0; t < truth->n; t++)
		if (is(truth->at[t], "test", test) && is(truth->at[t], "before_ns", "") == false &&
		    (is(truth->at[t], "kind", "wait") || is(truth->at[t], "kind", "again")))
			calls &= call_matches(spans, truth->at[t]);
	check(outcomes_match(truth, spans, summary), test, "spans by outcome");
	check(releases_match(truth, spans, summary), test, "releases by waker and waiter");
	check(calls, test, "operation, address, times, flags, waker");
	check(identity_matches(truth, spans, test), test, "identity of the word");
	check(exits_match(truth, spans, test), test, "flags of an exit");
}

static int ops(const char *truth_path, const char *spans_path)
{
	struct lines truth = { 0 }, spans = { 0 };
	size_t t, tests = 0;

	if (lines_read(truth_path, &truth) || lines_read(spans_path, &spans))
		return 2;
	drop_repeated(&truth);
	for (t = 0; t < truth.n; t++) {
		if (!is(truth.at[t], "kind", "summary"))
			continue;
		tests++;
		check_test(&truth, &spans, truth.at[t]);
	}
	check(tests > 0, "tests in the program's output", "");
	return failed != 0;
}

/* ---- ledger --------------------------------------------------------------- */

/* A span or a release, without the text it came as: there are a hundred thousand of them. */
struct event {
	uint64_t id;		/* a release's: of its span */
	uint64_t key;
	uint64_t end_key;
	uint64_t enq_ns;
	uint64_t wake_ns;
	uint64_t run_ns;
	uint64_t blamed_ns;	/* tail and handoff, or hold and handoff */
	uint64_t carried_ns;	/* of a span's tail; of a release's hold, or of what is given up */
	uint32_t tid;
	uint32_t other_tid;	/* a span's waker, a release's waiter */
	bool span;
	bool late;
	bool given_up;		/* neither of the two */
	bool again;		/* a release of a waiter that had been released before */
};

struct events {
	struct event *at;
	size_t n;
};

struct key_sum {
	uint64_t key;
	uint64_t wait_ns;
	uint64_t blamed_ns;	/* hold, handoff and tail */
	uint64_t carried_ns;	/* of spans, without what releases took and what was given up */
	bool moved;		/* a span began or ended elsewhere */
};

static struct key_sum *sums;
static size_t nsums;

/* A number, or a hexadecimal text, of a line; 0 when it is not there. A quote within a text is escaped, so no text can pass for a name. */
static uint64_t field(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	if (!at)
		return 0;
	at += strlen(name);
	return strtoull(at + (*at == '"'), NULL, 0);
}

/* By hand: making objects of a line takes ten times as long. */
static void event_add(struct events *to, const char *line)
{
	bool span = !strncmp(line, "{\"type\":\"span\"", 14);
	bool given_up = !strncmp(line, "{\"type\":\"given_up\"", 18);
	struct event *e;

	if (!span && !given_up && strncmp(line, "{\"type\":\"release\"", 17))
		return;
	if (!(to->n & (to->n - 1))) {
		to->at = realloc(to->at, (to->n ? 2 * to->n : 1) * sizeof(*to->at));
		if (!to->at)
			abort();
	}
	e = &to->at[to->n++];
	*e = (struct event){
		.id = field(line, span ? "\"id\":" : "\"span\":"), .key = field(line, "\"key\":"), .span = span,
		.tid = (uint32_t)field(line, "\"tid\":"),
		.other_tid = (uint32_t)field(line, span ? "\"waker_tid\":" : "\"waiter_tid\":"),
		.blamed_ns = field(line, "\"handoff_ns\":") + field(line, span ? "\"tail_ns\":" : "\"hold_ns\":"),
		.late = !span && strstr(line, "\"late\":true"),
		.again = !span && strstr(line, "\"again\":true"),
		.given_up = given_up,
	};
	if (span && strstr(line, "\"carried\":true"))
		e->carried_ns = field(line, "\"tail_ns\":");
	else if (!span)
		e->carried_ns = field(line, given_up ? "\"wait_ns\":" : "\"carried_ns\":");
	if (!span)
		e->wake_ns = field(line, "\"time_ns\":");
	if (span) {
		e->end_key = field(line, "\"end_key\":");
		e->enq_ns = field(line, "\"enq_ns\":");
		e->wake_ns = field(line, "\"wake_ns\":");
		e->run_ns = field(line, "\"run_ns\":");
	}
}

static int events_read(const char *path, struct events *ret)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	FILE *file = fopen(path, "r");

	if (!file)
		return -errno;
	while ((n = getline(&line, &room, file)) > 0) {
		if (n < 3 || strncmp(line, "{\"type\":", 8) || strcmp(line + n - 2, "}\n")) {
			fprintf(stderr, "spancheck: %s: not an event: %s", path, line);
			exit(1);
		}
		event_add(ret, line);
	}
	free(line);
	fclose(file);
	return 0;
}

static struct key_sum *sum_of(uint64_t key)
{
	size_t i;

	for (i = nsums; i-- > 0;)
		if (sums[i].key == key)
			return &sums[i];
	sums = realloc(sums, (nsums + 1) * sizeof(*sums));
	if (!sums)
		abort();
	sums[nsums] = (struct key_sum){ .key = key };
	return &sums[nsums++];
}

static void span_add(const struct event *e, bool *ordered)
{
	struct key_sum *sum = sum_of(e->key);

	*ordered &= e->enq_ns <= e->run_ns &&
		    (!e->wake_ns || (e->enq_ns <= e->wake_ns && e->wake_ns <= e->run_ns));
	sum->wait_ns += (e->wake_ns ? e->wake_ns : e->run_ns) - e->enq_ns;
	sum->blamed_ns += e->blamed_ns;
	if (e->end_key && e->end_key != e->key) {
		sum->moved = true;
		sum_of(e->end_key)->moved = true;
	}
}

/* Spans first, by thread and time. */
static int by_thread(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->span != y->span)
		return x->span ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->enq_ns < y->enq_ns ? -1 : x->enq_ns > y->enq_ns;
}

static int by_id(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static bool release_matches(const struct event *release, const struct event *span)
{
	/* A span that ended before its waker came does not know him, and of several it knows the last. */
	return release->other_tid == span->tid &&
	       release->key == (span->end_key ? span->end_key : span->key) &&
	       (release->late || release->wake_ns < span->wake_ns || release->tid == span->other_tid);
}

static void release_print(const struct event *release, const struct event *span)
{
	printf("# release by %u of %u on 0x%" PRIx64 " is not of span 0x%" PRIx64 ": %u woken by %u on 0x%" PRIx64 "\n",
	       release->tid, release->other_tid, release->key, span->id, span->tid, span->other_tid,
	       span->end_key ? span->end_key : span->key);
}

/* What must hold of the @spans and, behind them, the @releases, once they are sorted. */
static void order_check(struct event *spans, size_t nspans, const struct event *releases, size_t nreleases)
{
	const struct event *span;
	bool single = true, named = true;
	size_t i;

	for (i = 1; i < nspans && single; i++)
		single = spans[i].tid != spans[i - 1].tid || spans[i].enq_ns >= spans[i - 1].run_ns;
	check(single, "a thread has one open span at most", "");
	qsort(spans, nspans, sizeof(*spans), by_id);
	/* Releases whose span was not sent have nothing to be held against. */
	for (i = 0; i < nreleases && named; i++) {
		span = bsearch(&releases[i], spans, nspans, sizeof(*spans), by_id);
		named = !span || release_matches(&releases[i], span);
		if (!named)
			release_print(&releases[i], span);
	}
	check(named, "releases name their span's waiter, waker and key", "");
}

static bool sums_exact(uint64_t *wait_ns, uint64_t *blamed_ns)
{
	bool exact = true;
	size_t s;

	for (s = 0; s < nsums; s++) {
		*wait_ns += sums[s].wait_ns;
		*blamed_ns += sums[s].blamed_ns;
		if (!sums[s].moved && sums[s].wait_ns != sums[s].blamed_ns) {
			printf("# key 0x%" PRIx64 ": waits %" PRIu64 " ns, blamed %" PRIu64 " ns\n", sums[s].key,
			       sums[s].wait_ns, sums[s].blamed_ns);
			exact = false;
		}
	}
	return exact;
}

static int ledger(const char *path)
{
	uint64_t wait_ns = 0, blamed_ns = 0, released = 0, releases = 0;
	uint64_t carried_ns = 0;
	bool ordered = true, settled = true, exact;
	struct events all = { 0 };
	size_t i, nspans = 0;

	if (events_read(path, &all))
		return 2;
	for (i = 0; i < all.n; i++) {
		const struct event *e = &all.at[i];

		if (e->span) {
			span_add(e, &ordered);
			nspans++;
			/* A wake, or a release that came late: each is a span that a waker ended, or the kernel itself. */
			released += e->wake_ns && e->other_tid;
		} else {
			/* What it took of others' tails has been counted as these. */
			sum_of(e->key)->blamed_ns += e->given_up ? 0 : e->blamed_ns - e->carried_ns;
			releases += !e->late && !e->again && !e->given_up;
		}
		if (e->carried_ns)
			sum_of(e->key)->carried_ns += e->span ? e->carried_ns : -e->carried_ns;
		carried_ns += e->span ? e->carried_ns : 0;
	}
	for (i = 0; i < nsums; i++)
		settled &= !sums[i].carried_ns;
	exact = sums_exact(&wait_ns, &blamed_ns);
	printf("# %zu spans on %zu keys, %" PRIu64 " ns, %" PRIu64 " ns carried\n", nspans, nsums, wait_ns, carried_ns);
	check(nspans > 0, "there are spans", "");
	check(exact, "hold + handoff + tail = lock wait, on every key", "");
	check(wait_ns == blamed_ns, "hold + handoff + tail = lock wait, in the session", "");
	check(settled, "what was carried is some release's, or given up, on every key", "");
	check(ordered, "enq <= wake <= run", "");
	qsort(all.at, all.n, sizeof(*all.at), by_thread);
	order_check(all.at, nspans, all.at + nspans, all.n - nspans);
	check(released == releases, "releases = spans ended by a wake", "");
	free(all.at);
	return failed != 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && !strcmp(argv[1], "ops"))
		return ops(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "ledger"))
		return ledger(argv[2]);
	fprintf(stderr, "Usage: spancheck ops TRUTH SPANS | spancheck ledger SPANS\n");
	return 64;
}
