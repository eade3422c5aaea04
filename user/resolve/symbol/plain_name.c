/* SPDX-License-Identifier: GPL-2.0-only */
#include "plain_name.h"

#include <ctype.h>
#include <stdbool.h>
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
