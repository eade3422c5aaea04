// SPDX-License-Identifier: GPL-2.0-only
#include "cycle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"

void lsp_stuck_uninit(struct lsp_stuck *s)
{
	free(s->waits);
	free(s->cycles);
	memset(s, 0, sizeof(*s));
}

/* ---- whose a lock is ---- */

#define TID_MASK 0x3fffffffU
#define WAITERS 0x80000000U	/* FUTEX_WAITERS */
#define CONTENDED 2		/* what the word of a plain mutex is while somebody waits */

/* Of __kind: the four types, and the flags of all sorts of mutexes. */
#define KIND_MASK 0x3f3U
#define KIND_ROBUST 16
#define KIND_PI 32

/* pthread_mutex_t: __lock, __count, __owner, __nusers, __kind. */
static uint32_t mutex_owner(const uint32_t *w)
{
	uint32_t lock = w[0], owner = w[2], users = w[3], kind = w[4];

	if (!owner || owner > TID_MASK || !users || users > TID_MASK || kind & ~KIND_MASK)
		return 0;
	if (kind & (KIND_ROBUST | KIND_PI))
		return lock == (owner | WAITERS) ? owner : 0;
	return lock == CONTENDED ? owner : 0;
}

#define WRITE_PHASE 1
#define WRITE_LOCKED 2

/* pthread_rwlock_t: __readers, __writers, __wrphase_futex, __writers_futex, two of padding, __cur_writer, __shared. */
static uint32_t rwlock_writer(const uint32_t *w)
{
	uint32_t writer = w[6];

	if ((w[0] & (WRITE_PHASE | WRITE_LOCKED)) != (WRITE_PHASE | WRITE_LOCKED) || w[4] || w[5] || w[7] > 1)
		return 0;
	return writer <= TID_MASK ? writer : 0;
}

uint32_t lsp_stuck_owner(const uint32_t words[LSP_STUCK_WORDS])
{
	uint32_t owner = mutex_owner(words + LSP_STUCK_BEFORE);

	/* Readers wait for the phase, writers for the other word. */
	if (!owner)
		owner = rwlock_writer(words + LSP_STUCK_BEFORE - 2);
	if (!owner)
		owner = rwlock_writer(words + LSP_STUCK_BEFORE - 3);
	return owner;
}

/* ---- circles ---- */

static bool is_owner(const struct lsp_stuck_wait *w, const struct lsp_stuck_wait *of)
{
	return w->own_tid == of->owner && w->tgid == of->tgid;
}

int lsp_stuck_add(struct lsp_stuck *s, const struct lsp_stuck_wait *w, uint32_t cycle)
{
	if (lsp_array_grow(&s->waits, &s->room, s->n, sizeof(*s->waits)) ||
	    lsp_array_grow(&s->cycles, &s->cycles_room, s->n, sizeof(*s->cycles)))
		return -ENOMEM;
	s->cycles[s->n] = cycle;
	s->waits[s->n++] = *w;
	return 0;
}

static int wait_compare(const void *a, const void *b)
{
	const struct lsp_stuck_wait *x = a, *y = b;

	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	return x->own_tid < y->own_tid ? -1 : x->own_tid > y->own_tid;
}

static uint32_t owner_find(const struct lsp_stuck_wait *sorted, size_t n, const struct lsp_stuck_wait *w)
{
	const struct lsp_stuck_wait wanted = { .tgid = w->tgid, .own_tid = w->owner };
	const struct lsp_stuck_wait *found = w->owner ? bsearch(&wanted, sorted, n, sizeof(wanted), wait_compare) : NULL;

	return found && is_owner(found, w) ? (uint32_t)(found - sorted) : LSP_INDEX_NONE;
}

int lsp_stuck_cycles(const struct lsp_stuck_wait *waits, size_t n, struct lsp_stuck *ret)
{
	struct lsp_stuck_wait *sorted = malloc((n + 1) * sizeof(*sorted));
	uint32_t *seen = calloc(n + 1, sizeof(*seen)), cycle = 0;
	int err = sorted && seen ? 0 : -ENOMEM;

	if (!err && n) {
		memcpy(sorted, waits, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), wait_compare);
	}
	for (uint32_t i = 0; !err && i < n; i++) {
		uint32_t at = i, begin;

		/* Each wait leads to one owner at most: this walk ends, or comes back to where it has been. */
		while (at != LSP_INDEX_NONE && !seen[at]) {
			seen[at] = i + 1;
			at = owner_find(sorted, n, &sorted[at]);
		}
		if (at == LSP_INDEX_NONE || seen[at] != i + 1)
			continue;
		begin = at;
		do {
			err = lsp_stuck_add(ret, &sorted[at], cycle);
			at = owner_find(sorted, n, &sorted[at]);
		} while (!err && at != begin);
		cycle++;
	}
	free(seen);
	free(sorted);
	return err;
}
