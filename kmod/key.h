/* SPDX-License-Identifier: GPL-2.0-only */
/* The words that tasks wait on. Each of them has a ledger. */
#ifndef _LSP_KEY_H
#define _LSP_KEY_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "core/ledger.h"

/*
 * The identity of a futex word. It has the three words of the kernel's own futex_key: {mm, page
 * address, offset in the page} for a private word, {inode number, page index, offset and kind} for
 * a shared one.
 */
struct lsp_key_id {
	u64 word[3];
};

struct lsp_key {
	struct hlist_node node;
	struct lsp_key_id id;
	u64 hash;		/* the identity as it leaves the kernel, hashed */
	u32 refs;		/* protected by the bucket's lock */
	raw_spinlock_t lock;	/* protects what follows; taken inside a task's lock */
	struct lsp_ledger ledger;
};

/* Makes room for @keys keys. Process context, may sleep. Returns 0 or -ENOMEM. */
int lsp_key_init(u32 keys);
void lsp_key_uninit(void);
u64 lsp_key_memory(void);

/* Finds or makes the key, and takes a reference. Returns NULL if there is no room. Interrupts are off. */
struct lsp_key *lsp_key_get(const struct lsp_key_id *id);

/* Finds the key, and takes a reference. Returns NULL if nobody has waited on it. Interrupts are off. */
struct lsp_key *lsp_key_find(const struct lsp_key_id *id);

/* Gives a reference back. NULL is allowed. Interrupts are off. */
void lsp_key_put(struct lsp_key *key);

static inline bool lsp_key_is(const struct lsp_key *key, const struct lsp_key_id *id)
{
	return key->id.word[0] == id->word[0] && key->id.word[1] == id->word[1] &&
	       key->id.word[2] == id->word[2];
}

#endif
