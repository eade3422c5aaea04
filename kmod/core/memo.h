/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recognises stacks that have been walked by rules before. The walks are kept as a
 * tree of questions.
 *
 * A walk depends only on the words that it reads: the first rule says where the first
 * return address is, the rule of that address says where the next one is, and so on.
 * So a node of the tree says which word to read next, relative to the walk's rsp. Each
 * value that was found there leads to another node, and the last node has the stack's
 * name. Following the tree reads the same words as the walk and comes to the same
 * stack, but it looks up no rules and skips the words on which nothing depends.
 */
#ifndef _LSP_CORE_MEMO_H
#define _LSP_CORE_MEMO_H

#include "types.h"
#include "walk.h"

/* An answer is searched in so many places. */
#define LSP_MEMO_PLACES 8
/* @from of a node that begins a tree: this bit and the generation of the mappings. */
#define LSP_MEMO_ROOT (1U << 31)

enum lsp_memo_kind {
	LSP_MEMO_NEW,		/* nothing is known beyond this node */
	LSP_MEMO_WORD,		/* a return address */
	LSP_MEMO_SAVED_BP,	/* a saved rbp, as a distance from rsp */
	LSP_MEMO_BP,		/* rbp as it was at the first frame, as a distance from rsp */
	LSP_MEMO_END,
};

/* A reader that sees @from also sees @value. One that sees @kind also sees the fields that @kind needs. */
struct lsp_memo_node {
	u64 value;	/* the answer that leads here; rip, where a tree begins */
	u32 from;	/* the node whose question it answers; 0: this node is free */
	u32 likely;	/* distance in bytes from node 0 to the node of the first answer, 0 none */
	u32 off;	/* which word to read: distance from rsp */
	u32 kind;	/* enum lsp_memo_kind */
	u64 id;		/* LSP_MEMO_END: the stack's name; 0: the stack is to be sent again */
};

struct lsp_memo {
	u32 mask;	/* number of nodes - 1 */
	u32 shift;	/* turns a hash into the number of a node */
	u32 used;
	u32 unused;
	struct lsp_memo_node nodes[];
};

/* Begins an empty memo of 2^@bits nodes in zeroed memory. */
void lsp_memo_init(struct lsp_memo *m, u32 bits);

/* Half of the nodes stay free, so that a search is short. */
static inline bool lsp_memo_full(const struct lsp_memo *m)
{
	return m->used > m->mask / 2;
}

/*
 * Remembers under the name @id the walk of @n frames, which began with rsp at @sp. The frames'
 * addresses are @ips, and their CFAs are @cfas. One writer at a time, any number of readers. Does
 * nothing if there is no room.
 */
void lsp_memo_learn(struct lsp_memo *m, const struct lsp_walk_table *t, u32 generation, u64 sp,
		    const u64 *ips, const u64 *cfas, u32 n, u64 id);

/*
 * Takes the name @id out of the memo, so that the stack is walked again when it next occurs; with @id 0 all names. By
 * itself this does not make the module send the stack again: lsp_ustack_forget() does, and it calls this, too. Not while
 * lsp_memo_learn() runs.
 */
void lsp_memo_forget(struct lsp_memo *m, u64 id);

static inline __attribute__((always_inline)) u32 lsp_memo_place(const struct lsp_memo *m, u32 from,
								u64 value)
{
	return ((value ^ ((u64)from << 40)) * 0x9e3779b97f4a7c15ULL) >> m->shift;
}

/* The node to which @value leads from the node @from, or 0. */
static inline __attribute__((always_inline)) u32 lsp_memo_find(const struct lsp_memo *m, u32 from,
							       u64 value)
{
	u32 at = lsp_memo_place(m, from, value), i, found;

	for (i = 0; i < LSP_MEMO_PLACES; i++, at++) {
		at &= m->mask;
		/* Pairs with the release in memo_add(). */
		found = __atomic_load_n(&m->nodes[at].from, __ATOMIC_ACQUIRE);
		if (!found)
			return 0;
		if (found == from && m->nodes[at].value == value)
			return at;
	}
	return 0;
}

/*
 * The name of the stack that begins at @f, or 0 if it is not known. Everything is inlined, because
 * the kernel allows no calls while user memory is open. The loop ends, because each node is younger
 * than the one before it.
 */
static inline __attribute__((always_inline)) u64
lsp_memo_walk(const struct lsp_memo *m, u32 generation, const struct lsp_walk_frame *f,
	      lsp_walk_read read, void *arg)
{
	const struct lsp_memo_node *node = &m->nodes[lsp_memo_find(m, LSP_MEMO_ROOT | generation, f->ip)];
	const struct lsp_memo_node *next;
	u64 answer;
	u32 kind;

	for (;;) {
		/* Pairs with the release in memo_ask(). */
		kind = __atomic_load_n(&node->kind, __ATOMIC_ACQUIRE);
		if (__builtin_expect(kind == LSP_MEMO_WORD, 1)) {
			if (!read(arg, f->sp + node->off, &answer))
				return 0;
		} else if (kind == LSP_MEMO_END) {
			return __atomic_load_n(&node->id, __ATOMIC_RELAXED);
		} else if (kind == LSP_MEMO_SAVED_BP) {
			if (!read(arg, f->sp + node->off, &answer))
				return 0;
			answer -= f->sp;
		} else if (kind == LSP_MEMO_BP) {
			answer = f->bp - f->sp;
		} else {
			return 0;
		}
		/*
		 * Node 0 is no node, and its kind ends the walk. So a node without a likely answer
		 * needs no check of its own.
		 */
		next = (const void *)m->nodes + __atomic_load_n(&node->likely, __ATOMIC_ACQUIRE);
		if (__builtin_expect(next->value != answer, 0))
			next = &m->nodes[lsp_memo_find(m, node - m->nodes, answer)];
		node = next;
	}
}

#endif
