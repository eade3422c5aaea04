/* SPDX-License-Identifier: GPL-2.0-only */
#include "jump.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"

#define CODE_MAX (64U << 10)

/*
 * Whether a relative jump or call (or what looks like one) is at @code. Returns its length, 0 for
 * none.
 */
static size_t relative(const uint8_t *code, size_t left, int64_t *distance)
{
	int32_t d;

	if (left >= 5 && (code[0] == 0xe9 || code[0] == 0xe8)) {
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

/*
 * Whether a jump through a pointer, a table or a register is at @code. *@slot is set if the pointer
 * is at @distance.
 */
static size_t indirect_jump(const uint8_t *code, size_t left, int64_t *distance, bool *slot)
{
	int32_t d;

	if (left < 2 || code[0] != 0xff || (code[1] >> 3 & 7) != 4)
		return 0;
	*slot = code[1] == 0x25 && left >= 6;
	if (!*slot)
		return 2;
	memcpy(&d, code + 2, 4);
	*distance = d;
	return 6;
}

static int scan(const uint8_t *code, size_t n, uint64_t start, lsp_jump_fn fn, void *arg,
		bool *indirect)
{
	size_t i, len;
	int ret;

	for (i = 0; i < n; i++) {
		const uint64_t at = start + i;
		enum lsp_jump_kind kind = LSP_JUMP_DIRECT;
		int64_t distance = 0;
		bool slot = false;

		len = relative(code + i, n - i, &distance);
		if (len && code[i] == 0xe8)
			kind = LSP_JUMP_CALL;
		if (!len) {
			len = indirect_jump(code + i, n - i, &distance, &slot);
			kind = LSP_JUMP_SLOT;
			*indirect |= len && !slot;
			if (!slot)
				continue;
		}
		/*
		 * a long jump to a place within the function is real, because chance does not lead
		 * there
		 */
		ret = at + len + (uint64_t)distance - start < n ? len > 2 :
		      fn(arg, kind, at, at + len + (uint64_t)distance);
		if (ret < 0)
			return ret;
		if (ret)
			i += len - 1;
	}
	return 0;
}

int lsp_jump_scan(struct lsp_elf *e, uint64_t start, uint64_t end, lsp_jump_fn fn, void *arg,
		  bool *indirect)
{
	size_t n = end - start;
	uint8_t *code;
	int ret = -ENOENT;

	*indirect = false;
	if (start >= end || n > CODE_MAX || e->machine != EM_X86_64)
		return -ENOENT;
	code = malloc(n);
	if (!code)
		return -ENOMEM;
	if (lsp_code_read(e, start, code, n) == n)
		ret = scan(code, n, start, fn, arg, indirect);
	free(code);
	return ret;
}

/*
 * Returns the register (0 to 15) through which the call in the last bytes before @end goes; 16: there is none.
 */
static unsigned int called_register(const uint8_t *end)
{
	if (end[-2] != 0xff || (end[-1] & 0xf8) != 0xd0)
		return 16;
	return (end[-1] & 7) | (end[-3] == 0x41 ? 8 : 0);
}

int lsp_jump_loads(struct lsp_elf *e, uint64_t start, uint64_t end, uint64_t ra, lsp_jump_fn fn,
		   void *arg)
{
	size_t n = end - start, i, at = ra - start;
	unsigned int reg;
	uint8_t *code;
	int32_t d;
	int ret = 0;

	if (start >= end || n > CODE_MAX || at > n || at < 3 || e->machine != EM_X86_64)
		return -ENOENT;
	code = malloc(n);
	if (!code)
		return -ENOMEM;
	reg = lsp_code_read(e, start, code, n) == n ? called_register(code + at) : 16;
	/* lea, and mov of 64 bits, with an address relative to rip */
	for (i = 0; ret >= 0 && reg < 16 && i + 7 <= n; i++) {
		if (code[i] != (reg & 8 ? 0x4c : 0x48) || (code[i + 1] != 0x8d && code[i + 1] != 0x8b) ||
		    code[i + 2] != (5 | (reg & 7) << 3))
			continue;
		memcpy(&d, code + i + 3, 4);
		ret = fn(arg, code[i + 1] == 0x8d ? LSP_JUMP_DIRECT : LSP_JUMP_SLOT, start + i,
			 start + i + 7 + (uint64_t)(int64_t)d);
	}
	free(code);
	return ret < 0 ? ret : 0;
}
