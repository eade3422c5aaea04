/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps one list of "START SIZE NAME" lines, in hexadecimal, for each process that had code without
 * a file. A compiler appends to the file and reuses addresses, so later lines win. The file belongs
 * to the recorded process and is not trusted.
 */
#include "perfmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../base/index.h"
#include "../../base/maptext.h"

#define PROCESSES_MAX 1024

struct entry {
	uint64_t start;
	uint64_t end;
	uint32_t name;		/* offset in the text */
	uint32_t order;		/* of the line in the file */
};

struct process {
	uint32_t tgid;
	off_t bytes;		/* when it was read */
	ino_t ino;
	char *text;
	struct entry *entries;	/* by start */
	size_t n;
	uint64_t longest;	/* for each entry, how far before an address the start of its entry may lie */
};

struct lsp_perfmaps {
	struct lsp_symbols *symbols;
	time_t created;
	struct process *processes;
	size_t n;
	size_t room;
};

int lsp_perfmaps_create(struct lsp_symbols *symbols, struct lsp_perfmaps **ret)
{
	struct lsp_perfmaps *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->symbols = symbols;
	p->created = time(NULL);
	*ret = p;
	return 0;
}

static void process_clear(struct process *p)
{
	free(p->text);
	free(p->entries);
	p->text = NULL;
	p->entries = NULL;
	p->n = 0;
	p->longest = 0;
}

void lsp_perfmaps_destroy(struct lsp_perfmaps *p)
{
	size_t i;

	if (!p)
		return;
	for (i = 0; i < p->n; i++)
		process_clear(&p->processes[i]);
	free(p->processes);
	free(p);
}

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Cuts the text into lines in place. */
static int entries_parse(struct process *p, size_t bytes)
{
	size_t room = 0;
	char *line, *next, *end;

	for (line = p->text; line < p->text + bytes; line = next) {
		struct entry e = { .order = (uint32_t)p->n };
		uint64_t size;

		next = memchr(line, '\n', (size_t)(p->text + bytes - line));
		if (!next)
			break;	/* being written */
		*next++ = '\0';
		e.start = strtoull(line, &end, 16);
		if (end == line || *end != ' ')
			continue;
		line = end + 1;
		size = strtoull(line, &end, 16);
		if (end == line || *end != ' ' || !size || size > UINT64_MAX - e.start)
			continue;
		e.end = e.start + size;
		e.name = (uint32_t)(end + 1 - p->text);
		if (lsp_array_grow(&p->entries, &room, p->n, sizeof(*p->entries)))
			return -ENOMEM;
		p->entries[p->n++] = e;
		p->longest = size > p->longest ? size : p->longest;
	}
	if (p->n)
		qsort(p->entries, p->n, sizeof(*p->entries), entry_compare);
	return 0;
}

/*
 * Finds the number of the process in its own, innermost, pid namespace. The status of the process
 * is read only if that is not our namespace, because reading status or stat holds the process's
 * memory. If the process ends meanwhile, its program stays busy (ETXTBSY).
 */
static uint32_t inner_pid(uint32_t tgid)
{
	char path[32], *text, *at, *last;
	struct stat ours, theirs;
	uint32_t pid = tgid;
	size_t bytes;

	snprintf(path, sizeof(path), "/proc/%u/ns/pid", tgid);
	if (!stat(path, &theirs) && !stat("/proc/self/ns/pid", &ours) && ours.st_ino == theirs.st_ino)
		return tgid;
	snprintf(path, sizeof(path), "/proc/%u/status", tgid);
	if (lsp_maptext_read(path, &text, &bytes))
		return tgid;
	at = strstr(text, "\nNSpid:");
	if (at) {
		at[1 + strcspn(at + 1, "\n")] = '\0';
		last = strrchr(at, '\t');
		if (last)
			pid = (uint32_t)strtoul(last, NULL, 10);
	}
	free(text);
	return pid;
}

/* Returns when the process started, by the clock that files have; 0 if it is gone. */
static time_t started(uint32_t tgid)
{
	unsigned long long ticks = 0;
	struct timespec boot, real;
	char path[32], *text, *at;
	size_t bytes;

	snprintf(path, sizeof(path), "/proc/%u/stat", tgid);
	if (lsp_maptext_read(path, &text, &bytes))
		return 0;
	/* the name, in parentheses, may hold anything; the 20th field behind it counts */
	at = strrchr(text, ')');
	if (at)
		sscanf(at + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
		       " %*s %*s %*s %*s %llu", &ticks);
	free(text);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &real);
	return real.tv_sec - boot.tv_sec + (time_t)(ticks / (unsigned long)sysconf(_SC_CLK_TCK));
}

static bool is_gone(uint32_t tgid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u", tgid);
	return access(path, F_OK) && errno == ENOENT;
}

/* Finds the user to whom files of the process belong. Returns false if the process is gone. */
static bool owner_of(uint32_t tgid, uid_t *ret)
{
	char path[32], *text, *at;
	size_t bytes;
	bool found;

	snprintf(path, sizeof(path), "/proc/%u/status", tgid);
	if (lsp_maptext_read(path, &text, &bytes))
		return false;
	at = strstr(text, "\nUid:");
	/* real, effective, ... */
	found = at && sscanf(at, "\nUid: %*u %u", ret) == 1;
	free(text);
	return found;
}

/*
 * The recorded program chooses what is at this path. A link to a file that only we may read, a pipe
 * that would keep us waiting, or another user's file is not its list.
 */
static int list_open(uint32_t tgid, const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	uid_t owner;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) || !S_ISREG(st->st_mode) ||
	    (st->st_uid && owner_of(tgid, &owner) && st->st_uid != owner)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static int process_read(struct lsp_perfmaps *maps, struct process *p)
{
	uint32_t pid = inner_pid(p->tgid);
	struct stat st;
	time_t start;
	char path[96];
	size_t bytes;
	bool old;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/root/tmp/perf-%u.map", p->tgid, pid);
	fd = list_open(p->tgid, path, &st);
	if (fd == -ENOENT && is_gone(p->tgid)) {
		/*
		 * the process is gone, and its list may still be here; a living process has it only
		 * below its own root
		 */
		snprintf(path, sizeof(path), "/tmp/perf-%u.map", p->tgid);
		fd = list_open(p->tgid, path, &st);
	}
	if (fd < 0)
		return p->n ? 0 : -ENOENT;
	/* a file older than the process is that of another process with this number */
	start = started(p->tgid);
	old = st.st_mtime + 1 < (start ? start : maps->created);
	if (old || (st.st_size == p->bytes && st.st_ino == p->ino)) {
		close(fd);
		return old && !p->n ? -ENOENT : 0;
	}
	process_clear(p);
	p->bytes = st.st_size;
	p->ino = st.st_ino;
	return lsp_maptext_read_fd(fd, &p->text, &bytes) ? -ENOENT : entries_parse(p, bytes);
}

static struct process *process_at(struct lsp_perfmaps *p, uint32_t tgid)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->processes[i].tgid == tgid)
			return &p->processes[i];
	if (p->n == PROCESSES_MAX) {
		process_clear(&p->processes[0]);
		memmove(p->processes, p->processes + 1, --p->n * sizeof(*p->processes));
	}
	if (lsp_array_grow(&p->processes, &p->room, p->n, sizeof(*p->processes)))
		return NULL;
	p->processes[p->n] = (struct process){ .tgid = tgid };
	return &p->processes[p->n++];
}

static const struct entry *entry_find(const struct process *p, uint64_t pc)
{
	const struct entry *best = NULL;
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->entries[mid].start <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo-- > 0 && pc - p->entries[lo].start < p->longest) {
		const struct entry *e = &p->entries[lo];

		if (pc < e->end && (!best || e->order > best->order))
			best = e;
	}
	return best;
}

int lsp_perfmaps_find(struct lsp_perfmaps *p, uint32_t tgid, uint64_t pc,
		      const struct lsp_line **ret)
{
	struct process *process = process_at(p, tgid);
	const struct entry *e;
	struct lsp_line line = { 0 };
	int err;

	if (!process)
		return -ENOMEM;
	err = process_read(p, process);
	if (err)
		return err;
	e = entry_find(process, pc);
	if (!e)
		return -ENOENT;
	line.function = line.linkage = process->text + e->name;
	return lsp_symbol_line(p->symbols, &line, ret);
}
