// SPDX-License-Identifier: GPL-2.0-only
#include "deadlocks.h"

#include <json-c/json.h>

#include "../site.h"
#include "../words.h"

static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(o, key, &value);
	return value;
}

static const char *text(struct json_object *o, const char *key)
{
	const char *value = json_object_get_string(get(o, key));

	return value ? value : "";
}

/* Whom --skip takes for a wrapper is known only now. */
static const char *site_of(struct json_object *thread)
{
	struct json_object *stack = get(thread, "stack");

	return json_object_is_type(stack, json_type_array) ? lsp_site_of_names(stack) : text(thread, "site");
}

struct json_object *lsp_deadlock_rows_json(const struct lsp_recording *r)
{
	struct json_object *list = json_object_new_array(), *from;

	for (size_t i = 0; (from = lsp_facts_deadlock(&r->facts, i)); i++) {
		struct json_object *o = json_object_new_object(), *threads = json_object_new_array();

		for (size_t k = 0; k < json_object_array_length(from); k++) {
			struct json_object *thread = json_object_array_get_idx(from, k), *one = json_object_new_object();

			json_object_object_add(one, "tid", json_object_get(get(thread, "tid")));
			json_object_object_add(one, "pid", json_object_get(get(thread, "pid")));
			json_object_object_add(one, "comm", json_object_new_string(text(thread, "comm")));
			json_object_object_add(one, "lock", json_object_new_string(text(thread, "lock")));
			json_object_object_add(one, "site", json_object_new_string(site_of(thread)));
			json_object_object_add(one, "stack", json_object_get(get(thread, "stack")));
			json_object_array_add(threads, one);
		}
		json_object_object_add(o, "threads", threads);
		json_object_array_add(list, o);
	}
	return list;
}

static void thread_write(FILE *to, struct json_object *thread, struct json_object *next)
{
	const char *site = site_of(thread);

	fputs("  ", to);
	lsp_words_name(to, text(thread, "comm"));
	fprintf(to, " (thread %s) waits for ", text(thread, "tid"));
	lsp_words_name(to, text(thread, "lock"));
	if (*site) {
		fputs(" in ", to);
		lsp_words_name(to, site);
	}
	fputs(", which ", to);
	lsp_words_name(to, text(next, "comm"));
	fprintf(to, " (thread %s) has\n", text(next, "tid"));
}

void lsp_deadlock_rows_text(FILE *to, const struct lsp_recording *r)
{
	struct json_object *threads;

	for (size_t i = 0; (threads = lsp_facts_deadlock(&r->facts, i)); i++) {
		size_t n = json_object_array_length(threads);

		fputs("\ndeadlock: none of these threads can go on\n", to);
		for (size_t k = 0; k < n; k++)
			thread_write(to, json_object_array_get_idx(threads, k), json_object_array_get_idx(threads, (k + 1) % n));
	}
}
