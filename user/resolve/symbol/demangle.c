/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Uses libiberty (LGPL), which knows the names of C++ (Itanium ABI), both manglings of Rust, and D.
 * It limits its recursion, except for D's names.
 */
#include "demangle.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*
 * Substitutions let a demangled name grow exponentially with the mangled one;
 * a name that grows beyond this is shown as it is. The demanglers cannot be
 * told to stop, so they are left by a jump: what is called here does not
 * allocate (beside a buffer for a non-ASCII Rust name, which that jump leaks).
 */
#define NAME_MAX_BYTES (32U << 10)

/*
 * libiberty returns a D name only as a whole, so it cannot be left by a jump. What the name may
 * cost is limited before: by the number of backward references (Q), each of which may repeat all
 * that is before it, and by how deep these can nest its types.
 */
#define D_REFERENCES_MAX 24
#define D_DEPTH_MAX 16384

struct output {
	char *text;
	size_t len;
	size_t room;
	bool failed;		/* no memory */
	jmp_buf out;
};

static bool is_copy_suffix(const char *word, size_t len)
{
	static const char *const words[] = {
		"cold", "part", "isra", "constprop", "lto_priv", "llvm", "hot", "warm",
		"localalias", "resolver", "clone", "unlikely",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == len && !strncmp(word, words[i], len))
			return true;
	for (i = 0; i < len && isdigit((unsigned char)word[i]); i++)
		;
	return i == len;
}

/*
 * Whether everything from the dot at @at to @end consists of such suffixes, the first of which is a
 * word.
 */
static bool is_suffixes(const char *at, const char *end)
{
	if (at + 1 == end || isdigit((unsigned char)at[1]))
		return false;
	while (at < end) {
		const char *word = at + 1, *next = memchr(word, '.', (size_t)(end - word));

		if (!next)
			next = end;
		if (next == word || !is_copy_suffix(word, (size_t)(next - word)))
			return false;
		at = next;
	}
	return true;
}

size_t lsp_demangle_stem(const char *linkage)
{
	const char *version = strchr(linkage, '@'), *dot;
	const char *end = version && version > linkage ? version : linkage + strlen(linkage);

	for (dot = linkage + 1; dot < end; dot++)
		if (*dot == '.' && is_suffixes(dot, end))
			return (size_t)(dot - linkage);
	return (size_t)(end - linkage);
}

static void output_add(const char *text, size_t len, void *arg)
{
	struct output *o = arg;

	if (o->len + len >= NAME_MAX_BYTES)
		longjmp(o->out, 1);
	if (o->len + len >= o->room) {
		size_t room = 2 * (o->len + len) + 64;
		char *grown = realloc(o->text, room);

		if (!grown) {
			o->failed = true;
			longjmp(o->out, 1);
		}
		o->text = grown;
		o->room = room;
	}
	memcpy(o->text + o->len, text, len);
	o->len += len;
	o->text[o->len] = '\0';
}

/* Whether the name was understood whole. */
static bool output_read(struct output *o, const char *stem, bool rust)
{
	o->len = 0;
	if (setjmp(o->out))
		return false;
	return (rust ? rust_demangle_callback(stem, 0, output_add, o) :
		       cplus_demangle_v3_callback(stem, DMGL_PARAMS | DMGL_ANSI, output_add, o)) &&
	       o->len;
}

static bool is_mangled(const char *stem, const char *prefix)
{
	return !strncmp(stem, prefix, 2) && stem[2];
}

/* Returns the malloc'ed D name of @stem. NULL: it is none, or would cost too much. */
static char *d_demangle(const char *stem)
{
	size_t references = 0, len = strlen(stem), i;
	char *name;

	for (i = 0; i < len; i++)
		references += stem[i] == 'Q';
	if (references > D_REFERENCES_MAX || len * (references + 1) > D_DEPTH_MAX)
		return NULL;
	name = cplus_demangle(stem, DMGL_DLANG);
	if (name && *name && strlen(name) < NAME_MAX_BYTES)
		return name;
	free(name);
	return NULL;
}

char *lsp_demangle(const char *linkage)
{
	char *stem = strndup(linkage, *linkage ? lsp_demangle_stem(linkage) : 0);
	struct output o = { .text = NULL };
	bool done = false;

	if (!stem)
		return NULL;
	/* Rust's older mangling is C++'s, with a hash as the last part */
	if (is_mangled(stem, "_R") || (is_mangled(stem, "_Z") && strstr(stem, "17h")))
		done = output_read(&o, stem, true);
	if (!done && !o.failed && is_mangled(stem, "_Z"))
		done = output_read(&o, stem, false);
	if (done) {
		free(stem);
		return o.text;
	}
	free(o.text);
	if (o.failed) {
		free(stem);
		return NULL;
	}
	o.text = is_mangled(stem, "_D") ? d_demangle(stem) : NULL;
	if (o.text)
		free(stem);
	return o.text ? o.text : stem;
}
