// SPDX-License-Identifier: GPL-2.0-only
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "chunk.h"
#include "spin.h"

/* The least room in a chunk with which a thread goes on. */
#define ROOM (head->stack_bytes + 1024)

/* This must be small, because it is part of every thread's stack. */
static __thread struct {
	struct lsp_userfile_chunk *chunk;
	uint32_t image;		/* the image that took the chunk; after a fork it is another one */
	uint32_t tid;
	uint32_t busy;
	bool early;		/* the chunk is `early`, because the process has not waited yet */
	int saved_errno;
	uint64_t saved_mask;
	uint64_t random;
	const void *frames[LSP_USERFILE_WAITS];	/* frames of the chunk's waits; NULL: none */
} self __attribute__((tls_model("initial-exec")));

static struct lsp_userfile_head *head;
static void (*leave)(void);
static void (*process_new)(uint32_t image);
static uint32_t process;	/* its number, for records */
/*
 * The image that the tables are about: this process with this program. Its number is unique in the
 * file. A process's own number is not: it stays the same when the process executes another program,
 * and processes of two pid namespaces may have the same one.
 */
static uint32_t image;
static pthread_key_t exit_key;
static bool exit_key_made;

/*
 * This is in a page that the kernel wipes at fork. So a 0 tells a new process, at the price of one
 * load. A kernel that cannot wipe it leaves an ordinary page, and then the process number is asked
 * for.
 */
static struct page {
	uint32_t same;		/* the tables are this image's */
	uint32_t busy;
} ordinary, *page = &ordinary;

/* What is sent before the first wait of the process: its mappings, and where locks are initialised. */
static union {
	struct lsp_userfile_chunk chunk;
	char bytes[LSP_USERFILE_CHUNK_BYTES];
} early __attribute__((aligned(8)));
static uint32_t early_busy;
static bool has_waited;

static void lost_count(enum lsp_userfile_loss why)
{
	__atomic_fetch_add(&head->lost[why], 1, __ATOMIC_RELAXED);
}

static void thread_exit(void *chunk)
{
	if (self.chunk != chunk)
		return;
	leave();
	chunk = self.chunk;
	self.chunk = NULL;
	if (chunk && self.image == image)
		lsp_chunk_give(chunk);
}

void lsp_thread_start(struct lsp_userfile_head *file, void (*leave_fn)(void), void (*process_new_fn)(uint32_t image))
{
	void *wiped;

	leave = leave_fn;
	process_new = process_new_fn;
	head = file;
	exit_key_made = !pthread_key_create(&exit_key, thread_exit);
	early.chunk.backed = LSP_USERFILE_CHUNK_BYTES;
	wiped = (void *)syscall(SYS_mmap, NULL, 4096UL, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0UL);
	if (wiped != MAP_FAILED && !madvise(wiped, 4096, MADV_WIPEONFORK))
		page = wiped;
}

bool lsp_thread_any_waited(void)
{
	return __atomic_load_n(&has_waited, __ATOMIC_ACQUIRE);
}

/* ---- threads ---- */

/*
 * Begins in a new process. What its parent had recorded is the parent's; what the parent knew of
 * locks is kept.
 */
static void process_begin(uint32_t tgid)
{
	process = tgid;
	image = __atomic_add_fetch(&head->processes, 1, __ATOMIC_RELAXED);
	lsp_chunk_forget();
	process_new(image);
	/* If the parent has waited, it sends what is in `early`. If not, this process sends it. */
	if (has_waited)
		early.chunk.used = 0;
	has_waited = false;
}

/* The other threads of a new process wait here for the first one. */
static void process_look(void)
{
	uint32_t tgid = (uint32_t)syscall(SYS_getpid);

	lsp_spin_take(&page->busy, tgid);
	/* A child in a pid namespace of its own may have the parent's number. */
	if (page == &ordinary ? tgid != process : !page->same)
		process_begin(tgid);
	if (page != &ordinary)
		__atomic_store_n(&page->same, 1, __ATOMIC_RELEASE);
	lsp_spin_give(&page->busy);
}

/* Takes a new chunk for the thread, with the waits that are under way. */
static bool chunk_renew(void)
{
	struct lsp_userfile_chunk *old = self.image == image ? self.chunk : NULL, *new;
	enum lsp_userfile_loss why = LSP_USERFILE_ROOM;

	/* A chunk that an ended thread has left may be nearly full, too. */
	while ((new = lsp_chunk_take(process, !old, &why)) && !lsp_chunk_fits(new, ROOM))
		lsp_chunk_drop(new);
	if (!new) {
		lost_count(why);
		return false;
	}
	if (old) {
		memcpy(new->waits, old->waits, sizeof(new->waits));
		memset(old->waits, 0, sizeof(old->waits));
		lsp_chunk_drop(old);
	} else {
		memset(self.frames, 0, sizeof(self.frames));
	}
	/*
	 * This is asked once, because it may be asked in a thread that stands in for this one
	 * (apart.h).
	 */
	if (self.image != image || !self.tid)
		self.tid = (uint32_t)syscall(SYS_gettid);
	self.chunk = new;
	self.image = image;
	if (exit_key_made)
		pthread_setspecific(exit_key, new);
	return true;
}

static bool chunk_have(void)
{
	return (self.chunk && self.image == image && lsp_chunk_fits(self.chunk, ROOM)) || chunk_renew();
}

/*
 * Moves what the process has kept to itself to a chunk of this thread. The caller holds early_busy.
 */
static bool early_move(void)
{
	uint32_t used = early.chunk.used;

	if (self.early)
		self.chunk = NULL;
	if (!chunk_have() || !lsp_chunk_fits(self.chunk, used))
		return false;
	memcpy((char *)(self.chunk + 1) + self.chunk->used, &early.chunk + 1, used);
	__atomic_store_n(&self.chunk->used, self.chunk->used + used, __ATOMIC_RELEASE);
	early.chunk.used = 0;
	self.early = false;
	__atomic_store_n(&has_waited, true, __ATOMIC_RELEASE);
	return true;
}

/* The first wait of the process. */
static bool early_send(void)
{
	bool good;

	lsp_spin_take(&early_busy, image);
	good = has_waited || early_move();
	lsp_spin_give(&early_busy);
	return good;
}

/* Whether the process goes on keeping records to itself, and there is room for them. */
static bool early_take(void)
{
	lsp_spin_take(&early_busy, image);
	if (!has_waited && lsp_chunk_fits(&early.chunk, ROOM)) {
		if (self.image != image || !self.tid)
			self.tid = (uint32_t)syscall(SYS_gettid);
		self.chunk = &early.chunk;
		self.image = image;
		self.early = true;
		return true;
	}
	lsp_spin_give(&early_busy);
	return false;
}

bool lsp_thread_hold(void)
{
	static const uint64_t all = ~0ULL;
	uint64_t mask;

	if (!head || self.busy)
		return false;
	self.saved_errno = errno;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &mask, sizeof(mask));
	self.saved_mask = mask;
	self.busy = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&page->same, __ATOMIC_ACQUIRE))
		process_look();
	return true;
}

bool lsp_thread_record(void)
{
	if (!lsp_thread_any_waited() && !early_send())
		return false;
	return chunk_have();
}

bool lsp_thread_begin_spare(void)
{
	if (!lsp_thread_hold())
		return false;
	if (!__atomic_load_n(&has_waited, __ATOMIC_ACQUIRE) && early_take())
		return true;
	if (lsp_thread_record())
		return true;
	lsp_thread_end();
	return false;
}

bool lsp_thread_begin(void)
{
	if (!lsp_thread_hold()) {
		if (head)
			lost_count(LSP_USERFILE_BUSY);
		return false;
	}
	if (lsp_thread_record())
		return true;
	lsp_thread_end();
	return false;
}

void lsp_thread_end(void)
{
	uint64_t mask = self.saved_mask;
	int saved = self.saved_errno;

	if (self.early) {
		self.early = false;
		self.chunk = NULL;
		lsp_spin_give(&early_busy);
	}
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	self.busy = 0;
	/* From here on a signal handler may run. */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
	errno = saved;
}

/* ---- waits under way ---- */

int lsp_thread_wait_add(const struct lsp_userfile_wait *w, const void *frame)
{
	for (int i = 0; i < LSP_USERFILE_WAITS; i++) {
		struct lsp_userfile_wait *at = &self.chunk->waits[i];

		if (self.frames[i])
			continue;
		self.frames[i] = frame;
		*at = *w;
		at->start_ns = 0;
		at->tid = self.tid;
		__atomic_store_n(&at->start_ns, w->start_ns, __ATOMIC_RELEASE);
		return i;
	}
	return -1;
}

void lsp_thread_wait_remove(int place)
{
	if (place < 0 || !self.chunk || self.image != image)
		return;
	self.frames[place] = NULL;
	__atomic_store_n(&self.chunk->waits[place].start_ns, 0, __ATOMIC_RELEASE);
}

bool lsp_thread_wait_left(const void *frame, struct lsp_userfile_wait *ret)
{
	stack_t alternate;

	for (int i = 0; i < LSP_USERFILE_WAITS; i++) {
		if (!self.frames[i] || (frame && self.frames[i] > frame))
			continue;
		/* On a signal stack, addresses do not tell which frame has called which. */
		if (frame && (syscall(SYS_sigaltstack, NULL, &alternate) || alternate.ss_flags & SS_ONSTACK))
			return false;
		*ret = self.chunk->waits[i];
		lsp_thread_wait_remove(i);
		return true;
	}
	return false;
}

uint32_t lsp_thread_process(void)
{
	return process;
}

uint32_t lsp_thread_image(void)
{
	return image;
}

uint32_t lsp_thread_generation_new(void)
{
	return __atomic_add_fetch(&head->generations, 1, __ATOMIC_RELAXED);
}

uint32_t lsp_thread_id(void)
{
	return self.tid;
}

struct lsp_userfile_chunk *lsp_thread_chunk(void)
{
	return self.chunk;
}

void lsp_thread_count(bool shared, bool unplaced)
{
	if (shared)
		__atomic_fetch_add(&head->waits_shared, 1, __ATOMIC_RELAXED);
	if (unplaced)
		__atomic_fetch_add(&head->waits_unplaced, 1, __ATOMIC_RELAXED);
}

size_t lsp_thread_stack_bytes(void)
{
	return head->stack_bytes;
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

/*
 * Returns room for the next record of @bytes bytes. There is room because begin has made sure, or
 * in a new chunk.
 */
void *lsp_thread_room(size_t bytes)
{
	bool moved;

	if (self.early && !lsp_chunk_fits(self.chunk, (uint32_t)bytes)) {
		moved = early_move();
		/* If it was not moved, lsp_thread_end() releases the lock. */
		if (!moved)
			return NULL;
		lsp_spin_give(&early_busy);
	}
	if (!lsp_chunk_fits(self.chunk, (uint32_t)bytes) && !chunk_renew())
		return NULL;
	return (char *)(self.chunk + 1) + self.chunk->used;
}

void lsp_thread_commit(size_t bytes)
{
	__atomic_store_n(&self.chunk->used, self.chunk->used + (uint32_t)bytes, __ATOMIC_RELEASE);
}

static void put(const void *rec, size_t bytes)
{
	void *at = lsp_thread_room(bytes);

	if (!at)
		return;
	memcpy(at, rec, bytes);
	lsp_thread_commit(bytes);
}

void lsp_thread_comm(char comm[LOCKSPAN_COMM_LEN])
{
	syscall(SYS_prctl, PR_GET_NAME, comm, 0UL, 0UL, 0UL);
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

void lsp_thread_put_given_up(struct lockspan_given_up *g)
{
	g->rec.bytes = sizeof(*g);
	g->rec.type = LOCKSPAN_REC_GIVEN_UP;
	g->tgid = process;
	g->tid = self.tid;
	put(g, sizeof(*g));
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
	char *at = lsp_thread_room(bytes);

	if (!at)
		return;
	map->rec.bytes = (uint32_t)bytes;
	map->tgid = process;
	memcpy(at, map, sizeof(*map));
	memset(at + bytes - 8, 0, 8);
	memcpy(at + sizeof(*map), name, length);
	lsp_thread_commit(bytes);
}
