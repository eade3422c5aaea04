// SPDX-License-Identifier: GPL-2.0-only
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MAX_NS INT64_MAX

/*
 * Parses digits, and finds what follows them. A sign, a space or an octal number is not accepted.
 */
static bool digits(const char *text, uint64_t *ret, const char **end)
{
	int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
	char *behind;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*ret = strtoull(text, &behind, base);
	*end = behind;
	return !errno;
}

bool lsp_text_number(const char *text, uint64_t max, uint64_t *ret)
{
	const char *end;

	return digits(text, ret, &end) && !*end && *ret <= max;
}

/* Whole numbers keep every digit; with a point or an exponent they are rounded. */
static bool times(const char *text, const char *unit, uint64_t factor, uint64_t max, uint64_t *ret)
{
	const char *end;
	char *behind;
	double n;

	if (digits(text, ret, &end) && end == unit)
		return !__builtin_mul_overflow(*ret, factor, ret) && *ret <= max;
	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return false;
	errno = 0;
	n = strtod(text, &behind);
	n = n * (double)factor + 0.5;
	if (errno || behind != unit || !(n >= 0 && n < (double)max))
		return false;
	*ret = (uint64_t)n;
	return true;
}

/* Finds where the unit begins. The only letter in a number is that of an exponent. */
static const char *unit_of(const char *text)
{
	const char *p = text + strspn(text, "0123456789.");

	if ((*p == 'e' || *p == 'E') && (isdigit((unsigned char)p[1]) || p[1] == '-' || p[1] == '+'))
		p += 2 + strspn(p + 2, "0123456789");
	return p;
}

bool lsp_text_time(const char *text, enum lsp_unit without, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
		{ "m", 60000000000 }, { "min", 60000000000 }, { "h", 3600000000000 }, { "d", 86400000000000 },
	};
	const char *unit = unit_of(text);

	if (!*unit)
		return times(text, unit, without == LSP_UNIT_S ? 1000000000 : 1, TIME_MAX_NS, ret_ns);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(unit, units[i].name))
			return times(text, unit, units[i].ns, TIME_MAX_NS, ret_ns);
	return false;
}

bool lsp_text_size(const char *text, uint64_t max, uint64_t *ret)
{
	static const char letters[] = "KMG";
	const char *unit = text, *letter;
	size_t n;

	if (lsp_text_number(text, max, ret))
		return true;
	unit = unit_of(text);
	n = strlen(unit);
	letter = n ? strchr(letters, toupper((unsigned char)*unit)) : NULL;
	if (!letter || (n > 1 && strcmp(unit + 1, "iB") && strcmp(unit + 1, "B")))
		return false;
	return times(text, unit, 1ULL << (10 * (letter - letters + 1)), max, ret);
}

bool lsp_text_amount(const char *text, const char *unit, double *ret)
{
	const char *behind = unit_of(text);
	char *end;

	/* strtod() alone would take spaces, signs, 0x10, inf and nan. */
	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return false;
	*ret = strtod(text, &end);
	return end == behind && (!*end || !strcmp(end, unit)) && *ret > 0 && *ret <= DBL_MAX;
}

uint64_t lsp_parse_number(const char *text, uint64_t max, struct argp_state *state)
{
	uint64_t n = 0;

	if (!lsp_text_number(text, max, &n))
		argp_error(state, "'%s' is not a number from 0 to %" PRIu64, text, max);
	return n;
}

uint64_t lsp_parse_time(const char *text, enum lsp_unit without, struct argp_state *state)
{
	uint64_t ns = 0;

	if (!lsp_text_time(text, without, &ns))
		argp_error(state, "'%s' is not a time such as 10us, 1.5s, 5m or 1h, or 500, which is in %s", text,
			   without == LSP_UNIT_S ? "seconds" : "nanoseconds");
	return ns;
}

uint64_t lsp_parse_size(const char *text, uint64_t max, struct argp_state *state)
{
	uint64_t bytes = 0;

	if (!lsp_text_size(text, max, &bytes))
		argp_error(state, "'%s' is not a size such as 65536, 64K or 16M, up to %" PRIu64 " bytes", text, max);
	return bytes;
}

size_t lsp_parse_rows(const char *text, struct argp_state *state)
{
	uint64_t n = 0;

	if (!lsp_text_number(text, SIZE_MAX, &n))
		argp_error(state, "'%s' is not a number of rows; 0 are all", text);
	return n ? (size_t)n : SIZE_MAX;
}
