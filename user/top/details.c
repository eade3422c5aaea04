// SPDX-License-Identifier: GPL-2.0-only
#include "details.h"

#include <string.h>

#include "../report/words.h"

#define PARTIES_SHOWN 4
#define FRAMES_SHOWN 8
/* Causes below this share of a lock's holds are left out. */
#define WHY_LEAST 0.05

static void parties_write(FILE *to, const struct lsp_top_look *l, const char *lock, enum lsp_party_side side,
			  const char *title)
{
	const struct lsp_words_layout layout = { 0 };
	const struct lsp_party *parties;
	size_t n = lsp_parties_of(&l->parties, lock, side, &parties);
	char a[LSP_WORD], b[LSP_WORD], more[2 * LSP_WORD];
	double all = 0;

	for (size_t i = 0; i < n; i++)
		all += parties[i].ns;
	if (!n)
		return;
	fprintf(to, "%s\n", title);
	for (size_t i = 0; i < n && i < PARTIES_SHOWN; i++) {
		fprintf(to, "%10s %6s  ", lsp_words_ns(a, parties[i].ns), lsp_words_share(b, parties[i].ns, all));
		lsp_words_function(to, *parties[i].site ? parties[i].site : "(not known)", &layout);
		putc('\n', to);
	}
	if (n > PARTIES_SHOWN)
		fprintf(to, "%19s%s\n", "", lsp_words_counted(more, (double)(n - PARTIES_SHOWN), "more function"));
}

/* Finds the sample of the lock that has most of the time. */
static bool heaviest(const struct lsp_profile *p, const char *lock, struct lsp_profile_sample *ret)
{
	struct lsp_profile_sample s;
	bool found = false;

	for (size_t i = 0; p && lsp_profile_sample(p, i, &s); i++) {
		if (strcmp(lsp_sample_text(&s, "lock"), lock) || !s.nlocations || lsp_sample_given_up(&s) ||
		    (found && s.values[1] <= ret->values[1]))
			continue;
		*ret = s;
		found = true;
	}
	return found;
}

static void stack_write(FILE *to, const struct lsp_profile *p, const char *lock, const char *title)
{
	const struct lsp_words_layout layout = { 0 };
	struct lsp_profile_location at;
	struct lsp_profile_sample s;
	size_t frames = 0;

	if (!heaviest(p, lock, &s))
		return;
	fprintf(to, "%s\n", title);
	for (size_t i = 0; i < s.nlocations && lsp_profile_location(p, s.locations[i], &at); i++)
		for (size_t j = 0; j < at.nlines && frames < FRAMES_SHOWN; j++, frames++) {
			fputs("    ", to);
			lsp_words_function(to, at.lines[j].function, &layout);
			putc('\n', to);
		}
}

void lsp_top_details_write(FILE *to, const struct lsp_top_look *l, const struct lsp_top_lock *lock)
{
	const struct lsp_table_row *row = lock->row;
	const struct lsp_words_layout layout = { .wide = row->ambiguous };
	bool is_lock = row->use == LSP_USE_LOCK;
	char a[2 * LSP_WORD], b[LSP_WORD], d[LSP_WORD];

	putc('\n', to);
	lsp_words_function(to, *row->name ? row->name : "(not known)", &layout);
	fprintf(to, "%s%s: %.2f threads waiting, %s a second; %s of %s so far\n", *row->sync ? " " : "", row->sync,
		lock->waiting, lsp_words_count(b, lock->waits), lsp_words_counted(a, row->v[LSP_V_WAITS], "wait"),
		lsp_words_ns(d, row->v[LSP_V_WAITED]));
	parties_write(to, l, row->name, LSP_PARTY_WAITS, "who waits");
	parties_write(to, l, row->name, LSP_PARTY_BLAMED, "who holds it");
	parties_write(to, l, row->name, LSP_PARTY_OTHER, is_lock ? "who ends other waits of this name" : "who ends the waits");
	if (row->why.n) {
		fputs("held long because: ", to);
		lsp_causes_text(to, &row->why, WHY_LEAST, lsp_words_name);
		putc('\n', to);
	}
	stack_write(to, l->recording.parts[LSP_PART_BLOCK], row->name, "heaviest stack of those who wait");
	stack_write(to, l->recording.parts[LSP_PART_MUTEX], row->name, "heaviest stack of those who hold it");
}
