// SPDX-License-Identifier: GPL-2.0-only
#include "text.h"

#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "site.h"
#include "words.h"

/* Causes that are told of: by lock in any case, else with --why. */
#define WHY_LEAST 0.05
#define WHY_LEAST_ASKED 0.005
#define OPEN_SHOWN 10
#define OPEN_FRAMES 4

/* ---- what was recorded ---- */

static void command_write(FILE *to, struct json_object *record)
{
	struct json_object *command = NULL;

	json_object_object_get_ex(record, "command", &command);
	if (!json_object_is_type(command, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(command); i++) {
		const char *word = json_object_get_string(json_object_array_get_idx(command, i));

		putc(' ', to);
		lsp_words_name(to, word ? word : "");
	}
}

/* Writes what was recorded beside a command, or instead of one. */
static void processes_write(FILE *to, struct json_object *record)
{
	struct json_object *pids = NULL, *commands = NULL, *value = NULL;
	const char *text;

	json_object_object_get_ex(record, "pids", &pids);
	json_object_object_get_ex(record, "pid_commands", &commands);
	for (size_t i = 0; json_object_is_type(pids, json_type_array) && i < json_object_array_length(pids); i++) {
		fprintf(to, "%s process %lld", i ? "," : "",
			(long long)json_object_get_int64(json_object_array_get_idx(pids, i)));
		text = json_object_is_type(commands, json_type_array) ?
			json_object_get_string(json_object_array_get_idx(commands, i)) : NULL;
		if (text && *text) {
			fputs(" (", to);
			lsp_words_name(to, text);
			putc(')', to);
		}
	}
	json_object_object_get_ex(record, "cgroup", &value);
	text = json_object_get_string(value);
	if (text && *text) {
		fputs(" control group ", to);
		lsp_words_name(to, text);
	}
	value = NULL;
	json_object_object_get_ex(record, "all", &value);
	if (json_object_get_boolean(value))
		fputs(" every process", to);
}

static void heads_write(FILE *to, const struct lsp_recording *r)
{
	const struct lsp_facts *f = &r->facts;
	struct lsp_facts_totals t;
	char a[LSP_WORD];

	lsp_facts_totals(f, &t);
	for (size_t i = 0; i < f->n; i++) {
		fprintf(to, "recorded %s on %s:", lsp_facts_text(f, i, "begun"),
			lsp_facts_text(f, i, "kernel"));
		command_write(to, lsp_facts_record(f, i));
		processes_write(to, lsp_facts_record(f, i));
		putc('\n', to);
	}
	if (f->n)
		fprintf(to, "duration  %s\n", lsp_words_ns(a, t.duration_ns));
	if (r->only) {
		fputs("only      ", to);
		lsp_words_name(to, r->only);
		fputs(" below; the totals are of all that was recorded\n", to);
	}
	if (f->rates_known && (f->block_rate_ns > 1 || f->mutex_fraction > 1)) {
		fprintf(to, "sampled   waits below %s by their length, ",
			lsp_words_ns(a, f->block_rate_ns));
		fprintf(to, "one release in %.0f\n", f->mutex_fraction);
	}
}

/* ---- totals ---- */

static void total_line(FILE *to, const char *name, double ns, double whole, const char *words)
{
	char a[LSP_WORD], b[LSP_WORD];

	fprintf(to, "%-13s%10s %7s  %s\n", name, lsp_words_ns(a, ns),
		whole > 0 ? lsp_words_share(b, ns, whole) : "", words);
}

static void exact_write(FILE *to, const struct lsp_facts_totals *t)
{
	/*
	 * The ledger also divides open waits and those that did not sleep. So its parts are below
	 * both lines.
	 */
	double whole = t->hold_ns + t->handoff_ns + t->tail_ns;
	char words[128], a[2 * LSP_WORD];

	snprintf(words, sizeof(words), "by %s of every class", lsp_words_counted(a, t->contentions, "wait"));
	total_line(to, "waited", t->delay_ns, 0, words);
	if (t->open_waits > 0) {
		snprintf(words, sizeof(words), "in %s that had not ended, see below",
			 lsp_words_counted(a, t->open_waits, "wait"));
		total_line(to, "and open", t->open_ns, 0, words);
	}
	total_line(to, "  hold", t->hold_ns, whole, "until a release, charged to the releaser");
	total_line(to, "  handoff", t->handoff_ns, whole, "released, not yet taken up, charged to nobody");
	if (t->recorder_ns > 0)
		total_line(to, "    of it", t->recorder_ns, whole, "at most: the recorder's own work at releases");
	total_line(to, "  tail", t->tail_ns, whole, "waits that no release ended");
	total_line(to, "late to run", t->sched_ns, 0, "released already, waiting for a processor");
}

/* Writes sums of the profiles, in place of exact totals or beside them. */
static void sums_write(FILE *to, const struct lsp_table *t, bool exact)
{
	char words[128], a[2 * LSP_WORD];

	if (t->has_block && !exact) {
		snprintf(words, sizeof(words), "by %s", lsp_words_counted(a, t->total[LSP_V_WAITS], "wait"));
		total_line(to, "waited", t->total[LSP_V_WAITED], 0, words);
	}
	if (t->has_ext && !exact) {
		total_line(to, "late to run", t->total[LSP_V_LATE], 0,
			   "released already, waiting for a processor");
		total_line(to, "handoff", t->total[LSP_V_HANDOFF], 0,
			   "released, not yet taken up, charged to nobody");
	}
	if (t->has_mutex) {
		snprintf(words, sizeof(words), "hold that %s of locks ended",
			 lsp_words_counted(a, t->total[LSP_V_RELEASES], "release"));
		total_line(to, "blamed", t->total[LSP_V_BLAMED], 0, words);
	}
	if (t->total[LSP_V_GIVEN_UP] > 0)
		total_line(to, "given up", t->total[LSP_V_GIVEN_UP], 0,
			   "waits for locks that nobody ended and nobody answers for");
}

/* Hold that is in nobody's row, with the reason. */
static void unblamed_write(FILE *to, const struct lsp_facts *f)
{
	struct lsp_facts_unblamed u;
	char words[256], a[2 * LSP_WORD];

	for (size_t i = 0; lsp_facts_unblamed(f, i, &u); i++) {
		snprintf(words, sizeof(words), "%s, on %s: %s", u.name, lsp_words_counted(a, u.releases, "release"),
			 u.why);
		total_line(to, "not blamed", u.hold_ns, 0, words);
	}
}

static void totals_write(FILE *to, const struct lsp_recording *r, const struct lsp_table *t)
{
	const struct lsp_facts *f = &r->facts;
	bool sampled = f->rates_known && !(lsp_facts_block_exact(f) && lsp_facts_mutex_exact(f));
	struct lsp_facts_totals totals;

	lsp_facts_totals(f, &totals);
	putc('\n', to);
	if (totals.exact)
		exact_write(to, &totals);
	/* Without this line an estimate among exact totals would be taken for exact. */
	if (totals.exact ? t->has_mutex && !lsp_facts_mutex_exact(f) : sampled)
		fputs("estimated from what sampling kept\n", to);
	sums_write(to, t, totals.exact);
	if (t->has_mutex)
		unblamed_write(to, f);
}

/* ---- losses ---- */

static void loss_line(void *arg, const char *sentence)
{
	fprintf(arg, "lost         %s\n", sentence);
}

static void note_line(void *arg, const char *sentence)
{
	fprintf(arg, "note         %s\n", sentence);
}

static void losses_write(FILE *to, const struct lsp_facts *f)
{
	struct lsp_facts_totals t;
	char a[2 * LSP_WORD];
	bool partial;

	if (!f->n)
		return;
	lsp_facts_totals(f, &t);
	partial = lsp_facts_partial(f, loss_line, to);
	if (t.missed > 0)
		fprintf(to, "missed       %s (counted for the whole machine)\n",
			lsp_words_counted(a, t.missed, "probe hit"));
	if (!partial)
		fputs("lost                  0\n", to);
	lsp_facts_notes(f, note_line, to);
}

/* ---- the table ---- */

/* A row's last column has this much room, or other columns are left out. */
#define NAME_ROOM 32

struct columns {
	bool block, mutex, ext, handoff, tail, given_up, open;
	bool waits, releases;	/* the counts beside the times */
	bool left_out;		/* a column, for want of room */
	struct lsp_bounds_met waited, blamed;
};

static struct columns columns_of(const struct lsp_table *t)
{
	struct columns c = {
		.block = t->has_block, .mutex = t->has_mutex, .ext = t->has_ext,
		.handoff = t->has_ext && t->by == LSP_BY_LOCK, .open = t->total[LSP_V_OPEN] > 0,
		.waits = true, .releases = true,
	};

	for (size_t i = 0; i < t->n; i++) {
		if (t->has_block && t->rows[i].v[LSP_V_WAITS] > 0)
			lsp_bounds_meet(&c.waited, &t->rows[i].waited);
		c.given_up |= t->by == LSP_BY_LOCK && t->rows[i].v[LSP_V_GIVEN_UP] > 0;
		c.tail |= t->by == LSP_BY_LOCK && t->rows[i].tail_ns > 0;
		if (t->has_mutex && t->rows[i].v[LSP_V_RELEASES] > 0)
			lsp_bounds_meet(&c.blamed, &t->rows[i].blamed);
	}
	return c;
}

/* Counts the characters that stand before a row's name. */
static size_t columns_width(const struct columns *c)
{
	const size_t plain = strlen("| ") + strlen(" 123.45ms ");

	return c->block * 16U + (c->block && c->waits) * 10U + (c->waited.shown + c->blamed.shown) * 20U + c->ext * 10U +
	       c->mutex * 19U + (c->mutex && c->releases) * 10U + strlen(" | ") +
	       (size_t)(c->handoff + c->tail + c->given_up + c->open) * plain;
}

/* Leaves out columns until names have room. Intervals stay: without them an estimate would pass for a fact. */
static void columns_fit(struct columns *c, const struct lsp_words_layout *layout)
{
	bool *const least[] = { &c->ext, &c->releases, &c->waits, &c->tail, &c->given_up, &c->open, &c->handoff };

	if (!layout->columns || layout->wide)
		return;
	for (size_t i = 0; i < sizeof(least) / sizeof(least[0]); i++) {
		if (columns_width(c) + NAME_ROOM <= layout->columns)
			return;
		c->left_out |= *least[i];
		*least[i] = false;
	}
}

/* How much room a row's name has; 0: as much as it takes. */
static size_t name_room(const struct columns *c, const struct lsp_words_layout *layout)
{
	size_t before = columns_width(c);

	if (!layout->columns || layout->wide)
		return 0;
	return layout->columns > before + NAME_ROOM / 2 ? layout->columns - before : NAME_ROOM / 2;
}

static void titles_write(FILE *to, const struct columns *c, const char *what, const struct lsp_words_layout *layout)
{
	putc('\n', to);
	if (c->block)
		fprintf(to, "%9s %6s", "waited", "");
	if (c->block && c->waits)
		fprintf(to, " %9s", "waits");
	if (c->waited.shown)
		fprintf(to, " %19s", "95%");
	if (c->ext)
		fprintf(to, " %9s", "late");
	if (c->mutex)
		fprintf(to, " | %9s %6s", "blamed", "");
	if (c->mutex && c->releases)
		fprintf(to, " %9s", "releases");
	if (c->blamed.shown)
		fprintf(to, " %19s", "95%");
	if (c->handoff)
		fprintf(to, " | %9s", "handoff");
	if (c->tail)
		fprintf(to, " | %9s", "tail");
	if (c->given_up)
		fprintf(to, " | %9s", "given up");
	if (c->open)
		fprintf(to, " | %9s", "open");
	fputs(" | ", to);
	lsp_words_fit(to, what, name_room(c, layout));
	putc('\n', to);
}

/* Writes one line number if there is one; if there are two, as "12/14". */
static void place_write(FILE *to, const struct lsp_table_row *row)
{
	const char *base = strrchr(row->file, '/');

	if (!*row->file)
		return;
	fputs("  ", to);
	lsp_words_name(to, base ? base + 1 : row->file);
	if (row->wait_line)
		fprintf(to, ":%lld", row->wait_line);
	if (row->release_line && row->release_line != row->wait_line)
		fprintf(to, "%s%lld", row->wait_line ? "/" : ":", row->release_line);
}

static void row_name(FILE *to, const struct lsp_table *t, const struct lsp_table_row *row,
		     const struct lsp_words_layout *layout)
{
	if (!*row->name)
		fputs("(not known)", to);
	else if (t->by == LSP_BY_SITE || t->by == LSP_BY_LOCK)
		lsp_words_function(to, row->name, layout);
	else
		lsp_words_name(to, row->name);
	if (t->by == LSP_BY_SITE)
		place_write(to, row);
	if (t->by == LSP_BY_SITE && *row->lock) {
		fputs("  ", to);
		lsp_words_function(to, row->lock, layout);
	}
	if (t->by != LSP_BY_SYNC && *row->sync) {
		fputs("  ", to);
		lsp_words_name(to, row->sync);
	}
}

static void row_write(FILE *to, const struct lsp_table *t, const struct columns *c,
		      const struct lsp_table_row *row)
{
	char a[LSP_WORD], b[LSP_WORD], interval[2 * LSP_WORD];

	if (c->block)
		fprintf(to, "%9s %6s", lsp_words_ns(a, row->v[LSP_V_WAITED]),
			lsp_words_share(b, row->v[LSP_V_WAITED], t->total[LSP_V_WAITED]));
	if (c->block && c->waits)
		fprintf(to, " %9s", lsp_words_count(a, row->v[LSP_V_WAITS]));
	if (c->waited.shown)
		fprintf(to, " %19s", row->v[LSP_V_WAITS] > 0 ? lsp_words_bounds(interval, &row->waited) : "");
	if (c->ext)
		fprintf(to, " %9s", lsp_words_ns(a, row->v[LSP_V_LATE]));
	if (c->mutex)
		fprintf(to, " | %9s %6s", lsp_words_ns(a, row->v[LSP_V_BLAMED]),
			lsp_words_share(b, row->v[LSP_V_BLAMED], t->total[LSP_V_BLAMED]));
	if (c->mutex && c->releases)
		fprintf(to, " %9s", lsp_words_count(a, row->v[LSP_V_RELEASES]));
	if (c->blamed.shown)
		fprintf(to, " %19s", row->v[LSP_V_RELEASES] > 0 ? lsp_words_bounds(interval, &row->blamed) : "");
	if (c->handoff)
		fprintf(to, " | %9s", lsp_words_ns(a, row->v[LSP_V_HANDOFF]));
	if (c->tail)
		fprintf(to, " | %9s", lsp_words_ns(a, row->tail_ns));
	if (c->given_up)
		fprintf(to, " | %9s", lsp_words_ns(a, row->v[LSP_V_GIVEN_UP]));
	if (c->open)
		fprintf(to, " | %9s", lsp_words_count(a, row->v[LSP_V_OPEN]));
	fputs(" | ", to);
}

/* Writes a row's name into what room the columns leave. */
static void name_write(FILE *to, const struct lsp_table *t, const struct columns *c,
		       const struct lsp_table_row *row, const struct lsp_words_layout *layout)
{
	const struct lsp_words_layout whole = { .wide = layout->wide || row->ambiguous };
	size_t bytes = 0;
	char *text = NULL;
	FILE *name = open_memstream(&text, &bytes);

	if (!name)
		return;
	row_name(name, t, row, &whole);
	fclose(name);
	if (text)
		lsp_words_fit(to, text, name_room(c, layout));
	putc('\n', to);
	free(text);
}

/* The sentence under a row; by site, class or thread only if it is asked for. */
static void why_write(FILE *to, const struct lsp_table *t, const struct lsp_table_row *row, bool asked)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *words;

	if (!row->why.n || (!asked && t->by != LSP_BY_LOCK))
		return;
	words = open_memstream(&text, &bytes);
	if (!words)
		return;
	lsp_causes_text(words, &row->why, asked ? WHY_LEAST_ASKED : WHY_LEAST, lsp_words_name);
	if (!fclose(words) && bytes)
		fprintf(to, "%9s held long because: %s\n", "", text);
	free(text);
}

static void table_write(FILE *to, const struct lsp_facts *f, const struct lsp_table *t,
			const struct lsp_report_look *look)
{
	static const char *const titles[LSP_BY_COUNT] = {
		"by the program's own function", "by lock", "by class", "by thread",
	};
	struct columns c = columns_of(t);
	struct lsp_facts_totals totals;
	char more[2 * LSP_WORD];

	if (!t->shown) {
		lsp_facts_totals(f, &totals);
		/* An empty profile alone does not tell that nothing waited: sampling may have left it out. */
		fputs(totals.exact && !(totals.contentions + totals.releases > 0) ? "\nnothing waited\n" : "\nnothing was kept\n", to);
		return;
	}
	columns_fit(&c, &look->layout);
	titles_write(to, &c, titles[t->by], &look->layout);
	for (size_t i = 0; i < t->shown && i < look->top; i++) {
		row_write(to, t, &c, &t->rows[i]);
		name_write(to, t, &c, &t->rows[i], &look->layout);
		why_write(to, t, &t->rows[i], look->why);
	}
	if (t->shown > look->top)
		fprintf(to, "%s (--top)\n",
			lsp_words_counted(more, (double)(t->shown - look->top), "more row"));
	if (c.left_out)
		fputs("columns were left out for want of room (--wide)\n", to);
	lsp_words_bounds_note(to, &(struct lsp_bounds_met){
		c.waited.shown || c.blamed.shown, c.waited.too_few || c.blamed.too_few,
		c.waited.unknown || c.blamed.unknown });
}

/* ---- open waits ---- */

static void open_line(FILE *to, const struct lsp_facts_open *open, const struct lsp_words_layout *layout)
{
	size_t n = open->stack ? json_object_array_length(open->stack) : 0;
	char a[LSP_WORD], b[LSP_WORD];

	fprintf(to, "%9s %7s x  ", lsp_words_ns(a, open->longest_ns), lsp_words_count(b, open->waits));
	lsp_words_name(to, open->comm);
	fprintf(to, " (pid %.0f) on ", open->pid);
	lsp_words_function(to, open->lock, layout);
	fprintf(to, " %s:%s", open->sync, n ? "" : " [no stack]");
	for (size_t k = 0; k < n && k < OPEN_FRAMES; k++) {
		const char *name = json_object_get_string(json_object_array_get_idx(open->stack, k));

		fputs(k ? " < " : " ", to);
		lsp_words_function(to, name ? name : "", layout);
	}
	putc('\n', to);
}

static void open_write(FILE *to, const struct lsp_recording *r, const struct lsp_words_layout *layout)
{
	struct lsp_facts_open open;
	char a[2 * LSP_WORD];
	size_t shown = 0, more = 0;

	for (size_t i = 0; lsp_facts_open(&r->facts, i, &open); i++) {
		if (!lsp_words_asked(open.lock, r->only))
			continue;
		if (shown == OPEN_SHOWN) {
			more++;
			continue;
		}
		if (!shown++)
			fputs("\nwaiting still when the recording ended\n", to);
		open_line(to, &open, layout);
	}
	if (more)
		fprintf(to, "%s (record.json has them)\n", lsp_words_counted(a, (double)more, "more place"));
}

void lsp_report_text_facts(FILE *to, const struct lsp_recording *r, const struct lsp_table *t)
{
	heads_write(to, r);
	totals_write(to, r, t);
	losses_write(to, &r->facts);
}

void lsp_report_text_rows(FILE *to, const struct lsp_recording *r, const struct lsp_table *t,
			  const struct lsp_report_look *look)
{
	table_write(to, &r->facts, t, look);
	open_write(to, r, &look->layout);
}
