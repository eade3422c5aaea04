// SPDX-License-Identifier: GPL-2.0-only
#include "page.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "page_files.h"
#include "shape_words.h"
#include "site.h"
#include "table.h"
#include "words.h"

/* Strings and stacks, to which samples refer by number. */
struct index {
	struct lsp_intern names, stacks, locks, syncs;
	struct json_object *stack_list;
};

/* ---- samples ---- */

static int64_t text_index(struct lsp_intern *t, const char *text)
{
	return lsp_intern_add(t, text, strlen(text) + 1);
}

/* Returns the number of the stack, root first. All lines of a location are frames. */
static int64_t stack_index(struct index *x, const struct lsp_profile *p,
			   const struct lsp_profile_sample *s, uint32_t *names, size_t room)
{
	struct lsp_profile_location l;
	struct json_object *list;
	size_t n = 0;
	int64_t id;

	for (size_t i = s->nlocations; i--;) {
		if (!lsp_profile_location(p, s->locations[i], &l))
			continue;
		for (size_t k = l.nlines; k-- && n < room;) {
			id = text_index(&x->names, l.lines[k].function);
			if (id < 0)
				return id;
			names[n++] = (uint32_t)id;
		}
	}
	id = lsp_intern_add(&x->stacks, names, n * sizeof(*names));
	if (id < 0 || id < (int64_t)json_object_array_length(x->stack_list))
		return id;
	list = json_object_new_array();
	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, json_object_new_int64(names[i]));
	json_object_array_add(x->stack_list, list);
	return id;
}

#define FRAMES_MAX 4096

/*
 * With more samples or rows no browser could open the page. Those with the longest times are shown,
 * and the page says how much time the others have.
 */
#define SAMPLES_MAX 20000
#define ROWS_MAX 2000

struct picked {
	size_t index;
	double ns;
};

static int by_time(const void *a, const void *b)
{
	const struct picked *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int by_index(const void *a, const void *b)
{
	const struct picked *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

/* "leftOut": number of samples that were left out, with their time and count, by @key. */
static void left_out_add(struct json_object *o, const char *key, const struct lsp_profile *p,
			 const struct picked *left, size_t n)
{
	struct json_object *sums = json_object_new_object();
	struct lsp_profile_sample s;
	double ns = 0, count = 0;

	for (size_t i = 0; i < n; i++) {
		if (!lsp_profile_sample(p, left[i].index, &s))
			continue;
		ns += s.values[1];
		count += s.values[0];
	}
	json_object_object_add(sums, "samples", json_object_new_int64((int64_t)n));
	json_object_object_add(sums, "ns", lsp_report_json_number(round(ns)));
	json_object_object_add(sums, "count", lsp_report_json_number(count));
	json_object_object_add(o, key, sums);
}

/* All samples, the first @n_ret of which are for the page, in the order of the profile. NULL: no memory. */
static struct picked *samples_pick(const struct lsp_profile *p, size_t *n_ret, size_t *all_ret)
{
	size_t all = p ? lsp_profile_samples(p) : 0;
	struct picked *picked = malloc((all + 1) * sizeof(*picked));
	struct lsp_profile_sample s;
	size_t n = 0;

	for (size_t i = 0; picked && i < all; i++)
		if (lsp_profile_sample(p, i, &s) && !lsp_sample_given_up(&s))
			picked[n++] = (struct picked){ i, s.values[1] };
	all = n;
	*all_ret = all;
	*n_ret = all < SAMPLES_MAX ? all : SAMPLES_MAX;
	if (picked && *n_ret < all) {
		qsort(picked, all, sizeof(*picked), by_time);
		qsort(picked, *n_ret, sizeof(*picked), by_index);
	}
	return picked;
}

/* Writes the numbers of stack, lock, class and site, then time and count. */
static int sample_add(struct json_object *list, struct index *x, const struct lsp_profile *p,
		      const struct lsp_profile_sample *s, uint32_t *names)
{
	struct json_object *one = json_object_new_array();
	struct lsp_site site;
	int err = 0;

	lsp_site_find(p, s, &site);
	const int64_t ids[4] = {
		stack_index(x, p, s, names, FRAMES_MAX),
		text_index(&x->locks, lsp_sample_text(s, "lock")),
		text_index(&x->syncs, lsp_sample_text(s, "sync")),
		text_index(&x->names, site.function),
	};

	for (int k = 0; k < 4; k++) {
		err = ids[k] < 0 ? (int)ids[k] : err;
		json_object_array_add(one, json_object_new_int64(ids[k]));
	}
	json_object_array_add(one, lsp_report_json_number(round(s->values[1])));
	json_object_array_add(one, lsp_report_json_number(s->values[0]));
	json_object_array_add(list, one);
	return err;
}

static int samples_add(struct json_object *o, const char *key, struct index *x,
		       const struct lsp_profile *p, struct json_object *left_out)
{
	struct json_object *list = json_object_new_array();
	uint32_t *names = malloc(FRAMES_MAX * sizeof(*names));
	struct lsp_profile_sample s;
	size_t n, all;
	struct picked *picked = samples_pick(p, &n, &all);
	int err = names && picked ? 0 : -ENOMEM;

	json_object_object_add(o, key, list);
	for (size_t i = 0; !err && i < n; i++)
		if (lsp_profile_sample(p, picked[i].index, &s))
			err = sample_add(list, x, p, &s, names);
	if (!err)
		left_out_add(left_out, key, p, picked + n, all - n);
	free(names);
	free(picked);
	return err;
}

static void names_add(struct json_object *o, const char *key, const struct lsp_intern *t)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < t->count; i++)
		json_object_array_add(list, json_object_new_string(lsp_intern_get(t, i, NULL)));
	json_object_object_add(o, key, list);
}

static int flames_add(struct json_object *o, const struct lsp_recording *r)
{
	struct index x = { .stack_list = json_object_new_array() };
	struct json_object *left_out = json_object_new_object();
	int err;

	lsp_intern_init(&x.names);
	lsp_intern_init(&x.stacks);
	lsp_intern_init(&x.locks);
	lsp_intern_init(&x.syncs);
	json_object_object_add(o, "stacks", x.stack_list);
	json_object_object_add(o, "leftOut", left_out);
	err = samples_add(o, "waiters", &x, r->parts[LSP_PART_BLOCK], left_out);
	if (!err)
		err = samples_add(o, "releasers", &x, r->parts[LSP_PART_MUTEX], left_out);
	names_add(o, "names", &x.names);
	names_add(o, "lockNames", &x.locks);
	names_add(o, "syncNames", &x.syncs);
	lsp_intern_uninit(&x.names);
	lsp_intern_uninit(&x.stacks);
	lsp_intern_uninit(&x.locks);
	lsp_intern_uninit(&x.syncs);
	return err;
}

/* ---- the rest ---- */

static void recordings_add(struct json_object *o, const struct lsp_facts *f)
{
	struct json_object *list = json_object_new_array(), *one, *command;

	for (size_t i = 0; i < f->n; i++) {
		one = json_object_new_object();
		command = NULL;
		json_object_object_get_ex(lsp_facts_record(f, i), "command", &command);
		json_object_object_add(one, "begun", json_object_new_string(lsp_facts_text(f, i, "begun")));
		json_object_object_add(one, "kernel", json_object_new_string(lsp_facts_text(f, i, "kernel")));
		json_object_object_add(one, "command", json_object_is_type(command, json_type_array) ?
				       json_object_get(command) : json_object_new_array());
		json_object_array_add(list, one);
	}
	json_object_object_add(o, "recordings", list);
}

static int shapes_add(struct json_object *o, const struct lsp_recording *r)
{
	struct json_object *list = json_object_new_array();
	struct lsp_shapes shapes;
	int err = lsp_shapes_create(r, &shapes);

	json_object_object_add(o, "shapes", list);
	for (size_t i = 0; !err && i < shapes.n; i++) {
		char *text = NULL;
		size_t bytes;
		FILE *f = open_memstream(&text, &bytes);

		if (!f) {
			err = -ENOMEM;
			break;
		}
		lsp_words_name(f, shapes.shapes[i].lock);
		fputs(": ", f);
		lsp_shape_write(f, &shapes.shapes[i], &(struct lsp_words_layout){ .wide = true });
		fclose(f);
		json_object_array_add(list, json_object_new_string(text ? text : ""));
		free(text);
	}
	if (!err)
		lsp_shapes_destroy(&shapes);
	return err;
}

static size_t rows_shown(const struct lsp_table *t)
{
	return t->shown < ROWS_MAX ? t->shown : ROWS_MAX;
}

static void rows_left_out(struct json_object *o, const char *key, const struct lsp_table *t)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)(t->shown - rows_shown(t))));
}

static int tables_add(struct json_object *o, const struct lsp_recording *r)
{
	struct json_object *report, *rows = NULL;
	struct lsp_table t;
	int err = lsp_table_create(r, LSP_BY_SITE, false, &t);

	if (err)
		return err;
	json_object_object_add(o, "report", lsp_report_json(r, &t, rows_shown(&t)));
	rows_left_out(o, "sitesLeftOut", &t);
	lsp_table_destroy(&t);
	err = lsp_table_create(r, LSP_BY_LOCK, false, &t);
	if (err)
		return err;
	report = lsp_report_json(r, &t, rows_shown(&t));
	rows_left_out(o, "locksLeftOut", &t);
	json_object_object_get_ex(report, "rows", &rows);
	json_object_object_add(o, "locks", json_object_get(rows));
	json_object_put(report);
	lsp_table_destroy(&t);
	return 0;
}

void lsp_page_json(FILE *to, const char *json)
{
	for (; *json; json++)
		if (*json == '<' || *json == '>' || *json == '&')
			fprintf(to, "\\u%04x", *json);
		else
			putc(*json, to);
}

static void file_write(FILE *to, const struct lsp_page_file *f)
{
	fwrite(f->start, 1, (size_t)(f->end - f->start), to);
}

/*
 * Writes the page's frame, with texts put in for each @{}. The frame is ours, so each name in it is
 * known.
 */
static void frame_write(FILE *to, const char *json)
{
	const struct lsp_page_file *page = lsp_page_file("page.html", strlen("page.html")), *file;
	const char *at = page->start, *mark, *close;

	while ((mark = memmem(at, (size_t)(page->end - at), "@{", 2))) {
		fwrite(at, 1, (size_t)(mark - at), to);
		mark += 2;
		close = memchr(mark, '}', (size_t)(page->end - mark));
		file = lsp_page_file(mark, (size_t)(close - mark));
		if (file)
			file_write(to, file);
		else
			lsp_page_json(to, json);
		at = close + 1;
	}
	fwrite(at, 1, (size_t)(page->end - at), to);
}

int lsp_report_page(FILE *to, const struct lsp_recording *r)
{
	struct json_object *o = json_object_new_object();
	int err = o ? tables_add(o, r) : -ENOMEM;

	if (!err)
		err = shapes_add(o, r);
	if (!err)
		err = flames_add(o, r);
	if (!err) {
		recordings_add(o, &r->facts);
		frame_write(to, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	json_object_put(o);
	return err;
}
