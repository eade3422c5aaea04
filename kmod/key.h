/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words that tasks wait on. Each of them has a ledger. A key lives while a thread's entry refers
 * to it. A thread keeps its last key until it waits elsewhere or ends. When the key goes, what is
 * carried on it is given up.
 */
#ifndef _LSP_KEY_H
#define _LSP_KEY_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "core/ledger.h"
#include "core/why.h"

/*
 * The identity of a futex word. It has the three words of the kernel's own futex_key: {mm, page
 * address, offset in the page} for a private word, {inode number, page index, offset and kind} for
 * a shared one.
 */
struct lsp_key_id {
	u64 word[3];
};

/* Of the last wait that left something to be carried: what a reader needs to name the key. */
struct lsp_key_left {
	u64 uaddr;
	u32 tgid;
	u32 tid;
	u16 flags;		/* LOCKSPAN_SPAN_SHARED */
	u8 op;
	u64 told_ns;		/* when the key was last told of */
};

struct lsp_key {
	struct hlist_node node;
	struct lsp_key_id id;
	u64 hash;		/* the identity as it leaves the kernel, hashed */
	u32 refs;		/* protected by the bucket's lock */
	raw_spinlock_t lock;	/* protects what follows; taken inside a task's lock */
	struct lsp_ledger ledger;
	struct lsp_key_left left;
	struct lsp_why_crowd *crowd;	/* who came and went during the present hold; NULL if nobody asks */
};

/* Makes room for @keys keys, and with @why for their crowds. Process context, may sleep. Returns 0 or -ENOMEM. */
int lsp_key_init(u32 keys, bool why);
void lsp_key_uninit(void);
u64 lsp_key_memory(void);

/* Finds or makes the key, and takes a reference. Returns NULL if there is no room. Interrupts are off. */
struct lsp_key *lsp_key_get(const struct lsp_key_id *id);

/* Finds the key, and takes a reference. Returns NULL if nobody has waited on it. Interrupts are off. */
struct lsp_key *lsp_key_find(const struct lsp_key_id *id);

/* Gives a reference back. NULL is allowed. Interrupts are off. */
void lsp_key_put(struct lsp_key *key);

/*
 * A task is about to queue on @key at @t, where something is carried: gives it up if that comes too late. The key's
 * lock is held.
 */
void lsp_key_expire(struct lsp_key *key, u64 t);

/* At the end of the session: @room is asked before each key that has something to tell. Process context. */
void lsp_key_give_up_all(void (*room)(void));

static inline bool lsp_key_is(const struct lsp_key *key, const struct lsp_key_id *id)
{
	return key->id.word[0] == id->word[0] && key->id.word[1] == id->word[1] &&
	       key->id.word[2] == id->word[2];
}

#endif
