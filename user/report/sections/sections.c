// SPDX-License-Identifier: GPL-2.0-only
#include "sections.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

/* Sites that are named on each side of a lock. */
#define PARTIES_SHOWN 2
#define LINE_INDENT 10

/*
 * When fewer threads than this wait for a lock on average, it holds nobody up. What others wait for does not matter
 * here: idle threads wait longest.
 */
#define LITTLE_WAITING 0.02

/*
 * Why a lock was held long is said of those that have this share of all blame, if for this much of their own it is known.
 * Causes of less than the last share are left out.
 */
#define WHY_BLAME 0.01
#define WHY_KNOWN 0.5
#define WHY_LEAST 0.05

/* A lock's share of transit that is worth a line: below this, who takes it unseen changes little. */
#define TRANSIT_SHARE 0.2
#define TRANSIT_WAITS 30
/* So many waits that began again at once are no accident. */
#define REWAIT_SHARE 0.05

static bool record_has(const struct lsp_facts *f, const char *key)
{
	struct json_object *value = NULL;

	for (size_t i = 0; i < f->n; i++)
		if (json_object_object_get_ex(lsp_facts_record(f, i), key, &value) &&
		    !(json_object_is_type(value, json_type_boolean) && !json_object_get_boolean(value)))
			return true;
	return false;
}

int lsp_sections_create(const struct lsp_recording *r, struct lsp_sections *ret)
{
	struct lsp_facts_totals totals;
	int err;

	memset(ret, 0, sizeof(*ret));
	ret->seen = record_has(&r->facts, "recorder");
	ret->with_user = record_has(&r->facts, "with_user");
	lsp_facts_totals(&r->facts, &totals);
	ret->duration_ns = totals.duration_ns;
	ret->exact = lsp_facts_block_exact(&r->facts) && lsp_facts_mutex_exact(&r->facts);
	err = lsp_table_create(r, LSP_BY_LOCK, false, &ret->locks);
	if (err)
		return err;
	err = lsp_parties_create(r, &ret->parties);
	if (err)
		lsp_table_destroy(&ret->locks);
	return err;
}

void lsp_sections_destroy(struct lsp_sections *s)
{
	lsp_table_destroy(&s->locks);
	lsp_parties_destroy(&s->parties);
}

/* ---- the headline ---- */

const struct lsp_table_row *lsp_sections_top(const struct lsp_sections *s)
{
	const struct lsp_table_row *top = NULL;

	for (size_t i = 0; i < s->locks.shown; i++) {
		const struct lsp_table_row *row = &s->locks.rows[i];

		if (row->use == LSP_USE_LOCK && *row->name && row->v[LSP_V_WAITED] > 0 &&
		    (!top || row->v[LSP_V_WAITED] > top->v[LSP_V_WAITED]))
			top = row;
	}
	return top;
}

static double sum(const struct lsp_party *parties, size_t n)
{
	double ns = 0;

	for (size_t i = 0; i < n; i++)
		ns += parties[i].ns;
	return ns;
}

void lsp_sections_headline(FILE *to, const struct lsp_sections *s, const struct lsp_words_layout *layout)
{
	const struct lsp_table_row *top = lsp_sections_top(s);
	const struct lsp_party *blamed;
	char a[2 * LSP_WORD], b[LSP_WORD];
	bool little;
	size_t n;

	if (!top) {
		/* A lock may have its name in common with something else that was waited for longer. */
		if (s->locks.total[LSP_V_BLAMED] > 0)
			fprintf(to, "little was waited for locks: %s%s is blamed on who held one\n\n", s->exact ? "" : "about ",
				lsp_words_ns(b, s->locks.total[LSP_V_BLAMED]));
		else if (s->locks.shown)
			fputs("nothing that was waited for is known to be a lock\n\n", to);
		return;
	}
	little = top->v[LSP_V_WAITED] < LITTLE_WAITING * s->duration_ns;
	if (little)
		fputs("little was waited for locks, most of it for ", to);
	lsp_words_function(to, top->name, layout);
	fprintf(to, "%s%s%s%s: %s%s in %s", *top->sync ? " (" : "", top->sync, *top->sync ? ")" : "",
		little ? "" : " is the lock that was waited for most", s->exact ? "" : "about ",
		lsp_words_ns(b, top->v[LSP_V_WAITED]), lsp_words_counted(a, top->v[LSP_V_WAITS], "wait"));
	if (little)
		fprintf(to, ", while %s passed", lsp_words_ns(b, s->duration_ns));
	n = lsp_parties_of(&s->parties, top->name, LSP_PARTY_BLAMED, &blamed);
	if (top->v[LSP_V_BLAMED] > 0 && n) {
		fputs("; ", to);
		lsp_words_function(to, *blamed->site ? blamed->site : "(not known)", layout);
		fprintf(to, " has %s of the blame", lsp_words_share(a, blamed->ns, sum(blamed, n)));
	}
	fputs("\n\n", to);
}

/* ---- who waits for whom ---- */

static void parties_write(FILE *to, const struct lsp_party *parties, size_t n, const struct lsp_words_layout *layout)
{
	double whole = sum(parties, n);
	char share[LSP_WORD];

	for (size_t i = 0; i < n && i < PARTIES_SHOWN; i++) {
		fputs(i ? ", " : "", to);
		lsp_words_function(to, *parties[i].site ? parties[i].site : "(not known)", layout);
		if (n > 1)
			fprintf(to, " (%s)", lsp_words_share(share, parties[i].ns, whole));
	}
	if (n > PARTIES_SHOWN)
		fprintf(to, " and %zu more", n - PARTIES_SHOWN);
}

static void who_write(FILE *to, const struct lsp_sections *s, const struct lsp_table_row *row,
		      const struct lsp_words_layout *layout)
{
	const struct lsp_party *waiters, *releasers, *others;
	size_t nwaiters = lsp_parties_of(&s->parties, row->name, LSP_PARTY_WAITS, &waiters);
	size_t nreleasers = lsp_parties_of(&s->parties, row->name, LSP_PARTY_BLAMED, &releasers), n;
	char a[2 * LSP_WORD];

	if (row->v[LSP_V_OPEN] > 0)
		fprintf(to, "%s had not ended%s", lsp_words_counted(a, row->v[LSP_V_OPEN], "wait"),
			nwaiters || nreleasers ? "; " : "");
	if (row->use == LSP_USE_LOCK && row->v[LSP_V_BLAMED] > 0 && nreleasers) {
		fputs("held by ", to);
		parties_write(to, releasers, nreleasers, layout);
		return;
	}
	n = lsp_parties_of(&s->parties, row->name, LSP_PARTY_OTHER, &others);
	if (n) {
		releasers = others;
		nreleasers = n;
	}
	if (!nwaiters)
		return;
	parties_write(to, waiters, nwaiters, layout);
	fputs(nwaiters > 1 ? " wait" : " waits", to);
	if (nreleasers) {
		fputs(" for ", to);
		parties_write(to, releasers, nreleasers, layout);
	}
}

static double rewaits(const struct lsp_sections *s, const char *lock)
{
	const struct lsp_party *waiters;
	size_t n = lsp_parties_of(&s->parties, lock, LSP_PARTY_WAITS, &waiters);
	double count = 0;

	for (size_t i = 0; i < n; i++)
		count += waiters[i].rewaits;
	return count;
}

/*
 * A thread that takes a released lock before the one that was woken makes no system call, so it is not blamed for
 * what it holds.
 */
static void transit_write(FILE *to, const struct lsp_sections *s, const struct lsp_table_row *row)
{
	double transit_ns = row->v[LSP_V_HANDOFF], waits = row->v[LSP_V_WAITS], again = rewaits(s, row->name);
	double whole_ns = transit_ns + row->v[LSP_V_BLAMED] + row->v[LSP_V_OTHER_HOLD];

	/* A block profile alone tells of no release: there is no whole to have a share of. */
	if (s->seen || row->use != LSP_USE_LOCK || waits < TRANSIT_WAITS || !(whole_ns > 0) ||
	    transit_ns < TRANSIT_SHARE * whole_ns)
		return;
	fprintf(to, "%*s%.0f%% of this is nobody's blame: the lock was released, and who had it next was not seen\n",
		LINE_INDENT, "", 100 * transit_ns / whole_ns);
	if (again >= REWAIT_SHARE * waits)
		fprintf(to, "%*s%.0f%% of the waits began again at once, because another thread had taken it in passing\n",
			LINE_INDENT, "", 100 * again / waits);
	fprintf(to, "%*sthe kernel does not see who takes a free lock; %s\n", LINE_INDENT, "",
		s->with_user ? "lockspan compare shows what the program saw" : "record --with-user does");
}

static void name_write(FILE *to, const char *name)
{
	lsp_words_function(to, name, &(struct lsp_words_layout){ .wide = false });
}

/* What most of the blame consists of, on one line. */
static void why_write(FILE *to, const struct lsp_sections *s, const struct lsp_table_row *row,
		      const struct lsp_words_layout *layout)
{
	size_t bytes = 0;
	char *text = NULL;
	FILE *words;
	bool any;

	if (row->use != LSP_USE_LOCK || !row->why.n || row->v[LSP_V_BLAMED] < WHY_BLAME * s->locks.total[LSP_V_BLAMED] ||
	    lsp_causes_share(&row->why, "unknown") > 1 - WHY_KNOWN)
		return;
	words = open_memstream(&text, &bytes);
	if (!words)
		return;
	fprintf(words, "%*sheld long because: ", LINE_INDENT, "");
	any = lsp_causes_text(words, &row->why, WHY_LEAST, layout->wide ? lsp_words_name : name_write);
	if (!fclose(words) && any) {
		lsp_words_fit(to, text, layout->wide ? 0 : layout->columns);
		putc('\n', to);
	}
	free(text);
}

/* ---- the sections ---- */

struct columns {
	bool percentiles, blamed;
};

static size_t columns_width(const struct columns *c)
{
	return 26U + c->percentiles * 20U + c->blamed * 12U + strlen(" | ");
}

static void row_write(FILE *to, const struct lsp_sections *s, const struct lsp_table_row *row,
		      const struct columns *c, const struct lsp_report_look *look)
{
	const struct lsp_words_layout layout = { .wide = look->layout.wide || row->ambiguous };
	size_t columns = look->layout.wide ? 0 : look->layout.columns, before = columns_width(c), bytes = 0;
	char a[LSP_WORD], b[LSP_WORD], d[LSP_WORD], *text = NULL;
	FILE *name;

	fprintf(to, "%9s %6s %9s", lsp_words_ns(a, row->v[LSP_V_WAITED]),
		lsp_words_share(b, row->v[LSP_V_WAITED], s->locks.total[LSP_V_WAITED]),
		lsp_words_count(d, row->v[LSP_V_WAITS]));
	if (c->percentiles && row->waits.ns[LSP_LENGTH_P50] >= 0)
		fprintf(to, " %9s %9s", lsp_words_ns(a, row->waits.ns[LSP_LENGTH_P50]),
			lsp_words_ns(b, row->waits.ns[LSP_LENGTH_P99]));
	else if (c->percentiles)
		fprintf(to, " %9s %9s", "-", "-");
	if (c->blamed)
		fprintf(to, " | %9s", lsp_words_ns(a, row->v[LSP_V_BLAMED]));
	fputs(" | ", to);
	name = open_memstream(&text, &bytes);
	if (!name)
		return;
	lsp_words_function(name, *row->name ? row->name : "(not known)", &layout);
	fprintf(name, "%s%s%c%*s", *row->sync ? "  " : "", row->sync, '\n', LINE_INDENT, "");
	who_write(name, s, row, &look->layout);
	fclose(name);
	if (text) {
		char *who = strchr(text, '\n');

		*who++ = '\0';
		lsp_words_fit(to, text, columns > before + 8 ? columns - before : columns ? 8 : 0);
		putc('\n', to);
		if (who[LINE_INDENT]) {
			lsp_words_fit(to, who, columns);
			putc('\n', to);
		}
	}
	free(text);
	why_write(to, s, row, &look->layout);
	transit_write(to, s, row);
}

static void section_write(FILE *to, const struct lsp_sections *s, enum lsp_use use, const char *title,
			  const struct lsp_report_look *look)
{
	struct columns c = { 0 };
	char more[2 * LSP_WORD];
	size_t n = 0;

	for (size_t i = 0; i < s->locks.shown; i++) {
		c.percentiles |= s->locks.rows[i].use == use && s->locks.rows[i].waits.ns[LSP_LENGTH_P50] >= 0;
		n += s->locks.rows[i].use == use;
	}
	c.blamed = use == LSP_USE_LOCK && s->locks.has_mutex;
	if (!n)
		return;
	fprintf(to, "\n%s%s\n%9s %6s %9s", title, s->exact ? "" : " (estimates; --by lock has their intervals)", "waited",
		"", "waits");
	if (c.percentiles)
		fprintf(to, " %9s %9s", "p50", "p99");
	fprintf(to, "%s | name, class; who\n", c.blamed ? " |    blamed" : "");
	n = 0;
	for (size_t i = 0; i < s->locks.shown; i++)
		if (s->locks.rows[i].use == use && n++ < look->top)
			row_write(to, s, &s->locks.rows[i], &c, look);
	if (n > look->top)
		fprintf(to, "%s (--by lock)\n", lsp_words_counted(more, (double)(n - look->top), "more row"));
}

void lsp_sections_text(FILE *to, const struct lsp_sections *s, const struct lsp_report_look *look)
{
	static const char *const titles[] = {
		[LSP_USE_LOCK] = "Locks", [LSP_USE_UNKNOWN] = "Too few releases to tell what it is",
		[LSP_USE_HANDOVER] = "Hand-overs and queues", [LSP_USE_END] = "Joins and barriers",
	};

	if (!s->locks.has_block)
		return;
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		section_write(to, s, (enum lsp_use)i, titles[i], look);
}
