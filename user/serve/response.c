// SPDX-License-Identifier: GPL-2.0-only
#include "response.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/plural.h"
#include "metrics.h"

#define PLAIN "text/plain; charset=utf-8"

void lsp_serve_response_uninit(struct lsp_serve_response *r)
{
	free(r->body);
	r->body = NULL;
}

static void begin(struct lsp_serve_response *r, unsigned int status, const char *type)
{
	*r = (struct lsp_serve_response){ .status = status, .type = type };
}

/* Takes what was written to @to. The answer is a 500 if some of it found no memory. */
static void text_end(struct lsp_serve_response *r, FILE *to, char **text, size_t *bytes)
{
	bool bad = !to || ferror(to);

	if (to && fclose(to))
		bad = true;
	if (bad) {
		free(*text);
		begin(r, 500, PLAIN);
		r->go_error = true;
		return;
	}
	r->body = *text;
	r->bytes = *bytes;
}

void lsp_serve_error(struct lsp_serve_response *ret, unsigned int status, const char *text)
{
	char *line = NULL;
	int n = asprintf(&line, "%s\n", text);

	begin(ret, status, PLAIN);
	ret->go_error = true;
	ret->body = n < 0 ? NULL : line;
	ret->bytes = n < 0 ? 0 : (size_t)n;
}

void lsp_serve_redirect(struct lsp_serve_response *ret, const char *location)
{
	begin(ret, 301, PLAIN);
	ret->location = location;
}

void lsp_serve_cmdline(struct lsp_serve_response *ret, char *const *words)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&text, &bytes);

	begin(ret, 200, PLAIN);
	for (size_t i = 0; to && words[i]; i++) {
		if (i)
			fputc('\0', to);
		fputs(words[i], to);
	}
	text_end(ret, to, &text, &bytes);
}

void lsp_serve_metrics(struct lsp_serve_response *ret, int (*write)(void *arg, FILE *to), void *arg)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&text, &bytes);
	int err = to ? write(arg, to) : 0;

	begin(ret, 200, LSP_METRICS_TYPE);
	text_end(ret, to, &text, &bytes);
	if (!err)
		return;
	lsp_serve_response_uninit(ret);
	lsp_serve_error(ret, 503, "the module does not answer");
}

void lsp_serve_profile(struct lsp_serve_response *ret, const struct lsp_profile *p,
		       enum lsp_serve_kind kind, bool delta)
{
	begin(ret, 200, "application/octet-stream");
	snprintf(ret->disposition, sizeof(ret->disposition), "attachment; filename=\"%s%s\"",
		 lsp_serve_kind_name(kind), delta ? "-delta" : "");
	if (lsp_profile_write_mem(p, &ret->body, &ret->bytes))
		lsp_serve_error(ret, 500, "the profile could not be built");
}

static void index_row(FILE *to, enum lsp_serve_kind kind, size_t samples, const char *words)
{
	const char *name = lsp_serve_kind_name(kind);

	fprintf(to, "<tr><td>%zu</td><td><a href=\"%s?debug=1\">%s</a></td><td>%s</td></tr>\n",
		samples, name, name, words);
}

void lsp_serve_index(struct lsp_serve_response *ret, const struct lsp_serve_numbers *n)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&text, &bytes);

	begin(ret, 200, "text/html; charset=utf-8");
	if (to) {
		fputs("<!DOCTYPE html>\n<html><head><title>/debug/pprof/</title></head><body>\n"
		      "<h1>/debug/pprof/</h1>\n<table>\n"
		      "<tr><th>Count</th><th>Profile</th><th>What it shows</th></tr>\n", to);
		index_row(to, LSP_SERVE_BLOCK, n->samples[LSP_SERVE_BLOCK],
			  "stacks of threads that waited, and how long");
		index_row(to, LSP_SERVE_MUTEX, n->samples[LSP_SERVE_MUTEX],
			  "stacks that released contended locks, and how long others had waited");
		fputs("<tr><td></td><td><a href=\"cmdline\">cmdline</a></td>"
		      "<td>the command line of the server</td></tr>\n"
		      "<tr><td></td><td><a href=\"/metrics\">metrics</a></td>"
		      "<td>totals and the locks with most waiting, for Prometheus</td></tr>\n</table>\n", to);
		fprintf(to, "<p>%" PRIu64 " wait%s and %" PRIu64 " release%s kept, %" PRIu64
			" record%s lost, in %.0f s; session %s.</p>\n",
			n->waits, lsp_plural(n->waits, "s"), n->releases, lsp_plural(n->releases, "s"),
			n->lost, lsp_plural(n->lost, "s"), n->seconds, n->session);
		fputs("<p>Counters grow since the beginning of the session. "
		      "<code>?seconds=N</code> gives what N seconds add, "
		      "<code>?debug=1</code> text.</p>\n</body></html>\n", to);
	}
	text_end(ret, to, &text, &bytes);
}

/* ---- the old text format ---- */

struct line {
	struct lsp_profile_sample sample;
	double delay_ns;
};

static int lines_compare(const void *left, const void *right)
{
	double a = ((const struct line *)left)->delay_ns, b = ((const struct line *)right)->delay_ns;

	return (a < b) - (a > b);
}

/* A reader of this format expects return addresses, as they lie on a stack. */
static void sample_print(FILE *to, const struct lsp_profile *p, const struct line *line)
{
	const struct lsp_profile_sample *s = &line->sample;
	double count = s->values[0] < 1 ? 1 : s->values[0];
	struct lsp_profile_location l;

	fprintf(to, "%.0f %.0f @", s->values[1], count);
	for (size_t i = 0; i < s->nlocations; i++)
		if (lsp_profile_location(p, s->locations[i], &l))
			fprintf(to, " 0x%" PRIx64, l.address + 1);
	fputc('\n', to);
	for (size_t i = 0; i < s->nlabels; i++)
		if (s->labels[i].str)
			fprintf(to, "#\t%s=%s\n", s->labels[i].key, s->labels[i].str);
	for (size_t i = 0; i < s->nlocations; i++) {
		if (!lsp_profile_location(p, s->locations[i], &l))
			continue;
		for (size_t k = 0; k < l.nlines; k++)
			fprintf(to, "#\t0x%" PRIx64 "\t%s\t%s:%" PRId64 "\n", l.address + 1,
				l.lines[k].function, l.lines[k].file, l.lines[k].line);
	}
	fputc('\n', to);
}

static void map_print(FILE *to, const struct lsp_profile *p)
{
	struct lsp_profile_mapping m;

	fputs("--- Memory map: ---\n", to);
	for (uint64_t id = 1; lsp_profile_mapping(p, id, &m); id++)
		fprintf(to, "%" PRIx64 "-%" PRIx64 " r-xp %08" PRIx64 " 00:00 0 %s\n", m.start,
			m.limit, m.offset, m.filename);
}

void lsp_serve_text(struct lsp_serve_response *ret, const struct lsp_profile *p,
		    enum lsp_serve_kind kind)
{
	size_t n = lsp_profile_samples(p), bytes = 0;
	struct line *lines = calloc(n + 1, sizeof(*lines));
	char *text = NULL;
	FILE *to = lines ? open_memstream(&text, &bytes) : NULL;

	begin(ret, 200, PLAIN);
	for (size_t i = 0; to && i < n; i++) {
		lsp_profile_sample(p, i, &lines[i].sample);
		lines[i].delay_ns = lines[i].sample.values[1];
	}
	if (to) {
		qsort(lines, n, sizeof(*lines), lines_compare);
		/* The values are already scaled, and a reader multiplies them by the period. */
		fprintf(to, "--- %s:\ncycles/second=1000000000\nsampling period=1\n",
			kind == LSP_SERVE_MUTEX ? "mutex" : "contention");
		for (size_t i = 0; i < n; i++)
			sample_print(to, p, &lines[i]);
		map_print(to, p);
	}
	free(lines);
	text_end(ret, to, &text, &bytes);
}
