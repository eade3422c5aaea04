/* SPDX-License-Identifier: GPL-2.0-only */
#include "jump.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"

#define CODE_MAX (64U << 10)

/* A relative jump (or what looks like one) at @code; its length, 0 for none. */
static size_t relative(const uint8_t *code, size_t left, int64_t *distance)
{
	int32_t d;

	if (left >= 5 && code[0] == 0xe9) {
		memcpy(&d, code + 1, 4);
		*distance = d;
		return 5;
	}
	if (left >= 6 && code[0] == 0x0f && (code[1] & 0xf0) == 0x80) {
		memcpy(&d, code + 2, 4);
		*distance = d;
		return 6;
	}
	if (left >= 2 && (code[0] == 0xeb || (code[0] & 0xf0) == 0x70)) {
		*distance = (int8_t)code[1];
		return 2;
	}
	return 0;
}

static int scan(const uint8_t *code, size_t n, uint64_t start, lsp_jump_fn fn, void *arg,
		bool *indirect)
{
	int64_t distance;
	size_t i, len;
	int ret = 0;

	for (i = 0; !ret && i < n; i++) {
		uint64_t at = start + i, target;

		len = relative(code + i, n - i, &distance);
		if (len) {
			target = at + len + (uint64_t)distance;
			if (target - start >= n)
				ret = fn(arg, at, target, false);
		} else if (n - i >= 2 && code[i] == 0xff && (code[i + 1] >> 3 & 7) == 4) {
			int32_t d;

			if (code[i + 1] != 0x25 || n - i < 6) {
				*indirect = true;
				continue;
			}
			memcpy(&d, code + i + 2, 4);
			ret = fn(arg, at, at + 6 + (uint64_t)(int64_t)d, true);
		}
	}
	return ret;
}

int lsp_jump_scan(struct lsp_elf *e, uint64_t start, uint64_t end, lsp_jump_fn fn, void *arg,
		  bool *indirect)
{
	size_t n = end - start;
	uint8_t *code;
	int ret;

	*indirect = false;
	if (start >= end || n > CODE_MAX || e->machine != EM_X86_64)
		return -ENOENT;
	code = malloc(n);
	if (!code)
		return -ENOMEM;
	ret = lsp_code_read(e, start, code, n) == n ? scan(code, n, start, fn, arg, indirect) :
						      -ENOENT;
	free(code);
	return ret;
}
