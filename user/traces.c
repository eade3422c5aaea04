// SPDX-License-Identifier: GPL-2.0-only
#include "traces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int lsp_traces_init(struct lsp_traces *t)
{
	struct lsp_trace none = { .end = LSP_END_NONE };
	uint32_t place;

	memset(t, 0, sizeof(*t));
	return lsp_traces_put(t, 0, &none, &place);
}

void lsp_traces_uninit(struct lsp_traces *t)
{
	for (size_t i = 0; i < t->n; i++)
		lsp_trace_uninit(&t->entries[i].trace);
	free(t->entries);
	lsp_index_uninit(&t->index);
	memset(t, 0, sizeof(*t));
}

static uint64_t trace_hash(const struct lsp_trace *trace, uint32_t tgid)
{
	uint64_t h = lsp_hash(&tgid, sizeof(tgid), trace->end * LSP_SYNC_COUNT + trace->sync);

	for (size_t i = 0; i < trace->nframes; i++) {
		h = lsp_hash(&trace->frames[i].pc, sizeof(trace->frames[i].pc), h);
		h = lsp_hash(&trace->frames[i].object, sizeof(trace->frames[i].object), h);
	}
	return h;
}

/* Lines follow from object and pc, so they need no comparing. */
static bool trace_equal(const void *arg, uint32_t place, const void *key)
{
	const struct lsp_traces *t = arg;
	const struct lsp_traces_entry *a = &t->entries[place], *b = key;

	if (a->tgid != b->tgid || a->trace.nframes != b->trace.nframes ||
	    a->trace.end != b->trace.end || a->trace.sync != b->trace.sync)
		return false;
	for (size_t i = 0; i < a->trace.nframes; i++)
		if (a->trace.frames[i].pc != b->trace.frames[i].pc ||
		    a->trace.frames[i].object != b->trace.frames[i].object)
			return false;
	return true;
}

int lsp_traces_put(struct lsp_traces *t, uint32_t tgid, struct lsp_trace *trace, uint32_t *ret)
{
	struct lsp_traces_entry entry = { .trace = *trace, .tgid = tgid };
	uint64_t hash = trace_hash(trace, tgid);

	*ret = lsp_index_find(&t->index, hash, trace_equal, t, &entry);
	if (*ret != LSP_INDEX_NONE) {
		lsp_trace_uninit(trace);
		return 0;
	}
	if (lsp_array_grow(&t->entries, &t->room, t->n, sizeof(*t->entries)) ||
	    lsp_index_add(&t->index, hash, (uint32_t)t->n)) {
		lsp_trace_uninit(trace);
		return -ENOMEM;
	}
	*ret = (uint32_t)t->n;
	t->entries[t->n++] = entry;
	return 0;
}
