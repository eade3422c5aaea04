// SPDX-License-Identifier: GPL-2.0-only
#include "metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../profile/utf8.h"

void lsp_metrics_begin(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A quote, a backslash and a line's end would end the value or the line. */
static void label_put(FILE *to, const struct lsp_metrics_label *label)
{
	char *clean = lsp_utf8_clean(label->value, strlen(label->value));

	fprintf(to, "%s=\"", label->key);
	for (const char *c = clean ? clean : ""; *c; c++) {
		if (*c == '"' || *c == '\\')
			putc('\\', to);
		if (*c == '\n')
			fputs("\\n", to);
		else
			putc(*c, to);
	}
	putc('"', to);
	free(clean);
}

static void name_put(FILE *to, const char *name, const struct lsp_metrics_label labels[2])
{
	fputs(name, to);
	for (size_t i = 0; labels && i < 2 && labels[i].key; i++) {
		putc(i ? ',' : '{', to);
		label_put(to, &labels[i]);
	}
	if (labels && labels[0].key)
		putc('}', to);
}

void lsp_metrics_number(FILE *to, const char *name, const struct lsp_metrics_label labels[2], uint64_t value)
{
	name_put(to, name, labels);
	fprintf(to, " %" PRIu64 "\n", value);
}

void lsp_metrics_seconds(FILE *to, const char *name, const struct lsp_metrics_label labels[2], uint64_t ns)
{
	name_put(to, name, labels);
	fprintf(to, " %" PRIu64 ".%09" PRIu64 "\n", ns / 1000000000, ns % 1000000000);
}
