// SPDX-License-Identifier: GPL-2.0-only
#include "userfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/index.h"

int lsp_userfile_create(const char *directory, uint64_t bytes, const struct lsp_userfile_head *head)
{
	struct lsp_userfile_head copy = *head;
	char path[PATH_MAX];
	struct rlimit limit;
	off_t size;
	int fd, err = 0;

	if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur < bytes)
		bytes = limit.rlim_cur;
	copy.magic = LSP_USERFILE_MAGIC;
	copy.version = LSP_USERFILE_VERSION;
	copy.chunks = bytes < LSP_USERFILE_HEAD_BYTES ? 0 :
		(uint32_t)((bytes - LSP_USERFILE_HEAD_BYTES) / LSP_USERFILE_CHUNK_BYTES);
	if (!copy.chunks)
		return -EFBIG;
	size = LSP_USERFILE_HEAD_BYTES + (off_t)copy.chunks * LSP_USERFILE_CHUNK_BYTES;
	if (snprintf(path, sizeof(path), "%s/" LSP_USERFILE_NAME_FORMAT, directory,
		     (unsigned long long)copy.run[0]) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (unlink(path) || ftruncate(fd, size) || pwrite(fd, &copy, sizeof(copy), 0) != sizeof(copy))
		err = errno ? -errno : -EIO;
	if (!err)
		return fd;
	close(fd);
	return err;
}

int lsp_userfile_mark(int fd, uint32_t pid, const char *name)
{
	uint32_t at = pid % LSP_USERFILE_EXECS;
	char text[LSP_USERFILE_EXEC_NAME] = "";
	size_t n = strlen(name);

	/* If a path is too long, its end is kept, because it tells more. */
	memcpy(text, n < sizeof(text) ? name : name + n - (sizeof(text) - 1), n < sizeof(text) ? n : sizeof(text) - 1);
	if (pwrite(fd, text, sizeof(text), (off_t)(offsetof(struct lsp_userfile_head, exec_names) +
						   at * sizeof(text))) != sizeof(text) ||
	    pwrite(fd, &pid, sizeof(pid), (off_t)(offsetof(struct lsp_userfile_head, exec_pids) +
						  at * sizeof(pid))) != sizeof(pid))
		return errno ? -errno : -EIO;
	return 0;
}

/* How long a program may take to load its libraries, on a busy machine too. */
#define LOADING_US 500000
#define LOADING_TRIES 50

/* The number of records in a run. Each takes one sequence number. */
static uint64_t records_count(const void *run, size_t bytes)
{
	size_t at = 0;
	uint64_t n = 0;
	int err = 0;

	while (lsp_rec_any(run, bytes, &at, &err))
		n++;
	return n;
}

/* What could be read of @bytes: the file's holes read as zeros, and are not filled by it. */
static int read_at(int fd, void *to, size_t bytes, off_t offset)
{
	char *p = to;

	while (bytes) {
		ssize_t n = pread(fd, p, bytes, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EBADMSG;
		p += n;
		bytes -= (size_t)n;
		offset += n;
	}
	return 0;
}

struct replay {
	int fd;
	uint64_t stop_ns;
	lsp_userfile_data_fn data;
	void *arg;
	struct lsp_userfile_chunk *chunk;	/* room for a whole one */
	uint64_t seq;
	struct lockspan_span *open;		/* waits that have not ended */
	size_t nopen;
	size_t open_room;
	uint64_t open_ns;			/* together */
	struct lsp_userfile_result *ret;
};

/*
 * Draws whether an open wait of @d_ns is kept. The probability is d_ns / @rate_ns, as for a wait
 * that has ended.
 */
static bool open_kept(const struct lsp_userfile_wait *w, uint64_t d_ns, uint64_t rate_ns)
{
	uint64_t draw = (w->start_ns ^ (uint64_t)w->tid << 40) * 0x9e3779b97f4a7c15ULL;

	return rate_ns && (d_ns >= rate_ns || (draw ^ draw >> 31) % rate_ns < d_ns);
}

/*
 * Notes an open wait. It is given to the reader later, when it is known how much of the open waits
 * was charged to releases. As in the module, it counts as open, and neither as kept nor as sampled out.
 */
static int open_note(struct replay *r, const struct lsp_userfile_wait *w, uint64_t rate_ns)
{
	uint64_t *counters = r->ret->counters, wait_ns = r->stop_ns - w->start_ns;
	struct lockspan_span span = {
		.rec = { .bytes = sizeof(span), .type = LOCKSPAN_REC_SPAN },
		.enq_ns = w->start_ns, .run_ns = r->stop_ns, .key = w->key, .end_key = w->key,
		.uaddr = w->uaddr, .stack = w->stack, .rate_ns = rate_ns, .tid = w->tid,
		.tgid = r->chunk->tgid, .depth = (uint16_t)(w->depth ? w->depth : 1),
		.op = LOCKSPAN_OP_OTHER, .outcome = LOCKSPAN_OPEN,
		.op_word = w->own_ns < UINT32_MAX ? (uint32_t)w->own_ns : UINT32_MAX,
	};

	counters[LOCKSPAN_C_OPEN]++;
	counters[LOCKSPAN_C_OPEN_WAIT_NS] += wait_ns;
	r->open_ns += wait_ns;
	if (!open_kept(w, wait_ns, rate_ns))
		return 0;
	memcpy(span.comm, w->comm, sizeof(span.comm));
	if (lsp_array_grow(&r->open, &r->open_room, r->nopen, sizeof(*r->open)))
		return -ENOMEM;
	r->open[r->nopen++] = span;
	return 0;
}

static int chunk_replay(struct replay *r, uint32_t number, uint64_t rate_ns)
{
	off_t offset = LSP_USERFILE_HEAD_BYTES + (off_t)number * LSP_USERFILE_CHUNK_BYTES;
	struct lsp_userfile_chunk *chunk = r->chunk;
	int err = read_at(r->fd, chunk, sizeof(*chunk), offset);

	/* The chunk was taken, but its owner ended before it wrote anything. */
	if (err || !chunk->magic)
		return err;
	if (chunk->magic != LSP_USERFILE_MAGIC || chunk->used > LSP_USERFILE_CHUNK_BYTES - sizeof(*chunk))
		return -EBADMSG;
	err = read_at(r->fd, chunk + 1, chunk->used, offset + (off_t)sizeof(*chunk));
	if (err)
		return err;
	for (unsigned int i = 0; i < LOCKSPAN_C_COUNT; i++)
		r->ret->counters[i] += chunk->counters[i];
	r->ret->capture_ns += chunk->capture_ns;
	r->ret->release_ns += chunk->release_ns;
	r->ret->waiting_ns += chunk->waiting_ns;
	if (chunk->used) {
		err = r->data(r->arg, 0, r->seq, chunk + 1, chunk->used);
		r->seq += records_count(chunk + 1, chunk->used);
	}
	if (err == -EBADMSG)
		err = 0;
	for (int i = 0; i < LSP_USERFILE_WAITS && !err; i++)
		if (chunk->waits[i].start_ns && chunk->waits[i].start_ns < r->stop_ns)
			err = open_note(r, &chunk->waits[i], rate_ns);
	return err;
}

/*
 * Gives the open waits to the reader, and adds to the tail what no release was charged with. The
 * charges that exceed the waits which have ended belong to open waits, but it is not known to which
 * of them. So an open wait has a tail of its own only if there are no such charges.
 */
static int open_give(struct replay *r)
{
	uint64_t *c = r->ret->counters, charged;
	int err = 0;

	charged = lsp_elapsed_ns(c[LOCKSPAN_C_LOCK_WAIT_NS], c[LOCKSPAN_C_HOLD_NS] +
				 c[LOCKSPAN_C_HANDOFF_NS] + c[LOCKSPAN_C_TAIL_NS]);
	c[LOCKSPAN_C_LOCK_WAIT_NS] += r->open_ns;
	c[LOCKSPAN_C_TAIL_NS] += lsp_elapsed_ns(charged, r->open_ns);
	for (size_t i = 0; i < r->nopen && (!err || err == -EBADMSG); i++) {
		struct lockspan_span *span = &r->open[i];

		span->tail_ns = charged ? 0 : span->run_ns - span->enq_ns;
		err = r->data(r->arg, 0, r->seq++, span, sizeof(*span));
	}
	return err == -EBADMSG ? 0 : err;
}

/* Whether a marked process lives. It may then be about to load the recorder. */
static bool is_awaited(const struct lsp_userfile_head *head)
{
	for (uint32_t i = 0; i < LSP_USERFILE_EXECS; i++)
		if (head->exec_pids[i] && (!kill((pid_t)head->exec_pids[i], 0) || errno == EPERM))
			return true;
	return false;
}

/*
 * Reads the head when no marked process lives any more, because the command may have left processes
 * behind that are about to load the recorder. A program that never loads the recorder keeps its
 * mark, so this waits for LOADING_US at most.
 */
static int head_read(int fd, struct lsp_userfile_head *head)
{
	int err = read_at(fd, head, sizeof(*head), 0);

	for (int i = 0; i < LOADING_TRIES && !err && head->magic == LSP_USERFILE_MAGIC && is_awaited(head); i++) {
		usleep(LOADING_US / LOADING_TRIES);
		err = read_at(fd, head, sizeof(*head), 0);
	}
	return err;
}

static int file_replay(struct replay *r, off_t bytes)
{
	struct lsp_userfile_result *ret = r->ret;
	struct lsp_userfile_head head;
	int err = bytes < LSP_USERFILE_HEAD_BYTES ? -EBADMSG : head_read(r->fd, &head);
	uint64_t room;

	if (err)
		return err;
	if (head.magic != LSP_USERFILE_MAGIC || head.version != LSP_USERFILE_VERSION)
		return -EBADMSG;
	room = (uint64_t)(bytes - LSP_USERFILE_HEAD_BYTES) / LSP_USERFILE_CHUNK_BYTES;
	memcpy(ret->lost, head.lost, sizeof(ret->lost));
	ret->waits_shared = head.waits_shared;
	ret->waits_unplaced = head.waits_unplaced;
	ret->processes = head.processes;
	for (uint32_t i = 0; i < LSP_USERFILE_EXECS; i++) {
		if (!head.exec_pids[i])
			continue;
		ret->unseen++;
		memcpy(ret->unseen_name, head.exec_names[i], sizeof(ret->unseen_name) - 1);
	}
	/*
	 * An execution without a mark means that all marks were taken. If marks have stayed, most
	 * of these programs have no recorder either.
	 */
	ret->unseen += ret->unseen ? head.unmarked : 0;
	ret->chunks = head.taken < room ? head.taken : (uint32_t)room;
	for (uint32_t i = 0; i < ret->chunks && !err; i++)
		err = chunk_replay(r, i, head.block_rate_ns);
	if (!err)
		err = open_give(r);
	/*
	 * Another thread may take a lock before the recorder has finished with its release. Only
	 * handoff can be the recorder's own work.
	 */
	if (ret->waiting_ns > ret->counters[LOCKSPAN_C_HANDOFF_NS])
		ret->waiting_ns = ret->counters[LOCKSPAN_C_HANDOFF_NS];
	return err;
}

int lsp_userfile_replay(int fd, uint64_t stop_ns, lsp_userfile_data_fn data, void *arg,
			struct lsp_userfile_result *ret)
{
	struct replay r = { .fd = fd, .stop_ns = stop_ns, .data = data, .arg = arg, .ret = ret };
	struct stat st;
	int err;

	memset(ret, 0, sizeof(*ret));
	r.chunk = malloc(LSP_USERFILE_CHUNK_BYTES);
	err = !r.chunk ? -ENOMEM : fstat(fd, &st) ? -errno : 0;
	if (!err)
		err = file_replay(&r, st.st_size);
	free(r.open);
	free(r.chunk);
	return err;
}
