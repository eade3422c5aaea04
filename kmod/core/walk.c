// SPDX-License-Identifier: GPL-2.0-only
#include "walk.h"

/* A frame of more bytes than this is taken for an error. */
#define CFA_OFF_MAX (1 << 24)

static bool rule_sound(const struct lockspan_rule *rule)
{
	if (rule->flags & ~LOCKSPAN_RULE_MASK || rule->reserved)
		return false;
	if (rule->flags & LOCKSPAN_RULE_END)
		return true;
	if (rule->cfa_off > CFA_OFF_MAX || rule->cfa_off < -CFA_OFF_MAX)
		return false;
	return rule->flags & LOCKSPAN_RULE_CFA_RBP || rule->cfa_off > 0;
}

int lsp_walk_learn(struct lsp_walk_table *t, u32 generation, const struct lockspan_rule *rule)
{
	u32 at = lsp_walk_place(t, generation, rule->pc), i;
	struct lsp_walk_rule *to;

	if (!generation || !rule_sound(rule))
		return -1;
	for (i = 0; i < LSP_WALK_PLACES; i++) {
		to = &t->rules[(at + i) & ((1U << t->bits) - 1)];
		if (to->generation == generation && to->pc == rule->pc)
			return 0;
		if (to->generation)
			continue;
		/* Half of the places stay free, so that the search for an address without a rule ends soon. */
		if (t->used >= 1U << (t->bits - 1))
			return -2;
		t->used++;
		to->pc = rule->pc;
		to->cfa_off = rule->cfa_off;
		to->ra_off = rule->ra_off;
		to->rbp_off = rule->rbp_off;
		to->flags = rule->flags;
		/* Pairs with the acquire in lsp_walk_find(). */
		__atomic_store_n(&to->generation, generation, __ATOMIC_RELEASE);
		return 0;
	}
	return -2;
}
