/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Learned unwind rules, and the walk of a stack by them. A rule is what the collector found for one
 * address in the program's unwind tables. A walk is exact as long as each address has a rule, and
 * ends at the first address that has none.
 */
#ifndef _LSP_CORE_WALK_H
#define _LSP_CORE_WALK_H

#include "../uapi/lockspan.h"
#include "types.h"

/* One address is searched in so many places. If none of them is free, a new rule is refused. */
#define LSP_WALK_PLACES 8

/* A rule is written once. Whoever sees its generation also sees its other fields. */
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

/* The registers of a frame that the rules need. */
struct lsp_walk_frame {
	u64 ip;
	u64 sp;
	u64 bp;
	bool bp_known;
};

/* Reads the word at an address of the user's. Returns false if it cannot be read. */
typedef bool (*lsp_walk_read)(void *arg, u64 address, u64 *ret);

/*
 * Adds the collector's rule for one address in the mappings @generation. One writer at a time, any
 * number of readers. Returns 0 (also if the rule is known), -1 if the rule makes no sense, -2 if
 * there is no room.
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

/* Goes from a frame to its caller's. Returns false if the rule does not fit the stack. */
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
	/* Stacks grow downwards, so the frame of a caller lies above. That is why each walk ends. */
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
 * Walks the stack that begins at @f. Writes its addresses to @ips as they are on the stack,
 * innermost first, and the frames' CFAs to @cfas. Returns the number of addresses, or 0 if a rule
 * does not fit the stack. *@whole is set if the rules lead to the end of the stack within @max
 * frames. If it is not set, the last address has no rule. @f ends as the last frame, which has no
 * CFA. Everything is inlined, because the kernel allows no calls while user memory is open.
 */
static inline __attribute__((always_inline)) u32
lsp_walk_frames(const struct lsp_walk_table *t, u32 generation, struct lsp_walk_frame *f,
		u64 *ips, u64 *cfas, u32 max, bool *whole, lsp_walk_read read, void *arg)
{
	const struct lsp_walk_rule *rule;
	u32 n = 0;

	*whole = false;
	while (n < max) {
		/*
		 * A return address may already belong to the next function, so the address before
		 * it is looked up.
		 */
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
