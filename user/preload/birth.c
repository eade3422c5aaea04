// SPDX-License-Identifier: GPL-2.0-only
#include "birth.h"

#include <string.h>

#include "spin.h"
#include "thread.h"

/* How many locks are remembered: the latest 8 of each bucket. */
#define BUCKETS 8192
#define BIRTHS 8

struct birth {
	const void *lock;	/* NULL: free */
	uint64_t stack;
	uint32_t bytes;
	uint32_t process;	/* the process that sent the stack */
	uint32_t told;		/* the image that told of it last */
};

static struct bucket {
	uint32_t busy;
	uint32_t next;
	struct birth births[BIRTHS];
} buckets[BUCKETS];

static struct bucket *bucket_take(const void *lock)
{
	uint64_t a = (uintptr_t)lock;
	struct bucket *b = &buckets[(a >> 3 ^ a >> 16) % BUCKETS];

	lsp_spin_take(&b->busy, lsp_thread_image());
	return b;
}

static void bucket_give(struct bucket *b)
{
	lsp_spin_give(&b->busy);
}

static struct birth *birth_find(struct bucket *b, const void *lock)
{
	for (int i = 0; i < BIRTHS; i++)
		if (b->births[i].lock == lock)
			return &b->births[i];
	return NULL;
}

void lsp_birth_note(const void *lock, uint32_t bytes, const struct lsp_regs *regs)
{
	struct bucket *b;
	struct birth *birth;
	uint64_t stack;

	if (!lsp_thread_begin_spare())
		return;
	stack = lsp_stack_name(regs, LSP_STACK_SHORT_BYTES, lsp_thread_now_ns());
	b = bucket_take(lock);
	birth = birth_find(b, lock);
	if (!birth)
		birth = birth_find(b, NULL);
	if (!birth)
		birth = &b->births[b->next++ % BIRTHS];
	/*
	 * A child may be forked in between. It has the entry as it is at that moment, and not the
	 * thread that fills it in, so the entry is free until it is complete.
	 */
	__atomic_store_n(&birth->lock, NULL, __ATOMIC_RELEASE);
	birth->stack = stack;
	birth->bytes = bytes;
	birth->process = lsp_thread_process();
	birth->told = 0;
	__atomic_store_n(&birth->lock, stack ? lock : NULL, __ATOMIC_RELEASE);
	bucket_give(b);
	lsp_thread_end();
}

void lsp_birth_end(const void *lock)
{
	struct bucket *b;
	struct birth *birth;

	if (!lsp_thread_hold())
		return;
	b = bucket_take(lock);
	birth = birth_find(b, lock);
	if (birth)
		birth->lock = NULL;
	bucket_give(b);
	lsp_thread_end();
}

uint64_t lsp_birth_key(const void *lock)
{
	struct bucket *b = bucket_take(lock);
	struct birth *birth = birth_find(b, lock), copy = { .lock = NULL };
	struct lsp_rec_lock rec;
	/* The first factor spreads the image's number over all bits, so that no two addresses differ by as much. */
	uint64_t key = ((uintptr_t)lock ^ (lsp_thread_image() * 0xd6e8feb86659fd93ULL)) * 0x9e3779b97f4a7c15ULL;

	if (birth) {
		copy = *birth;
		birth->told = lsp_thread_image();
		key = (key ^ copy.stack) * 0xbf58476d1ce4e5b9ULL;
	}
	bucket_give(b);
	key = (key ^ key >> 31) | 1;
	if (!copy.lock || copy.told == lsp_thread_image())
		return key;
	memset(&rec, 0, sizeof(rec));
	rec.key = key;
	rec.uaddr = (uintptr_t)lock;
	rec.stack = copy.stack;
	rec.stack_tgid = copy.process;
	rec.object_bytes = copy.bytes;
	lsp_thread_put_lock(&rec);
	return key;
}
