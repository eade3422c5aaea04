/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One ring of records per CPU, written by probes on that CPU, read by the
 * drain worker; and one more, LSP_RING_WORKER, that the worker itself fills.
 */
#ifndef _LSP_RING_H
#define _LSP_RING_H

#include <linux/percpu.h>
#include <linux/types.h>

#define LSP_RING_WORKER nr_cpu_ids

/*
 * Process context, may sleep. @bytes per ring, a power of two; @wake is called
 * from hard interrupt context when one is a quarter full. 0 or -ENOMEM.
 */
int lsp_ring_init(u32 bytes, void (*wake)(void));
void lsp_ring_uninit(void);
u64 lsp_ring_memory(void);

/*
 * Positions only grow; the offset in the buffer is position & mask. The writer
 * owns head, the reader owns tail, each on a line of its own.
 */
struct lsp_ring {
	u8 *buffer;
	u32 mask;
	u32 kick_at;	/* this full the reader is called */
	u64 head;
	u64 tail_seen;	/* writer's last look at tail: saves it the reader's line */
	bool kicked;	/* the reader has been called since it last read */
	u64 tail ____cacheline_aligned;
	u64 seq;	/* of the first record not yet consumed */
};

/* By the functions below only. */
DECLARE_PER_CPU(struct lsp_ring *, lsp_ring_own);
void *lsp_ring_reserve_seldom(struct lsp_ring *ring, u32 max);
void lsp_ring_kick(struct lsp_ring *ring);

/*
 * Room for a record of up to @max bytes in this CPU's ring, or NULL (the
 * caller counts the loss). Preemption is off and stays off until the commit;
 * no second reserve in between.
 */
static inline void *lsp_ring_reserve(u32 max)
{
	struct lsp_ring *ring = this_cpu_read(lsp_ring_own);
	u32 size = ring->mask + 1, at = ring->head & ring->mask;

	if (likely(at + max <= size && ring->head + max - ring->tail_seen <= size))
		return ring->buffer + at;
	return lsp_ring_reserve_seldom(ring, max);
}

/* The reserved record is complete, is @bytes long (multiple of 8), and its header says so. */
static inline void lsp_ring_commit(u32 bytes)
{
	struct lsp_ring *ring = this_cpu_read(lsp_ring_own);
	u64 head = ring->head + bytes;

	/* Pairs with the acquire in lsp_ring_peek(): the record is whole before it is seen. */
	smp_store_release(&ring->head, head);
	if (unlikely(head - ring->tail_seen > ring->kick_at && !READ_ONCE(ring->kicked)))
		lsp_ring_kick(ring);
}

/* What has been committed on this CPU is to be read at once. Preemption off. */
void lsp_ring_hurry(void);

/* Reserve and commit for the worker's own ring; worker only. */
void *lsp_ring_worker_reserve(u32 max);
void lsp_ring_worker_commit(u32 bytes);

/* Whether the worker's ring has room for the largest record and some more. */
bool lsp_ring_worker_room(void);

/*
 * Reader, worker only. The next run of whole records of ring @r, at most @max
 * bytes of it, their number and the sequence number of the first; returns the
 * run's length, 0 for none. lsp_ring_consume() gives the same run's room back.
 */
u32 lsp_ring_peek(unsigned int r, u32 max, const void **run, u64 *seq, u32 *records);
void lsp_ring_consume(unsigned int r, u32 bytes, u32 records);

#endif
