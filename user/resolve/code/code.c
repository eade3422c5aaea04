/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes the few instructions that must be known to walk through a C library without call frame
 * information (musl). What is found here is a guess, and callers mark it as one.
 */
#include "code.h"

#include <string.h>
#include <unistd.h>

/* Long enough for a prologue that pushes six registers with other moves between. */
#define PROLOGUE_BYTES 64

/* The _start of no program is longer. */
#define ENTRY_BYTES 64

/*
 * How far the jump to a function may lie behind the place where glibc's binder has found that
 * function. The longest distance is 108 bytes.
 */
#define BINDER_BYTES 192

/* How many bytes of a function are searched for a tail call. */
#define BODY_BYTES 2048

size_t lsp_code_read(struct lsp_elf *e, uint64_t vaddr, void *buf, size_t bytes)
{
	size_t i, image;
	ssize_t got;

	for (i = 0; i < e->nloads; i++) {
		const struct lsp_elf_load *l = &e->loads[i];
		uint64_t at = vaddr - l->vaddr;

		if (vaddr < l->vaddr || at >= l->filesz)
			continue;
		if (bytes > l->filesz - at)
			bytes = l->filesz - at;
		if (e->fd < 0) {
			const char *raw = elf_rawfile(e->elf, &image);

			if (!raw || l->offset + at + bytes > image)
				return 0;
			memcpy(buf, raw + l->offset + at, bytes);
			return bytes;
		}
		got = pread(e->fd, buf, bytes, (off_t)(l->offset + at));
		return got > 0 ? (size_t)got : 0;
	}
	return 0;
}

bool lsp_code_is_sigreturn(struct lsp_elf *e, uint64_t vaddr)
{
	static const uint8_t mov64[] = { 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t mov32[] = { 0xb8, 15, 0, 0, 0, 0x0f, 0x05 };
	uint8_t code[sizeof(mov64)];
	size_t n = lsp_code_read(e, vaddr, code, sizeof(code));

	return (n >= sizeof(mov64) && !memcmp(code, mov64, sizeof(mov64))) ||
	       (n >= sizeof(mov32) && !memcmp(code, mov32, sizeof(mov32)));
}

bool lsp_code_is_binder(struct lsp_elf *e, uint64_t vaddr)
{
	static const uint8_t keep[] = { 0x49, 0x89, 0xc3 };	/* mov %rax,%r11 */
	static const uint8_t jump[] = { 0x41, 0xff, 0xe3 };	/* jmp *%r11 */
	uint8_t code[BINDER_BYTES];
	size_t n = lsp_code_read(e, vaddr, code, sizeof(code));

	return n > sizeof(keep) && !memcmp(code, keep, sizeof(keep)) &&
	       memmem(code, n, jump, sizeof(jump));
}

bool lsp_code_is_entry(const struct lsp_elf *e, uint64_t vaddr)
{
	return e->entry && vaddr >= e->entry && vaddr - e->entry < ENTRY_BYTES;
}

bool lsp_code_is_outermost(struct lsp_elf *e, uint64_t vaddr)
{
	/* mov %eax,%edi; xor %eax,%eax; mov $60 (exit),%al; syscall */
	static const uint8_t clone_exit[] = { 0x89, 0xc7, 0x31, 0xc0, 0xb0, 60, 0x0f, 0x05 };
	uint8_t code[sizeof(clone_exit)];

	if (lsp_code_is_entry(e, vaddr))
		return true;
	return lsp_code_read(e, vaddr, code, sizeof(code)) == sizeof(code) &&
	       !memcmp(code, clone_exit, sizeof(code));
}

static uint64_t relative(uint64_t next, const uint8_t *displacement)
{
	int32_t d;

	memcpy(&d, displacement, 4);
	return next + (uint64_t)(int64_t)d;
}

/*
 * A call "ff /2", but not one relative to rip: through a register, or through memory that a register points to.
 */
static bool indirect_call(const uint8_t *end)
{
	size_t len;

	for (len = 2; len <= 7; len++) {
		const uint8_t *p = end - len;
		uint8_t mod, rm;
		size_t want;

		if (p[0] != 0xff || (p[1] >> 3 & 7) != 2)
			continue;
		mod = p[1] >> 6;
		rm = p[1] & 7;
		want = 2 + (mod != 3 && rm == 4) + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
		if (mod == 0 && rm == 4 && len > 2 && (p[2] & 7) == 5)
			want += 4;
		if (want == len && !(mod == 0 && rm == 5))
			return true;
	}
	return false;
}

enum lsp_call_kind lsp_code_call_before(struct lsp_elf *e, uint64_t vaddr, uint64_t *target)
{
	uint8_t code[8];

	if (vaddr < sizeof(code) ||
	    lsp_code_read(e, vaddr - sizeof(code), code, sizeof(code)) < sizeof(code))
		return LSP_CALL_NONE;
	if (code[3] == 0xe8) {
		*target = relative(vaddr, &code[4]);
		return LSP_CALL_DIRECT;
	}
	if (code[2] == 0xff && code[3] == 0x15) {
		*target = relative(vaddr, &code[4]);
		return LSP_CALL_SLOT;
	}
	return indirect_call(code + sizeof(code)) ? LSP_CALL_INDIRECT : LSP_CALL_NONE;
}

bool lsp_code_is_plt(struct lsp_elf *e, uint64_t vaddr, uint64_t *slot)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	uint8_t code[16];
	size_t at = 0;

	if (lsp_code_read(e, vaddr, code, sizeof(code)) < sizeof(code))
		return false;
	if (!memcmp(code, endbr, sizeof(endbr)))
		at += sizeof(endbr);
	if (code[at] == 0xf2)	/* bnd */
		at++;
	if (code[at] != 0xff || code[at + 1] != 0x25)
		return false;
	*slot = relative(vaddr + at + 6, &code[at + 2]);
	return true;
}

bool lsp_code_jumps(struct lsp_elf *e, uint64_t start, uint64_t end, uint64_t low, uint64_t high)
{
	uint8_t code[BODY_BYTES] = { 0 };
	size_t i, n = end - start < sizeof(code) ? end - start : sizeof(code);
	uint64_t to;

	/*
	 * the search goes by bytes, not by instructions; four bytes that agree by chance are rare
	 * enough for a guess
	 */
	n = lsp_code_read(e, start, code, n);
	for (i = 0; i + 5 <= n; i++) {
		to = relative(start + i + 5, &code[i + 1]);
		if (code[i] == 0xe9 && to >= low && to <= high)
			return true;
	}
	/*
	 * the short form counts only as the whole function, because two bytes agree by chance too
	 * often
	 */
	to = start + 2 + (uint64_t)(int64_t)(int8_t)code[1];
	return n >= 2 && code[0] == 0xeb && to >= low && to <= high;
}

/* Returns the length of an instruction that compilers put between the pushes of a prologue, or 0. */
static size_t harmless(const uint8_t *p, size_t left)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	size_t rex = p[0] >= 0x40 && p[0] <= 0x4f;
	uint8_t op, mod, rm;
	size_t len;

	if (left < 8)
		return 0;
	if (!memcmp(p, endbr, sizeof(endbr)))
		return sizeof(endbr);
	op = p[rex];
	if (op >= 0xb8 && op <= 0xbf)			/* mov $imm, reg */
		return rex + 1 + (p[0] & 8 && rex ? 8 : 4);
	/* mov, lea, xor, test, cmp and mov $imm with an operand that is a register or memory */
	if (op != 0x89 && op != 0x8b && op != 0x8d && op != 0x31 && op != 0x33 &&
	    op != 0x85 && op != 0x39 && op != 0x63 && op != 0xc7)
		return 0;
	mod = p[rex + 1] >> 6;
	rm = p[rex + 1] & 7;
	len = rex + 2 + (op == 0xc7 ? 4 : 0);
	if (mod == 3)
		return len;
	if (rm == 4 && mod == 0 && (p[rex + 2] & 7) == 5)
		len += 4;
	len += (rm == 4) + (mod == 1 ? 1 : mod == 2 ? 4 : 0) + (mod == 0 && rm == 5 ? 4 : 0);
	return len;
}

bool lsp_code_sets_frame(struct lsp_elf *e, uint64_t start)
{
	static const uint8_t forms[][4] = {
		{ 0x55, 0x48, 0x89, 0xe5 }, { 0x55, 0x48, 0x8b, 0xec },
	};
	uint8_t code[16];
	size_t n = lsp_code_read(e, start, code, sizeof(code)), at, k;

	for (at = 0; at + sizeof(forms[0]) <= n; at++)
		for (k = 0; k < 2; k++)
			if (!memcmp(code + at, forms[k], sizeof(forms[k])))
				return true;
	return false;
}

unsigned int lsp_code_rbp_depth(struct lsp_elf *e, uint64_t start)
{
	uint8_t code[PROLOGUE_BYTES];
	size_t n = lsp_code_read(e, start, code, sizeof(code)), at = 0, len;
	unsigned int depth = 0;

	while (at < n) {
		if (code[at] >= 0x50 && code[at] <= 0x57) {
			depth++;
			if (code[at] == 0x55)
				return depth;
			at++;
		} else if (at + 1 < n && code[at] == 0x41 &&
			   code[at + 1] >= 0x50 && code[at + 1] <= 0x57) {
			depth++;
			at += 2;
		} else {
			len = harmless(code + at, n - at);
			if (!len)
				return 0;
			at += len;
		}
	}
	return 0;
}
