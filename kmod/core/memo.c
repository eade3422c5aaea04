// SPDX-License-Identifier: GPL-2.0-only
#include "memo.h"

/* The parent of node 0, so that node 0 is never free and is found by no search: 0 means "no node". */
#define FROM_NOBODY (~0U)

void lsp_memo_init(struct lsp_memo *m, u32 bits)
{
	m->mask = (1U << bits) - 1;
	m->shift = 64 - bits;
	m->used = 0;
	m->nodes[0].from = FROM_NOBODY;
}

/* Returns the node that @value leads to from the node @from, and makes it if needed. 0: there is no room. */
static u32 memo_add(struct lsp_memo *m, u32 from, u64 value)
{
	u32 at = lsp_memo_find(m, from, value), i;
	struct lsp_memo_node *node;

	if (at || lsp_memo_full(m))
		return at;
	at = lsp_memo_place(m, from, value);
	for (i = 0; i < LSP_MEMO_PLACES; i++) {
		node = &m->nodes[(at + i) & m->mask];
		if (node->from)
			continue;
		m->used++;
		node->value = value;
		/* Pairs with the acquire in lsp_memo_find(). */
		__atomic_store_n(&node->from, from, __ATOMIC_RELEASE);
		return (at + i) & m->mask;
	}
	return 0;
}

/*
 * At the node @at, the word at @off is asked for, and the answer is @answer. Returns the node that
 * this leads to, or 0.
 */
static u32 memo_ask(struct lsp_memo *m, u32 at, u32 kind, u64 off, u64 answer)
{
	struct lsp_memo_node *node = &m->nodes[at];
	u32 next;

	if (node->kind == LSP_MEMO_NEW) {
		node->off = off;
		/* Pairs with the acquire in lsp_memo_walk(). */
		__atomic_store_n(&node->kind, kind, __ATOMIC_RELEASE);
	}
	/*
	 * The way to a node and the rules determine its question. A walk with another question is
	 * not one of ours.
	 */
	if (node->kind != kind || node->off != off)
		return 0;
	next = memo_add(m, at, answer);
	/* Written only once, so that the cache line stays shared between the CPUs that read it. */
	if (next && !node->likely)
		__atomic_store_n(&node->likely, next * (u32)sizeof(*node), __ATOMIC_RELEASE);
	return next;
}

/* Where the caller's rbp can be read. */
struct bp_place {
	u32 kind;	/* LSP_MEMO_BP or LSP_MEMO_SAVED_BP; LSP_MEMO_END when rbp is known */
	u64 off;
};

static u32 memo_frame(struct lsp_memo *m, u32 at, const struct lsp_walk_rule *rule,
		      struct bp_place *bp, u64 cfa, u64 ip)
{
	if (rule->flags & LOCKSPAN_RULE_CFA_RBP && bp->kind != LSP_MEMO_END) {
		at = memo_ask(m, at, bp->kind, bp->off, cfa - (u64)(s64)rule->cfa_off);
		if (!at)
			return 0;
		bp->kind = LSP_MEMO_END;
	}
	at = memo_ask(m, at, LSP_MEMO_WORD, cfa + (u64)(s64)rule->ra_off, ip);
	if (rule->flags & LOCKSPAN_RULE_RBP_SAVED) {
		bp->kind = LSP_MEMO_SAVED_BP;
		bp->off = cfa + (u64)(s64)rule->rbp_off;
	}
	return at;
}

void lsp_memo_learn(struct lsp_memo *m, const struct lsp_walk_table *t, u32 generation, u64 sp,
		    const u64 *ips, const u64 *cfas, u32 n, u64 id)
{
	struct bp_place bp = { .kind = LSP_MEMO_BP };
	const struct lsp_walk_rule *rule;
	u32 at, i;

	at = memo_add(m, LSP_MEMO_ROOT | generation, ips[0]);
	for (i = 0; at && i + 1 < n; i++) {
		rule = lsp_walk_find(t, generation, ips[i] - 1);
		if (!rule)
			return;
		at = memo_frame(m, at, rule, &bp, cfas[i] - sp, ips[i + 1]);
	}
	if (!at || (m->nodes[at].kind != LSP_MEMO_NEW && m->nodes[at].kind != LSP_MEMO_END))
		return;
	__atomic_store_n(&m->nodes[at].id, id, __ATOMIC_RELAXED);
	/* Pairs with the acquire in lsp_memo_walk(). */
	__atomic_store_n(&m->nodes[at].kind, LSP_MEMO_END, __ATOMIC_RELEASE);
}

void lsp_memo_forget(struct lsp_memo *m, u64 id)
{
	u32 i;

	for (i = 0; i <= m->mask; i++)
		if (m->nodes[i].kind == LSP_MEMO_END && (!id || m->nodes[i].id == id))
			__atomic_store_n(&m->nodes[i].id, 0, __ATOMIC_RELAXED);
}
