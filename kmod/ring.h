/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One ring of records for each CPU, which the probes on this CPU write and the worker reads. There
 * is one more ring, LSP_RING_WORKER, which the worker writes as well.
 */
#ifndef _LSP_RING_H
#define _LSP_RING_H

#include <linux/percpu.h>
#include <linux/types.h>

#define LSP_RING_WORKER nr_cpu_ids

/*
 * Process context, may sleep. Each ring has @bytes bytes, a power of two. When a ring is a quarter
 * full, @wake is called in hard interrupt context. Returns 0 or -ENOMEM.
 */
int lsp_ring_init(u32 bytes, void (*wake)(void));
void lsp_ring_uninit(void);
u64 lsp_ring_memory(void);

/*
 * Positions only grow. The offset in the buffer is position & mask. The writer changes head and the
 * reader changes tail; they are on different cache lines.
 */
struct lsp_ring {
	u8 *buffer;
	u32 mask;
	u32 kick_at;	/* when so many bytes are in the ring, the reader is woken */
	u64 head;
	u64 tail_seen;	/* tail when the writer last read it: saves reading the reader's cache line */
	bool kicked;	/* the reader has been woken since it last read */
	u64 tail ____cacheline_aligned;
	u64 seq;	/* number of the first record that has not been consumed */
};

/* Used only by the functions below. */
DECLARE_PER_CPU(struct lsp_ring *, lsp_ring_own);
void *lsp_ring_reserve_seldom(struct lsp_ring *ring, u32 max);
void lsp_ring_kick(struct lsp_ring *ring);

/*
 * Returns room for a record of up to @max bytes in this CPU's ring, or NULL. The caller counts the
 * loss. Preemption is off, and stays off until the commit. There is no second reserve in between.
 */
static inline void *lsp_ring_reserve(u32 max)
{
	struct lsp_ring *ring = this_cpu_read(lsp_ring_own);
	u32 size = ring->mask + 1, at = ring->head & ring->mask;

	if (likely(at + max <= size && ring->head + max - ring->tail_seen <= size))
		return ring->buffer + at;
	return lsp_ring_reserve_seldom(ring, max);
}

/* The reserved record is complete. It has @bytes bytes, a multiple of 8, and its header says the same. */
static inline void lsp_ring_commit(u32 bytes)
{
	struct lsp_ring *ring = this_cpu_read(lsp_ring_own);
	u64 head = ring->head + bytes;

	/* Pairs with the acquire in lsp_ring_peek(): the record is whole before it is seen. */
	smp_store_release(&ring->head, head);
	if (unlikely(head - ring->tail_seen > ring->kick_at && !READ_ONCE(ring->kicked)))
		lsp_ring_kick(ring);
}

/* Wakes the reader, so that what was committed on this CPU is read at once. Preemption is off. */
void lsp_ring_hurry(void);

/* The same as reserve and commit, for the worker's own ring. Only the worker calls them. */
void *lsp_ring_worker_reserve(u32 max);
void lsp_ring_worker_commit(u32 bytes);

/* Whether the worker's ring has room for the largest record and for some more. */
bool lsp_ring_worker_room(void);

/*
 * Only the worker calls these. peek finds the next run of whole records in ring @r, at most @max
 * bytes. It returns the length of the run, 0 if there is none, with the number of records and the
 * sequence number of the first. consume gives back the room of the same run.
 */
u32 lsp_ring_peek(unsigned int r, u32 max, const void **run, u64 *seq, u32 *records);
void lsp_ring_consume(unsigned int r, u32 bytes, u32 records);

#endif
