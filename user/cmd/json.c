// SPDX-License-Identifier: GPL-2.0-only
#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "../collect/rows.h"

/* Returns the length of the UTF-8 character at @p, 0 if there is none. */
static size_t character(const unsigned char *p)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 :
		   p[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and numbers beyond the last character. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
		return 0;
	return n;
}

void lsp_json_text(FILE *to, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n;

	putc('"', to);
	for (; *p; p += n) {
		n = character(p);
		if (!n) {
			fputs("\\ufffd", to);
			n = 1;
		} else if (*p == '"' || *p == '\\') {
			putc('\\', to);
			putc(*p, to);
		} else if (*p < 0x20 || *p == 0x7f) {
			fprintf(to, "\\u%04x", *p);
		} else {
			fwrite(p, 1, n, to);
		}
	}
	putc('"', to);
}

struct json_object *lsp_json_new_string(const char *text)
{
	static const char replacement[] = "\357\277\275";
	char *copy = malloc(strlen(text) * (sizeof(replacement) - 1) + 1), *at = copy;
	struct json_object *ret;
	size_t n;

	if (!copy)
		return NULL;
	for (; *text; text += n ? n : 1) {
		n = character((const unsigned char *)text);
		at = mempcpy(at, n ? text : replacement, n ? n : sizeof(replacement) - 1);
	}
	ret = json_object_new_string_len(copy, (int)(at - copy));
	free(copy);
	return ret;
}

void lsp_json_string(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, lsp_json_new_string(value));
}

void lsp_json_u64(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)value));
}

void lsp_json_double(struct json_object *o, const char *key, double value)
{
	json_object_object_add(o, key, json_object_new_double(value));
}

void lsp_json_rates(struct json_object *o, const struct lsp_rates *r)
{
	lsp_json_u64(o, "block_rate_ns", r->block_rate_ns);
	lsp_json_u64(o, "mutex_fraction", r->mutex_fraction);
	lsp_json_u64(o, "min_delay_ns", r->min_delay_ns);
}

void lsp_json_counters(struct json_object *o, const struct lsp_client_report *r)
{
	struct json_object *counters = json_object_new_object();

	for (unsigned int i = 0; i < LOCKSPAN_C_COUNT; i++)
		lsp_json_u64(counters, lsp_counter_name(i), r->counters[i]);
	json_object_object_add(o, "counters", counters);
}

void lsp_json_probes(struct json_object *o, const struct lsp_client_report *r)
{
	struct json_object *probes = json_object_new_array();

	for (size_t i = 0; i < r->nprobes; i++) {
		struct json_object *probe = json_object_new_object();

		lsp_json_string(probe, "name", r->probes[i].name);
		lsp_json_string(probe, "symbol", r->probes[i].symbol);
		lsp_json_u64(probe, "missed", r->probes[i].missed);
		json_object_array_add(probes, probe);
	}
	json_object_object_add(o, "probes", probes);
}

struct json_object *lsp_json_new_stack(const struct lsp_trace *t)
{
	struct json_object *stack = json_object_new_array();

	for (size_t i = 0; i < t->nframes; i++)
		for (size_t k = 0; k < t->frames[i].nlines; k++)
			json_object_array_add(stack, lsp_json_new_string(t->frames[i].lines[k].function));
	return stack;
}
