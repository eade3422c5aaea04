/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a thread records, and where: its chunk of the file of
 * capture/userfile.h. Nothing here allocates or takes a lock of the C library's.
 * Signals wait while a thread is at work: a handler that jumps out of it, or
 * ends the thread, would leave a lock taken for ever.
 */
#ifndef LSP_PRELOAD_THREAD_H
#define LSP_PRELOAD_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "../capture/userfile.h"

/*
 * Before the program has threads: records go to the file of @head. @leave is called in a thread that ends,
 * for the waits that it has left; @process_new in the first thread of a new process that comes here, while
 * the others wait for it, for the tables that were the other process's.
 */
void lsp_thread_start(struct lsp_userfile_head *head, void (*leave)(void), void (*process_new)(uint32_t tgid));

/*
 * Begins to record: false when there is nothing to record to, or the thread is
 * at it already. Every begin is followed by an end, soon and in the same call.
 */
bool lsp_thread_begin(void);
void lsp_thread_end(void);

/*
 * The same for what no figure depends on: where it cannot begin, nothing is counted as lost. A process
 * that has not waited yet keeps what it sends to itself, so that it takes no room in the file.
 */
bool lsp_thread_begin_spare(void);

/* The same for what sends nothing; to be followed by lsp_thread_record() if it is to send after all. */
bool lsp_thread_hold(void);
bool lsp_thread_record(void);

/* A wait for a lock that processes share, and one that found no place in the ledger. */
void lsp_thread_count(bool shared, bool unplaced);

struct lsp_userfile_chunk *lsp_thread_chunk(void);
uint64_t lsp_thread_rate_ns(void);
uint32_t lsp_thread_fraction(void);

/* Evenly distributed in 0..@below - 1. */
uint64_t lsp_thread_random(uint64_t below);

/* CLOCK_MONOTONIC, ns: the clock of the kernel's side. */
uint64_t lsp_thread_now_ns(void);

/* How much of the stack of a wait or a release is looked at, as asked for. */
size_t lsp_thread_stack_bytes(void);

/* The calling thread's name. */
void lsp_thread_comm(char comm[LOCKSPAN_COMM_LEN]);

/* Each completes @rec's ids and sends it; the span's comm is the caller's to fill. */
void lsp_thread_put_span(struct lockspan_span *span);
void lsp_thread_put_release(struct lockspan_release *release);
void lsp_thread_put_map(struct lockspan_map *map, const char *path);

void lsp_thread_put_lock(struct lsp_rec_lock *lock);

/* Where the next record goes, @bytes of it at most; NULL: there is no room. And what was written there goes out. */
void *lsp_thread_room(size_t bytes);
void lsp_thread_commit(size_t bytes);

/* The numbers of the process and the thread, between begin and end. */
uint32_t lsp_thread_process(void);
uint32_t lsp_thread_id(void);

/*
 * The waits of this thread that are under way, for the case that the process ends in them, each with
 * the address of the frame it waits in. add: its place, or -1 if there is none; between begin and end.
 */
int lsp_thread_wait_add(const struct lsp_userfile_wait *w, const void *frame);
void lsp_thread_wait_remove(int place);

/*
 * Takes out one whose frame is below @frame, and so has been left without a word (longjmp, the end of the
 * thread); NULL stands for all. False: none.
 */
bool lsp_thread_wait_left(const void *frame, struct lsp_userfile_wait *ret);

#endif
