/* SPDX-License-Identifier: GPL-2.0-only */
/* Tells what the linker or the loader puts into the pointers of a file's global offset table. */
#ifndef LSP_ELF_SLOT_H
#define LSP_ELF_SLOT_H

#include <stdint.h>

#include "file.h"

struct lsp_slots;

/* Reads the pointers of @e, which owns the names. x86-64 only. Returns 0 or -ENOMEM. */
int lsp_slots_create(struct lsp_elf *e, struct lsp_slots **ret);
void lsp_slots_destroy(struct lsp_slots *s);

/*
 * Finds what the pointer at @vaddr leads to: *@name is a symbol that the linker looks up, or *@name
 * is NULL and *@target is a place in the file itself. Returns 0 or -ENOENT.
 */
int lsp_slots_find(const struct lsp_slots *s, uint64_t vaddr, const char **name,
		   uint64_t *target);

#endif
