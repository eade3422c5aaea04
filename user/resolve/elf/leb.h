/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads little-endian and LEB128 numbers from bytes that may be damaged. Beyond the end everything
 * reads as 0, and @bad is set. Callers check it once, at the end.
 */
#ifndef LSP_ELF_LEB_H
#define LSP_ELF_LEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lsp_leb {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

static inline size_t lsp_leb_left(const struct lsp_leb *r)
{
	return (size_t)(r->end - r->at);
}

static inline const uint8_t *lsp_leb_bytes(struct lsp_leb *r, uint64_t n)
{
	const uint8_t *p = r->at;

	if (n > lsp_leb_left(r)) {
		r->bad = true;
		r->at = r->end;
		return NULL;
	}
	r->at += n;
	return p;
}

static inline uint64_t lsp_leb_fixed(struct lsp_leb *r, unsigned int bytes)
{
	const uint8_t *p = lsp_leb_bytes(r, bytes);
	uint64_t v = 0;

	while (p && bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static inline uint64_t lsp_leb_unsigned(struct lsp_leb *r)
{
	unsigned int shift = 0;
	uint64_t v = 0;

	while (r->at < r->end) {
		uint8_t b = *r->at++;

		if (shift < 64)
			v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
		shift += shift < 64 ? 7 : 0;
	}
	r->bad = true;
	return 0;
}

static inline int64_t lsp_leb_signed(struct lsp_leb *r)
{
	unsigned int shift = 0;
	uint64_t v = 0;

	while (r->at < r->end) {
		uint8_t b = *r->at++;

		if (shift < 64)
			v |= (uint64_t)(b & 0x7f) << shift;
		shift += shift < 64 ? 7 : 0;
		if (!(b & 0x80)) {
			if ((b & 0x40) && shift < 64)
				v |= ~0ULL << shift;
			return (int64_t)v;
		}
	}
	r->bad = true;
	return 0;
}

#endif
