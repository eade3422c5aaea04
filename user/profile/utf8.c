// SPDX-License-Identifier: GPL-2.0-only
/* Finds the UTF-8 characters of a string by table 3-7 of the Unicode standard. */
#include "utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool continues(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/*
 * Returns the length of the character at @s, 0 if there is none. Surrogates and overlong forms are
 * no characters.
 */
static size_t char_bytes(const unsigned char *s, size_t left)
{
	if (s[0] < 0x80)
		return s[0] ? 1 : 0;
	if (s[0] < 0xc2 || s[0] > 0xf4 || left < 2 || !continues(s[1]))
		return 0;
	if (s[0] < 0xe0)
		return 2;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	if (left < 3 || !continues(s[2]))
		return 0;
	if (s[0] < 0xf0)
		return 3;
	return left >= 4 && continues(s[3]) ? 4 : 0;
}

bool lsp_utf8_valid(const char *text, size_t bytes)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t step;

	for (; bytes; at += step, bytes -= step) {
		step = char_bytes(at, bytes);
		if (!step)
			return false;
	}
	return true;
}

char *lsp_utf8_clean(const char *text, size_t bytes)
{
	static const char replacement[3] = "\xef\xbf\xbd";
	const unsigned char *at = (const unsigned char *)text;
	size_t left, step, size = 1;
	char *copy, *out;

	for (left = bytes; left; at += step, left -= step) {
		step = char_bytes(at, left);
		size += step ? step : sizeof(replacement);
		step += !step;
	}
	copy = malloc(size);
	if (!copy)
		return NULL;
	at = (const unsigned char *)text;
	for (out = copy; bytes; at += step, bytes -= step) {
		step = char_bytes(at, bytes);
		if (step) {
			memcpy(out, at, step);
			out += step;
		} else {
			memcpy(out, replacement, sizeof(replacement));
			out += sizeof(replacement);
			step = 1;
		}
	}
	*out = '\0';
	return copy;
}
