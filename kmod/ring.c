// SPDX-License-Identifier: GPL-2.0-only
#include "ring.h"

#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>

#include "uapi/lockspan.h"

static struct lsp_ring *rings;
static unsigned int nr_rings;
DEFINE_PER_CPU(struct lsp_ring *, lsp_ring_own);

/*
 * Wakes the reader. A probe cannot do that directly, as waking might need a lock of the scheduler's
 * that is held.
 */
static void (*reader_wake)(void);

static void kick_run(struct irq_work *unused)
{
	reader_wake();
}

static DEFINE_PER_CPU(struct irq_work, kicks);

int lsp_ring_init(u32 bytes, void (*wake)(void))
{
	unsigned int r;

	reader_wake = wake;
	for_each_possible_cpu(r)
		init_irq_work(per_cpu_ptr(&kicks, r), kick_run);

	nr_rings = nr_cpu_ids + 1;
	rings = kcalloc(nr_rings, sizeof(*rings), GFP_KERNEL);
	if (!rings)
		return -ENOMEM;

	for (r = 0; r < nr_rings; r++) {
		if (r != LSP_RING_WORKER && !cpu_possible(r))
			continue;
		rings[r].buffer = vmalloc(bytes);
		if (!rings[r].buffer)
			goto err_buffers;
		rings[r].mask = bytes - 1;
		rings[r].kick_at = bytes / 4;
		if (r != LSP_RING_WORKER)
			*per_cpu_ptr(&lsp_ring_own, r) = &rings[r];
	}
	return 0;

err_buffers:
	lsp_ring_uninit();
	return -ENOMEM;
}

void lsp_ring_uninit(void)
{
	unsigned int r;

	for_each_possible_cpu(r)
		if (reader_wake)
			irq_work_sync(per_cpu_ptr(&kicks, r));
	for (r = 0; rings && r < nr_rings; r++)
		vfree(rings[r].buffer);
	kfree(rings);
	rings = NULL;
}

u64 lsp_ring_memory(void)
{
	u64 sum = 0;
	unsigned int r;

	for (r = 0; rings && r < nr_rings; r++)
		if (rings[r].buffer)
			sum += sizeof(*rings) + rings[r].mask + 1;
	return sum;
}

static bool ring_fits(struct lsp_ring *ring, u32 need)
{
	u64 size = (u64)ring->mask + 1;

	if (ring->head + need - ring->tail_seen <= size)
		return true;
	/*
	 * Pairs with the release in lsp_ring_consume(): the reader has finished with what is
	 * overwritten now.
	 */
	ring->tail_seen = smp_load_acquire(&ring->tail);
	return ring->head + need - ring->tail_seen <= size;
}

void *lsp_ring_reserve_seldom(struct lsp_ring *ring, u32 max)
{
	u32 at = ring->head & ring->mask;
	u32 to_end = ring->mask + 1 - at;
	struct lockspan_rec *pad;

	if (max <= to_end) {
		if (!ring_fits(ring, max))
			return NULL;
	} else {
		/*
		 * Records are not split. The rest of the buffer is filled, and the record begins at
		 * the buffer's start.
		 */
		if (max > ring->mask || !ring_fits(ring, to_end + max))
			return NULL;
		pad = (struct lockspan_rec *)(ring->buffer + at);
		pad->bytes = to_end;
		pad->type = LOCKSPAN_REC_PAD;
		pad->flags = 0;
		/* Pairs with the acquire in lsp_ring_peek(). */
		smp_store_release(&ring->head, ring->head + to_end);
		at = 0;
	}
	return ring->buffer + at;
}

void lsp_ring_hurry(void)
{
	struct lsp_ring *ring = this_cpu_read(lsp_ring_own);

	if (READ_ONCE(ring->kicked))
		return;
	WRITE_ONCE(ring->kicked, true);
	irq_work_queue(this_cpu_ptr(&kicks));
}

void lsp_ring_kick(struct lsp_ring *ring)
{
	ring->tail_seen = smp_load_acquire(&ring->tail);
	if (ring->head - ring->tail_seen > ring->kick_at)
		lsp_ring_hurry();
}

void *lsp_ring_worker_reserve(u32 max)
{
	return lsp_ring_reserve_seldom(&rings[LSP_RING_WORKER], max);
}

bool lsp_ring_worker_room(void)
{
	struct lsp_ring *ring = &rings[LSP_RING_WORKER];

	/*
	 * Half of the ring must be free, because a record that does not fit at the end takes up to
	 * twice its length.
	 */
	return ring->head - READ_ONCE(ring->tail) <= ring->mask / 2;
}

void lsp_ring_worker_commit(u32 bytes)
{
	struct lsp_ring *ring = &rings[LSP_RING_WORKER];

	/* Pairs with the acquire in lsp_ring_peek(), as in lsp_ring_commit(). */
	smp_store_release(&ring->head, ring->head + bytes);
}

/* Skips the filler at the reader's end of the ring. Returns the position of the writer. */
static u64 ring_skip_pad(struct lsp_ring *ring)
{
	/* Pairs with the releases of the writer. */
	u64 head = smp_load_acquire(&ring->head);
	const struct lockspan_rec *rec;

	while (ring->tail < head) {
		rec = (void *)ring->buffer + (ring->tail & ring->mask);
		if (rec->type != LOCKSPAN_REC_PAD)
			break;
		/* Pairs with the acquire in ring_fits(). */
		smp_store_release(&ring->tail, ring->tail + rec->bytes);
	}
	return head;
}

u32 lsp_ring_peek(unsigned int r, u32 max, const void **run, u64 *seq, u32 *records)
{
	struct lsp_ring *ring = &rings[r];
	const struct lockspan_rec *rec;
	u32 bytes = 0, n = 0, at;
	u64 head;

	*records = 0;
	if (!ring->buffer)
		return 0;
	head = ring_skip_pad(ring);
	at = ring->tail & ring->mask;
	*run = ring->buffer + at;
	*seq = ring->seq;

	/* A run ends at the end of the buffer, or at the filler before it. */
	max = min3((u64)max, (u64)ring->mask + 1 - at, head - ring->tail);
	while (bytes < max) {
		rec = *run + bytes;
		if (rec->bytes > max - bytes || rec->type == LOCKSPAN_REC_PAD)
			break;
		bytes += rec->bytes;
		n++;
	}
	*records = n;
	return bytes;
}

void lsp_ring_consume(unsigned int r, u32 bytes, u32 records)
{
	struct lsp_ring *ring = &rings[r];

	ring->seq += records;
	WRITE_ONCE(ring->kicked, false);
	/* Pairs with the acquire in ring_fits(). */
	smp_store_release(&ring->tail, ring->tail + bytes);
}
