// SPDX-License-Identifier: GPL-2.0-only
#include "key.h"

#include <linux/hash.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/siphash.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "counter.h"
#include "rates.h"
#include "ring.h"
#include "uapi/lockspan.h"

/* So much time lies between two records of what one key's waits gave up. */
#define TELL_NS 100000000

struct key_bucket {
	raw_spinlock_t lock;
	struct hlist_head keys;
};

static struct key_bucket *buckets;
static unsigned int bucket_bits;
static struct lsp_key *pool;
static struct lsp_why_crowd *crowds;	/* one for each key; NULL: not asked for */
static u32 pool_keys;

static DEFINE_RAW_SPINLOCK(free_lock);
static HLIST_HEAD(free_keys);

static siphash_key_t secret;

int lsp_key_init(u32 keys, bool why)
{
	u32 i;

	bucket_bits = ilog2(roundup_pow_of_two(keys));
	pool_keys = keys;
	pool = vzalloc(array_size(keys, sizeof(*pool)));
	buckets = vzalloc(sizeof(*buckets) << bucket_bits);
	crowds = why ? vzalloc(array_size(keys, sizeof(*crowds))) : NULL;
	if (!pool || !buckets || (why && !crowds)) {
		lsp_key_uninit();
		return -ENOMEM;
	}

	for (i = 0; i < 1U << bucket_bits; i++)
		raw_spin_lock_init(&buckets[i].lock);
	INIT_HLIST_HEAD(&free_keys);
	for (i = keys; i-- > 0;) {
		raw_spin_lock_init(&pool[i].lock);
		pool[i].crowd = why ? &crowds[i] : NULL;
		hlist_add_head(&pool[i].node, &free_keys);
	}
	get_random_bytes(&secret, sizeof(secret));
	return 0;
}

void lsp_key_uninit(void)
{
	vfree(buckets);
	vfree(pool);
	vfree(crowds);
	buckets = NULL;
	pool = NULL;
	crowds = NULL;
	pool_keys = 0;
	memzero_explicit(&secret, sizeof(secret));
}

u64 lsp_key_memory(void)
{
	u64 each = sizeof(*pool) + (crowds ? sizeof(*crowds) : 0);

	return pool ? pool_keys * each + (sizeof(*buckets) << bucket_bits) : 0;
}

static struct key_bucket *key_bucket(const struct lsp_key_id *id)
{
	u64 mixed = (id->word[0] * GOLDEN_RATIO_64) ^ (id->word[1] + id->word[2]);

	return &buckets[hash_64(mixed, bucket_bits)];
}

static struct lsp_key *key_take_free(void)
{
	struct lsp_key *key = NULL;

	raw_spin_lock(&free_lock);
	if (free_keys.first) {
		key = hlist_entry(free_keys.first, struct lsp_key, node);
		hlist_del(&key->node);
	}
	raw_spin_unlock(&free_lock);
	return key;
}

/*
 * The hash under which readers know a key. A private key begins with the address of its memory map,
 * and a later process can get the same address. So the number of the map is hashed instead of the
 * address. Only a thread of that process makes such a key, so the map is the current one. A number
 * below LOCKSPAN_WHY_KEYS means something else in struct lockspan_why_part.
 */
static u64 key_hash(const struct lsp_key_id *id)
{
	const struct mm_struct *mm = current->mm;
	u64 whose = id->word[0];

	if (mm && whose == (u64)(unsigned long)mm && lsp_mm_number(mm))
		whose = lsp_mm_number(mm);
	return max_t(u64, siphash_3u64(whose, id->word[1], id->word[2], &secret), LOCKSPAN_WHY_KEYS);
}

/* Fills in what has been given up on @key; false: there is none, or nobody is to be told. The key is the caller's alone. */
static bool given_take(struct lsp_key *key, u64 now, struct lockspan_given_up *ret)
{
	struct lsp_ledger *l = &key->ledger;
	const struct lsp_key_left *left = &key->left;

	if (!l->given_waits)
		return false;

	*ret = (struct lockspan_given_up){
		.rec = { .bytes = sizeof(*ret), .type = LOCKSPAN_REC_GIVEN_UP, .flags = left->flags },
		.time_ns = now, .key = key->hash, .uaddr = left->uaddr, .wait_ns = l->given_ns,
		.waits = l->given_waits, .tgid = left->tgid, .tid = left->tid,
		.op = left->op,
	};
	lsp_count_add(LOCKSPAN_C_GIVEN_UP, l->given_waits);
	lsp_count_add(LOCKSPAN_C_GIVEN_UP_NS, l->given_ns);
	l->given_waits = 0;
	key->left.told_ns = now;
	return lsp_rate_mutex();
}

/* Preemption off. */
static void given_tell(struct lsp_key *key, u64 now)
{
	struct lockspan_given_up given, *to;

	if (!given_take(key, now, &given))
		return;
	to = lsp_ring_reserve(sizeof(*to));
	if (!to) {
		lsp_count(LOCKSPAN_C_LOST_GIVEN_UP_RING);
		return;
	}
	*to = given;
	lsp_ring_commit(sizeof(*to));
}

void lsp_key_expire(struct lsp_key *key, u64 t)
{
	lsp_ledger_expire(&key->ledger, t);
	if (key->crowd && !lsp_ledger_carries(&key->ledger))
		lsp_why_crowd_clear(key->crowd);
	if (t - key->left.told_ns >= TELL_NS)
		given_tell(key, t);
}

/* The last one to know @key forgets it. Out of line, as what it needs of the stack is cleared before. */
static noinline void key_settle(struct lsp_key *key)
{
	lsp_ledger_give_up(&key->ledger);
	given_tell(key, key->ledger.last_ns);
	key->ledger.owes = false;
}

void lsp_key_give_up_all(void (*room)(void))
{
	struct lockspan_given_up given, *to;
	bool tell;
	u32 i;

	for (i = 0; i < pool_keys; i++) {
		struct lsp_key *key = &pool[i];

		if (!READ_ONCE(key->ledger.owes))
			continue;
		raw_spin_lock_irq(&key->lock);
		lsp_ledger_give_up(&key->ledger);
		tell = given_take(key, key->ledger.last_ns, &given);
		key->ledger.owes = false;
		raw_spin_unlock_irq(&key->lock);
		if (!tell)
			continue;
		room();
		to = lsp_ring_worker_reserve(sizeof(*to));
		if (!to) {
			lsp_count(LOCKSPAN_C_LOST_GIVEN_UP_RING);
			continue;
		}
		*to = given;
		lsp_ring_worker_commit(sizeof(*to));
	}
}

static struct lsp_key *key_at(const struct lsp_key_id *id, bool make)
{
	struct key_bucket *bucket = key_bucket(id);
	struct lsp_key *key;

	raw_spin_lock(&bucket->lock);
	hlist_for_each_entry(key, &bucket->keys, node)
		if (lsp_key_is(key, id))
			goto found;

	key = make ? key_take_free() : NULL;
	if (!key)
		goto out;
	key->id = *id;
	key->hash = key_hash(id);
	key->refs = 0;
	/*
	 * A span holds a reference to its key until the task has run. So no wait still has an epoch
	 * of this key's last use.
	 */
	lsp_ledger_init(&key->ledger, 0);
	if (key->crowd)
		lsp_why_crowd_init(key->crowd);
	hlist_add_head(&key->node, &bucket->keys);
found:
	key->refs++;
out:
	raw_spin_unlock(&bucket->lock);
	return key;
}

struct lsp_key *lsp_key_get(const struct lsp_key_id *id)
{
	return key_at(id, true);
}

struct lsp_key *lsp_key_find(const struct lsp_key_id *id)
{
	return key_at(id, false);
}

void lsp_key_put(struct lsp_key *key)
{
	struct key_bucket *bucket;

	if (!key)
		return;
	bucket = key_bucket(&key->id);
	raw_spin_lock(&bucket->lock);
	if (!--key->refs) {
		if (unlikely(key->ledger.owes))
			key_settle(key);
		hlist_del(&key->node);
		raw_spin_lock(&free_lock);
		hlist_add_head(&key->node, &free_keys);
		raw_spin_unlock(&free_lock);
	}
	raw_spin_unlock(&bucket->lock);
}
