// SPDX-License-Identifier: GPL-2.0-only
/* The part of record.json that says where the time of all threads went. */
#include "record_time.h"

#include <stdlib.h>
#include <string.h>

#include "../results/why.h"
#include "json.h"

static int by_ns(const void *a, const void *b)
{
	const struct lsp_why_sum *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return x->what < y->what ? -1 : x->what > y->what;
}

void lsp_record_time_add(struct json_object *o, const struct lsp_collector *c)
{
	const struct lsp_why *times = lsp_collector_times(c);
	struct lsp_why_sum *sorted = times ? malloc(times->n * sizeof(*sorted)) : NULL;
	struct json_object *list, *one;
	char text[1024];

	if (!sorted)
		return;
	memcpy(sorted, times->sums, times->n * sizeof(*sorted));
	qsort(sorted, times->n, sizeof(*sorted), by_ns);
	list = json_object_new_array();
	for (size_t i = 0; i < times->n; i++) {
		one = json_object_new_object();
		lsp_json_string(one, "what", lsp_why_cause(c, sorted[i].what, text, sizeof(text)));
		lsp_json_u64(one, "ns", sorted[i].ns);
		json_object_array_add(list, one);
	}
	json_object_object_add(o, "thread_time", list);
	free(sorted);
}
