// SPDX-License-Identifier: GPL-2.0-only
#include "locks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Names for generations that are remembered; a program that loads code all the time has many. */
#define NAMINGS_MAX 262144

static void namings_clear(struct lsp_locks *l)
{
	lsp_index_uninit(&l->namings_index);
	memset(&l->namings_index, 0, sizeof(l->namings_index));
	l->nnamings = 0;
}

void lsp_locks_uninit(struct lsp_locks *l)
{
	free(l->locks);
	lsp_index_uninit(&l->index);
	namings_clear(l);
	free(l->namings);
	lsp_intern_uninit(&l->names);
	free(l->name_wait_ns);
	memset(l, 0, sizeof(*l));
}

static bool lock_equal(const void *arg, uint32_t place, const void *key)
{
	const struct lsp_locks *l = arg;

	return l->locks[place].key == *(const uint64_t *)key;
}

static uint32_t lock_place(const struct lsp_locks *l, uint64_t key, uint64_t *hash)
{
	*hash = lsp_hash(&key, sizeof(key), 0);
	return lsp_index_find(&l->index, *hash, lock_equal, l, &key);
}

const struct lsp_lock *lsp_locks_find(const struct lsp_locks *l, uint64_t key)
{
	uint64_t hash;
	uint32_t place = lock_place(l, key, &hash);

	return place == LSP_INDEX_NONE ? NULL : &l->locks[place];
}

struct lsp_lock *lsp_locks_at(struct lsp_locks *l, uint64_t key)
{
	uint64_t hash;
	uint32_t place = lock_place(l, key, &hash);
	struct lsp_lock *lock;

	if (place != LSP_INDEX_NONE) {
		l->locks[place].used = true;
		return &l->locks[place];
	}
	if (lsp_array_grow(&l->locks, &l->room, l->n, sizeof(*l->locks)) ||
	    lsp_index_add(&l->index, hash, (uint32_t)l->n))
		return NULL;
	lock = &l->locks[l->n++];
	memset(lock, 0, sizeof(*lock));
	lock->key = key;
	lock->used = true;
	lock->bare = LSP_INDEX_NONE;
	lock->told = LSP_INDEX_NONE;
	lock->name = LSP_INDEX_NONE;
	lock->trace = LSP_INDEX_NONE;
	lock->first = LSP_SYNC_OTHER;
	return lock;
}

int lsp_locks_compact(struct lsp_locks *l)
{
	struct lsp_index index = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		uint64_t key = l->locks[i].key;

		if (l->locks[i].used &&
		    lsp_index_add(&index, lsp_hash(&key, sizeof(key), 0), (uint32_t)n++)) {
			lsp_index_uninit(&index);
			return -ENOMEM;
		}
	}
	n = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (!l->locks[i].used)
			continue;
		l->locks[n] = l->locks[i];
		l->locks[n++].used = false;
	}
	l->forgotten |= n < l->n;
	l->n = n;
	lsp_index_uninit(&l->index);
	l->index = index;
	return 0;
}

int lsp_locks_name(struct lsp_locks *l, const char *name, uint32_t *ret)
{
	uint32_t before = l->names.count;
	int64_t id;

	if (lsp_array_grow(&l->name_wait_ns, &l->name_wait_room, before, sizeof(double)))
		return -ENOMEM;
	id = lsp_intern_add(&l->names, name, strlen(name));
	if (id < 0)
		return (int)id;
	*ret = (uint32_t)id;
	if (*ret == before)
		l->name_wait_ns[*ret] = 0;
	return 0;
}

static bool naming_equal(const void *arg, uint32_t place, const void *key)
{
	const struct lsp_locks *l = arg;
	const struct lsp_lock_naming *a = &l->namings[place], *b = key;

	return a->key == b->key && a->tgid == b->tgid && a->generation == b->generation;
}

static uint32_t naming_find(const struct lsp_locks *l, uint64_t key, const struct lsp_lock_home *home,
			    struct lsp_lock_naming *wanted, uint64_t *hash)
{
	*wanted = (struct lsp_lock_naming){
		.key = key, .tgid = home->tgid, .generation = home->generation,
	};
	*hash = lsp_hash(wanted, sizeof(*wanted), 0);
	return lsp_index_find(&l->namings_index, *hash, naming_equal, l, wanted);
}

uint32_t lsp_locks_named(const struct lsp_locks *l, uint64_t key, const struct lsp_lock_home *home)
{
	struct lsp_lock_naming wanted;
	uint64_t hash;
	uint32_t place = naming_find(l, key, home, &wanted, &hash);

	return place == LSP_INDEX_NONE ? LSP_INDEX_NONE : l->namings[place].name;
}

int lsp_locks_named_put(struct lsp_locks *l, uint64_t key, const struct lsp_lock_home *home,
			uint32_t name)
{
	struct lsp_lock_naming naming;
	uint64_t hash;
	uint32_t place = naming_find(l, key, home, &naming, &hash);

	if (place != LSP_INDEX_NONE) {
		l->namings[place].name = name;
		return 0;
	}
	if (l->nnamings == NAMINGS_MAX)
		namings_clear(l);
	if (lsp_array_grow(&l->namings, &l->namings_room, l->nnamings, sizeof(*l->namings)) ||
	    lsp_index_add(&l->namings_index, hash, (uint32_t)l->nnamings))
		return -ENOMEM;
	naming.name = name;
	l->namings[l->nnamings++] = naming;
	return 0;
}

void lsp_locks_wait_add(struct lsp_locks *l, uint32_t name, double wait_ns)
{
	l->name_wait_ns[name] += wait_ns;
}

uint32_t lsp_locks_top(const struct lsp_locks *l, double *wait_ns_ret)
{
	uint32_t best = LSP_INDEX_NONE;

	*wait_ns_ret = 0;
	for (size_t i = 0; i < l->names.count; i++) {
		if (l->name_wait_ns[i] > *wait_ns_ret) {
			best = (uint32_t)i;
			*wait_ns_ret = l->name_wait_ns[i];
		}
	}
	return best;
}

void lsp_lock_wait_add(struct lsp_lock *lock, enum lsp_sync sync, uint32_t trace, double count,
		       double wait_ns)
{
	lock->classes[sync] += (float)count;
	if (lock->trace == LSP_INDEX_NONE || wait_ns > lock->trace_ns) {
		lock->trace = trace;
		lock->trace_ns = wait_ns;
	}
}

enum lsp_sync lsp_sync_most(const float *classes)
{
	enum lsp_sync best = LSP_SYNC_OTHER;
	float most = 0;

	for (int i = 0; i < LSP_SYNC_COUNT; i++) {
		if (i != LSP_SYNC_OTHER && classes[i] > most) {
			best = (enum lsp_sync)i;
			most = classes[i];
		}
	}
	return best;
}

enum lsp_sync lsp_lock_class(const struct lsp_lock *lock)
{
	return lsp_sync_most(lock->classes);
}
