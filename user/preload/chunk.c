// SPDX-License-Identifier: GPL-2.0-only
#include "chunk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "apart.h"
#include "copy.h"

/* How much disk space is taken at a time. */
#define BACK_BYTES (32U << 10)
#define PAGE_BYTES 4096
/* How many chunks of ended threads are kept. */
#define SPARES 64
/*
 * How long to wait for an answer from the process that started the program, which may be stopped.
 */
#define ASK_SECONDS 2

static char name[64];	/* identity of the file, as mappings show it */
static char path[64];	/* used only under Valgrind */
static struct lsp_userfile_head *head;
static struct lsp_userfile_chunk *spares[SPARES];

/* ---- the way to the file ---- */

/* A process that knows the password gets a descriptor, even if it may not open the file itself. */
static int file_ask(const uint64_t run[2])
{
	const struct timeval patience = { .tv_sec = ASK_SECONDS };
	const struct lsp_userfile_ask ask = { .password = run[1] };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), fd = -1, length;

	if (s < 0)
		return -1;
	length = snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1, LSP_USERFILE_SOCKET_FORMAT,
			  (unsigned long long)run[0]);
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(s, (struct sockaddr *)&to,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) &&
	    send(s, &ask, sizeof(ask), MSG_NOSIGNAL) == sizeof(ask) &&
	    recvmsg(s, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message) &&
	    CMSG_FIRSTHDR(&message)->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	close(s);
	return fd;
}

/* Maps its head, if it is the file of @run. Another file may have come to the same path. */
static struct lsp_userfile_head *head_map(int fd, const uint64_t run[2])
{
	struct lsp_userfile_head *h;
	void *at;

	if (fd < 0)
		return NULL;
	at = (void *)syscall(SYS_mmap, NULL, LSP_USERFILE_HEAD_BYTES, PROT_READ | PROT_WRITE,
			     MAP_SHARED, fd, 0L);
	close(fd);
	if (at == MAP_FAILED)
		return NULL;
	h = at;
	if (h->magic == LSP_USERFILE_MAGIC && h->version == LSP_USERFILE_VERSION &&
	    h->run[0] == run[0] && h->run[1] == run[1])
		return h;
	syscall(SYS_munmap, at, LSP_USERFILE_HEAD_BYTES);
	return NULL;
}

struct lsp_userfile_head *lsp_chunk_file(void)
{
	const char *text = getenv(LSP_USERFILE_ENV);
	uint64_t run[2];
	char *end;

	for (int i = 0; i < 2; i++) {
		if (!text)
			return NULL;
		run[i] = strtoull(text, &end, 16);
		if (end != text + LSP_USERFILE_DIGITS || *end != ':')
			return NULL;
		text = end + 1;
	}
	snprintf(name, sizeof(name), "/" LSP_USERFILE_NAME_FORMAT, (unsigned long long)run[0]);
	snprintf(path, sizeof(path), "%s", text);
	head = head_map(open(text, O_RDWR | O_CLOEXEC), run);
	if (!head)
		head = head_map(file_ask(run), run);
	return head;
}

bool lsp_chunk_is_file(const char *mapping)
{
	return *name && strstr(mapping, name);
}

/* ---- chunks ---- */

/* Under Valgrind the program's descriptors are not its own alone in any case. */
static struct lsp_userfile_chunk *chunk_open(size_t before)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	void *at;

	if (fd < 0)
		return NULL;
	at = (void *)syscall(SYS_mmap, NULL, LSP_USERFILE_CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			     fd, before);
	syscall(SYS_close, fd);
	return at == MAP_FAILED ? NULL : at;
}

/*
 * mremap() of a mapping of length 0 makes a second mapping of the same file. This is the only way
 * to another part of a file for which there is no descriptor.
 */
static struct lsp_userfile_chunk *chunk_map(uint32_t number)
{
	size_t before = LSP_USERFILE_HEAD_BYTES + (size_t)number * LSP_USERFILE_CHUNK_BYTES;
	char *at;

	if (lsp_apart_valgrind())
		return chunk_open(before);
	/* The program may have locked all of its memory. Then the whole copy would be read in. */
	syscall(SYS_munlock, head, LSP_USERFILE_HEAD_BYTES);
	at = (char *)syscall(SYS_mremap, head, 0UL, before + LSP_USERFILE_CHUNK_BYTES, MREMAP_MAYMOVE);
	if (at == MAP_FAILED)
		return NULL;
	syscall(SYS_munmap, at, before);
	/*
	 * A child process has no use for the mapping, and could not tell its threads' chunks from
	 * ours.
	 */
	syscall(SYS_madvise, at + before, LSP_USERFILE_CHUNK_BYTES, MADV_DONTFORK);
	return (struct lsp_userfile_chunk *)(at + before);
}

/*
 * A write to a mapping of a file with holes needs disk space. If the disk is full, the writer dies
 * of SIGBUS. So the kernel is made to write to each page first, which only fails.
 */
static bool chunk_back(struct lsp_userfile_chunk *c, uint32_t from, uint32_t to)
{
	for (uint32_t at = from; at < to; at += PAGE_BYTES)
		if (syscall(SYS_rt_sigprocmask, 0, NULL, (char *)c + at + PAGE_BYTES - 8, 8UL))
			return false;
	return true;
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

struct lsp_userfile_chunk *lsp_chunk_take(uint32_t tgid, bool spare, enum lsp_userfile_loss *loss)
{
	struct lsp_userfile_chunk *c = spare ? spare_take() : NULL;
	uint32_t number;

	if (c)
		return c;
	*loss = LSP_USERFILE_ROOM;
	if (__atomic_load_n(&head->taken, __ATOMIC_RELAXED) >= head->chunks)
		return NULL;
	number = __atomic_fetch_add(&head->taken, 1, __ATOMIC_RELAXED);
	if (number >= head->chunks)
		return NULL;
	c = chunk_map(number);
	if (!c) {
		*loss = LSP_USERFILE_SPACE;
		return NULL;
	}
	if (!chunk_back(c, 0, BACK_BYTES)) {
		lsp_chunk_drop(c);
		return NULL;
	}
	c->tgid = tgid;
	c->number = number;
	c->backed = BACK_BYTES;
	__atomic_store_n(&c->magic, LSP_USERFILE_MAGIC, __ATOMIC_RELEASE);
	return c;
}

bool lsp_chunk_fits(struct lsp_userfile_chunk *c, uint32_t bytes)
{
	uint32_t end = (uint32_t)sizeof(*c) + c->used + bytes, back;

	if (end <= c->backed)
		return true;
	if (end > LSP_USERFILE_CHUNK_BYTES)
		return false;
	back = (end + BACK_BYTES - 1) / BACK_BYTES * BACK_BYTES;
	if (!chunk_back(c, c->backed, back))
		return false;
	c->backed = back;
	return true;
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
	for (int i = 0; i < SPARES; i++)
		__atomic_store_n(&spares[i], NULL, __ATOMIC_RELAXED);
}

/* ---- programs that are executed ---- */

/* Clears the entries of @pids that are @pid. Returns whether there were any. */
static bool pids_clear(uint32_t *pids, uint32_t pid)
{
	bool any = false;

	for (uint32_t i = 0; i < LSP_USERFILE_EXECS; i++) {
		uint32_t same = pid;

		if (__atomic_load_n(&pids[i], __ATOMIC_SEQ_CST) == pid)
			any |= __atomic_compare_exchange_n(&pids[i], &same, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	}
	return any;
}

/* access() fails with EFAULT for an address that cannot be read, and does no harm. */
static bool readable(const char *text)
{
	int saved = errno;
	bool good = !syscall(SYS_access, text, F_OK) || errno != EFAULT;

	errno = saved;
	return good;
}

/* Copies the end of the name. If the path cannot be read, execve() will refuse it. */
static void name_copy(char *to, const char *program)
{
	char text[LSP_USERFILE_EXEC_NAME];
	size_t n = 0;

	text[0] = '\0';
	if (program && !lsp_copy_is_careful() && readable(program))
		n = strlen(program);
	if (n >= sizeof(text))
		program += n - (sizeof(text) - 1);
	if (n)
		memcpy(text, program, n < sizeof(text) ? n + 1 : sizeof(text));
	memcpy(to, text, sizeof(text));
}

/*
 * A spawned process may begin before its parent marks it. Each of the two first writes its own
 * number and then looks for the other's, so one of them finds both.
 */
uint32_t lsp_chunk_mark(const char *program, uint32_t pid)
{
	bool spawned = pid;
	int saved = errno;

	if (!head)
		return LSP_USERFILE_EXECS;
	if (!pid)
		pid = (uint32_t)syscall(SYS_getpid);
	errno = saved;
	for (uint32_t i = 0; i < LSP_USERFILE_EXECS; i++) {
		uint32_t at = (pid + i) % LSP_USERFILE_EXECS, none = 0;

		if (__atomic_load_n(&head->exec_pids[at], __ATOMIC_RELAXED) ||
		    !__atomic_compare_exchange_n(&head->exec_pids[at], &none, pid, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			continue;
		name_copy(head->exec_names[at], program);
		if (spawned && pids_clear(head->come_pids, pid))
			pids_clear(head->exec_pids, pid);
		return at;
	}
	__atomic_fetch_add(&head->unmarked, 1, __ATOMIC_RELAXED);
	return LSP_USERFILE_EXECS;
}

void lsp_chunk_unmark(uint32_t mark)
{
	if (mark < LSP_USERFILE_EXECS)
		__atomic_store_n(&head->exec_pids[mark], 0, __ATOMIC_SEQ_CST);
}

void lsp_chunk_come(void)
{
	uint32_t pid = (uint32_t)syscall(SYS_getpid);
	uint32_t at = __atomic_fetch_add(&head->come, 1, __ATOMIC_RELAXED) % LSP_USERFILE_EXECS;

	__atomic_store_n(&head->come_pids[at], pid, __ATOMIC_SEQ_CST);
	if (pids_clear(head->exec_pids, pid))
		pids_clear(head->come_pids, pid);
}
