// SPDX-License-Identifier: GPL-2.0-only
#include "names.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"
#include "../report/site.h"

static int trace_add(struct lsp_event_names *n, const struct lsp_spanfile_trace *t)
{
	struct json_object *names = json_object_new_array();
	struct lsp_event_trace *grown;
	size_t want = (size_t)t->number + 1;

	for (size_t i = 0; names && i < t->nframes; i++)
		for (size_t k = 0; k < t->frames[i].nlines; k++)
			json_object_array_add(names,
				json_object_new_string(t->frames[i].lines[k].function));
	if (want > n->ntraces) {
		grown = realloc(n->traces, want * sizeof(*grown));
		if (!grown) {
			json_object_put(names);
			return -ENOMEM;
		}
		memset(grown + n->ntraces, 0, (want - n->ntraces) * sizeof(*grown));
		n->traces = grown;
		n->ntraces = want;
	}
	free(n->traces[t->number].site);
	n->traces[t->number].site = strdup(lsp_site_of_names(names));
	n->traces[t->number].cond = !strcmp(t->sync, "cond");
	json_object_put(names);
	return n->traces[t->number].site ? 0 : -ENOMEM;
}

static int lock_add(struct lsp_event_names *n, const struct lsp_spanfile_lock *l)
{
	char *name, *sync;

	if (lsp_array_grow(&n->locks, &n->locks_room, n->nlocks, sizeof(*n->locks)))
		return -ENOMEM;
	name = strdup(l->name);
	sync = strdup(l->sync);
	if (!name || !sync) {
		free(name);
		free(sync);
		return -ENOMEM;
	}
	n->locks[n->nlocks] = (struct lsp_event_lock){
		.key = l->key, .name = name, .sync = sync, .order = n->nlocks,
		.tgid = l->tgid, .generation = l->generation };
	n->nlocks++;
	return 0;
}

int lsp_event_names_add(struct lsp_event_names *n, const struct lsp_spanfile_entry *entry)
{
	switch (entry->kind) {
	case LSP_SPANFILE_TRACE:
		return trace_add(n, &entry->trace);
	case LSP_SPANFILE_LOCK:
		return lock_add(n, &entry->lock);
	case LSP_SPANFILE_STACK:
		if (lsp_array_grow(&n->stacks, &n->stacks_room, n->nstacks, sizeof(*n->stacks)))
			return -ENOMEM;
		n->stacks[n->nstacks++] = (struct lsp_event_stack){
			entry->stack.id, entry->stack.tgid, entry->stack.trace, entry->stack.generation };
		return 0;
	default:
		return 0;
	}
}

static int number_compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int stack_compare(const void *a, const void *b)
{
	const struct lsp_event_stack *x = a, *y = b;

	return x->tgid != y->tgid ? number_compare(x->tgid, y->tgid) : number_compare(x->id, y->id);
}

static int lock_compare(const void *a, const void *b)
{
	const struct lsp_event_lock *x = a, *y = b;

	return x->key != y->key ? number_compare(x->key, y->key) : number_compare(x->order, y->order);
}

void lsp_event_names_sort(struct lsp_event_names *n)
{
	if (n->nstacks)
		qsort(n->stacks, n->nstacks, sizeof(*n->stacks), stack_compare);
	if (n->nlocks)
		qsort(n->locks, n->nlocks, sizeof(*n->locks), lock_compare);
}

void lsp_event_names_uninit(struct lsp_event_names *n)
{
	for (size_t i = 0; i < n->ntraces; i++)
		free(n->traces[i].site);
	for (size_t i = 0; i < n->nlocks; i++) {
		free(n->locks[i].name);
		free(n->locks[i].sync);
	}
	free(n->traces);
	free(n->locks);
	free(n->stacks);
	memset(n, 0, sizeof(*n));
}

static const struct lsp_event_stack *stack_of(const struct lsp_event_names *n, uint32_t tgid, uint64_t stack)
{
	struct lsp_event_stack key = { .id = stack, .tgid = tgid };

	return n->nstacks ? bsearch(&key, n->stacks, n->nstacks, sizeof(key), stack_compare) : NULL;
}

const struct lsp_event_trace *lsp_event_names_trace(const struct lsp_event_names *n, uint32_t tgid, uint64_t stack)
{
	const struct lsp_event_stack *s = stack_of(n, tgid, stack);

	return s && s->trace < n->ntraces && n->traces[s->trace].site ? &n->traces[s->trace] : NULL;
}

/* Returns the place of the first name of @key or of a greater key. */
static size_t lock_first(const struct lsp_event_names *n, uint64_t key)
{
	size_t lo = 0, hi = n->nlocks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (n->locks[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct lsp_event_lock *lsp_event_names_lock(const struct lsp_event_names *n, uint64_t key, uint32_t tgid,
						  uint64_t stack)
{
	const struct lsp_event_stack *s = stack_of(n, tgid, stack);
	size_t first = lock_first(n, key);

	for (size_t i = first; s && i < n->nlocks && n->locks[i].key == key; i++)
		if (n->locks[i].tgid == tgid && n->locks[i].generation == s->generation)
			return &n->locks[i];
	return first < n->nlocks && n->locks[first].key == key ? &n->locks[first] : NULL;
}
