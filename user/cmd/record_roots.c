// SPDX-License-Identifier: GPL-2.0-only
#include "record_roots.h"

#include <errno.h>
#include <stdlib.h>

#include "../collect/reading.h"
#include "json.h"

/* Roots that are listed, those with most blame. The last row has the sum of the others. */
#define ROOTS_MAX 1000

struct list {
	struct lsp_root *roots;
	size_t n;
	size_t room;
};

static int root_take(void *arg, const struct lsp_root *root)
{
	struct list *l = arg;

	if (lsp_array_grow(&l->roots, &l->room, l->n, sizeof(*l->roots)))
		return -ENOMEM;
	l->roots[l->n++] = *root;
	return 0;
}

static int root_compare(const void *a, const void *b)
{
	const struct lsp_root *x = a, *y = b;

	return x->ns > y->ns ? -1 : x->ns < y->ns;
}

static struct json_object *root_new(const struct lsp_root *root)
{
	struct json_object *o = json_object_new_object();

	lsp_json_string(o, "site", root->site);
	lsp_json_string(o, "lock", root->lock);
	lsp_json_u64(o, "root_ns", root->ns);
	if (root->trace)
		json_object_object_add(o, "stack", lsp_json_new_stack(root->trace));
	return o;
}

/* What the module has lost the collector cannot know. */
static bool events_lost(const struct lsp_client_report *end)
{
	static const enum lockspan_counter lost[] = {
		LOCKSPAN_C_LOST_SPAN_RING, LOCKSPAN_C_LOST_RELEASE_RING, LOCKSPAN_C_LOST_NOSLEEP_RING,
		LOCKSPAN_C_LOST_TASK_TABLE, LOCKSPAN_C_LOST_KEY_TABLE, LOCKSPAN_C_LOST_SEND,
	};

	for (size_t i = 0; end && i < sizeof(lost) / sizeof(lost[0]); i++)
		if (end->counters[lost[i]])
			return true;
	return !end;
}

int lsp_record_roots_add(struct json_object *o, const struct lsp_record_result *r)
{
	const char *missing = lsp_collector_roots_missing(r->collector);
	struct json_object *list = json_object_new_array();
	struct lsp_root others = { .site = "[others]", .lock = "" };
	struct list l = { 0 };
	int err = 0;

	if (!missing && events_lost(r->end))
		missing = "events were lost";
	json_object_object_add(o, "roots", list);
	if (missing)
		lsp_json_string(o, "roots_missing", missing);
	else
		err = lsp_collector_roots(r->collector, root_take, &l);
	if (l.n)
		qsort(l.roots, l.n, sizeof(*l.roots), root_compare);
	for (size_t i = 0; i < l.n; i++)
		if (i < ROOTS_MAX)
			json_object_array_add(list, root_new(&l.roots[i]));
		else
			others.ns += l.roots[i].ns;
	if (others.ns)
		json_object_array_add(list, root_new(&others));
	free(l.roots);
	return err;
}
