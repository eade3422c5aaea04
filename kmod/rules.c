// SPDX-License-Identifier: GPL-2.0-only
#include "rules.h"

#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

/* Room for 8192 addresses. Contention happens at a few hundred. */
#define TABLE_BITS 14
#define RENEW_JIFFIES (10 * HZ)

struct taught {
	struct rcu_head rcu;
	struct lsp_walk_table walk;
};

static struct lsp_walk_table __rcu *table;	/* member of a struct taught */
static unsigned long renewed_jiffies;

static struct lsp_walk_table *table_create(void)
{
	struct taught *t = vzalloc(sizeof(*t) + (sizeof(t->walk.rules[0]) << TABLE_BITS));

	if (!t)
		return NULL;
	t->walk.bits = TABLE_BITS;
	return &t->walk;
}

int lsp_rules_init(void)
{
	struct lsp_walk_table *t = table_create();

	if (!t)
		return -ENOMEM;
	renewed_jiffies = jiffies;
	rcu_assign_pointer(table, t);
	return 0;
}

void lsp_rules_uninit(void)
{
	struct lsp_walk_table *t = rcu_dereference_protected(table, true);

	/* The probes are gone, so nobody reads the table. */
	RCU_INIT_POINTER(table, NULL);
	if (t)
		vfree(container_of(t, struct taught, walk));
}

u64 lsp_rules_memory(void)
{
	return rcu_access_pointer(table) ? sizeof(struct lsp_walk_rule) << TABLE_BITS : 0;
}

const struct lsp_walk_table *lsp_rules_table(void)
{
	/* Preemption is off in a probe, and that counts as an RCU read-side section. */
	return rcu_dereference_check(table, true);
}

/*
 * The rules of mappings that are gone stay in the table. So a full table is now and then replaced
 * by an empty one.
 */
static struct lsp_walk_table *table_renew(struct lsp_walk_table *old)
{
	struct lsp_walk_table *t;

	if (time_before(jiffies, renewed_jiffies + RENEW_JIFFIES))
		return NULL;
	t = table_create();
	if (!t)
		return NULL;
	renewed_jiffies = jiffies;
	rcu_assign_pointer(table, t);
	/* The session's lock is held, so nothing may wait here for the grace period. */
	kvfree_rcu(container_of(old, struct taught, walk), rcu);
	return t;
}

int lsp_rules_teach(u32 generation, const void *rules, u32 bytes, bool *renewed, const char **why)
{
	struct lsp_walk_table *t = rcu_dereference_protected(table, true);
	struct lockspan_rule rule;
	u32 at;
	int ret;

	*renewed = false;
	for (at = 0; at + sizeof(rule) <= bytes; at += sizeof(rule)) {
		memcpy(&rule, rules + at, sizeof(rule));
		ret = lsp_walk_learn(t, generation, &rule);
		if (ret == -2 && !*renewed) {
			struct lsp_walk_table *fresh = table_renew(t);

			if (fresh) {
				t = fresh;
				*renewed = true;
				ret = lsp_walk_learn(t, generation, &rule);
			}
		}
		if (ret == -1) {
			*why = "an unwind rule that makes no sense";
			return -EINVAL;
		}
	}
	return 0;
}
