/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where locks were initialised: the birth of a lock. An address on the heap has
 * no name, so the call that initialised the lock names it. A birth is recorded
 * when the lock is first waited for, so that locks without contention take no
 * room in the file. A child process knows the locks that its parent has
 * initialised, and records their births itself.
 */
#ifndef LSP_PRELOAD_BIRTH_H
#define LSP_PRELOAD_BIRTH_H

#include <stdint.h>

#include "stack.h"

/*
 * The lock @lock, which has @bytes bytes, has been initialised. @regs are the registers that the
 * call's hook saved.
 */
void lsp_birth_note(const void *lock, uint32_t bytes, const struct lsp_regs *regs);

/* @lock is destroyed: another lock may be made at its address. */
void lsp_birth_end(const void *lock);

/*
 * Returns the key of the lock in this process. A later lock at the same address gets another key.
 * The first call for a lock records its birth. To be called between the begin and the end of an
 * event.
 */
uint64_t lsp_birth_key(const void *lock);

#endif
