// SPDX-License-Identifier: GPL-2.0-only
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "birth.h"
#include "chunk.h"
#include "queue.h"
#include "mappings.h"

/* Stacks remembered as sent; beyond it they are sent again. */
#define KNOWN 32768
#define KNOWN_PROBES 16
/* Room that a chunk must have for a thread to go on with it. */
#define ROOM (LSP_THREAD_STACK_BYTES + 1024)

/* Small: it is part of every thread's stack. */
static __thread struct {
	struct lsp_userfile_chunk *chunk;
	uint32_t tgid;		/* that the chunk was taken by: a fork has another */
	uint32_t tid;
	uint32_t busy;
	int saved_errno;
	uint64_t random;
} self __attribute__((tls_model("initial-exec")));

static struct lsp_userfile_head *head;
static uint32_t process;	/* of which the tables below speak */
/* In a page that a fork wipes: 0 tells a new process at the price of a load. NULL: the kernel is asked. */
static uint32_t *same_process;
static uint64_t known[KNOWN];
static pthread_key_t exit_key;
static bool exit_key_made;

static void thread_exit(void *chunk)
{
	if (self.chunk != chunk)
		return;
	self.chunk = NULL;
	if (self.tgid == process)
		lsp_chunk_give(chunk);
	else
		lsp_chunk_drop(chunk);
}

/* Now, so that the first wait is not made longer by it. */
static void mappings_read(void)
{
	if (!lsp_thread_begin_spare())
		return;
	lsp_text_generation(lsp_thread_now_ns());
	lsp_thread_end();
}

static __attribute__((constructor)) void begin(void)
{
	int saved = errno;
	void *page;

	head = lsp_chunk_file();
	if (head) {
		exit_key_made = !pthread_key_create(&exit_key, thread_exit);
		process = (uint32_t)getpid();
		page = (void *)syscall(SYS_mmap, NULL, 4096UL, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0UL);
		if (page != MAP_FAILED && !madvise(page, 4096, MADV_WIPEONFORK)) {
			same_process = page;
			*same_process = 1;
		}
		__atomic_fetch_add(&head->processes, 1, __ATOMIC_RELAXED);
		mappings_read();
	}
	errno = saved;
}

/* ---- threads ---- */

/* The only thread of a process that was forked: what the other had is not ours. */
static void process_look(void)
{
	uint32_t tgid = (uint32_t)syscall(SYS_getpid);

	if (tgid != process) {
		process = tgid;
		memset(known, 0, sizeof(known));
		lsp_chunk_forget();
		lsp_queue_reset();
		lsp_birth_reset();
		lsp_text_process_new();
		__atomic_fetch_add(&head->processes, 1, __ATOMIC_RELAXED);
	}
	if (same_process)
		*same_process = 1;
}

static bool chunk_renew(void)
{
	struct lsp_userfile_chunk *old = self.chunk, *new;

	/* An ended thread's may be nearly full, too. */
	while ((new = lsp_chunk_take(process, !old)) && !lsp_chunk_fits(new, ROOM))
		lsp_chunk_drop(new);
	if (!new)
		return false;
	self.chunk = new;
	self.tgid = process;
	self.tid = (uint32_t)syscall(SYS_gettid);
	if (old)
		lsp_chunk_drop(old);
	if (exit_key_made)
		pthread_setspecific(exit_key, new);
	return true;
}

bool lsp_thread_begin_spare(void)
{
	if (!head || self.busy)
		return false;
	lsp_thread_hold();
	if (!same_process || !*same_process)
		process_look();
	if (self.chunk && self.tgid == process && lsp_chunk_fits(self.chunk, ROOM))
		return true;
	if (chunk_renew())
		return true;
	lsp_thread_end();
	return false;
}

bool lsp_thread_begin(void)
{
	bool good = lsp_thread_begin_spare();

	if (!good && head)
		__atomic_fetch_add(&head->skipped, 1, __ATOMIC_RELAXED);
	return good;
}

void lsp_thread_hold(void)
{
	self.busy = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	self.saved_errno = errno;
}

void lsp_thread_end(void)
{
	errno = self.saved_errno;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	self.busy = 0;
}

uint32_t lsp_thread_process(void)
{
	return process;
}

struct lsp_userfile_chunk *lsp_thread_chunk(void)
{
	return self.chunk;
}

uint64_t lsp_thread_rate_ns(void)
{
	return head->block_rate_ns;
}

uint32_t lsp_thread_fraction(void)
{
	return head->mutex_fraction;
}

uint64_t lsp_thread_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

uint64_t lsp_thread_random(uint64_t below)
{
	uint64_t x;

	if (!self.random)
		self.random = (lsp_thread_now_ns() ^ (uint64_t)self.tid << 32) | 1;
	self.random += 0x9e3779b97f4a7c15ULL;
	x = (self.random ^ self.random >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return (x ^ x >> 31) % below;
}

/* ---- records ---- */

/* Where the next record goes, @bytes of it; there is room by the rule of begin, or a new chunk. */
static void *room(size_t bytes)
{
	if (!lsp_chunk_fits(self.chunk, (uint32_t)bytes) && !chunk_renew()) {
		__atomic_fetch_add(&head->skipped, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	return (char *)(self.chunk + 1) + self.chunk->used;
}

static void commit(size_t bytes)
{
	__atomic_store_n(&self.chunk->used, self.chunk->used + (uint32_t)bytes, __ATOMIC_RELEASE);
}

static void put(const void *rec, size_t bytes)
{
	void *at = room(bytes);

	if (!at)
		return;
	memcpy(at, rec, bytes);
	commit(bytes);
}

void lsp_thread_put_span(struct lockspan_span *span)
{
	span->rec.bytes = sizeof(*span);
	span->rec.type = LOCKSPAN_REC_SPAN;
	span->tgid = process;
	span->tid = self.tid;
	put(span, sizeof(*span));
}

void lsp_thread_put_release(struct lockspan_release *release)
{
	release->rec.bytes = sizeof(*release);
	release->rec.type = LOCKSPAN_REC_RELEASE;
	release->tgid = release->waiter_tgid = process;
	release->tid = self.tid;
	lsp_thread_comm(release->comm);
	put(release, sizeof(*release));
}

void lsp_thread_put_lock(struct lsp_rec_lock *lock)
{
	lock->rec.bytes = sizeof(*lock);
	lock->rec.type = LSP_REC_LOCK;
	lock->tgid = process;
	put(lock, sizeof(*lock));
}

void lsp_thread_put_map(struct lockspan_map *map, const char *name)
{
	size_t length = strlen(name) + 1, bytes = (sizeof(*map) + length + 7) & ~7UL;
	char *at = room(bytes);

	if (!at)
		return;
	map->rec.bytes = (uint32_t)bytes;
	map->tgid = process;
	memcpy(at, map, sizeof(*map));
	memset(at + bytes - 8, 0, 8);
	memcpy(at + sizeof(*map), name, length);
	commit(bytes);
}

/* ---- stacks ---- */

/* Whether it is known; else it is from now on, or there is no place for it. */
static bool known_or_add(uint64_t id)
{
	for (unsigned int i = 0; i < KNOWN_PROBES; i++) {
		uint64_t *slot = &known[(id + i) % KNOWN], seen = 0;

		if (__atomic_load_n(slot, __ATOMIC_RELAXED) == id)
			return true;
		if (__atomic_compare_exchange_n(slot, &seen, id, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return false;
		if (seen == id)
			return true;
	}
	return false;
}

void lsp_thread_comm(char comm[LOCKSPAN_COMM_LEN])
{
	syscall(SYS_prctl, PR_GET_NAME, comm, 0UL, 0UL, 0UL);
}

uint64_t lsp_thread_stack(const struct lsp_regs *regs, size_t bytes, uint64_t now_ns)
{
	uint32_t generation = lsp_text_generation(now_ns);
	struct lockspan_stack *stack = room(sizeof(*stack) + bytes);
	uint64_t *words = (uint64_t *)(stack + 1);
	struct iovec to = { words, bytes };
	/* By the kernel, because it stops at the stack's end instead of falling off it. */
	struct iovec from = { (void *)regs->r[LOCKSPAN_REG_RSP], bytes };
	ssize_t got;
	uint64_t id;

	if (!stack || !generation)
		return 0;
	got = syscall(SYS_process_vm_readv, process, &to, 1UL, &from, 1UL, 0UL);
	if (got <= 0)
		return 0;
	got &= ~7L;
	id = lsp_text_fingerprint(words, (size_t)got / 8,
				  regs->r[LOCKSPAN_REG_RIP] ^ generation * 0xd6e8feb86659fd93ULL);
	if (known_or_add(id))
		return id;
	memset(stack, 0, sizeof(*stack));
	stack->rec.bytes = (uint32_t)(sizeof(*stack) + (size_t)got);
	stack->rec.type = LOCKSPAN_REC_STACK;
	stack->rec.flags = (size_t)got == bytes ? LOCKSPAN_STACK_FULL : 0;
	stack->id = id;
	memcpy(stack->regs, regs->r, sizeof(stack->regs));
	stack->tgid = process;
	stack->tid = self.tid;
	stack->generation = generation;
	stack->mode = LOCKSPAN_STACK_RAW;
	stack->window_bytes = (uint32_t)bytes;
	stack->payload_bytes = (uint32_t)got;
	commit(stack->rec.bytes);
	return id;
}
