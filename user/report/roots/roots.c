// SPDX-License-Identifier: GPL-2.0-only
#include "roots.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/index.h"
#include "../json.h"
#include "../site.h"
#include "../words.h"

/* Roots that the line names, if they have at least this share. */
#define LINE_ROOTS 3
#define LINE_LEAST 0.05
/* There is a line if at least this share of the blame has gone on to another site. */
#define MOVED_LEAST 0.01

static int row_add(struct lsp_root_rows *rows, const char *site, const char *lock, double ns)
{
	for (size_t i = 0; i < rows->n; i++) {
		if (!strcmp(rows->rows[i].site, site) && !strcmp(rows->rows[i].lock, lock)) {
			rows->rows[i].ns += ns;
			return 0;
		}
	}
	if (lsp_array_grow(&rows->rows, &rows->room, rows->n, sizeof(*rows->rows)))
		return -ENOMEM;
	rows->rows[rows->n++] = (struct lsp_root_row){ site, lock, ns };
	return 0;
}

static int row_compare(const void *a, const void *b)
{
	const struct lsp_root_row *x = a, *y = b;
	int order;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	order = strcmp(x->site, y->site);
	return order ? order : strcmp(x->lock, y->lock);
}

int lsp_root_rows_create(const struct lsp_recording *r, struct lsp_root_rows *ret)
{
	struct lsp_facts_root root;
	int err = 0;

	memset(ret, 0, sizeof(*ret));
	ret->missing = lsp_facts_roots_missing(&r->facts);
	for (size_t i = 0; !err && !ret->missing && lsp_facts_root(&r->facts, i, &root); i++) {
		if (!lsp_words_asked(root.lock, r->only))
			continue;
		ret->all_ns += root.ns;
		/* Whom --skip takes for a wrapper is known only now. */
		err = row_add(ret, root.stack ? lsp_site_of_names(root.stack) : root.site, root.lock, root.ns);
	}
	if (err)
		lsp_root_rows_destroy(ret);
	else if (ret->n)
		qsort(ret->rows, ret->n, sizeof(*ret->rows), row_compare);
	return err;
}

void lsp_root_rows_destroy(struct lsp_root_rows *rows)
{
	free(rows->rows);
	memset(rows, 0, sizeof(*rows));
}

struct json_object *lsp_root_rows_json(const struct lsp_root_rows *rows, size_t top)
{
	struct json_object *list = json_object_new_array(), *o;

	for (size_t i = 0; i < rows->n && i < top; i++) {
		o = json_object_new_object();
		json_object_object_add(o, "site", json_object_new_string(rows->rows[i].site));
		json_object_object_add(o, "lock", json_object_new_string(rows->rows[i].lock));
		json_object_object_add(o, "root_ns", lsp_report_json_number(rows->rows[i].ns));
		json_object_array_add(list, o);
	}
	return list;
}

void lsp_root_rows_text(FILE *to, const struct lsp_root_rows *rows, const struct lsp_report_look *look)
{
	char a[LSP_WORD], b[LSP_WORD], more[2 * LSP_WORD];

	if (rows->missing) {
		fprintf(to, "\nthe roots of the blame are not known: %s\n", rows->missing);
		return;
	}
	if (!rows->n) {
		fputs("\nnobody is to blame\n", to);
		return;
	}
	fprintf(to, "\n%9s %6s | by root: the holder that waited for no other\n", "root", "");
	for (size_t i = 0; i < rows->n && i < look->top; i++) {
		fprintf(to, "%9s %6s | ", lsp_words_ns(a, rows->rows[i].ns), lsp_words_share(b, rows->rows[i].ns, rows->all_ns));
		lsp_words_function(to, *rows->rows[i].site ? rows->rows[i].site : "(not known)", &look->layout);
		if (*rows->rows[i].lock) {
			fputs("  ", to);
			lsp_words_function(to, rows->rows[i].lock, &look->layout);
		}
		putc('\n', to);
	}
	if (rows->n > look->top)
		fprintf(to, "%s (--top)\n", lsp_words_counted(more, (double)(rows->n - look->top), "more row"));
}

/* How much of the blame has gone on to another site. */
static double moved_ns(const struct lsp_root_rows *rows, const struct lsp_table *sites)
{
	double moved = 0;

	for (size_t i = 0; i < sites->n; i++) {
		double root_ns = 0;

		for (size_t k = 0; k < rows->n; k++)
			if (!strcmp(rows->rows[k].site, sites->rows[i].name))
				root_ns += rows->rows[k].ns;
		moved += fmax(sites->rows[i].v[LSP_V_BLAMED] - root_ns, 0);
	}
	return moved;
}

void lsp_root_rows_line(FILE *to, const struct lsp_root_rows *rows, const struct lsp_table *sites)
{
	char a[LSP_WORD];

	if (!rows->n || moved_ns(rows, sites) < MOVED_LEAST * rows->all_ns)
		return;
	fputs("\nat the root of the blame: ", to);
	for (size_t i = 0; i < rows->n && i < LINE_ROOTS && (!i || rows->rows[i].ns >= LINE_LEAST * rows->all_ns); i++) {
		fprintf(to, "%s%s ", i ? ", " : "", lsp_words_share(a, rows->rows[i].ns, rows->all_ns));
		lsp_words_name(to, *rows->rows[i].site ? rows->rows[i].site : "(not known)");
		if (*rows->rows[i].lock) {
			fputs(" with ", to);
			lsp_words_name(to, rows->rows[i].lock);
		}
	}
	fputs(" (--by root)\n", to);
}
