/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Learned unwind rules: what the collector has found in call frame information
 * for single addresses, and the walk of a stack by them. Exact as long as every
 * address has a rule, and over at the first that has none.
 */
#ifndef _LSP_CORE_WALK_H
#define _LSP_CORE_WALK_H

#include "../uapi/lockspan.h"
#include "types.h"

/* Places looked at for one address; a rule that finds none of them free is refused. */
#define LSP_WALK_PLACES 8

/* Written once: who sees its generation sees the rest of it. */
struct lsp_walk_rule {
	u64 pc;
	u32 generation;		/* 0: free */
	s32 cfa_off;
	s16 ra_off;
	s16 rbp_off;
	u16 flags;		/* LOCKSPAN_RULE_* */
	u16 unused;
};

struct lsp_walk_table {
	u32 bits;		/* log2 of the number of places */
	u32 used;
	struct lsp_walk_rule rules[];
};

/* Registers of a frame, as far as rules need them. */
struct lsp_walk_frame {
	u64 ip;
	u64 sp;
	u64 bp;
	bool bp_known;
};

/* Reads the user's word at an address; false where it cannot. */
typedef bool (*lsp_walk_read)(void *arg, u64 address, u64 *ret);

/*
 * Adds what the collector says of one address in the mappings @generation. One
 * writer at a time, any number of readers. 0 (also when it is known), -1 when
 * it makes no sense, -2 for no room.
 */
int lsp_walk_learn(struct lsp_walk_table *t, u32 generation, const struct lockspan_rule *rule);

static inline u32 lsp_walk_place(const struct lsp_walk_table *t, u32 generation, u64 pc)
{
	return ((pc ^ ((u64)generation << 44)) * 0x9e3779b97f4a7c15ULL) >> (64 - t->bits);
}

static inline __attribute__((always_inline)) const struct lsp_walk_rule *
lsp_walk_find(const struct lsp_walk_table *t, u32 generation, u64 pc)
{
	u32 at = lsp_walk_place(t, generation, pc), i, found;
	const struct lsp_walk_rule *rule;

	for (i = 0; i < LSP_WALK_PLACES; i++) {
		rule = &t->rules[(at + i) & ((1U << t->bits) - 1)];
		/* Pairs with the release in lsp_walk_learn(). */
		found = __atomic_load_n(&rule->generation, __ATOMIC_ACQUIRE);
		if (!found)
			return NULL;
		if (found == generation && rule->pc == pc)
			return rule;
	}
	return NULL;
}

/* From a frame to its caller's. False when the rule does not fit what is there. */
static inline __attribute__((always_inline)) bool
lsp_walk_step(const struct lsp_walk_rule *rule, struct lsp_walk_frame *f, lsp_walk_read read,
	      void *arg)
{
	u64 cfa = f->sp;

	if (rule->flags & LOCKSPAN_RULE_CFA_RBP) {
		if (!f->bp_known)
			return false;
		cfa = f->bp;
	}
	cfa += (u64)(s64)rule->cfa_off;
	/* Stacks grow downwards: a caller's frame lies above, so each walk ends. */
	if (cfa <= f->sp || !read(arg, cfa + (u64)(s64)rule->ra_off, &f->ip))
		return false;
	if (rule->flags & LOCKSPAN_RULE_RBP_SAVED) {
		if (!read(arg, cfa + (u64)(s64)rule->rbp_off, &f->bp))
			return false;
		f->bp_known = true;
	} else if (rule->flags & LOCKSPAN_RULE_RBP_LOST) {
		f->bp_known = false;
	}
	f->sp = cfa;
	return true;
}

/*
 * The stack that begins at @f: its addresses as they stand on it, innermost
 * first, to @ips, and to @cfas the frames' ends. Returns their number, with *@whole set when
 * rules lead to its very end within @max frames, and else the last address being one that has no
 * rule; 0 when a rule does not fit what is there. @f is left at the last frame, which
 * has no CFA. Everything is inlined, because the kernel allows no calls while user
 * memory is open to it.
 */
static inline __attribute__((always_inline)) u32
lsp_walk_frames(const struct lsp_walk_table *t, u32 generation, struct lsp_walk_frame *f,
		u64 *ips, u64 *cfas, u32 max, bool *whole, lsp_walk_read read, void *arg)
{
	const struct lsp_walk_rule *rule;
	u32 n = 0;

	*whole = false;
	while (n < max) {
		/* A call's return address may belong to the next function already. */
		rule = lsp_walk_find(t, generation, f->ip - 1);
		ips[n++] = f->ip;
		if (!rule)
			return n;
		if (rule->flags & LOCKSPAN_RULE_END) {
			*whole = true;
			return n;
		}
		if (!lsp_walk_step(rule, f, read, arg))
			return 0;
		cfas[n - 1] = f->sp;
	}
	return 0;
}

#endif
