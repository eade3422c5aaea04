// SPDX-License-Identifier: GPL-2.0-only
#include "words.h"

#include <math.h>
#include <string.h>

#include "../base/plural.h"
#include "../resolve/symbol/plain_name.h"
#include "bounds.h"

/* Functions of C++ have names of several hundred bytes. What is longer than this is cut. */
#define NAME_MAX_BYTES 4096

const char *lsp_words_ns(char to[LSP_WORD], double ns)
{
	static const struct {
		double ns;
		const char *unit;
	} units[] = { { 3600e9, "h" }, { 60e9, "min" }, { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" } };
	double size = fabs(ns), value;
	size_t i = 0;

	if (size < 0.5) {
		snprintf(to, LSP_WORD, "0");
		return to;
	}
	/* After rounding, 999.6 us must be 1.00 ms, and 119.9 s must not be 2.00 min. */
	while (i < 5 && size < units[i].ns * (i < 2 ? 2 : 0.9995))
		i++;
	value = ns / units[i].ns;
	size = fabs(value);
	snprintf(to, LSP_WORD, "%.*f%s", size < 9.995 && i < 5 ? 2 : size < 99.95 && i < 5 ? 1 : 0,
		 value, units[i].unit);
	return to;
}

const char *lsp_words_count(char to[LSP_WORD], double count)
{
	char digits[LSP_WORD];
	size_t n, at = 0;

	if (fabs(count) < 100 && fabs(count - round(count)) > 0.05) {
		snprintf(to, LSP_WORD, "%.1f", count);
		return to;
	}
	if (fabs(count) >= 1e15) {
		snprintf(to, LSP_WORD, "%.3g", count);
		return to;
	}
	n = (size_t)snprintf(digits, sizeof(digits), "%.0f", fabs(count));
	if (count < -0.5)
		to[at++] = '-';
	for (size_t i = 0; i < n; i++) {
		to[at++] = digits[i];
		if ((n - i) % 3 == 1 && i + 1 < n)
			to[at++] = ',';
	}
	to[at] = '\0';
	return to;
}

const char *lsp_words_share(char to[LSP_WORD], double part, double whole)
{
	if (whole > 0)
		snprintf(to, LSP_WORD, "%.1f%%", 100 * part / whole);
	else
		snprintf(to, LSP_WORD, "-");
	return to;
}

const char *lsp_words_bounds(char to[2 * LSP_WORD], const struct lsp_bounds *b)
{
	char low[LSP_WORD], high[LSP_WORD];

	if (b->trust == LSP_TRUST_SHOWN)
		snprintf(to, 2 * LSP_WORD, "%s..%s", lsp_words_ns(low, b->low_ns),
			 lsp_words_ns(high, b->high_ns));
	else
		snprintf(to, 2 * LSP_WORD, "%s", b->trust == LSP_TRUST_EXACT ? "" : "-");
	return to;
}

void lsp_bounds_meet(struct lsp_bounds_met *m, const struct lsp_bounds *b)
{
	m->shown |= b->trust == LSP_TRUST_SHOWN;
	m->too_few |= b->trust == LSP_TRUST_TOO_FEW;
	m->unknown |= b->trust == LSP_TRUST_UNKNOWN;
}

void lsp_words_bounds_note(FILE *to, const struct lsp_bounds_met *m)
{
	if (m->shown && m->too_few)
		fputs("- stands where too few events were kept for an interval\n", to);
	else if (m->too_few)
		fputs("times are estimates; too few events were kept for intervals\n", to);
	if (m->unknown)
		fputs("how it was sampled is not known: times may be estimates\n", to);
}

const char *lsp_words_counted(char to[2 * LSP_WORD], double count, const char *word)
{
	char number[LSP_WORD];

	lsp_words_count(number, count);
	snprintf(to, 2 * LSP_WORD, "%s %s%s", number, word, lsp_plural(strcmp(number, "1") ? 2 : 1, "s"));
	return to;
}

void lsp_words_name(FILE *to, const char *name)
{
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
			fprintf(to, "\\x%02x", *p);
		else
			putc(*p, to);
}

void lsp_words_function(FILE *to, const char *name, const struct lsp_words_layout *layout)
{
	char text[NAME_MAX_BYTES];

	if (layout->wide) {
		lsp_words_name(to, name);
		return;
	}
	lsp_short_name(name, text, sizeof(text));
	lsp_words_name(to, text);
}

bool lsp_words_asked(const char *name, const char *only)
{
	char text[NAME_MAX_BYTES];

	if (!only || !strcmp(name, only))
		return true;
	lsp_short_name(name, text, sizeof(text));
	return !strcmp(text, only);
}

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

size_t lsp_words_width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += begins_character(*text);
	return n;
}

void lsp_words_fit(FILE *to, const char *text, size_t columns)
{
	size_t n = 0;

	if (!columns || lsp_words_width(text) <= columns) {
		fputs(text, to);
		return;
	}
	for (; *text; text++) {
		n += begins_character(*text);
		if (n + strlen("...") > columns)
			break;
		putc(*text, to);
	}
	fputs("...", to);
}
