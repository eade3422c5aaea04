/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contention repeats itself: most events are like one of a few thousand before
 * them, by stack, lock, thread and its name. Here stands which row of a table
 * these were added to, so that the next one costs one probe and no hashing of
 * names. A memory only: whatever is not in it is looked up at length.
 */
#ifndef LSP_COLLECT_RECENT_H
#define LSP_COLLECT_RECENT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../capture/span.h"

/* As many as rows gather between two folds. 4 MiB, of which only what is used is ever touched. */
#define LSP_RECENT_BITS 16

/* No padding between the words that are compared. */
struct lsp_recent_event {
	uint64_t lock;
	uint64_t stack;
	uint64_t key;
	uint64_t comm[LOCKSPAN_COMM_LEN / 8];
	uint32_t tid;
	uint32_t tgid;
	uint32_t owner;
	uint32_t kind;
};

struct lsp_recent_slot {
	struct lsp_recent_event event;
	uint32_t at;		/* of the row, bytes from the first */
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

/* The slot where an event of these stands, or may be put if LSP_RECENT_IS() denies it. */
static inline struct lsp_recent_slot *lsp_recent_at(struct lsp_recent *r, uint64_t stack, uint64_t key,
						    uint32_t tid, uint32_t kind)
{
	/* Stacks and keys are hashes already, and whatever else they are the product mixes. */
	uint64_t h = (stack + key + ((uint64_t)tid << 32 | kind)) * 0x9e3779b97f4a7c15ULL;

	return &r->slots[h >> (64 - LSP_RECENT_BITS)];
}

static inline uint64_t lsp_recent_word(const void *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/*
 * Whether @slot is of the event in @rec, a span or a release: both name these things alike, with
 * tgid behind tid. A macro, so that no event is put together only to be compared.
 */
#define LSP_RECENT_IS(r, slot, rec, owner_tgid, its_kind)				\
	/* One branch for all: nearly always nothing differs. */			\
	(!(((slot)->event.lock ^ (rec)->uaddr) | ((slot)->event.stack ^ (rec)->stack) |	\
	   ((slot)->event.key ^ (rec)->key) |						\
	   ((slot)->event.comm[0] ^ lsp_recent_word((rec)->comm)) |			\
	   ((slot)->event.comm[1] ^ lsp_recent_word((rec)->comm + 8)) |			\
	   (lsp_recent_word(&(slot)->event.tid) ^ lsp_recent_word(&(rec)->tid)) |	\
	   ((slot)->event.owner ^ (owner_tgid)) | ((slot)->event.kind ^ (its_kind)) |	\
	   ((slot)->age ^ (r)->age)))

/* @at: see above; one that does not fit is not remembered. */
static inline void lsp_recent_put(const struct lsp_recent *r, struct lsp_recent_slot *slot,
				  const struct lsp_recent_event *e, size_t at)
{
	if (at > UINT32_MAX)
		return;
	slot->event = *e;
	slot->at = (uint32_t)at;
	slot->age = r->age;
}

#endif
