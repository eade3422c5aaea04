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
 * Called before the program has threads. Records go to the file of @head. @leave is called in a
 * thread that ends, for the waits that it has left. @process_new is called in the first thread of a
 * new process that records, for the tables, which are copies of the parent's; the other threads
 * wait for it.
 */
void lsp_thread_start(struct lsp_userfile_head *head, void (*leave)(void), void (*process_new)(uint32_t image));

/* Whether any thread of this process has waited. */
bool lsp_thread_any_waited(void);

/*
 * Begins to record. Returns false if there is nothing to record to, or if the thread is recording
 * already. Every begin is followed by an end, soon and in the same call.
 */
bool lsp_thread_begin(void);
void lsp_thread_end(void);

/*
 * The same for records on which no figure depends. If it cannot begin, nothing counts as lost. A
 * process that has not waited yet keeps such records to itself, so that it takes no room in the
 * file.
 */
bool lsp_thread_begin_spare(void);

/* The same for a caller that sends nothing. If it has to send after all, it calls lsp_thread_record() first. */
bool lsp_thread_hold(void);
bool lsp_thread_record(void);

/* Count a wait for a lock that processes can share, and a wait that found no place in the ledger. */
void lsp_thread_count(bool shared, bool unplaced);

struct lsp_userfile_chunk *lsp_thread_chunk(void);
uint64_t lsp_thread_rate_ns(void);
uint32_t lsp_thread_fraction(void);

/* Returns a random number from 0 to @below - 1, all with the same probability. */
uint64_t lsp_thread_random(uint64_t below);

/* CLOCK_MONOTONIC, ns: the clock of the kernel's side. */
uint64_t lsp_thread_now_ns(void);

/* How many bytes of the stack are looked at for a wait or a release, as the user has asked. */
size_t lsp_thread_stack_bytes(void);

/* The calling thread's name. */
void lsp_thread_comm(char comm[LOCKSPAN_COMM_LEN]);

/* Each of these fills in the ids of @rec and sends it. The caller fills in the span's comm. */
void lsp_thread_put_span(struct lockspan_span *span);
void lsp_thread_put_release(struct lockspan_release *release);
void lsp_thread_put_given_up(struct lockspan_given_up *g);
void lsp_thread_put_map(struct lockspan_map *map, const char *path);

void lsp_thread_put_lock(struct lsp_rec_lock *lock);

/*
 * Returns room for the next record, of at most @bytes bytes, or NULL. The second function sends
 * what was written there.
 */
void *lsp_thread_room(size_t bytes);
void lsp_thread_commit(size_t bytes);

/* The numbers of the process and the thread, between begin and end. */
uint32_t lsp_thread_process(void);
uint32_t lsp_thread_id(void);

/* A number that this process has while it runs this program, and that no other has. Not 0. */
uint32_t lsp_thread_image(void);

/* Returns a number for the mappings of this process that no others in the file have. */
uint32_t lsp_thread_generation_new(void);

/*
 * The waits of this thread that have not ended, in case the process ends during them. Each has the
 * address of the frame that waits. add returns its place, or -1 if there is none; it is called
 * between begin and end.
 */
int lsp_thread_wait_add(const struct lsp_userfile_wait *w, const void *frame);
void lsp_thread_wait_remove(int place);

/*
 * Takes out a wait whose frame is below @frame; NULL: any wait. Its function was left without
 * returning (longjmp, the end of the thread). Returns false if there is none.
 */
bool lsp_thread_wait_left(const void *frame, struct lsp_userfile_wait *ret);

#endif
