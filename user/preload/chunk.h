/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file of capture/userfile.h and the chunks of it that threads write to.
 * It is opened once, before the program runs; from then on there is a mapping
 * and no descriptor that the program could meet. System calls alone: nothing
 * here allocates or takes a lock. They may change errno.
 */
#ifndef LSP_PRELOAD_CHUNK_H
#define LSP_PRELOAD_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "../capture/userfile.h"

/*
 * The file that the environment names; its head, or NULL: there is nothing to
 * record to. Before the program has threads.
 */
struct lsp_userfile_head *lsp_chunk_file(void);

/* Whether @mapping, a line's end in /proc/self/maps, is of that file. */
bool lsp_chunk_is_file(const char *mapping);

/*
 * A new one, or, with @spare, one that an ended thread of @tgid, this process,
 * has left. NULL: no room, *@loss says where. A thread that goes on takes a new
 * one: chunks are read by their numbers, and what it sends in several records
 * must come in order.
 */
struct lsp_userfile_chunk *lsp_chunk_take(uint32_t tgid, bool spare, enum lsp_userfile_loss *loss);

/* Whether @bytes more can be written; false: the chunk or the disk is full. */
bool lsp_chunk_fits(struct lsp_userfile_chunk *c, uint32_t bytes);

/* It is full, and this process's. */
void lsp_chunk_drop(struct lsp_userfile_chunk *c);

/* Its thread ends; another one may go on with it. */
void lsp_chunk_give(struct lsp_userfile_chunk *c);

/*
 * Marks that @pid, or this process where it is 0, executes @program: see exec_pids in the file's head. The
 * number of the mark, for lsp_chunk_unmark() when it was not executed. Leaves errno as it is.
 */
uint32_t lsp_chunk_mark(const char *program, uint32_t pid);
void lsp_chunk_unmark(uint32_t mark);

/* The recorder has come into this process. */
void lsp_chunk_come(void);

/* In a new process: what ended threads have left is the other's, and not mapped here. */
void lsp_chunk_forget(void);

#endif
