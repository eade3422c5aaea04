// SPDX-License-Identifier: GPL-2.0-only
#include "folded.h"

#include <math.h>

static void name_put(FILE *to, const char *name)
{
	for (; *name; name++)
		putc(*name == ';' ? ':' : *name == '\n' || *name == '\r' ? ' ' : *name, to);
}

void lsp_export_folded(FILE *to, const struct lsp_export_frames *f, const struct lsp_export_stacks *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		struct lsp_export_stack stack = lsp_export_stack(s, i);
		double value = round(stack.value);

		if (value == 0)
			continue;
		for (size_t j = 0; j < stack.n; j++) {
			if (j)
				putc(';', to);
			name_put(to, lsp_export_frame(f, stack.frames[j])->name);
		}
		fprintf(to, " %.0f\n", value);
	}
}
