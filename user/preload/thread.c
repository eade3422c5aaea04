// SPDX-License-Identifier: GPL-2.0-only
#include "thread.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "queue.h"
#include "text.h"

#define STACK_BYTES 8192
/* Stacks remembered as sent; beyond it they are sent again. */
#define KNOWN 32768
#define KNOWN_PROBES 16
/* Out of the way of programs that count on the lowest numbers. */
#define KEPT_FD 700
/* Room that a chunk must have for a thread to go on with it. */
#define ROOM (STACK_BYTES + 1024)

/* Small: it is part of every thread's stack. */
static __thread struct {
	struct lsp_userfile_chunk *chunk;
	uint32_t tgid;		/* that the chunk was taken by: a fork has another */
	uint32_t busy;
	uint64_t random;
} self __attribute__((tls_model("initial-exec")));

static char path[PATH_MAX];
static struct lsp_userfile_head *head;
static uint32_t process;	/* of which the tables below speak */
static uint64_t known[KNOWN];
static pthread_key_t exit_key;
static bool exit_key_made;
static int kept_fd = -1;
static ino_t kept_ino;
static dev_t kept_dev;

/* ---- the file ---- */

static void *file_map(int fd, size_t bytes, off_t offset)
{
	void *at = (void *)syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	return at == MAP_FAILED ? NULL : at;
}

/*
 * Opened anew each time, for programs close what they do not know; by the
 * descriptor that was kept where that is refused, for they give up rights, too.
 */
static int file_open(void)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 || kept_fd < 0)
		return fd;
	if (fstat(kept_fd, &st) || st.st_ino != kept_ino || st.st_dev != kept_dev)
		return -1;
	return (int)syscall(SYS_fcntl, kept_fd, F_DUPFD_CLOEXEC, KEPT_FD);
}

static void file_keep(int fd)
{
	struct stat st;

	kept_fd = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, KEPT_FD);
	if (kept_fd < 0 || fstat(kept_fd, &st))
		return;
	kept_ino = st.st_ino;
	kept_dev = st.st_dev;
}

static void thread_exit(void *chunk)
{
	if (self.chunk != chunk)
		return;
	self.chunk = NULL;
	syscall(SYS_munmap, chunk, LSP_USERFILE_CHUNK_BYTES);
}

static __attribute__((constructor)) void begin(void)
{
	const char *name = getenv(LSP_USERFILE_ENV);
	int fd;

	if (!name || strlen(name) >= sizeof(path))
		return;
	strcpy(path, name);
	fd = file_open();
	if (fd < 0)
		return;
	head = file_map(fd, LSP_USERFILE_HEAD_BYTES, 0);
	file_keep(fd);
	syscall(SYS_close, fd);
	if (head && (head->magic != LSP_USERFILE_MAGIC || head->version != LSP_USERFILE_VERSION))
		head = NULL;
	if (!head)
		return;
	exit_key_made = !pthread_key_create(&exit_key, thread_exit);
	process = (uint32_t)getpid();
	__atomic_fetch_add(&head->processes, 1, __ATOMIC_RELAXED);
}

static struct lsp_userfile_chunk *chunk_take(uint32_t tgid)
{
	struct lsp_userfile_chunk *chunk;
	uint32_t number;
	int fd;

	if (__atomic_load_n(&head->taken, __ATOMIC_RELAXED) >= head->chunks)
		return NULL;
	fd = file_open();
	if (fd < 0)
		return NULL;
	number = __atomic_fetch_add(&head->taken, 1, __ATOMIC_RELAXED);
	chunk = number < head->chunks ?
		file_map(fd, LSP_USERFILE_CHUNK_BYTES,
			 LSP_USERFILE_HEAD_BYTES + (off_t)number * LSP_USERFILE_CHUNK_BYTES) : NULL;
	syscall(SYS_close, fd);
	if (!chunk)
		return NULL;
	chunk->tgid = tgid;
	chunk->tid = (uint32_t)syscall(SYS_gettid);
	__atomic_store_n(&chunk->magic, LSP_USERFILE_MAGIC, __ATOMIC_RELEASE);
	return chunk;
}

/* ---- threads ---- */

/* The only thread of a process that was forked: what the other had is not ours. */
static void process_new(uint32_t tgid)
{
	process = tgid;
	memset(known, 0, sizeof(known));
	lsp_queue_reset();
	lsp_text_stale();
	__atomic_fetch_add(&head->processes, 1, __ATOMIC_RELAXED);
}

static bool chunk_renew(uint32_t tgid)
{
	struct lsp_userfile_chunk *old = self.chunk, *new = chunk_take(tgid);

	if (!new)
		return false;
	self.chunk = new;
	self.tgid = tgid;
	if (old)
		syscall(SYS_munmap, old, LSP_USERFILE_CHUNK_BYTES);
	if (exit_key_made)
		pthread_setspecific(exit_key, new);
	return true;
}

bool lsp_thread_begin(void)
{
	uint32_t tgid;

	if (!head)
		return false;
	if (self.busy) {
		__atomic_fetch_add(&head->skipped, 1, __ATOMIC_RELAXED);
		return false;
	}
	self.busy = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	tgid = (uint32_t)syscall(SYS_getpid);
	if (tgid != process)
		process_new(tgid);
	if (self.chunk && self.tgid == tgid &&
	    self.chunk->used + ROOM <= LSP_USERFILE_CHUNK_BYTES - sizeof(*self.chunk))
		return true;
	if (chunk_renew(tgid))
		return true;
	__atomic_fetch_add(&head->skipped, 1, __ATOMIC_RELAXED);
	lsp_thread_end();
	return false;
}

void lsp_thread_hold(void)
{
	self.busy = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void lsp_thread_end(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	self.busy = 0;
}

struct lsp_thread_ids lsp_thread_ids(void)
{
	return (struct lsp_thread_ids){ self.chunk->tgid, self.chunk->tid };
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
		self.random = (lsp_thread_now_ns() ^ (uint64_t)self.chunk->tid << 32) | 1;
	self.random += 0x9e3779b97f4a7c15ULL;
	x = (self.random ^ self.random >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return (x ^ x >> 31) % below;
}

uint64_t lsp_thread_key(const void *lock)
{
	uint64_t key = ((uintptr_t)lock ^ (uint64_t)process << 48) * 0x9e3779b97f4a7c15ULL;

	return (key ^ key >> 31) | 1;
}

/* ---- records ---- */

/* Where the next record goes, @bytes of it; there is room by the rule of begin, or a new chunk. */
static void *room(size_t bytes)
{
	if (self.chunk->used + bytes > LSP_USERFILE_CHUNK_BYTES - sizeof(*self.chunk) &&
	    !chunk_renew(self.tgid)) {
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
	span->tgid = self.chunk->tgid;
	span->tid = self.chunk->tid;
	prctl(PR_GET_NAME, span->comm);
	put(span, sizeof(*span));
}

void lsp_thread_put_release(struct lockspan_release *release)
{
	release->rec.bytes = sizeof(*release);
	release->rec.type = LOCKSPAN_REC_RELEASE;
	release->tgid = release->waiter_tgid = self.chunk->tgid;
	release->tid = self.chunk->tid;
	prctl(PR_GET_NAME, release->comm);
	put(release, sizeof(*release));
}

void lsp_thread_put_map(struct lockspan_map *map, const char *name)
{
	size_t length = strlen(name) + 1, bytes = (sizeof(*map) + length + 7) & ~7UL;
	char *at = room(bytes);

	if (!at)
		return;
	map->rec.bytes = (uint32_t)bytes;
	map->tgid = self.chunk->tgid;
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

uint64_t lsp_thread_stack(const struct lsp_regs *regs, uint64_t now_ns)
{
	uint32_t generation = lsp_text_generation(now_ns);
	struct lockspan_stack *stack = room(sizeof(*stack) + STACK_BYTES);
	uint64_t *words = (uint64_t *)(stack + 1);
	struct iovec to = { words, STACK_BYTES };
	/* By the kernel, because it stops at the stack's end instead of falling off it. */
	struct iovec from = { (void *)regs->r[LOCKSPAN_REG_RSP], STACK_BYTES };
	ssize_t got;
	uint64_t id;

	if (!stack || !generation)
		return 0;
	got = syscall(SYS_process_vm_readv, self.chunk->tgid, &to, 1UL, &from, 1UL, 0UL);
	if (got <= 0)
		return 0;
	got &= ~7L;
	id = lsp_text_fingerprint(words, (size_t)got / 8,
				  regs->r[LOCKSPAN_REG_RIP] ^ (uint64_t)generation << 56);
	if (known_or_add(id))
		return id;
	memset(stack, 0, sizeof(*stack));
	stack->rec.bytes = (uint32_t)(sizeof(*stack) + (size_t)got);
	stack->rec.type = LOCKSPAN_REC_STACK;
	stack->rec.flags = got == STACK_BYTES ? LOCKSPAN_STACK_FULL : 0;
	stack->id = id;
	memcpy(stack->regs, regs->r, sizeof(stack->regs));
	stack->tgid = self.chunk->tgid;
	stack->tid = self.chunk->tid;
	stack->generation = generation;
	stack->mode = LOCKSPAN_STACK_RAW;
	stack->window_bytes = STACK_BYTES;
	stack->payload_bytes = (uint32_t)got;
	commit(stack->rec.bytes);
	return id;
}
