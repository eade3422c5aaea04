// SPDX-License-Identifier: GPL-2.0-only
/* No function here reads outside [at, end), whatever the bytes are. */
#include "wire.h"

#include <errno.h>

#define FIELD_NUMBER_MAX ((1U << 29) - 1)

int lsp_wire_varint(struct lsp_wire *w, uint64_t *ret)
{
	unsigned int shift;
	uint64_t value = 0;

	if (w->at == w->end)
		return 0;
	for (shift = 0; w->at < w->end && shift < 64; shift += 7) {
		unsigned char byte = *w->at++;

		if (shift == 63 && byte > 1)
			return -EBADMSG;	/* more than 64 bits */
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret = value;
			return 1;
		}
	}
	return -EBADMSG;
}

int lsp_wire_next(struct lsp_wire *w, struct lsp_wire_field *ret)
{
	uint64_t tag, bytes = 0;
	int more = lsp_wire_varint(w, &tag);

	if (more <= 0)
		return more;
	if (tag >> 3 == 0 || tag >> 3 > FIELD_NUMBER_MAX)
		return -EBADMSG;
	ret->number = (uint32_t)(tag >> 3);
	ret->type = tag & 7;
	ret->value = 0;
	switch (ret->type) {
	case LSP_WIRE_VARINT:
		return lsp_wire_varint(w, &ret->value) == 1 ? 1 : -EBADMSG;
	case LSP_WIRE_BYTES:
		if (lsp_wire_varint(w, &bytes) != 1)
			return -EBADMSG;
		break;
	case LSP_WIRE_FIXED64:
		bytes = 8;
		break;
	case LSP_WIRE_FIXED32:
		bytes = 4;
		break;
	default:
		return -EBADMSG;
	}
	if (bytes > (uint64_t)(w->end - w->at))
		return -EBADMSG;
	ret->data = w->at;
	ret->bytes = (size_t)bytes;
	w->at += bytes;
	return 1;
}
