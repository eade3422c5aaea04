/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the outermost fields of a protobuf message one by one, in place. So a large profile can be
 * unpacked piece by piece. As a whole it would take several times its size.
 */
#ifndef LSP_PROFILE_WIRE_H
#define LSP_PROFILE_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum lsp_wire_type {
	LSP_WIRE_VARINT = 0,
	LSP_WIRE_FIXED64 = 1,
	LSP_WIRE_BYTES = 2,
	LSP_WIRE_FIXED32 = 5,
};

struct lsp_wire {
	const unsigned char *at;
	const unsigned char *end;
};

struct lsp_wire_field {
	uint32_t number;
	enum lsp_wire_type type;
	uint64_t value;			/* of a VARINT */
	const unsigned char *data;	/* of BYTES */
	size_t bytes;
};

/*
 * Reads the next field. Returns 1, 0 at the end, or -EBADMSG if this is no protobuf: a field that
 * is cut short, a field number that is 0 or too large, or an unknown wire type.
 */
int lsp_wire_next(struct lsp_wire *w, struct lsp_wire_field *ret);

/* Reads the next number of a packed field. Returns 1, 0 at the end, or -EBADMSG. */
int lsp_wire_varint(struct lsp_wire *w, uint64_t *ret);

#endif
