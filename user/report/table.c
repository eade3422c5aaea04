// SPDX-License-Identifier: GPL-2.0-only
#include "table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../resolve/symbol/plain_name.h"
#include "bounds.h"
#include "site.h"
#include "words.h"

/* Names that differ only beyond this many bytes are taken for alike. */
#define SHORT_BYTES 1024

const char *const lsp_by_names[LSP_BY_COUNT] = { "site", "lock", "sync", "thread" };

/* A row that is being made. */
struct scratch {
	double wait_line_ns, release_line_ns, lock_ns, file_ns;
	struct lsp_bounds_sum waited, blamed;
};

struct build {
	struct lsp_table *t;
	const struct lsp_recording *r;
	bool join;
	struct scratch *scratch;	/* there is one for each row */
};

/* ---- finding the row ---- */

static int64_t row_at(struct build *b, const char *name)
{
	struct lsp_table *t = b->t;
	int64_t id = lsp_intern_add(&t->names, name, strlen(name) + 1);
	size_t room = t->room ? 2 * t->room : 64;
	struct lsp_table_row *rows;
	struct scratch *scratch;

	if (id < 0 || (size_t)id < t->n)
		return id;
	if (t->n == t->room) {
		rows = realloc(t->rows, room * sizeof(*rows));
		if (rows)
			t->rows = rows;
		scratch = realloc(b->scratch, room * sizeof(*scratch));
		if (scratch)
			b->scratch = scratch;
		if (!rows || !scratch)
			return -ENOMEM;
		t->room = room;
	}
	memset(&b->scratch[t->n], 0, sizeof(*b->scratch));
	t->rows[t->n++] = (struct lsp_table_row){
		.name = lsp_intern_get(&t->names, (uint32_t)id, NULL),
		.file = "", .lock = "", .sync = "", .waits = LSP_LENGTHS_UNKNOWN, .holds = LSP_LENGTHS_UNKNOWN,
	};
	return id;
}

static double sample_pid(const struct lsp_profile_sample *s)
{
	for (size_t i = 0; i < s->nlabels; i++)
		if (!s->labels[i].str && !strcmp(s->labels[i].key, "pid"))
			return (double)s->labels[i].num;
	return 0;
}

/* Returns -ENOENT if the sample has no place in such a table. */
static int64_t sample_row(struct build *b, const struct lsp_profile *p,
			  const struct lsp_profile_sample *s, struct lsp_site *site)
{
	bool given_up = lsp_sample_given_up(s);
	bool handoff = given_up || !strcmp(lsp_sample_text(s, "kind"), "handoff");
	double pid = sample_pid(s);
	char name[256];

	lsp_site_find(p, s, site);
	switch (b->t->by) {
	case LSP_BY_LOCK:
		return row_at(b, lsp_sample_text(s, "lock"));
	case LSP_BY_SYNC:
		return handoff && !given_up ? -ENOENT : row_at(b, lsp_sample_text(s, "sync"));
	case LSP_BY_THREAD:
		if (handoff)
			return -ENOENT;
		if (!pid || b->join)
			return row_at(b, lsp_sample_text(s, "comm"));
		b->t->processes = true;
		snprintf(name, sizeof(name), "%s (pid %.0f)", lsp_sample_text(s, "comm"), pid);
		return row_at(b, name);
	default:
		return handoff ? -ENOENT : row_at(b, site->function);
	}
}

/* ---- samples ---- */

static void line_note(struct lsp_table_row *row, struct scratch *s, const struct lsp_site *site,
		      bool wait, double ns)
{
	double *most = wait ? &s->wait_line_ns : &s->release_line_ns;

	if (ns >= *most && site->line) {
		*most = ns;
		*(wait ? &row->wait_line : &row->release_line) = site->line;
	}
	if (ns >= s->file_ns) {
		s->file_ns = ns;
		row->file = site->file;
	}
}

static void value_add(struct build *b, struct lsp_table_row *row, enum lsp_value v, double value)
{
	row->v[v] += value;
	b->t->total[v] += value;
}

static int plain_add(struct build *b, int64_t at, enum lsp_part part,
		      const struct lsp_profile_sample *s, const struct lsp_site *site)
{
	struct lsp_table_row *row = &b->t->rows[at];
	struct scratch *scratch = &b->scratch[at];
	bool wait = part == LSP_PART_BLOCK;
	const char *why = lsp_sample_text(s, "why");

	if (lsp_sample_given_up(s)) {
		value_add(b, row, LSP_V_GIVEN_UP, s->values[1]);
		return 0;
	}
	value_add(b, row, wait ? LSP_V_WAITS : LSP_V_RELEASES, s->values[0]);
	value_add(b, row, wait ? LSP_V_WAITED : LSP_V_BLAMED, s->values[1]);
	if (b->t->by == LSP_BY_SITE)
		line_note(row, scratch, site, wait, s->values[1]);
	if (s->values[1] >= scratch->lock_ns) {
		scratch->lock_ns = s->values[1];
		row->lock = lsp_sample_text(s, "lock");
		row->sync = lsp_sample_text(s, "sync");
	}
	return *why ? lsp_causes_add(&row->why, why, s->values[1]) : 0;
}

static void ext_add(struct build *b, int64_t at, const int *columns,
		    const struct lsp_profile_sample *s)
{
	static const enum lsp_value to[] = { LSP_V_LATE, LSP_V_SPURIOUS, LSP_V_DEPTH, LSP_V_CHARGED,
					     LSP_V_HANDOFF };
	struct lsp_table_row *row = &b->t->rows[at];
	const char *sync = lsp_sample_text(s, "sync");

	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++)
		if (columns[i] >= 0)
			value_add(b, row, to[i], s->values[columns[i]]);
	if (strcmp(lsp_sample_text(s, "kind"), "mutex") || lsp_use_is_blamed(s))
		return;
	value_add(b, row, LSP_V_OTHER_RELEASES, s->values[0]);
	value_add(b, row, LSP_V_OTHER_HOLD, s->values[columns[5]]);
	if (!*row->sync) {
		row->sync = sync;
		row->lock = lsp_sample_text(s, "lock");
	}
}

static int part_add(struct build *b, enum lsp_part part)
{
	static const char *const names[6] = { "sched_delay", "spurious", "depth", "waiters", "handoff",
					      "hold" };
	const struct lsp_profile *p = b->r->parts[part];
	struct lsp_profile_sample s;
	struct lsp_site site;
	int columns[6] = { 0 };

	for (int i = 0; p && part == LSP_PART_EXT && i < 6; i++)
		columns[i] = lsp_part_column(p, names[i]);
	for (size_t i = 0; p && lsp_profile_sample(p, i, &s); i++) {
		int64_t at;

		if (!lsp_recording_takes(b->r, &s))
			continue;
		at = sample_row(b, p, &s, &site);
		if (at == -ENOENT) {
			if (columns[4] >= 0 && part == LSP_PART_EXT)
				b->t->total[LSP_V_HANDOFF] += s.values[columns[4]];
			else if (lsp_sample_given_up(&s))
				b->t->total[LSP_V_GIVEN_UP] += s.values[1];
			continue;
		}
		if (at < 0)
			return (int)at;
		if (part == LSP_PART_EXT)
			ext_add(b, at, columns, &s);
		else if (plain_add(b, at, part, &s, &site))
			return -ENOMEM;
	}
	return 0;
}

/* ---- what record.json knows ---- */

static int open_add(struct build *b)
{
	struct lsp_facts_open open;
	char name[256];
	int64_t at;

	for (size_t i = 0; lsp_facts_open(&b->r->facts, i, &open); i++) {
		if (!lsp_words_asked(open.lock, b->r->only))
			continue;
		switch (b->t->by) {
		case LSP_BY_LOCK:
			at = row_at(b, open.lock);
			break;
		case LSP_BY_SYNC:
			at = row_at(b, open.sync);
			break;
		case LSP_BY_THREAD:
			snprintf(name, sizeof(name), "%s (pid %.0f)", open.comm, open.pid);
			at = row_at(b, b->t->processes ? name : open.comm);
			break;
		default:
			at = row_at(b, lsp_site_of_names(open.stack));
		}
		if (at < 0)
			return (int)at;
		value_add(b, &b->t->rows[at], LSP_V_OPEN, open.waits);
		b->t->rows[at].open_longest_ns = fmax(b->t->rows[at].open_longest_ns,
						      open.longest_ns);
		if (!*b->t->rows[at].lock) {
			b->t->rows[at].lock = open.lock;
			b->t->rows[at].sync = open.sync;
		}
	}
	return 0;
}

static void rows_forget(struct lsp_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		lsp_causes_uninit(&t->rows[i].why);
	t->n = 0;
}

/*
 * Profiles have threads by name only, and record.json has each thread. If record.json has threads,
 * the rows are made from it, and 1 is returned. The totals stay those of the profiles.
 */
static int threads_take(struct build *b)
{
	struct lsp_table *t = b->t;
	struct lsp_facts_thread thread;
	double pid = 0;
	char name[256];

	/* What record.json has of a thread is about all locks. */
	if (b->join || b->r->only || !lsp_facts_thread(&b->r->facts, 0, &thread))
		return 0;
	t->processes = false;
	for (size_t i = 0; lsp_facts_thread(&b->r->facts, i, &thread); i++) {
		t->processes |= thread.pid && pid && pid != thread.pid;
		pid = thread.pid ? thread.pid : pid;
	}
	lsp_intern_uninit(&t->names);
	lsp_intern_init(&t->names);
	rows_forget(t);
	for (size_t i = 0; lsp_facts_thread(&b->r->facts, i, &thread); i++) {
		int n = snprintf(name, sizeof(name), thread.tid ? "%s (tid %.0f" : "%s", thread.comm,
				 thread.tid);
		const double v[LSP_V_COUNT] = {
			[LSP_V_WAITS] = thread.waits, [LSP_V_WAITED] = thread.waited_ns,
			[LSP_V_LATE] = thread.late_ns, [LSP_V_RELEASES] = thread.releases,
			[LSP_V_BLAMED] = thread.blamed_ns, [LSP_V_OPEN] = thread.open,
		};
		int64_t at;

		if (thread.tid)
			snprintf(name + n, sizeof(name) - (size_t)n, t->processes ? ", pid %.0f)" : ")",
				 thread.pid);
		at = row_at(b, name);
		if (at < 0)
			return (int)at;
		for (int k = 0; k < LSP_V_COUNT; k++)
			t->rows[at].v[k] += v[k];
		t->total[LSP_V_OPEN] += thread.open;
		t->rows[at].tid = thread.tid;
		t->rows[at].pid = thread.pid;
		t->rows[at].open_longest_ns = fmax(t->rows[at].open_longest_ns, thread.open_longest_ns);
	}
	return 1;
}

/* Adds the intervals of the group to those of the row that it is a part of. */
static void group_note(struct build *b, const struct lsp_facts_group *g)
{
	const char *name = b->t->by == LSP_BY_LOCK ? g->lock : b->t->by == LSP_BY_SYNC ? g->sync :
			   lsp_site_of_names(g->stack);
	int64_t at = name ? lsp_intern_find(&b->t->names, name, strlen(name) + 1) : -ENOENT;

	if (at < 0)
		return;
	b->t->rows[at].tail_ns += g->tail_ns;
	/* Those of two recordings do not add up. */
	if (b->t->by == LSP_BY_LOCK && b->r->facts.n == 1) {
		b->t->rows[at].waits = g->block.lengths;
		b->t->rows[at].holds = g->mutex.lengths;
	}
	lsp_bounds_add(&b->scratch[at].waited, g->block.delay_ns, &g->block.bounds);
	lsp_bounds_add(&b->scratch[at].blamed, g->mutex.delay_ns, &g->mutex.bounds);
}

static void bounds_set(struct build *b)
{
	const struct lsp_facts *f = &b->r->facts;
	struct lsp_facts_group g;
	/* What record.json has of a stack is about all locks, too. */
	bool groups = f->n && b->t->by != LSP_BY_THREAD && (!b->r->only || b->t->by == LSP_BY_LOCK);

	if (groups && b->t->by == LSP_BY_LOCK)
		for (size_t i = 0; lsp_facts_lock(f, i, &g); i++)
			group_note(b, &g);
	else if (groups)
		for (size_t i = 0; lsp_facts_stack(f, i, &g); i++)
			group_note(b, &g);
	for (size_t i = 0; i < b->t->n; i++) {
		struct lsp_table_row *row = &b->t->rows[i];
		const struct lsp_bounds unknown = { .trust = f->rates_known ? LSP_TRUST_TOO_FEW :
							     LSP_TRUST_UNKNOWN };

		row->waited = groups ? lsp_bounds_of(&b->scratch[i].waited, row->v[LSP_V_WAITED]) : unknown;
		row->blamed = groups ? lsp_bounds_of(&b->scratch[i].blamed, row->v[LSP_V_BLAMED]) : unknown;
		if (lsp_facts_block_exact(f))
			row->waited.trust = LSP_TRUST_EXACT;
		if (lsp_facts_mutex_exact(f))
			row->blamed.trust = LSP_TRUST_EXACT;
	}
}

/* ---- all of it ---- */

bool lsp_table_row_shown(const struct lsp_table_row *row)
{
	return row->v[LSP_V_WAITS] || row->v[LSP_V_RELEASES] || row->v[LSP_V_OPEN] ||
	       row->v[LSP_V_HANDOFF] || row->v[LSP_V_GIVEN_UP];
}

static double weight(const struct lsp_table_row *row)
{
	return row->v[LSP_V_WAITED] + row->v[LSP_V_BLAMED];
}

const char *const lsp_sort_names[LSP_SORT_COUNT] = {
	[LSP_SORT_BOTH] = "both", [LSP_SORT_WAITED] = "waited", [LSP_SORT_WAITS] = "waits", [LSP_SORT_LATE] = "late",
	[LSP_SORT_BLAMED] = "blamed", [LSP_SORT_RELEASES] = "releases", [LSP_SORT_HANDOFF] = "handoff",
	[LSP_SORT_GIVEN_UP] = "given-up", [LSP_SORT_OPEN] = "open", [LSP_SORT_NAME] = "name",
};

static double sorted_by(const struct lsp_table_row *row, enum lsp_sort key)
{
	static const enum lsp_value values[LSP_SORT_COUNT] = {
		[LSP_SORT_WAITED] = LSP_V_WAITED, [LSP_SORT_WAITS] = LSP_V_WAITS, [LSP_SORT_LATE] = LSP_V_LATE,
		[LSP_SORT_BLAMED] = LSP_V_BLAMED, [LSP_SORT_RELEASES] = LSP_V_RELEASES,
		[LSP_SORT_HANDOFF] = LSP_V_HANDOFF, [LSP_SORT_GIVEN_UP] = LSP_V_GIVEN_UP,
		[LSP_SORT_OPEN] = LSP_V_OPEN,
	};

	return key == LSP_SORT_NAME ? 0 : key == LSP_SORT_BOTH ? weight(row) : row->v[values[key]];
}

static int row_compare(const void *a, const void *b, void *arg)
{
	const struct lsp_table_row *x = a, *y = b;
	enum lsp_sort key = *(const enum lsp_sort *)arg;

	if (lsp_table_row_shown(x) != lsp_table_row_shown(y))
		return lsp_table_row_shown(x) ? -1 : 1;
	if (x->use != y->use)
		return x->use < y->use ? -1 : 1;
	if (sorted_by(x, key) != sorted_by(y, key))
		return sorted_by(x, key) < sorted_by(y, key) ? 1 : -1;
	if (key == LSP_SORT_NAME)
		return strcmp(x->name, y->name);
	if (weight(x) != weight(y))
		return weight(x) < weight(y) ? 1 : -1;
	if (x->v[LSP_V_OPEN] != y->v[LSP_V_OPEN])
		return x->v[LSP_V_OPEN] < y->v[LSP_V_OPEN] ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* Locks come first: however long idle threads wait, nobody is held up by that. */
static int uses_set(struct build *b)
{
	struct lsp_uses uses;
	int err;

	if (b->t->by != LSP_BY_SITE && b->t->by != LSP_BY_LOCK)
		return 0;
	err = lsp_uses_create(b->r, &uses);
	if (err)
		return err;
	for (size_t i = 0; i < b->t->n; i++) {
		struct lsp_table_row *row = &b->t->rows[i];

		row->use = lsp_uses_of(&uses, b->t->by == LSP_BY_LOCK ? row->name : row->lock, row->sync);
	}
	lsp_uses_destroy(&uses);
	return 0;
}

/* Sorts the rows, and notes where the row of each name is. */
void lsp_table_sort(struct lsp_table *t, enum lsp_sort key)
{
	if (t->n)
		qsort_r(t->rows, t->n, sizeof(*t->rows), row_compare, &key);
	for (size_t i = 0; i < t->n; i++)
		t->places[lsp_intern_id(t->rows[i].name)] = (uint32_t)i;
	t->shown = 0;
	while (t->shown < t->n && lsp_table_row_shown(&t->rows[t->shown]))
		t->shown++;
}

static int rows_sort(struct lsp_table *t)
{
	t->places = malloc((t->n + 1) * sizeof(*t->places));
	if (!t->places)
		return -ENOMEM;
	lsp_table_sort(t, LSP_SORT_BOTH);
	return 0;
}

/* Finds the rows whose short names are alike, so that they can be told apart by their whole names. */
static int ambiguous_find(struct lsp_table *t)
{
	size_t *first = calloc(t->n + 1, sizeof(*first));
	struct lsp_intern names;
	int64_t id = 0;

	lsp_intern_init(&names);
	for (size_t i = 0; first && id >= 0 && i < t->n && (t->by == LSP_BY_SITE || t->by == LSP_BY_LOCK); i++) {
		char name[SHORT_BYTES];
		size_t before = names.count;

		lsp_short_name(t->rows[i].name, name, sizeof(name));
		id = lsp_intern_add(&names, name, strlen(name) + 1);
		if (id >= 0 && (size_t)id == before)
			first[id] = i;
		else if (id >= 0)
			t->rows[i].ambiguous = t->rows[first[id]].ambiguous = true;
	}
	lsp_intern_uninit(&names);
	free(first);
	return first && id >= 0 ? 0 : -ENOMEM;
}

int lsp_table_create(const struct lsp_recording *r, enum lsp_by by, bool join,
		     struct lsp_table *ret)
{
	struct build b = { .t = ret, .r = r, .join = join };
	int err = 0;

	memset(ret, 0, sizeof(*ret));
	ret->by = by;
	lsp_intern_init(&ret->names);
	ret->has_block = r->parts[LSP_PART_BLOCK];
	ret->has_mutex = r->parts[LSP_PART_MUTEX];
	ret->has_ext = r->parts[LSP_PART_EXT];
	for (int part = 0; part < LSP_PART_COUNT && !err; part++)
		err = part_add(&b, part);
	if (!err && by == LSP_BY_THREAD)
		err = threads_take(&b);
	if (!err)
		err = open_add(&b);
	if (err >= 0)
		err = uses_set(&b);
	if (err >= 0) {
		bounds_set(&b);
		err = rows_sort(ret);
	}
	if (!err)
		err = ambiguous_find(ret);
	if (err)
		lsp_table_destroy(ret);
	free(b.scratch);
	return err;
}

void lsp_table_destroy(struct lsp_table *t)
{
	rows_forget(t);
	free(t->rows);
	free(t->places);
	lsp_intern_uninit(&t->names);
	memset(t, 0, sizeof(*t));
}

const struct lsp_table_row *lsp_table_find(const struct lsp_table *t, const char *name)
{
	int64_t id = lsp_intern_find(&t->names, name, strlen(name) + 1);

	return id < 0 || (size_t)id >= t->n ? NULL : &t->rows[t->places[id]];
}
