// SPDX-License-Identifier: GPL-2.0-only
#include "chunk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Out of the way of programs that count on the lowest numbers. */
#define KEPT_FD 700
/* So much of the disk is taken at a time. */
#define BACK_BYTES (32U << 10)
/* Chunks of ended threads that are kept. */
#define SPARES 64

static char path[PATH_MAX];
static struct lsp_userfile_head *head;
static int kept_fd = -1;
static ino_t kept_ino;
static dev_t kept_dev;
static struct lsp_userfile_chunk *spares[SPARES];

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

struct lsp_userfile_head *lsp_chunk_file(void)
{
	const char *name = getenv(LSP_USERFILE_ENV);
	int fd;

	if (!name || strlen(name) >= sizeof(path))
		return NULL;
	strcpy(path, name);
	fd = file_open();
	if (fd < 0)
		return NULL;
	head = file_map(fd, LSP_USERFILE_HEAD_BYTES, 0);
	file_keep(fd);
	syscall(SYS_close, fd);
	if (head && (head->magic != LSP_USERFILE_MAGIC || head->version != LSP_USERFILE_VERSION))
		head = NULL;
	return head;
}

bool lsp_chunk_is_file(const char *mapping)
{
	size_t n = strlen(path);

	/* " (deleted)" may follow. */
	return n && !strncmp(mapping, path, n) && (!mapping[n] || mapping[n] == ' ');
}

static off_t offset_of(uint32_t number)
{
	return LSP_USERFILE_HEAD_BYTES + (off_t)number * LSP_USERFILE_CHUNK_BYTES;
}

/*
 * A file with holes takes a write to a mapping without asking whether the disk
 * has room, and where it has none the writer dies of SIGBUS. So it is asked.
 */
static bool disk_back(int fd, uint32_t number, uint32_t from, uint32_t to)
{
	/* Not every file system can; those that cannot live in memory (ramfs). */
	return !syscall(SYS_fallocate, fd, 0, offset_of(number) + from, (off_t)(to - from)) ||
	       errno == EOPNOTSUPP;
}

static struct lsp_userfile_chunk *spare_take(void)
{
	for (int i = 0; i < SPARES; i++) {
		struct lsp_userfile_chunk *c;

		if (!__atomic_load_n(&spares[i], __ATOMIC_RELAXED))
			continue;
		c = __atomic_exchange_n(&spares[i], NULL, __ATOMIC_ACQUIRE);
		if (c)
			return c;
	}
	return NULL;
}

struct lsp_userfile_chunk *lsp_chunk_take(uint32_t tgid, bool spare)
{
	struct lsp_userfile_chunk *c = spare ? spare_take() : NULL;
	uint32_t number;
	int fd;

	if (c)
		return c;
	if (__atomic_load_n(&head->taken, __ATOMIC_RELAXED) >= head->chunks)
		return NULL;
	fd = file_open();
	if (fd < 0)
		return NULL;
	number = __atomic_fetch_add(&head->taken, 1, __ATOMIC_RELAXED);
	if (number < head->chunks && disk_back(fd, number, 0, BACK_BYTES))
		c = file_map(fd, LSP_USERFILE_CHUNK_BYTES, offset_of(number));
	syscall(SYS_close, fd);
	if (!c)
		return NULL;
	c->tgid = tgid;
	c->number = number;
	c->backed = BACK_BYTES;
	__atomic_store_n(&c->magic, LSP_USERFILE_MAGIC, __ATOMIC_RELEASE);
	return c;
}

bool lsp_chunk_fits(struct lsp_userfile_chunk *c, uint32_t bytes)
{
	uint32_t end = (uint32_t)sizeof(*c) + c->used + bytes, back;
	bool good;
	int fd;

	if (end <= c->backed)
		return true;
	if (end > LSP_USERFILE_CHUNK_BYTES)
		return false;
	fd = file_open();
	if (fd < 0)
		return false;
	back = (end + BACK_BYTES - 1) / BACK_BYTES * BACK_BYTES;
	good = disk_back(fd, c->number, c->backed, back);
	syscall(SYS_close, fd);
	if (good)
		c->backed = back;
	return good;
}

void lsp_chunk_drop(struct lsp_userfile_chunk *c)
{
	syscall(SYS_munmap, c, LSP_USERFILE_CHUNK_BYTES);
}

void lsp_chunk_give(struct lsp_userfile_chunk *c)
{
	for (int i = 0; i < SPARES; i++) {
		struct lsp_userfile_chunk *none = NULL;

		if (__atomic_compare_exchange_n(&spares[i], &none, c, false, __ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
			return;
	}
	lsp_chunk_drop(c);
}

void lsp_chunk_forget(void)
{
	for (int i = 0; i < SPARES; i++) {
		struct lsp_userfile_chunk *c = __atomic_exchange_n(&spares[i], NULL, __ATOMIC_RELAXED);

		if (c)
			lsp_chunk_drop(c);
	}
}
