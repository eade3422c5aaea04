// SPDX-License-Identifier: GPL-2.0-only
#include "endings.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"
#include "../report/json.h"
#include "../report/words.h"
#include "events.h"

#define FORMAT 1

void lsp_endings_init(struct lsp_endings *e)
{
	memset(e, 0, sizeof(*e));
	lsp_intern_init(&e->names);
	lsp_intern_init(&e->pairs);
	lsp_intern_init(&e->keys);
}

void lsp_endings_uninit(struct lsp_endings *e)
{
	free(e->rows);
	free(e->parts);
	lsp_intern_uninit(&e->names);
	lsp_intern_uninit(&e->pairs);
	lsp_intern_uninit(&e->keys);
	memset(e, 0, sizeof(*e));
}

/* ---- sums ---- */

/* Adds @from to the row of its pair; with @lock, to that of its pair and lock. Each name exists once. */
static int sum(struct lsp_intern *index, struct lsp_ending **rows, size_t *n, size_t *room, const struct lsp_ending *from,
	       bool lock)
{
	const char *key[3] = { from->waiter, from->releaser, lock ? from->lock : NULL };
	int64_t id = lsp_intern_add(index, key, sizeof(key));
	struct lsp_ending *row;

	if (id < 0 || lsp_array_grow(rows, room, *n, sizeof(**rows)))
		return -ENOMEM;
	if ((size_t)id == *n)
		(*rows)[(*n)++] = (struct lsp_ending){ .waiter = from->waiter, .releaser = from->releaser };
	row = &(*rows)[id];
	row->waits += from->waits;
	row->waited_ns += from->waited_ns;
	if (from->longest_ns > row->longest_ns)
		row->longest_ns = from->longest_ns;
	if (!row->lock || from->waited_ns > row->lock_ns) {
		row->lock = from->lock;
		row->sync = from->sync;
		row->lock_ns = from->waited_ns;
	}
	return 0;
}

static int event_add(struct lsp_endings *e, const struct lsp_events *events, const struct lsp_event *event)
{
	const struct lsp_event_release *release = lsp_event_release(events, event);
	double ns = (double)((event->wake_ns ? event->wake_ns : event->end_ns) - event->start_ns);
	const char *waiter = lsp_event_site(events, event);
	struct lsp_ending one = {
		.waiter = lsp_intern_string(&e->names, *waiter ? waiter : "[no stack]"),
		.releaser = lsp_intern_string(&e->names, release ? lsp_event_release_site(events, release) :
					      event->wake_ns ? "(not recorded)" : "(nobody)"),
		.lock = lsp_intern_string(&e->names, lsp_event_lock(events, event)),
		.sync = lsp_intern_string(&e->names, lsp_event_sync(events, event)),
		.waits = 1, .waited_ns = ns, .longest_ns = ns,
	};

	if (!one.waiter || !one.releaser || !one.lock || !one.sync)
		return -ENOMEM;
	e->waits++;
	e->waited_ns += ns;
	return sum(&e->keys, &e->parts, &e->nparts, &e->parts_room, &one, true);
}

int lsp_endings_add(struct lsp_endings *e, const char *path, const char *only)
{
	struct lsp_events events;
	int err = lsp_events_read(path, true, &events);

	if (!err && (events.sampled || events.releases_sampled))
		err = -ENODATA;
	if (!err && events.unlinked)
		err = -EOPNOTSUPP;
	e->partial |= !events.whole;
	for (size_t i = 0; !err && i < events.n; i++)
		if (events.events[i].slept && lsp_words_asked(lsp_event_lock(&events, &events.events[i]), only))
			err = event_add(e, &events, &events.events[i]);
	lsp_events_uninit(&events);
	return err;
}

static int ending_compare(const void *a, const void *b, void *arg)
{
	const struct lsp_ending *x = a, *y = b;
	enum lsp_sort key = *(const enum lsp_sort *)arg;
	double difference = key == LSP_SORT_NAME ? 0 : key == LSP_SORT_WAITS ? y->waits - x->waits :
			    y->waited_ns - x->waited_ns;
	int names;

	if (x->use != y->use)
		return x->use < y->use ? -1 : 1;
	if (difference != 0)
		return difference < 0 ? -1 : 1;
	names = strcmp(x->waiter, y->waiter);
	return names ? names : strcmp(x->releaser, y->releaser);
}

int lsp_endings_finish(struct lsp_endings *e, const struct lsp_uses *uses, enum lsp_sort key)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nparts; i++)
		err = sum(&e->pairs, &e->rows, &e->n, &e->room, &e->parts[i], false);
	for (size_t i = 0; !err && i < e->n; i++)
		e->rows[i].use = lsp_uses_of(uses, e->rows[i].lock, e->rows[i].sync);
	if (!err && e->n)
		qsort_r(e->rows, e->n, sizeof(*e->rows), ending_compare, &key);
	return err;
}

/* ---- what is written ---- */

#define COLUMNS (16U + 10U + 10U + 3U)
#define NAME_LEAST 16U

static size_t name_room(const struct lsp_words_layout *layout)
{
	if (layout->wide || !layout->columns)
		return 0;
	return layout->columns > COLUMNS + NAME_LEAST ? layout->columns - COLUMNS : NAME_LEAST;
}

static void row_write(FILE *to, const struct lsp_endings *e, const struct lsp_ending *row,
		      const struct lsp_words_layout *layout)
{
	size_t bytes;
	char a[LSP_WORD], b[LSP_WORD], c[LSP_WORD], d[LSP_WORD], *text = NULL;
	FILE *name = open_memstream(&text, &bytes);

	if (!name)
		return;
	lsp_words_function(name, row->waiter, layout);
	fputs(" <- ", name);
	lsp_words_function(name, row->releaser, layout);
	fputs("  ", name);
	lsp_words_function(name, *row->lock ? row->lock : "(not known)", layout);
	fprintf(name, "  %s", row->sync);
	fclose(name);
	fprintf(to, "%9s %6s %9s %9s | ", lsp_words_ns(a, row->waited_ns), lsp_words_share(b, row->waited_ns, e->waited_ns),
		lsp_words_count(c, row->waits), lsp_words_ns(d, row->longest_ns));
	if (text)
		lsp_words_fit(to, text, name_room(layout));
	putc('\n', to);
	free(text);
}

void lsp_endings_text(FILE *to, const struct lsp_endings *e, const struct lsp_report_look *look)
{
	char more[2 * LSP_WORD];

	if (!e->n) {
		fputs("nothing waited\n", to);
		return;
	}
	fprintf(to, "%9s %6s %9s %9s | ", "waited", "", "waits", "longest");
	lsp_words_fit(to, "who waits <- whose release ends it", name_room(&look->layout));
	putc('\n', to);
	for (size_t i = 0; i < e->n && i < look->top; i++)
		row_write(to, e, &e->rows[i], &look->layout);
	if (e->n > look->top)
		fprintf(to, "%s (--top)\n", lsp_words_counted(more, (double)(e->n - look->top), "more row"));
}

static void number_add(struct json_object *o, const char *key, double value)
{
	json_object_object_add(o, key, lsp_report_json_number(value));
}

static struct json_object *waits_new(double waits, double waited_ns)
{
	struct json_object *o = json_object_new_object();

	number_add(o, "contentions", waits);
	number_add(o, "delay_ns", waited_ns);
	return o;
}

struct json_object *lsp_endings_json(const struct lsp_endings *e, size_t top)
{
	struct json_object *o = json_object_new_object(), *rows = json_object_new_array(), *total, *one, *block;

	number_add(o, "format", FORMAT);
	json_object_object_add(o, "by", json_object_new_string("pair"));
	json_object_object_add(o, "partial", json_object_new_boolean(e->partial));
	total = json_object_new_object();
	json_object_object_add(total, "block", waits_new(e->waits, e->waited_ns));
	json_object_object_add(o, "total", total);
	for (size_t i = 0; i < e->n && i < top; i++) {
		const struct lsp_ending *row = &e->rows[i];

		one = json_object_new_object();
		json_object_object_add(one, "waiter", json_object_new_string(row->waiter));
		json_object_object_add(one, "releaser", json_object_new_string(row->releaser));
		json_object_object_add(one, "lock", json_object_new_string(row->lock));
		json_object_object_add(one, "sync", json_object_new_string(row->sync));
		block = waits_new(row->waits, row->waited_ns);
		number_add(block, "longest_ns", row->longest_ns);
		json_object_object_add(one, "block", block);
		json_object_array_add(rows, one);
	}
	json_object_object_add(o, "rows", rows);
	number_add(o, "rows_left_out", e->n > top ? (double)(e->n - top) : 0);
	return o;
}
