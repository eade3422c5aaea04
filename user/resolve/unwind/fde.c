/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walks the entries of a call frame section in two passes, because an entry may refer to a common
 * entry (CIE) that comes after it. No size or offset in the section is trusted beyond the section's
 * end.
 */
#include "fde.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/index.h"

/* No program has more common entries. Each takes some 250 bytes here. */
#define CIES_MAX (1U << 20)

struct lsp_fde_cie {
	uint64_t offset;
	bool usable;
	struct lsp_cfa_common common;
};

struct section {
	const uint8_t *data;
	size_t bytes;
	uint64_t vaddr;
	bool eh_frame;
	uint64_t lo;
	uint64_t hi;
	size_t cies_room;
	size_t fdes_room;
	struct lsp_fdes *out;
};

struct entry {
	uint64_t offset;	/* in the section */
	uint64_t cie_offset;
	bool is_cie;
	bool dwarf64;
	struct lsp_leb in;	/* behind the id */
};

/* Reads the next entry at *@at, and moves *@at. Returns 1, 0 at the end, or -EBADMSG. */
static int entry_next(const struct section *s, uint64_t *at, struct entry *e)
{
	struct lsp_leb in = { s->data + *at, s->data + s->bytes, false };
	uint64_t length, id, id_offset;

	do {
		/*
		 * a zero length ends the section for the C library, but not here, because linkers
		 * join sections
		 */
		if (lsp_leb_left(&in) < 4)
			return 0;
		e->offset = (uint64_t)(in.at - s->data);
		length = lsp_leb_fixed(&in, 4);
	} while (!length);
	e->dwarf64 = length == 0xffffffffU;
	if (e->dwarf64)
		length = lsp_leb_fixed(&in, 8);
	if (in.bad || length > lsp_leb_left(&in))
		return -EBADMSG;
	*at = (uint64_t)(in.at - s->data) + length;
	in.end = in.at + length;
	id_offset = (uint64_t)(in.at - s->data);
	id = lsp_leb_fixed(&in, e->dwarf64 && !s->eh_frame ? 8 : 4);
	if (s->eh_frame) {
		e->is_cie = id == 0;
		e->cie_offset = id_offset - id;
	} else {
		e->is_cie = id == (e->dwarf64 ? UINT64_MAX : 0xffffffffU);
		e->cie_offset = id;
	}
	e->in = in;
	return in.bad ? -EBADMSG : 1;
}

/*
 * Reads a pointer of this @encoding at the reader's place. Returns false for a kind that code
 * addresses never have.
 */
static bool encoded(const struct section *s, struct lsp_leb *in, uint8_t encoding, uint64_t *ret)
{
	uint64_t here = s->vaddr + (uint64_t)(in->at - s->data);
	uint64_t v;

	switch (encoding & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		v = lsp_leb_fixed(in, 8);
		break;
	case DW_EH_PE_udata2:
		v = lsp_leb_fixed(in, 2);
		break;
	case DW_EH_PE_sdata2:
		v = (uint64_t)(int64_t)(int16_t)lsp_leb_fixed(in, 2);
		break;
	case DW_EH_PE_udata4:
		v = lsp_leb_fixed(in, 4);
		break;
	case DW_EH_PE_sdata4:
		v = (uint64_t)(int64_t)(int32_t)lsp_leb_fixed(in, 4);
		break;
	case DW_EH_PE_uleb128:
		v = lsp_leb_unsigned(in);
		break;
	case DW_EH_PE_sleb128:
		v = (uint64_t)lsp_leb_signed(in);
		break;
	default:
		return false;
	}
	if ((encoding & 0x70) == DW_EH_PE_pcrel)
		v += here;
	else if ((encoding & 0xf0) != DW_EH_PE_absptr)
		return false;
	*ret = v;
	return !(encoding & DW_EH_PE_indirect) && !in->bad;
}

/* Augmentation "z...": letters say what the augmentation data holds. */
static bool augmentation_read(const struct section *s, struct lsp_leb *in, const char *letters,
			      struct lsp_cfa_common *c)
{
	uint64_t bytes = lsp_leb_unsigned(in), ignored;
	const uint8_t *start = lsp_leb_bytes(in, bytes);
	struct lsp_leb data = { start, start ? start + bytes : NULL, false };

	c->augmented = true;
	for (; start && *letters; letters++) {
		uint8_t encoding;

		switch (*letters) {
		case 'R':
			c->encoding = (uint8_t)lsp_leb_fixed(&data, 1);
			break;
		case 'S':
			c->signal = true;
			break;
		case 'L':
			lsp_leb_fixed(&data, 1);
			break;
		case 'P':
			/* the personality's address is skipped; only its size matters */
			encoding = (uint8_t)lsp_leb_fixed(&data, 1);
			if (!encoded(s, &data, encoding & 0x0f, &ignored))
				return false;
			break;
		default:
			return !data.bad;	/* the rest has a length, and is skipped */
		}
	}
	return start && !data.bad;
}

static bool cie_parse(const struct section *s, const struct entry *e, struct lsp_cfa_common *c)
{
	struct lsp_leb in = e->in;
	uint8_t version = (uint8_t)lsp_leb_fixed(&in, 1);
	const char *letters = (const char *)in.at;
	const uint8_t *nul = memchr(in.at, '\0', lsp_leb_left(&in));

	if (!nul || (version != 1 && version != 3 && version != 4))
		return false;
	in.at = nul + 1;
	if (version == 4 && (lsp_leb_fixed(&in, 1) != 8 || lsp_leb_fixed(&in, 1) != 0))
		return false;
	if (!strncmp(letters, "eh", 2)) {
		lsp_leb_fixed(&in, 8);
		letters += 2;
	}
	c->code_align = lsp_leb_unsigned(&in);
	c->data_align = lsp_leb_signed(&in);
	c->ra_column = version == 1 ? lsp_leb_fixed(&in, 1) : lsp_leb_unsigned(&in);
	c->encoding = DW_EH_PE_absptr;
	if (*letters == 'z') {
		if (!augmentation_read(s, &in, letters + 1, c))
			return false;
	} else if (*letters) {
		return false;
	}
	return !in.bad && !lsp_cfa_initial(c, in);
}

static int cie_add(struct section *s, const struct entry *e)
{
	struct lsp_fdes *f = s->out;
	struct lsp_fde_cie *c;

	if (f->ncies == CIES_MAX) {
		f->damaged = true;
		return 0;
	}
	if (lsp_array_grow(&f->cies, &s->cies_room, f->ncies, sizeof(*f->cies)))
		return -ENOMEM;
	c = &f->cies[f->ncies++];
	memset(c, 0, sizeof(*c));
	c->offset = e->offset;
	c->usable = cie_parse(s, e, &c->common);
	f->damaged |= !c->usable;
	return 0;
}

/* CIEs were added in ascending order of offset. */
static const struct lsp_cfa_common *cie_find(const struct lsp_fdes *f, uint64_t offset)
{
	size_t lo = 0, hi = f->ncies;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->cies[mid].offset < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == f->ncies || f->cies[lo].offset != offset || !f->cies[lo].usable)
		return NULL;
	return &f->cies[lo].common;
}

static bool fde_parse(const struct section *s, const struct entry *e, struct lsp_fde *fde)
{
	const struct lsp_cfa_common *c = cie_find(s->out, e->cie_offset);
	struct lsp_leb in = e->in;
	uint64_t size;

	if (!c || !encoded(s, &in, c->encoding, &fde->start) ||
	    !encoded(s, &in, c->encoding & 0x0f, &size))
		return false;
	if (c->augmented)
		lsp_leb_bytes(&in, lsp_leb_unsigned(&in));
	fde->end = fde->start + size;
	if (fde->end < fde->start || in.bad)
		return false;
	fde->program = in;
	fde->common = c;
	return true;
}

static int fde_add(struct section *s, const struct entry *e)
{
	struct lsp_fdes *f = s->out;
	struct lsp_fde fde;

	if (!fde_parse(s, e, &fde)) {
		f->damaged = true;
		return 0;
	}
	if (fde.start < s->lo || fde.end > s->hi || fde.start == fde.end)
		return 0;
	if (lsp_array_grow(&f->fdes, &s->fdes_room, f->n, sizeof(*f->fdes)))
		return -ENOMEM;
	f->fdes[f->n++] = fde;
	return 0;
}

static int fde_compare(const void *a, const void *b)
{
	const struct lsp_fde *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	/* of two entries for one address the longer one comes first, then the earlier one */
	if (x->end != y->end)
		return x->end > y->end ? -1 : 1;
	return x->program.at < y->program.at ? -1 : x->program.at > y->program.at;
}

static int pass(struct section *s, bool cies)
{
	uint64_t at = 0;
	struct entry e;
	int got, err = 0;

	while (!err && (got = entry_next(s, &at, &e)) > 0)
		if (e.is_cie == cies)
			err = cies ? cie_add(s, &e) : fde_add(s, &e);
	if (!err && got < 0)
		s->out->damaged = true;
	return err;
}

int lsp_fdes_read(const void *data, size_t bytes, uint64_t vaddr, bool eh_frame,
		  uint64_t lo, uint64_t hi, struct lsp_fdes *ret)
{
	struct section s = {
		.data = data, .bytes = bytes, .vaddr = vaddr, .eh_frame = eh_frame,
		.lo = lo, .hi = hi, .out = ret,
	};
	int err;

	memset(ret, 0, sizeof(*ret));
	err = pass(&s, true);
	if (!err)
		err = pass(&s, false);
	if (err) {
		lsp_fdes_uninit(ret);
		return err;
	}
	if (ret->n)
		qsort(ret->fdes, ret->n, sizeof(*ret->fdes), fde_compare);
	return 0;
}

void lsp_fdes_uninit(struct lsp_fdes *f)
{
	free(f->fdes);
	free(f->cies);
	memset(f, 0, sizeof(*f));
}
