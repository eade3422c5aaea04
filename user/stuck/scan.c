// SPDX-License-Identifier: GPL-2.0-only
#include "scan.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "../base/index.h"

/* Between two looks at threads that seem to have stopped for ever. */
#define LOOK_AGAIN_NS 20000000

/* From <linux/futex.h> of Linux 5.14. */
#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

struct waits {
	struct lsp_stuck_wait *waits;
	size_t n;
	size_t room;
};

/* Returns the bytes that were read of a file of /proc, and ends them with 0. */
static size_t text_read(char *text, size_t bytes, const char *format, uint32_t tgid, uint32_t tid, const char *name)
{
	char path[96];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), format, tgid, tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, bytes - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static size_t task_read(char *text, size_t bytes, const struct lsp_stuck_wait *w, const char *name)
{
	return text_read(text, bytes, "/proc/%" PRIu32 "/task/%" PRIu32 "/%s", w->tgid, w->tid, name);
}

/* The number behind @name in the text of a status; the last one of its line. */
static uint64_t status_number(const char *status, const char *name)
{
	const char *at = strstr(status, name), *end;
	uint64_t value = 0;
	char *next;

	if (!at)
		return 0;
	at += strlen(name);
	end = strchrnul(at, '\n');
	while (at < end) {
		uint64_t number = strtoull(at, &next, 10);

		if (next == at || next > end)
			break;
		value = number;
		at = next;
	}
	return value;
}

/* What is to be read before all else: if it is the same later, the thread has not run in between. */
static bool status_take(struct lsp_stuck_wait *w)
{
	char status[4096];

	if (!task_read(status, sizeof(status), w, "status"))
		return false;
	w->switches = status_number(status, "\nvoluntary_ctxt_switches:") +
		      status_number(status, "\nnonvoluntary_ctxt_switches:");
	w->own_tid = (uint32_t)status_number(status, "\nNSpid:");
	return w->switches && w->own_tid;
}

/* Whether the thread sleeps in a wait for a futex that no timer will end. */
static bool wait_take(struct lsp_stuck_wait *w)
{
	unsigned long long uaddr, op, value, timeout;
	char text[256];
	long call;

	if (!task_read(text, sizeof(text), w, "syscall") ||
	    sscanf(text, "%ld 0x%llx 0x%llx 0x%llx 0x%llx", &call, &uaddr, &op, &value, &timeout) != 5 ||
	    call != SYS_futex || timeout)
		return false;
	op &= FUTEX_CMD_MASK;
	w->uaddr = uaddr;
	return op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET || op == FUTEX_LOCK_PI || op == FUTEX_LOCK_PI2;
}

static void owner_take(struct lsp_stuck_wait *w)
{
	uint32_t words[LSP_STUCK_WORDS] = { 0 };
	struct iovec to = { words, sizeof(words) };
	struct iovec from = { (void *)(uintptr_t)(w->uaddr - LSP_STUCK_BEFORE * sizeof(words[0])), sizeof(words) };

	if (process_vm_readv((pid_t)w->tgid, &to, 1, &from, 1, 0) == (ssize_t)sizeof(words))
		w->owner = lsp_stuck_owner(words);
}

static int thread_take(struct waits *all, uint32_t tgid, uint32_t tid)
{
	struct lsp_stuck_wait w = { .tgid = tgid, .tid = tid };
	size_t n;

	/* Most threads do not wait for a lock, and that takes one file to know. */
	if (!wait_take(&w) || !status_take(&w) || !wait_take(&w))
		return 0;
	owner_take(&w);
	if (!w.owner)
		return 0;
	n = task_read(w.comm, sizeof(w.comm), &w, "comm");
	if (n && w.comm[n - 1] == '\n')
		w.comm[n - 1] = '\0';
	if (lsp_array_grow(&all->waits, &all->room, all->n, sizeof(*all->waits)))
		return -ENOMEM;
	all->waits[all->n++] = w;
	return 0;
}

static int process_take(struct waits *all, uint32_t tgid)
{
	struct dirent *entry;
	char path[64];
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task", tgid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (!err && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			err = thread_take(all, tgid, (uint32_t)strtoul(entry->d_name, NULL, 10));
	closedir(dir);
	return err;
}

/*
 * Whether no thread of the deadlock has run since its wait was read. Then they all have slept at one moment, each with
 * its lock, and none can go on.
 */
static bool is_lasting(const struct lsp_stuck *s, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		struct lsp_stuck_wait now = s->waits[i];

		if (!status_take(&now) || now.switches != s->waits[i].switches || now.own_tid != s->waits[i].own_tid)
			return false;
	}
	return true;
}

static void lasting_keep(struct lsp_stuck *s)
{
	size_t kept = 0;
	uint32_t cycles = 0;

	for (size_t first = 0, end; first < s->n; first = end) {
		for (end = first; end < s->n && s->cycles[end] == s->cycles[first]; end++)
			;
		if (!is_lasting(s, first, end))
			continue;
		for (size_t i = first; i < end; i++, kept++) {
			s->waits[kept] = s->waits[i];
			s->cycles[kept] = cycles;
		}
		cycles++;
	}
	s->n = kept;
}

static int waits_judge(struct waits *all, struct lsp_stuck *ret)
{
	const struct timespec pause = { .tv_nsec = LOOK_AGAIN_NS };
	int err = lsp_stuck_cycles(all->waits, all->n, ret);

	if (!err && ret->n) {
		nanosleep(&pause, NULL);
		lasting_keep(ret);
	}
	free(all->waits);
	return err;
}

int lsp_stuck_find(const uint32_t *tgids, size_t n, struct lsp_stuck *ret)
{
	struct waits all = { 0 };
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		err = process_take(&all, tgids[i]);
	if (err) {
		free(all.waits);
		return err;
	}
	return waits_judge(&all, ret);
}

int lsp_stuck_find_all(struct lsp_stuck *ret)
{
	struct waits all = { 0 };
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	while (!err && dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			err = process_take(&all, (uint32_t)strtoul(entry->d_name, NULL, 10));
	if (dir)
		closedir(dir);
	if (err) {
		free(all.waits);
		return err;
	}
	return waits_judge(&all, ret);
}

size_t lsp_stuck_children(uint32_t tgid, uint32_t *children, size_t max)
{
	char text[4096], *at = text, *next;
	size_t n = 0;

	text_read(text, sizeof(text), "/proc/%" PRIu32 "/task/%" PRIu32 "/%s", tgid, tgid, "children");
	for (; n < max; at = next) {
		unsigned long child = strtoul(at, &next, 10);

		if (next == at)
			break;
		children[n++] = (uint32_t)child;
	}
	return n;
}
