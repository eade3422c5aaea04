/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The search goes byte by byte and does not decode instructions. Four bytes behind an e8 that are
 * no distance lead into this file by chance about once in 4 GiB / its size.
 */
#include "starts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/index.h"
#include "code.h"

/* Larger code without symbols is left alone. */
#define CODE_MAX (128ULL << 20)

struct lsp_starts {
	uint64_t *at;	/* ascending */
	size_t n;
	size_t room;
};

static int start_add(struct lsp_starts *s, uint64_t vaddr)
{
	if (lsp_array_grow(&s->at, &s->room, s->n, sizeof(*s->at)))
		return -ENOMEM;
	s->at[s->n++] = vaddr;
	return 0;
}

/*
 * The target of a jump may also lie within its function. There it is seldom aligned and behind the
 * end of other code.
 */
static bool may_begin(const uint8_t *code, size_t at)
{
	uint8_t before = at ? code[at - 1] : 0x90;

	return !(at & 15) && (before == 0xc3 || before == 0x90 || before == 0xcc || !before);
}

/* Whether a jump at @from leaves its function, because a known function begins on the way. */
static bool leaves(const struct lsp_starts *s, uint64_t from, uint64_t to)
{
	uint64_t end, start = lsp_starts_find(s, from > to ? from : to, &end);

	return start > (from > to ? to : from);
}

/* Adds what instructions with @opcode (e8: call, e9: jump) lead to. */
static int segment_scan(struct lsp_starts *s, uint8_t opcode, const uint8_t *code, size_t n,
			uint64_t vaddr, struct lsp_starts *ret)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i + 5 <= n; i++) {
		uint64_t to;
		int32_t d;

		if (code[i] != opcode)
			continue;
		memcpy(&d, code + i + 1, 4);
		to = i + 5 + (uint64_t)(int64_t)d;
		if (to < n && (opcode == 0xe8 || (may_begin(code, to) &&
						  leaves(s, vaddr + i, vaddr + to))))
			err = start_add(ret, vaddr + to);
	}
	return err;
}

static int segment_read(struct lsp_starts *s, uint8_t opcode, struct lsp_elf *e,
			const struct lsp_elf_load *l, struct lsp_starts *ret)
{
	size_t n = l->filesz;
	uint8_t *code;
	int err = 0;

	if (!l->exec || !n || n > CODE_MAX)
		return 0;
	code = malloc(n);
	if (!code)
		return -ENOMEM;
	if (lsp_code_read(e, l->vaddr, code, n) == n)
		err = segment_scan(s, opcode, code, n, l->vaddr, ret);
	free(code);
	return err;
}

static int address_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Adds @more to @s, each once, in order. */
static int merge(struct lsp_starts *s, const struct lsp_starts *more)
{
	size_t i, n = 0;
	int err = 0;

	for (i = 0; !err && i < more->n; i++)
		err = start_add(s, more->at[i]);
	if (s->n)
		qsort(s->at, s->n, sizeof(*s->at), address_compare);
	for (i = 0; i < s->n; i++)
		if (!n || s->at[n - 1] != s->at[i])
			s->at[n++] = s->at[i];
	s->n = n;
	return err;
}

/* Calls come first, because where a jump leads is judged by the beginnings that are known. */
int lsp_starts_create(struct lsp_elf *e, struct lsp_starts **ret)
{
	static const uint8_t opcodes[] = { 0xe8, 0xe9 };
	struct lsp_starts *s = calloc(1, sizeof(*s));
	size_t i, k;
	int err = 0;

	if (!s)
		return -ENOMEM;
	for (k = 0; !err && k < sizeof(opcodes); k++) {
		struct lsp_starts more = { 0 };

		for (i = 0; !err && i < e->nloads && e->machine == EM_X86_64; i++)
			err = segment_read(s, opcodes[k], e, &e->loads[i], &more);
		if (!err)
			err = merge(s, &more);
		free(more.at);
	}
	if (err) {
		lsp_starts_destroy(s);
		return err;
	}
	*ret = s;
	return 0;
}

void lsp_starts_destroy(struct lsp_starts *s)
{
	if (!s)
		return;
	free(s->at);
	free(s);
}

uint64_t lsp_starts_find(const struct lsp_starts *s, uint64_t vaddr, uint64_t *end)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->at[mid] <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	*end = low < s->n ? s->at[low] : vaddr + 1;
	return low ? s->at[low - 1] : 0;
}
