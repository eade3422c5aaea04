/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contention repeats itself: most events are like one of a few thousand before
 * them, by stack, lock, thread and its name. Here stands which row of a table
 * these were added to, so that the next one costs one probe and no hashing of
 * names. A memory only: whatever is not in it is looked up at length.
 */
#ifndef LSP_RECENT_H
#define LSP_RECENT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/span.h"

/* As many as rows gather between two folds. 4 MiB, of which only what is used is ever touched. */
#define LSP_RECENT_BITS 16

/* No padding between the words that are compared. */
struct lsp_recent_event {
	uint64_t stack;
	uint64_t lock;
	uint64_t key;
	uint32_t tgid;
	uint32_t tid;
	uint32_t owner;
	uint32_t kind;
	uint64_t comm[LOCKSPAN_COMM_LEN / 8];
};

struct lsp_recent_slot {
	struct lsp_recent_event event;
	uint32_t place;		/* of the row */
	uint32_t age;		/* the table's when this was put; another one: free */
};

struct lsp_recent {
	struct lsp_recent_slot *slots;
	uint32_t age;
};

static inline int lsp_recent_init(struct lsp_recent *r)
{
	r->slots = calloc(1U << LSP_RECENT_BITS, sizeof(*r->slots));
	r->age = 1;
	return r->slots ? 0 : -ENOMEM;
}

static inline void lsp_recent_uninit(struct lsp_recent *r)
{
	free(r->slots);
	r->slots = NULL;
}

/* Forgets all: to be called when rows of the table have moved. */
static inline void lsp_recent_clear(struct lsp_recent *r)
{
	if (++r->age)
		return;
	memset(r->slots, 0, sizeof(*r->slots) << LSP_RECENT_BITS);
	r->age = 1;
}

/* The slot where an event of these stands, or may be put if lsp_recent_is() denies it. */
static inline struct lsp_recent_slot *lsp_recent_at(struct lsp_recent *r, uint64_t stack, uint64_t key,
						    uint32_t tid, uint32_t kind)
{
	uint64_t h = stack ^ key << 32 ^ key >> 32 ^ (uint64_t)tid << 8 ^ kind;

	return &r->slots[h * 0x9e3779b97f4a7c15ULL >> (64 - LSP_RECENT_BITS)];
}

/* Always inlined, so that no event is put together only to be compared. */
static inline __attribute__((always_inline))
bool lsp_recent_is(const struct lsp_recent *r, const struct lsp_recent_slot *slot,
		   const struct lsp_recent_event e)
{
	const struct lsp_recent_event *s = &slot->event;

	/* One branch for all: nearly always nothing differs. */
	return !((s->stack ^ e.stack) | (s->lock ^ e.lock) | (s->key ^ e.key) |
		 (s->comm[0] ^ e.comm[0]) | (s->comm[1] ^ e.comm[1]) | (s->tgid ^ e.tgid) |
		 (s->tid ^ e.tid) | (s->owner ^ e.owner) | (s->kind ^ e.kind) | (slot->age ^ r->age));
}

static inline void lsp_recent_put(const struct lsp_recent *r, struct lsp_recent_slot *slot,
				  const struct lsp_recent_event *e, size_t place)
{
	slot->event = *e;
	slot->place = (uint32_t)place;
	slot->age = r->age;
}

#endif
