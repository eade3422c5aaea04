/* SPDX-License-Identifier: GPL-2.0-only */
/* The words that tasks wait on, each with its ledger. */
#ifndef _LSP_KEY_H
#define _LSP_KEY_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "core/ledger.h"

/*
 * Identity of a futex word, the three words of the kernel's own futex_key:
 * private {mm, page address, offset in page}, shared {inode number, page
 * index, offset and kind}.
 */
struct lsp_key_id {
	u64 word[3];
};

struct lsp_key {
	struct hlist_node node;
	struct lsp_key_id id;
	u64 hash;		/* the identity as it leaves the kernel */
	u32 refs;		/* under the bucket's lock */
	raw_spinlock_t lock;	/* for what follows; taken inside a task's lock */
	struct lsp_ledger ledger;
};

/* Process context, may sleep. Room for @keys of them. 0 or -ENOMEM. */
int lsp_key_init(u32 keys);
void lsp_key_uninit(void);
u64 lsp_key_memory(void);

/* Finds or makes the key, with a reference. NULL: no room. Interrupts off. */
struct lsp_key *lsp_key_get(const struct lsp_key_id *id);

/* Finds it, with a reference; NULL if nobody has waited on it. Interrupts off. */
struct lsp_key *lsp_key_find(const struct lsp_key_id *id);

/* Interrupts off. NULL is allowed. */
void lsp_key_put(struct lsp_key *key);

static inline bool lsp_key_is(const struct lsp_key *key, const struct lsp_key_id *id)
{
	return key->id.word[0] == id->word[0] && key->id.word[1] == id->word[1] &&
	       key->id.word[2] == id->word[2];
}

#endif
