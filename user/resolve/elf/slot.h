/* SPDX-License-Identifier: GPL-2.0-only */
/* What the pointers of a file's global offset table are to be filled with. */
#ifndef LSP_ELF_SLOT_H
#define LSP_ELF_SLOT_H

#include <stdint.h>

#include "file.h"

struct lsp_slots;

/* x86-64 only; the names belong to @e. 0 or -ENOMEM. */
int lsp_slots_create(struct lsp_elf *e, struct lsp_slots **ret);
void lsp_slots_destroy(struct lsp_slots *s);

/*
 * What the pointer at @vaddr leads to: *@name, a symbol that the linker looks
 * up, or with *@name NULL the place *@target in the file itself. 0 or -ENOENT.
 */
int lsp_slots_find(const struct lsp_slots *s, uint64_t vaddr, const char **name,
		   uint64_t *target);

#endif
