/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Builds the table from the entries of both sections. Most rows of a program share a few hundred
 * rules. So a row is a 32-bit address and a 16-bit number of a rule, and all binaries of a
 * distribution take some 60 MB.
 */
#include "cfi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fde.h"
#include "go_rules.h"
#include "../elf/debugfile.h"
#include "../elf/section.h"

#define RULE_NONE 0
#define RULE_COMPLEX 1
#define RULES_MAX 65536

struct build {
	struct lsp_cfi *cfi;
	size_t rows_room;
	size_t rules_room;
	uint32_t *slots;	/* rule numbers by hash, 0 free */
	size_t nslots;		/* a power of two, at least twice the rules */
	uint32_t end;		/* of the last row */
	uint32_t last_id;
	uint64_t clamp;		/* end of the functions so far, because entries may overlap */
};

static const struct lsp_cfi_rule none;

static uint64_t rule_hash(const struct lsp_cfi_rule *r)
{
	uint64_t a;
	uint32_t b;

	memcpy(&a, r, 8);
	memcpy(&b, (const char *)r + 8, 4);
	a = (a ^ (uint64_t)b << 17) * 0x9e3779b97f4a7c15ULL;
	return a ^ a >> 29;
}

static size_t slot_find(const struct build *b, const struct lsp_cfi_rule *r)
{
	size_t i = rule_hash(r) & (b->nslots - 1);

	while (b->slots[i] && memcmp(&b->cfi->rules[b->slots[i]], r, sizeof(*r)))
		i = (i + 1) & (b->nslots - 1);
	return i;
}

static int rules_grow(struct build *b)
{
	size_t room = b->rules_room ? 2 * b->rules_room : 64, i;
	struct lsp_cfi_rule *rules = realloc(b->cfi->rules, room * sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	b->cfi->rules = rules;
	b->rules_room = room;
	free(b->slots);
	b->nslots = 2 * room;
	b->slots = calloc(b->nslots, sizeof(*b->slots));
	if (!b->slots)
		return -ENOMEM;
	for (i = 1; i < b->cfi->nrules; i++)
		b->slots[slot_find(b, &rules[i])] = (uint32_t)i;
	return 0;
}

static int rule_id(struct build *b, const struct lsp_cfi_rule *r, uint32_t *ret)
{
	size_t slot;

	if (b->last_id && !memcmp(&b->cfi->rules[b->last_id], r, sizeof(*r))) {
		*ret = b->last_id;
		return 0;
	}
	slot = slot_find(b, r);
	if (!b->slots[slot]) {
		if (b->cfi->nrules == RULES_MAX) {
			*ret = RULE_COMPLEX;
			return 0;
		}
		if (b->cfi->nrules == b->rules_room) {
			int err = rules_grow(b);

			if (err)
				return err;
			slot = slot_find(b, r);
		}
		b->cfi->rules[b->cfi->nrules] = *r;
		b->slots[slot] = (uint32_t)b->cfi->nrules++;
	}
	*ret = b->slots[slot];
	return 0;
}

static int row_push(struct build *b, uint32_t pc, uint32_t id)
{
	struct lsp_cfi *c = b->cfi;

	if (c->nrows && c->ids[c->nrows - 1] == id)
		return 0;
	if (c->nrows == b->rows_room) {
		size_t room = b->rows_room ? 2 * b->rows_room : 1024;
		uint32_t *pcs = realloc(c->pcs, room * sizeof(*pcs));
		uint16_t *ids = pcs ? realloc(c->ids, room * sizeof(*ids)) : NULL;

		if (pcs)
			c->pcs = pcs;
		if (!ids)
			return -ENOMEM;
		c->ids = ids;
		b->rows_room = room;
	}
	c->pcs[c->nrows] = pc;
	c->ids[c->nrows++] = (uint16_t)id;
	c->ncomplex += id == RULE_COMPLEX;
	return 0;
}

static int row_add(void *arg, uint64_t start, uint64_t end, const struct lsp_cfi_rule *rule)
{
	struct build *b = arg;
	uint32_t id = RULE_NONE;
	int err;

	if (start < b->clamp)
		start = b->clamp;
	if (start >= end)
		return 0;
	start -= b->cfi->base;
	end -= b->cfi->base;
	if (start > b->end) {
		err = row_push(b, b->end, RULE_NONE);
		if (err)
			return err;
	}
	err = rule_id(b, rule, &id);
	if (!err)
		err = row_push(b, (uint32_t)start, id);
	b->end = (uint32_t)end;
	b->last_id = id;
	return err;
}

static int fde_rows(struct build *b, const struct lsp_fde *f)
{
	int err;

	if (f->end <= b->clamp)
		return 0;
	err = f->common ? lsp_cfa_run(f->common, f->program, f->start, f->end, row_add, b) :
			  lsp_go_rules_run(f->program, f->start, f->end, row_add, b);
	b->clamp = f->end;
	if (err == -EBADMSG) {
		b->cfi->damaged = true;
		err = 0;
	}
	return err;
}

/* Merges two sorted tables. Where both have an address, @first decides. */
static int merge(struct build *b, const struct lsp_fdes *first, const struct lsp_fdes *second)
{
	size_t i = 0, j = 0;
	uint64_t done = 0;
	int err = 0;

	while (!err && (i < first->n || j < second->n)) {
		const struct lsp_fde *x = i < first->n ? &first->fdes[i] : NULL;
		const struct lsp_fde *y = j < second->n ? &second->fdes[j] : NULL;

		if (!y || (x && x->start < y->end)) {
			/* y lies behind x, or overlaps it and is dropped */
			if (y && y->start < x->end) {
				j++;
				continue;
			}
			err = fde_rows(b, x);
			done = x->end > done ? x->end : done;
			i++;
		} else {
			if (y->start >= done)
				err = fde_rows(b, y);
			j++;
		}
	}
	return err;
}

static bool text_range(Elf *elf, uint64_t *lo, uint64_t *hi)
{
	size_t i, n;
	GElf_Phdr ph;

	*lo = UINT64_MAX;
	*hi = 0;
	if (elf_getphdrnum(elf, &n) || n > UINT16_MAX)
		return false;
	for (i = 0; i < n; i++) {
		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_LOAD ||
		    !(ph.p_flags & PF_X) || ph.p_vaddr > UINT64_MAX - ph.p_memsz)
			continue;
		if (ph.p_vaddr < *lo)
			*lo = ph.p_vaddr;
		if (ph.p_vaddr + ph.p_memsz > *hi)
			*hi = ph.p_vaddr + ph.p_memsz;
	}
	/* addresses are kept in 32 bits, so text beyond 4 GiB has no rules */
	if (*lo < *hi && *hi - *lo > UINT32_MAX)
		*hi = *lo + UINT32_MAX;
	return *lo < *hi;
}

/* Finds the segment that holds @vaddr in the file. */
static bool load_find(Elf *elf, uint64_t vaddr, GElf_Phdr *ret)
{
	size_t i, n;

	if (elf_getphdrnum(elf, &n) || n > UINT16_MAX)
		return false;
	for (i = 0; i < n; i++)
		if (gelf_getphdr(elf, (int)i, ret) && ret->p_type == PT_LOAD &&
		    vaddr >= ret->p_vaddr && vaddr - ret->p_vaddr < ret->p_filesz)
			return true;
	return false;
}

/*
 * Nothing tells how long the section is, except the entry of length 0 at its end. An entry that
 * does not fit also ends it.
 */
static size_t eh_frame_extent(const uint8_t *data, size_t bytes)
{
	size_t at = 0;

	while (bytes - at >= 4) {
		uint32_t length;

		memcpy(&length, data + at, 4);
		/* 64-bit entries are not made for these sections */
		if (!length || length == UINT32_MAX || length > bytes - at - 4)
			break;
		at += 4 + length;
	}
	return at;
}

/*
 * Finds .eh_frame in a file without a section table, by the program headers, which tell the C++
 * runtime where it is. NULL: they do not, or not in the way of every linker.
 */
static Elf_Data *eh_frame_by_header(Elf *elf, uint64_t *vaddr_ret, size_t *bytes_ret)
{
	GElf_Phdr hdr, load;
	Elf_Data *d = NULL;
	int32_t distance;
	uint64_t offset;
	size_t i, n;

	if (elf_getphdrnum(elf, &n) || n > UINT16_MAX)
		return NULL;
	for (i = 0; i < n; i++)
		if (gelf_getphdr(elf, (int)i, &hdr) && hdr.p_type == PT_GNU_EH_FRAME)
			break;
	if (i < n && hdr.p_filesz >= 8)
		d = elf_getdata_rawchunk(elf, (int64_t)hdr.p_offset, 8, ELF_T_BYTE);
	/* version 1; the section's address as a signed distance of four bytes */
	if (!d || d->d_size < 8 || memcmp(d->d_buf, "\x01\x1b", 2))
		return NULL;
	memcpy(&distance, (const char *)d->d_buf + 4, 4);
	*vaddr_ret = hdr.p_vaddr + 4 + (uint64_t)(int64_t)distance;
	if (!load_find(elf, *vaddr_ret, &load))
		return NULL;
	offset = *vaddr_ret - load.p_vaddr;
	d = elf_getdata_rawchunk(elf, (int64_t)(load.p_offset + offset), load.p_filesz - offset,
				 ELF_T_BYTE);
	if (d)
		*bytes_ret = eh_frame_extent(d->d_buf, d->d_size);
	return d;
}

static int eh_frame_read(Elf *elf, uint64_t lo, uint64_t hi, struct lsp_fdes *ret)
{
	GElf_Shdr sh;
	Elf_Data *d = lsp_elf_section(elf, ".eh_frame", &sh);
	size_t bytes = d ? d->d_size : 0;
	uint64_t vaddr = d ? sh.sh_addr : 0;

	memset(ret, 0, sizeof(*ret));
	if (!d)
		d = eh_frame_by_header(elf, &vaddr, &bytes);
	return d ? lsp_fdes_read(d->d_buf, bytes, vaddr, true, lo, hi, ret) : 0;
}

static int debug_frame_read(Elf *elf, uint64_t lo, uint64_t hi, struct lsp_fdes *ret)
{
	GElf_Shdr sh;
	Elf_Data *d = elf ? lsp_elf_section(elf, ".debug_frame", &sh) : NULL;

	memset(ret, 0, sizeof(*ret));
	return d ? lsp_fdes_read(d->d_buf, d->d_size, sh.sh_addr, false, lo, hi, ret) : 0;
}

static int rows_build(struct build *b, Elf *elf, Elf *debug, uint64_t lo, uint64_t hi)
{
	struct lsp_fdes eh, dbg;
	int err;

	err = eh_frame_read(elf, lo, hi, &eh);
	if (err)
		return err;
	/* this comes before .debug_frame, which does not tell where Go's runtime changes stacks */
	err = lsp_go_rules_fdes(elf, lo, hi, &dbg);
	if (!err && !dbg.n) {
		lsp_fdes_uninit(&dbg);
		err = debug_frame_read(elf, lo, hi, &dbg);
	}
	if (!err && !eh.n && !dbg.n) {
		lsp_fdes_uninit(&dbg);
		err = debug_frame_read(debug, lo, hi, &dbg);
	}
	if (!err)
		err = merge(b, &eh, &dbg);
	if (!err && b->cfi->nrows)
		err = row_push(b, b->end, RULE_NONE);
	b->cfi->damaged |= eh.damaged | dbg.damaged;
	lsp_fdes_uninit(&eh);
	lsp_fdes_uninit(&dbg);
	return err;
}

bool lsp_cfi_wants_debug(Elf *elf)
{
	uint64_t vaddr;
	GElf_Shdr sh;
	size_t bytes;

	return !lsp_elf_section(elf, ".eh_frame", &sh) &&
	       !lsp_elf_section(elf, ".debug_frame", &sh) &&
	       !eh_frame_by_header(elf, &vaddr, &bytes);
}

static void trim(struct lsp_cfi *c)
{
	uint32_t *pcs = realloc(c->pcs, (c->nrows ? c->nrows : 1) * sizeof(*pcs));
	uint16_t *ids = realloc(c->ids, (c->nrows ? c->nrows : 1) * sizeof(*ids));

	c->pcs = pcs ? pcs : c->pcs;
	c->ids = ids ? ids : c->ids;
}

int lsp_cfi_create(Elf *elf, Elf *debug, struct lsp_cfi **ret)
{
	struct build b = { 0 };
	struct lsp_cfi *c = calloc(1, sizeof(*c));
	uint64_t lo, hi;
	GElf_Ehdr eh;
	int err;

	if (!c)
		return -ENOMEM;
	b.cfi = c;
	err = rules_grow(&b);
	if (err)
		goto err_cfi;
	c->rules[RULE_NONE] = none;
	c->rules[RULE_COMPLEX] = (struct lsp_cfi_rule){ .cfa_kind = LSP_CFA_COMPLEX };
	c->nrules = 2;
	b.slots[slot_find(&b, &c->rules[RULE_COMPLEX])] = RULE_COMPLEX;
	if (gelf_getehdr(elf, &eh) && eh.e_machine == EM_X86_64 &&
	    eh.e_ident[EI_CLASS] == ELFCLASS64 && text_range(elf, &lo, &hi)) {
		c->base = lo;
		err = rows_build(&b, elf, debug, lo, hi);
		if (err)
			goto err_cfi;
	}
	trim(c);
	free(b.slots);
	*ret = c;
	return 0;

err_cfi:
	free(b.slots);
	lsp_cfi_destroy(c);
	return err;
}

static void cfi_free(void *data)
{
	lsp_cfi_destroy(data);
}

const struct lsp_cfi *lsp_cfi_of(struct lsp_elf *e)
{
	static const char *const lost = "calls through code that only this section tells of cannot be followed";
	struct lsp_elf_kept *kept = &e->kept[LSP_ELF_KEEPS_CFI];
	struct lsp_cfi *cfi;
	Elf *debug;

	if (kept->data)
		return kept->data;
	debug = lsp_cfi_wants_debug(e->elf) ? lsp_elf_debug_elf(e) : NULL;
	if (lsp_cfi_create(e->elf, debug, &cfi))
		return NULL;
	*kept = (struct lsp_elf_kept){ cfi, cfi_free };
	if (cfi->damaged)
		lsp_elf_damaged(e, "part of its call frame information cannot be read");
	if (!lsp_elf_section_packed_warn(e, e->elf, ".debug_frame", lost))
		lsp_elf_section_packed_warn(e, debug, ".debug_frame", lost);
	return cfi;
}

void lsp_cfi_destroy(struct lsp_cfi *cfi)
{
	if (!cfi)
		return;
	free(cfi->pcs);
	free(cfi->ids);
	free(cfi->rules);
	free(cfi);
}

const struct lsp_cfi_rule *lsp_cfi_lookup(const struct lsp_cfi *cfi, uint64_t vaddr)
{
	size_t lo = 0, hi = cfi->nrows;
	uint64_t pc = vaddr - cfi->base;

	if (!hi || vaddr < cfi->base || pc > UINT32_MAX || pc < cfi->pcs[0])
		return &none;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (cfi->pcs[mid] <= pc)
			lo = mid;
		else
			hi = mid;
	}
	return &cfi->rules[cfi->ids[lo]];
}

/* ---- for the module ---- */

/* Writes where a register was saved, relative to the CFA. Returns false if that does not fit. */
static bool slot_from_cfa(const struct lsp_cfi_rule *r, unsigned int kind, int16_t offset,
			  int32_t cfa_off, int16_t *ret)
{
	*ret = kind == LSP_SLOT_CFA ? offset : (int16_t)(offset - cfa_off);
	return kind == LSP_SLOT_CFA || (r->cfa_kind == LSP_CFA_REG && *ret == offset - cfa_off);
}

bool lsp_cfi_rule_plain(const struct lsp_cfi_rule *r, uint64_t pc, struct lockspan_rule *ret)
{
	unsigned int ra = LSP_CFI_RA(r), rbp = LSP_CFI_RBP(r);

	*ret = (struct lockspan_rule){ .pc = pc };
	if (r->flags & LSP_CFI_SIGNAL || r->cfa_kind == LSP_CFA_NONE || r->cfa_kind == LSP_CFA_COMPLEX)
		return false;
	if (ra == LSP_SLOT_UNDEFINED) {
		ret->flags = LOCKSPAN_RULE_END;
		return true;
	}
	if (r->cfa_kind == LSP_CFA_PLT)
		ret->cfa_off = ((pc + 1) & 15) >= (uint64_t)r->cfa_off ? 16 : 8;
	else if (r->cfa_kind == LSP_CFA_REG && (r->cfa_reg == LOCKSPAN_REG_RSP || r->cfa_reg == LOCKSPAN_REG_RBP))
		ret->cfa_off = r->cfa_off;
	else
		return false;
	if (r->cfa_kind == LSP_CFA_REG && r->cfa_reg == LOCKSPAN_REG_RBP)
		ret->flags |= LOCKSPAN_RULE_CFA_RBP;
	if (ra == LSP_SLOT_SAME || !slot_from_cfa(r, ra, r->ra_off, ret->cfa_off, &ret->ra_off))
		return false;
	if (rbp != LSP_SLOT_SAME)
		ret->flags |= rbp == LSP_SLOT_UNDEFINED ? LOCKSPAN_RULE_RBP_LOST : LOCKSPAN_RULE_RBP_SAVED;
	return !(ret->flags & LOCKSPAN_RULE_RBP_SAVED) ||
	       slot_from_cfa(r, rbp, r->rbp_off, ret->cfa_off, &ret->rbp_off);
}
