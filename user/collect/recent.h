/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A cache of table rows. Most events have the same stack, lock, thread and thread
 * name as one of the few thousand events before them. The cache has the row to
 * which these were added, so that the next such event costs one comparison and no
 * hashing of names. An event that is not in the cache is looked up in the table.
 */
#ifndef LSP_COLLECT_RECENT_H
#define LSP_COLLECT_RECENT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../capture/span.h"

/* As many slots as rows gather between two folds. They take 4 MiB, of which only the used part is touched. */
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
	uint32_t at;		/* the row's distance from the first, in bytes */
	uint32_t age;		/* the cache's age when this was put; any other: the slot is free */
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

/* Forgets all events: called when rows of the table have moved. */
static inline void lsp_recent_clear(struct lsp_recent *r)
{
	if (++r->age)
		return;
	memset(r->slots, 0, sizeof(*r->slots) << LSP_RECENT_BITS);
	r->age = 1;
}

/* The slot for an event of these. It may hold another event: see LSP_RECENT_IS(). */
static inline struct lsp_recent_slot *lsp_recent_at(struct lsp_recent *r, uint64_t stack, uint64_t key,
						    uint32_t tid, uint32_t kind)
{
	/* Stacks and keys are hashes already; the multiplication mixes the rest. */
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

/* @at is as above. A distance that does not fit is not remembered. */
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
