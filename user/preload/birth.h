/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where locks were initialised. An address on the heap has no name; the call
 * that made a lock there is one. It is told when the lock is first waited for,
 * so locks without contention cost no room. A child knows the locks that its
 * parent has initialised, and tells of them itself.
 */
#ifndef LSP_PRELOAD_BIRTH_H
#define LSP_PRELOAD_BIRTH_H

#include <stdint.h>

#include "thread.h"

/* @lock, of @bytes, has been initialised by the hook whose @regs these are. */
void lsp_birth_note(const void *lock, uint32_t bytes, const struct lsp_regs *regs);

/* It is destroyed: another lock may come to lie there. */
void lsp_birth_end(const void *lock);

/*
 * A name for the lock in this process, another one for another lock at the
 * same place. Tells of its birth once. Between begin and end.
 */
uint64_t lsp_birth_key(const void *lock);

#endif
