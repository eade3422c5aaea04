// SPDX-License-Identifier: GPL-2.0-only
#include "shape_words.h"

#include <json-c/json.h>
#include <math.h>
#include <string.h>

#include "json.h"
#include "words.h"

static double value(const struct lsp_shape *s, const char *name)
{
	for (int i = 0; i < LSP_SHAPE_NUMBERS && s->numbers[i].name; i++)
		if (!strcmp(s->numbers[i].name, name))
			return s->numbers[i].value;
	return 0;
}

static void ns_write(FILE *to, const struct lsp_shape *s, const char *name)
{
	char text[LSP_WORD];

	fputs(lsp_words_ns(text, value(s, name)), to);
}

static void site_write(FILE *to, const struct lsp_shape *s, const struct lsp_words_layout *layout)
{
	lsp_words_function(to, s->site && *s->site ? s->site : "(not known)", layout);
}

static void short_write(FILE *to, const char *name)
{
	lsp_words_function(to, name, &(struct lsp_words_layout){ .wide = false });
}

static void cause_write(FILE *to, const struct lsp_shape *s, const struct lsp_words_layout *layout)
{
	fprintf(to, "for %.0f%% of the blame its holder was ", 100 * value(s, "cause_share"));
	lsp_cause_write(to, s->cause, layout->wide ? lsp_words_name : short_write);
}

static void because(FILE *to, const struct lsp_shape *s, const struct lsp_words_layout *layout)
{
	cause_write(to, s, layout);
	fprintf(to, "; %.1f threads wait for it on average, and one waiter waits ", value(s, "waiting"));
	ns_write(to, s, "hold_per_waiter_ns");
	fputs(" for each release; most of the blame has ", to);
	site_write(to, s, layout);
}

static void slow_holder(FILE *to, const struct lsp_shape *s, const struct lsp_words_layout *layout)
{
	site_write(to, s, layout);
	fprintf(to, " has %.0f%% of the blame, with %.0f%% of the releases: one waiter waits ",
		100 * value(s, "hold_share"), 100 * value(s, "release_share"));
	ns_write(to, s, "hold_per_waiter_ns");
	fputs(" for each of them", to);
	if (value(s, "others_hold_per_waiter_ns") > 0) {
		fputs(", and ", to);
		ns_write(to, s, "others_hold_per_waiter_ns");
		fputs(" for each of the others", to);
	}
	if (s->cause) {
		fputs("; ", to);
		cause_write(to, s, layout);
	}
}

/* The thread that begins to wait is itself counted in the queue. */
static double others_found(const struct lsp_shape *s)
{
	return fmax(value(s, "queue") - 1, 0);
}

static void transit(FILE *to, const struct lsp_shape *s, const struct lsp_words_layout *layout)
{
	(void)layout;
	fprintf(to, "for %.0f%% of the waiting the lock was free already, and its next holder not yet running: it is held for ",
		100 * value(s, "handoff_share"));
	ns_write(to, s, "hold_per_waiter_ns");
	fputs(" at a time, and a woken thread runs after ", to);
	ns_write(to, s, "wake_to_run_ns");
	fprintf(to, "; a thread that begins to wait finds %.1f others waiting, on average", others_found(s));
}

static void herd(FILE *to, const struct lsp_shape *s, const struct lsp_words_layout *layout)
{
	fputs("threads come to wait all at once, most of them in ", to);
	site_write(to, s, layout);
	fprintf(to, ": each finds %.1f others waiting, while over the whole recording %.1f wait on average; "
		"%.0f%% of the waits began just after a wake-up that was for nothing", others_found(s),
		value(s, "waiting"), 100 * value(s, "rewait_share"));
}

static void readers(FILE *to, const struct lsp_shape *s, const struct lsp_words_layout *layout)
{
	char a[2 * LSP_WORD];

	(void)layout;
	fprintf(to, "%s of ", lsp_words_counted(a, value(s, "reader_waits"), "reader wait"));
	ns_write(to, s, "reader_wait_ns");
	fprintf(to, " each, and %s of ", lsp_words_counted(a, value(s, "writer_waits"), "writer wait"));
	ns_write(to, s, "writer_wait_ns");
}

static void queue_between(FILE *to, const struct lsp_shape *s, const struct lsp_words_layout *layout)
{
	char a[2 * LSP_WORD];

	site_write(to, s, layout);
	fprintf(to, " waits %s: %s of ", s->kind == LSP_SHAPE_BACK_PRESSURE ?
		"to hand something on" : "for something to do",
		lsp_words_counted(a, value(s, "waits"), "wait"));
	ns_write(to, s, "wait_ns");
	fprintf(to, " each; %.2f threads wait on average (which way things flow is read from names)",
		value(s, "waiting"));
}

static void crowded(FILE *to, const struct lsp_shape *s, const struct lsp_words_layout *layout)
{
	fprintf(to, "%.1f threads wait for it on average, and no function holds it for much longer than others do: "
		"one waiter waits ", value(s, "waiting"));
	ns_write(to, s, "hold_per_waiter_ns");
	fputs(" for each release, on average; ", to);
	site_write(to, s, layout);
	fprintf(to, " has %.0f%% of the blame", 100 * value(s, "hold_share"));
}

void lsp_shape_write(FILE *to, const struct lsp_shape *s, const struct lsp_words_layout *layout)
{
	static void (*const write[LSP_SHAPE_COUNT])(FILE *to, const struct lsp_shape *s, const struct lsp_words_layout *layout) = {
		slow_holder, transit, transit, herd, readers, queue_between, queue_between,
		because, because, because, because, crowded,
	};

	fprintf(to, "%s: ", lsp_shape_names[s->kind]);
	write[s->kind](to, s, layout);
}

void lsp_shapes_text(FILE *to, const struct lsp_shapes *s, const struct lsp_words_layout *layout)
{
	if (s->several)
		fputs("\nwhat it looks like is said of one program only, not of several added up\n", to);
	for (size_t i = 0; i < s->n; i++) {
		fputs(i ? "" : "\nwhat it looks like\n", to);
		fputs("  ", to);
		lsp_words_function(to, s->shapes[i].lock, layout);
		fputs(": ", to);
		lsp_shape_write(to, &s->shapes[i], layout);
		putc('\n', to);
	}
}

struct json_object *lsp_shapes_json(const struct lsp_shapes *s)
{
	struct json_object *list = s->judged ? json_object_new_array() : NULL;

	for (size_t i = 0; i < s->n; i++) {
		const struct lsp_shape *shape = &s->shapes[i];
		struct json_object *o = json_object_new_object(), *numbers = json_object_new_object();

		json_object_object_add(o, "shape", json_object_new_string(lsp_shape_names[shape->kind]));
		json_object_object_add(o, "lock", json_object_new_string(shape->lock));
		if (shape->site)
			json_object_object_add(o, "site", json_object_new_string(shape->site));
		if (shape->cause)
			json_object_object_add(o, "cause", json_object_new_string(shape->cause));
		for (int k = 0; k < LSP_SHAPE_NUMBERS && shape->numbers[k].name; k++)
			json_object_object_add(numbers, shape->numbers[k].name,
					       lsp_report_json_number(shape->numbers[k].value));
		json_object_object_add(o, "numbers", numbers);
		json_object_array_add(list, o);
	}
	return list;
}
