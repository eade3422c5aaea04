// SPDX-License-Identifier: GPL-2.0-only
#include "gate_ci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../profile/utf8.h"

/* Returns what lsp_gate_text() says, as UTF-8. The caller frees it. NULL: no memory. */
static char *text_of(const struct lsp_gate_judgement *g)
{
	char *text = NULL, *clean = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&text, &bytes);

	if (!to)
		return NULL;
	lsp_gate_text(to, g);
	if (!fclose(to))
		clean = lsp_utf8_clean(text, bytes);
	free(text);
	return clean;
}

/* Characters that XML has no way to write become U+FFFD. @end: up to the first of these characters. */
static void xml_put(FILE *to, const char *text, const char *end)
{
	for (const char *c = text; *c && !strchr(end, *c); c++) {
		if (*c == '&')
			fputs("&amp;", to);
		else if (*c == '<')
			fputs("&lt;", to);
		else if (*c == '>')
			fputs("&gt;", to);
		else if (*c == '"')
			fputs("&quot;", to);
		else if ((unsigned char)*c < ' ' && *c != '\n' && *c != '\t')
			fputs("\xef\xbf\xbd", to);
		else if (!strncmp(c, "\xef\xbf\xbe", 3) || !strncmp(c, "\xef\xbf\xbf", 3))
			c += fputs("\xef\xbf\xbd", to) < 0 ? 0 : 2;
		else
			putc(*c, to);
	}
}

static void case_put(FILE *to, const struct lsp_gate_judgement *g, const char *text)
{
	const enum lsp_gate_verdict verdict = g ? g->result.verdict : LSP_GATE_PASS;
	const char *element = !g ? "error" : verdict == LSP_GATE_FAIL ? "failure" :
			      verdict == LSP_GATE_INCONCLUSIVE ? "skipped" : NULL;

	fprintf(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites>\n<testsuite name=\"lockspan gate\" tests=\"1\" failures=\"%d\" errors=\"%d\" skipped=\"%d\">\n"
		"<testcase classname=\"lockspan\" name=\"gate\">\n",
		verdict == LSP_GATE_FAIL, !g, verdict == LSP_GATE_INCONCLUSIVE);
	if (element) {
		fprintf(to, "<%s message=\"", element);
		xml_put(to, text, "\n");
		fputs("\">", to);
		xml_put(to, text, "");
		fprintf(to, "</%s>\n", element);
	} else {
		fputs("<system-out>", to);
		xml_put(to, text, "");
		fputs("</system-out>\n", to);
	}
	fputs("</testcase>\n</testsuite>\n</testsuites>\n", to);
}

int lsp_gate_junit(const char *path, const struct lsp_gate_judgement *g)
{
	char *text = g ? text_of(g) : strdup("lockspan gate could not compare; standard error says why");
	FILE *to;
	int err = 0;

	if (!text)
		return -ENOMEM;
	to = fopen(path, "we");
	if (!to) {
		err = -errno;
	} else {
		case_put(to, g, text);
		if (ferror(to))
			err = -EIO;
		if (fclose(to) && !err)
			err = -errno;
	}
	free(text);
	return err;
}

int lsp_gate_github(FILE *to, const struct lsp_gate_judgement *g)
{
	static const char *const levels[] = {
		[LSP_GATE_PASS] = "notice", [LSP_GATE_FAIL] = "error", [LSP_GATE_INCONCLUSIVE] = "warning",
	};
	char *text = text_of(g);
	size_t n = text ? strlen(text) : 0;

	if (!text)
		return -ENOMEM;
	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	fprintf(to, "::%s title=lockspan gate::", levels[g->result.verdict]);
	for (const char *c = text; *c; c++) {
		if (*c == '%' || *c == '\r' || *c == '\n')
			fprintf(to, "%%%02X", (unsigned char)*c);
		else
			putc(*c, to);
	}
	putc('\n', to);
	free(text);
	return 0;
}
