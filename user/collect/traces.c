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

/* Lines follow from object and pc, so they are not compared. */
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

int lsp_trace_spanfile(const struct lsp_trace *trace, uint32_t number,
		       struct lsp_spanfile_writer *w)
{
	struct lsp_spanfile_frame *frames;
	struct lsp_spanfile_line *lines;
	size_t nlines = 0;
	int err;

	for (size_t i = 0; i < trace->nframes; i++)
		nlines += trace->frames[i].nlines;
	frames = calloc(trace->nframes + 1, sizeof(*frames));
	lines = calloc(nlines + 1, sizeof(*lines));
	if (!frames || !lines) {
		err = -ENOMEM;
		goto out;
	}
	for (size_t i = 0, at = 0; i < trace->nframes; i++) {
		const struct lsp_frame *from = &trace->frames[i];

		frames[i].pc = from->pc;
		if (from->object) {
			frames[i].object = from->object->path;
			frames[i].build_id = from->object->build_id;
			frames[i].offset = from->pc - from->object->start + from->object->offset;
		}
		frames[i].lines = &lines[at];
		frames[i].nlines = from->nlines;
		for (size_t k = 0; k < from->nlines; k++, at++)
			lines[at] = (struct lsp_spanfile_line){
				.function = from->lines[k].function,
				.file = from->lines[k].file, .line = from->lines[k].line,
			};
	}
	err = lsp_spanfile_add_trace(w, &(struct lsp_spanfile_trace){
		.number = number, .end = lsp_end_name(trace->end),
		.sync = lsp_sync_name(trace->sync), .frames = frames, .nframes = trace->nframes,
	});
out:
	free(lines);
	free(frames);
	return err;
}

const char *lsp_trace_site(const struct lsp_trace *trace)
{
	if (!trace->nframes || trace->site)
		return trace->site;
	/* The first line is the library's public function, or the program's own that calls the kernel. */
	if (trace->frames[0].nlines > 1)
		return trace->frames[0].lines[1].function;
	return trace->frames[trace->nframes > 1 ? 1 : 0].lines[0].function;
}
