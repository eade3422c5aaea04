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
 * Opens the file that the environment names, before the program has threads. Returns its head, or
 * NULL if there is nothing to record to.
 */
struct lsp_userfile_head *lsp_chunk_file(void);

/* Whether @mapping, the end of a line of /proc/self/maps, is a mapping of the file of lsp_chunk_file(). */
bool lsp_chunk_is_file(const char *mapping);

/*
 * Returns a new chunk. With @spare it may be one that an ended thread of @tgid, this process, has
 * left. NULL: there is no room, and *@loss says where. A thread that continues takes a new chunk:
 * chunks are read in the order of their numbers, and the records of a thread must come in order.
 */
struct lsp_userfile_chunk *lsp_chunk_take(uint32_t tgid, bool spare, enum lsp_userfile_loss *loss);

/* Whether @bytes more can be written. If not, the chunk or the disk is full. */
bool lsp_chunk_fits(struct lsp_userfile_chunk *c, uint32_t bytes);

/* The chunk is full. It belongs to this process. */
void lsp_chunk_drop(struct lsp_userfile_chunk *c);

/* The chunk's thread has ended. Another thread may continue with the chunk. */
void lsp_chunk_give(struct lsp_userfile_chunk *c);

/*
 * Marks that @pid, or this process where it is 0, executes @program: see exec_pids in the file's head. The
 * number of the mark, for lsp_chunk_unmark() when it was not executed. Leaves errno as it is.
 */
uint32_t lsp_chunk_mark(const char *program, uint32_t pid);
void lsp_chunk_unmark(uint32_t mark);

/* The recorder has come into this process. */
void lsp_chunk_come(void);

/*
 * Called in a new process. Chunks that ended threads have left belong to the parent, and are not
 * mapped here.
 */
void lsp_chunk_forget(void);

#endif
