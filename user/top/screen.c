// SPDX-License-Identifier: GPL-2.0-only
#include "screen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"
#include "../report/words.h"
#include "details.h"

/* The columns of numbers before a lock's name. */
#define NUMBERS_COLUMNS 33
/* Lines that are not locks: two of the head, its rule, and two at the foot. */
#define OTHER_LINES 6
/* A holder is named where this many columns are left. */
#define HOLDER_COLUMNS 20

void lsp_top_screen_uninit(struct lsp_top_screen *s)
{
	free(s->chosen);
	s->chosen = NULL;
}

/* ---- keys ---- */

static size_t chosen_place(const struct lsp_top_screen *s, const struct lsp_top_look *l)
{
	for (size_t i = 0; s->chosen && i < l->n; i++)
		if (!strcmp(l->locks[i].row->name, s->chosen))
			return i;
	return 0;
}

static int choose(struct lsp_top_screen *s, const struct lsp_top_look *l, size_t place)
{
	char *name;

	if (place >= l->n)
		return 0;
	name = strdup(l->locks[place].row->name);
	if (!name)
		return -ENOMEM;
	free(s->chosen);
	s->chosen = name;
	return 0;
}

int lsp_top_screen_key(struct lsp_top_screen *s, struct lsp_top_look *l, enum lsp_top_key key)
{
	size_t place = chosen_place(s, l);

	if (key != LSP_TOP_KEY_NONE)
		s->message[0] = '\0';
	switch (key) {
	case LSP_TOP_KEY_UP:
		return choose(s, l, place ? place - 1 : 0);
	case LSP_TOP_KEY_DOWN:
		return choose(s, l, place + 1 < l->n ? place + 1 : place);
	case LSP_TOP_KEY_SORT:
		s->sort = (s->sort + 1) % LSP_TOP_SORT_COUNT;
		lsp_top_look_sort(l, s->sort);
		return 0;
	case LSP_TOP_KEY_FREEZE:
		s->frozen = !s->frozen;
		return 0;
	case LSP_TOP_KEY_OPEN:
		s->opened = l->n > 0;
		return choose(s, l, place);
	case LSP_TOP_KEY_CLOSE:
		s->opened = false;
		return 0;
	default:
		return 0;
	}
}

/* ---- lines ---- */

/* Ends a line whose text was written to @from, and makes it as short as the screen is wide. */
static int line_add(struct lsp_top_lines *l, const struct lsp_top_screen *s, enum lsp_top_style style, char *text)
{
	char *fitted = NULL;
	size_t bytes;
	FILE *to = open_memstream(&fitted, &bytes);

	if (!to || lsp_array_grow(&l->lines, &l->room, l->n, sizeof(*l->lines))) {
		if (to)
			fclose(to);
		free(fitted);
		return -ENOMEM;
	}
	lsp_words_fit(to, text, s->columns);
	if (fclose(to) || !fitted)
		return -ENOMEM;
	l->lines[l->n++] = (struct lsp_top_line){ .text = fitted, .style = style };
	return 0;
}

/* Adds the lines of @text, which is freed. The first one is in @style. */
static int text_add(struct lsp_top_lines *l, const struct lsp_top_screen *s, enum lsp_top_style style, char *text)
{
	char *rest = text, *line;
	int err = text ? 0 : -ENOMEM;

	while (!err && (line = strsep(&rest, "\n")) && (rest || *line)) {
		err = line_add(l, s, style, line);
		style = LSP_TOP_PLAIN;
	}
	free(text);
	return err;
}

static void head_write(FILE *to, const struct lsp_top_screen *s, const struct lsp_top_look *l)
{
	char a[2 * LSP_WORD], b[2 * LSP_WORD], d[LSP_WORD];
	double others = 0;

	for (int i = LSP_USE_UNKNOWN; i <= LSP_USE_END; i++)
		others += l->waiting[i];
	fprintf(to, "lockspan top: %s, %s of %s", lsp_words_ns(d, l->begun_s * 1e9),
		lsp_words_counted(a, l->table.total[LSP_V_WAITS], "wait"),
		lsp_words_ns(b, l->table.total[LSP_V_WAITED]));
	if (l->lost > 0)
		fprintf(to, ", %s lost", lsp_words_counted(a, l->lost, "event"));
	fprintf(to, "; by %s%s\n", lsp_top_sort_names[s->sort], s->frozen ? "; frozen" : "");
	fprintf(to, "threads waiting: %.2f for locks, %.2f for queues, signals and joins\n", l->waiting[LSP_USE_LOCK],
		others);
}

/* Who has most of the blame; for what is no lock, who ends its waits. */
static void holder_write(FILE *to, const struct lsp_top_look *l, const struct lsp_table_row *row)
{
	const struct lsp_party *holders;
	size_t n = lsp_parties_of(&l->parties, row->name,
				  row->use == LSP_USE_LOCK ? LSP_PARTY_BLAMED : LSP_PARTY_OTHER, &holders);
	const struct lsp_words_layout layout = { 0 };
	double all = 0;
	char share[LSP_WORD];

	for (size_t i = 0; i < n; i++)
		all += holders[i].ns;
	if (!n || !(all > 0))
		return;
	fputs(row->use == LSP_USE_LOCK ? "; held by " : "; ended by ", to);
	lsp_words_function(to, *holders->site ? holders->site : "(not known)", &layout);
	fprintf(to, " (%s)", lsp_words_share(share, holders->ns, all));
}

static char *lock_text(const struct lsp_top_screen *s, const struct lsp_top_look *l, const struct lsp_top_lock *lock)
{
	const struct lsp_words_layout layout = { .wide = lock->row->ambiguous };
	char a[LSP_WORD], b[LSP_WORD], *text = NULL;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	if (!to)
		return NULL;
	fprintf(to, "%8.2f %9s %10s  | ", lock->waiting, lsp_words_count(a, lock->waits),
		lsp_words_ns(b, lock->row->v[LSP_V_WAITED]));
	lsp_words_function(to, *lock->row->name ? lock->row->name : "(not known)", &layout);
	fprintf(to, "%s%s", *lock->row->sync ? " " : "", lock->row->sync);
	if (!s->columns || s->columns >= NUMBERS_COLUMNS + HOLDER_COLUMNS)
		holder_write(to, l, lock->row);
	putc('\n', to);
	return fclose(to) ? NULL : text;
}

static int locks_add(struct lsp_top_lines *ret, const struct lsp_top_screen *s, const struct lsp_top_look *l)
{
	size_t chosen = chosen_place(s, l), shown = l->n, first = 0;
	int err = text_add(ret, s, LSP_TOP_HEAD, strdup(" waiting   waits/s     waited  | lock and class; who\n"));

	if (s->lines && s->lines > OTHER_LINES && l->n > s->lines - OTHER_LINES)
		shown = s->lines - OTHER_LINES;
	if (chosen >= shown)
		first = chosen - shown + 1;
	for (size_t i = first; !err && i < first + shown; i++)
		err = text_add(ret, s, s->keys && i == chosen ? LSP_TOP_CHOSEN : LSP_TOP_PLAIN,
			       lock_text(s, l, &l->locks[i]));
	if (!err && !l->n)
		err = text_add(ret, s, LSP_TOP_PLAIN, strdup("nobody had to wait so far\n"));
	if (!err && shown < l->n) {
		char more[96], counted[2 * LSP_WORD];

		snprintf(more, sizeof(more), "%s\n", lsp_words_counted(counted, (double)(l->n - shown), "more lock"));
		err = text_add(ret, s, LSP_TOP_PLAIN, strdup(more));
	}
	return err;
}

static int foot_add(struct lsp_top_lines *ret, const struct lsp_top_screen *s)
{
	const char *keys = s->opened ? "Esc all locks  f freeze  w write the recording  q quit" :
		"up, down, Enter one lock  s sort  f freeze  w write the recording  q quit";
	int err;

	if (!s->keys)
		return 0;
	while (s->lines && ret->n > s->lines - 1)
		free(ret->lines[--ret->n].text);
	while (s->lines && ret->n + 1 < s->lines) {
		err = line_add(ret, s, LSP_TOP_PLAIN, "");
		if (err)
			return err;
	}
	return line_add(ret, s, LSP_TOP_HEAD, *s->message ? (char *)s->message : (char *)keys);
}

int lsp_top_screen_lines(const struct lsp_top_screen *s, const struct lsp_top_look *l, struct lsp_top_lines *ret)
{
	const struct lsp_top_lock *one = s->opened && s->chosen ? lsp_top_look_find(l, s->chosen) : NULL;
	char *text = NULL;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);
	int err;

	*ret = (struct lsp_top_lines){ 0 };
	if (!to)
		return -ENOMEM;
	head_write(to, s, l);
	if (one)
		lsp_top_details_write(to, l, one);
	err = fclose(to) ? -ENOMEM : 0;
	if (err)
		free(text);
	else
		err = text_add(ret, s, LSP_TOP_PLAIN, text);
	if (!err && !one)
		err = locks_add(ret, s, l);
	if (!err)
		err = foot_add(ret, s);
	if (err)
		lsp_top_lines_destroy(ret);
	return err;
}

void lsp_top_lines_destroy(struct lsp_top_lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->lines[i].text);
	free(l->lines);
	memset(l, 0, sizeof(*l));
}
