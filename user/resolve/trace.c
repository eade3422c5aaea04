// SPDX-License-Identifier: GPL-2.0-only
#include "trace.h"

#include <stdlib.h>

static const char *const end_names[] = {
#define END_NAME(id, name) [LSP_END_##id] = name,
	LSP_ENDS(END_NAME)
};

const char *lsp_end_name(unsigned int end)
{
	return end < LSP_END_COUNT ? end_names[end] : "?";
}

void lsp_trace_uninit(struct lsp_trace *t)
{
	free(t->frames);
	t->frames = NULL;
	t->nframes = 0;
}
