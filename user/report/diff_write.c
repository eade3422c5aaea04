// SPDX-License-Identifier: GPL-2.0-only
/* A comparison as text and as JSON. */
#include <json-c/json.h>
#include <math.h>

#include "bounds.h"
#include "diff.h"
#include "json.h"
#include "words.h"

#define FORMAT 1

static const char *const per_names[] = {
	[LSP_PER_RUN] = "run", [LSP_PER_SECOND] = "second", [LSP_PER_OPERATION] = "operation",
};

/* ---- text ---- */

/* "+1.20ms", "-7s", "0" */
static const char *signed_ns(char to[LSP_WORD], double ns)
{
	char plain[LSP_WORD];

	snprintf(to, LSP_WORD, "%s%s", ns >= 0.5 ? "+" : "", lsp_words_ns(plain, ns));
	return to;
}

/* Writes the change of @before in percent. */
static const char *percent(char to[LSP_WORD], double before, double after)
{
	if (before > 0)
		snprintf(to, LSP_WORD, "%+.1f%%", 100 * (after - before) / before);
	else
		snprintf(to, LSP_WORD, "%s", after > 0 ? "new" : "-");
	return to;
}

static void side_write(FILE *to, const struct lsp_diff_row *row, enum lsp_value v,
		       enum lsp_value count)
{
	char a[LSP_WORD], b[LSP_WORD], c[LSP_WORD], d[LSP_WORD], e[LSP_WORD];
	char f[LSP_WORD];
	double before = row->before[v], after = row->after[v];

	fprintf(to, "%9s %8s %9s->%-9s %6s->%-6s", signed_ns(a, after - before),
		percent(b, before, after), lsp_words_ns(c, before), lsp_words_ns(d, after),
		lsp_words_count(e, row->before[count]), lsp_words_count(f, row->after[count]));
}

static struct lsp_bounds_met bounds_met(const struct lsp_diff *d, bool blamed)
{
	struct lsp_bounds_met met = { false, false, false };

	for (size_t i = 0; i < d->n && (blamed ? d->mutex : d->block); i++)
		lsp_bounds_meet(&met, blamed ? &d->rows[i].blamed : &d->rows[i].waited);
	return met;
}

static void row_write(FILE *to, const struct lsp_diff *d, const struct lsp_diff_row *row,
		      const bool bounds[2])
{
	static const struct lsp_bounds none = { .trust = LSP_TRUST_EXACT };
	bool total = row == &d->total;
	char interval[2 * LSP_WORD];

	if (d->block)
		side_write(to, row, LSP_V_WAITED, LSP_V_WAITS);
	if (d->block && bounds[0])
		fprintf(to, " %19s", lsp_words_bounds(interval, total ? &none : &row->waited));
	fputs(d->block && d->mutex ? " | " : "", to);
	if (d->mutex)
		side_write(to, row, LSP_V_BLAMED, LSP_V_RELEASES);
	if (d->mutex && bounds[1])
		fprintf(to, " %19s", lsp_words_bounds(interval, total ? &none : &row->blamed));
	fputs(" | ", to);
	lsp_words_name(to, *row->name ? row->name : "(not known)");
	putc('\n', to);
}

void lsp_diff_text(FILE *to, const struct lsp_diff *d, size_t top)
{
	const struct lsp_bounds_met met[2] = { bounds_met(d, false), bounds_met(d, true) };
	const bool bounds[2] = { met[0].shown, met[1].shown };
	char more[2 * LSP_WORD], least[LSP_WORD];

	if (d->base_min_ns != d->new_min_ns) {
		fprintf(to, "BASE leaves out waits below %s", lsp_words_ns(least, d->base_min_ns));
		fprintf(to, ", NEW those below %s (--min-delay): what lies between looks like a change\n",
			lsp_words_ns(least, d->new_min_ns));
	}
	if (d->per == LSP_PER_SECOND)
		fprintf(to, "per second: BASE was recorded for %.3g s, NEW for %.3g s\n",
			d->base_divisor, d->new_divisor);
	else if (d->per == LSP_PER_OPERATION)
		fprintf(to, "per operation: BASE made %.0f, NEW %.0f\n", d->base_divisor,
			d->new_divisor);
	if (d->block)
		fprintf(to, "%9s %8s %20s %14s", "waited", "", "", "waits");
	if (d->block && bounds[0])
		fprintf(to, " %19s", "95%");
	fputs(d->block && d->mutex ? " | " : "", to);
	if (d->mutex)
		fprintf(to, "%9s %8s %20s %14s", "blamed", "", "", "releases");
	if (d->mutex && bounds[1])
		fprintf(to, " %19s", "95%");
	fprintf(to, " | %s\n", lsp_by_names[d->base.by]);
	row_write(to, d, &d->total, bounds);
	for (size_t i = 0; i < d->n && i < top; i++)
		row_write(to, d, &d->rows[i], bounds);
	if (d->n > top)
		fprintf(to, "%s (--top)\n", lsp_words_counted(more, (double)(d->n - top), "more row"));
	lsp_words_bounds_note(to, &(struct lsp_bounds_met){
		bounds[0] || bounds[1], met[0].too_few || met[1].too_few,
		met[0].unknown || met[1].unknown });
}

/* ---- JSON ---- */

static void number_add(struct json_object *o, const char *key, double value)
{
	json_object_object_add(o, key, lsp_report_json_number(value));
}

static void pair_add(struct json_object *o, const char *key, const struct lsp_diff_row *row,
		     enum lsp_value v)
{
	struct json_object *pair = json_object_new_object();

	number_add(pair, "base", row->before[v]);
	number_add(pair, "new", row->after[v]);
	number_add(pair, "delta", row->after[v] - row->before[v]);
	json_object_object_add(o, key, pair);
}

static struct json_object *row_new(const struct lsp_diff *d, const struct lsp_diff_row *row)
{
	struct json_object *o = json_object_new_object(), *side;
	bool total = row == &d->total;

	if (!total)
		json_object_object_add(o, lsp_by_names[d->base.by], json_object_new_string(row->name));
	if (d->block) {
		side = json_object_new_object();
		pair_add(side, "contentions", row, LSP_V_WAITS);
		pair_add(side, "delay_ns", row, LSP_V_WAITED);
		if (d->ext)
			pair_add(side, "sched_delay_ns", row, LSP_V_LATE);
		if (!total)
			lsp_report_json_bounds(side, &row->waited);
		json_object_object_add(o, "block", side);
	}
	if (d->mutex) {
		side = json_object_new_object();
		pair_add(side, "contentions", row, LSP_V_RELEASES);
		pair_add(side, "delay_ns", row, LSP_V_BLAMED);
		if (!total)
			lsp_report_json_bounds(side, &row->blamed);
		json_object_object_add(o, "mutex", side);
	}
	if (d->ext && (total || d->base.by == LSP_BY_LOCK))
		pair_add(o, "handoff_ns", row, LSP_V_HANDOFF);
	return o;
}

struct json_object *lsp_diff_json(const struct lsp_diff *d, size_t top)
{
	struct json_object *o = json_object_new_object(), *rows = json_object_new_array();

	number_add(o, "format", FORMAT);
	json_object_object_add(o, "by", json_object_new_string(lsp_by_names[d->base.by]));
	json_object_object_add(o, "per", json_object_new_string(per_names[d->per]));
	number_add(o, "base_divisor", d->base_divisor);
	number_add(o, "new_divisor", d->new_divisor);
	number_add(o, "base_min_delay_ns", d->base_min_ns);
	number_add(o, "new_min_delay_ns", d->new_min_ns);
	json_object_object_add(o, "total", row_new(d, &d->total));
	for (size_t i = 0; i < d->n && i < top; i++)
		json_object_array_add(rows, row_new(d, &d->rows[i]));
	json_object_object_add(o, "rows", rows);
	number_add(o, "rows_left_out", d->n > top ? (double)(d->n - top) : 0);
	return o;
}
