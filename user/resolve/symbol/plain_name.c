/* SPDX-License-Identifier: GPL-2.0-only */
#include "plain_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool starts_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/*
 * Returns the character after the bracket that closes the one at @at, or the end if there is none.
 */
static const char *closing(const char *at, const char *end)
{
	int depth = 0;

	for (; at < end; at++) {
		if (*at == '<' || *at == '(' || *at == '[') {
			depth++;
		} else if (*at == '>' || *at == ')' || *at == ']') {
			if (*at == '>' && (at[-1] == '-' || at[-1] == '='))
				continue;	/* an arrow, not a bracket */
			if (!--depth)
				return at + 1;
		}
	}
	return end;
}

/* Returns the length of an inline namespace at @at, which depends on the library's version. */
static size_t inline_namespace(const char *at)
{
	static const char *const names[] = { "__1::", "__2::", "__ndk1::", "__cxx11::", "_V2::" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (starts_with(at, names[i]))
			return strlen(names[i]);
	/* Abseil's namespace: upstream names it by date, Debian by number. */
	if (!starts_with(at, "lts_") && !starts_with(at, "debian"))
		return 0;
	for (i = at[0] == 'l' ? 4 : 6; isdigit((unsigned char)at[i]); i++)
		;
	return starts_with(at + i, "::") ? i + 2 : 0;
}

struct plain {
	char *text;
	size_t len;
	size_t room;	/* without the NUL */
};

static void plain_add(struct plain *p, char c)
{
	if (p->len < p->room)
		p->text[p->len++] = c;
}

static void plain_read(struct plain *p, const char *at, const char *end, int depth);

/* "<A as B>" becomes A. Any other list of template arguments becomes nothing. */
static const char *angle_read(struct plain *p, const char *at, const char *end, int depth)
{
	const char *after = closing(at, end), *as;

	if (p->len && p->text[p->len - 1] != ':')
		return after;
	for (as = at + 1; as < after; as++) {
		if (*as == '<')
			as = closing(as, after) - 1;
		else if (starts_with(as, " as "))
			break;
	}
	if (depth < 8)
		plain_read(p, at + 1, as < after ? as : after - 1, depth + 1);
	return after;
}

static void plain_read(struct plain *p, const char *at, const char *end, int depth)
{
	size_t start = p->len, skip;

	while (at < end) {
		if (starts_with(at, "operator") && !isalnum((unsigned char)at[8]) && at[8] != '_') {
			/* "operator()(int)", "operator<(...)": the sign is part of the name */
			const char *sign = at + 8 + (starts_with(at + 8, "()") ? 2 : 0);

			sign += strcspn(sign, "(");
			while (at < end && at < sign)
				plain_add(p, *at++);
			return;
		}
		skip = inline_namespace(at);
		if (skip && (p->len == start || p->text[p->len - 1] == ':')) {
			at += skip;
		} else if (*at == '<') {
			at = angle_read(p, at, end, depth);
			/* "Mutex::<T>::lock" */
			if (starts_with(at, "::") && p->len && p->text[p->len - 1] == ':')
				at += 2;
		} else if (*at == '(') {
			if (!starts_with(at, "(anonymous namespace)"))
				return;
			at += strlen("(anonymous namespace)");
			at += starts_with(at, "::") ? 2 : 0;
		} else if (*at == ' ') {
			p->len = start;	/* what came before was a return type */
			at++;
		} else {
			plain_add(p, *at++);
		}
	}
}

void lsp_plain_name(const char *name, char *ret, size_t bytes)
{
	struct plain p = { .text = ret, .room = bytes - 1 };

	plain_read(&p, name, name + strlen(name), 0);
	ret[p.len] = '\0';
}

/* ---- for people ---- */

/* Writes "operator" and its sign, which may have brackets of its own, and returns what follows them. */
static const char *operator_copy(struct plain *p, const char *at)
{
	const char *sign = at + strlen("operator");

	sign += starts_with(sign, "()") ? 2 : 0;
	sign += strcspn(sign, "(");
	while (at < sign)
		plain_add(p, *at++);
	return at;
}

/* Whether a bracket after @before opens parameters: not those of Go's "(*T)" or of C++'s "(anonymous namespace)". */
static bool is_parameters(char before)
{
	return isalnum((unsigned char)before) || strchr("_>])", before);
}

static void short_read(struct plain *p, const char *at, const char *end, int depth)
{
	size_t skip;
	char before = '\0';

	for (; at < end; before = at[-1]) {
		bool begins = !before || before == ':' || before == ' ' || before == '<';

		skip = begins ? inline_namespace(at) : 0;
		if (skip) {
			at += skip;
		} else if (begins && starts_with(at, "operator") && !isalnum((unsigned char)at[8]) && at[8] != '_') {
			at = operator_copy(p, at);
			if (at < end && *at == '(')
				at = closing(at, end);
		} else if (*at == '<' && depth < 8) {
			/* Rust's "Mutex::<T>::lock"; a path such as "<A as B>::f" stands at the beginning. */
			at = before == ':' ? closing(at, end) : angle_read(p, at, end, depth);
			if (starts_with(at, "::") && p->len && p->text[p->len - 1] == ':')
				at += 2;
		} else if (*at == '(' && before && is_parameters(before)) {
			at = closing(at, end);
		} else if ((size_t)(end - at) == strlen(" const") && starts_with(at, " const") && before == ')') {
			at = end;
		} else {
			plain_add(p, *at++);
		}
	}
}

void lsp_short_name(const char *name, char *ret, size_t bytes)
{
	const char *end = name + strlen(name);
	struct plain p = { .text = ret, .room = bytes - 1 };

	/* Names of other languages have brackets that mean something else: "py::<module>:/home/me/program.py". */
	if (*name == '[' || starts_with(name, "py::") || strstr(name, "@py::") || (*name == '<' && !strstr(name, "::")) || strlen(name) >= bytes)
		snprintf(ret, bytes, "%s", name);
	else {
		short_read(&p, name, end, 0);
		ret[p.len] = '\0';
	}
}
