// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads /proc/self/maps by system calls alone. One thread reads at a time; the
 * others go on with what there was.
 */
#include "text.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "thread.h"

#define RANGES 1024
#define LINE 4608
/* After a dlopen() was begun it may map for so long; within it mappings are read again so often. */
#define LOADING_NS 1000000000ULL
#define AGAIN_NS 20000000ULL
#define FIRST_TRIES 10000

struct range {
	uint64_t start;
	uint64_t end;
};

/* Two of them: readers use the one that is current while the other is filled. */
static struct {
	struct range ranges[RANGES];
	size_t n;
} texts[2];
static uint32_t generation;	/* texts[generation % 2] is current */
static uint32_t reading;
static uint32_t stale = 1;
static uint64_t read_ns, loading_until_ns;

void lsp_text_stale(void)
{
	__atomic_store_n(&stale, 1, __ATOMIC_RELEASE);
}

static bool hex(const char **p, uint64_t *ret)
{
	const char *start = *p;

	for (*ret = 0;; (*p)++) {
		char c = **p;

		if (c >= '0' && c <= '9')
			*ret = *ret << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*ret = *ret << 4 | (uint64_t)(c - 'a' + 10);
		else
			return *p != start;
	}
}

static bool skip(const char **p, char c)
{
	return *(*p)++ == c;
}

/* One line, without its end, into a record; its range into @to. */
static void line_take(const char *p, uint32_t new, uint16_t *flags, size_t *n)
{
	uint64_t start, end, offset, major, minor, ino = 0;
	struct lockspan_map map = { .rec.type = LOCKSPAN_REC_MAP };
	bool exec, write;
	const char *mode;

	if (!hex(&p, &start) || !skip(&p, '-') || !hex(&p, &end) || !skip(&p, ' '))
		return;
	mode = p;
	p += 5;
	exec = mode[2] == 'x';
	write = mode[1] == 'w';
	if (!hex(&p, &offset) || !skip(&p, ' ') || !hex(&p, &major) || !skip(&p, ':') ||
	    !hex(&p, &minor) || !skip(&p, ' '))
		return;
	for (; *p >= '0' && *p <= '9'; p++)
		ino = ino * 10 + (uint64_t)(*p - '0');
	p += strspn(p, " ");
	if (!exec && !(write && *p == '/'))
		return;
	map.rec.flags = (uint16_t)(*flags | (exec && write ? LOCKSPAN_MAP_WRITE : 0) |
				   (exec ? 0 : LOCKSPAN_MAP_DATA));
	*flags = 0;
	map.start = start;
	map.end = end;
	map.offset = offset;
	map.ino = ino;
	map.dev_major = (uint32_t)major;
	map.dev_minor = (uint32_t)minor;
	map.generation = new;
	lsp_thread_put_map(&map, p);
	if (exec && *n < RANGES)
		texts[new % 2].ranges[(*n)++] = (struct range){ start, end };
}

static bool maps_read(int fd, uint32_t new)
{
	static char buffer[LINE];
	uint16_t flags = LOCKSPAN_MAP_FIRST;
	struct lockspan_map last = { .rec.type = LOCKSPAN_REC_MAP, .generation = new };
	size_t have = 0, n = 0;
	char *end;

	for (;;) {
		ssize_t got = syscall(SYS_read, fd, buffer + have, sizeof(buffer) - have);

		if (got < 0 || (!got && !n))
			return false;
		if (!got)
			break;
		have += (size_t)got;
		while ((end = memchr(buffer, '\n', have))) {
			*end++ = '\0';
			line_take(buffer, new, &flags, &n);
			have -= (size_t)(end - buffer);
			memmove(buffer, end, have);
		}
		if (have == sizeof(buffer))
			return false;
	}
	last.rec.flags = flags | LOCKSPAN_MAP_LAST | LOCKSPAN_MAP_DATA;
	lsp_thread_put_map(&last, "");
	texts[new % 2].n = n;
	return true;
}

static void refresh(uint64_t now_ns)
{
	uint32_t new = generation + 1;
	int fd;

	if (__atomic_exchange_n(&reading, 1, __ATOMIC_ACQUIRE))
		return;
	if (__atomic_exchange_n(&stale, 0, __ATOMIC_ACQ_REL))
		loading_until_ns = now_ns + LOADING_NS;
	read_ns = now_ns;
	fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (maps_read(fd, new))
			__atomic_store_n(&generation, new, __ATOMIC_RELEASE);
		syscall(SYS_close, fd);
	}
	__atomic_store_n(&reading, 0, __ATOMIC_RELEASE);
}

uint32_t lsp_text_generation(uint64_t now_ns)
{
	if (__atomic_load_n(&stale, __ATOMIC_RELAXED) ||
	    (now_ns < loading_until_ns && now_ns > read_ns + AGAIN_NS))
		refresh(now_ns);
	/* The first is worth waiting for: without it a stack has no mappings. */
	for (int i = 0; i < FIRST_TRIES && !__atomic_load_n(&generation, __ATOMIC_ACQUIRE) &&
	     __atomic_load_n(&reading, __ATOMIC_ACQUIRE); i++)
		sched_yield();
	return __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
}

static bool is_text(const struct range *ranges, size_t n, uint64_t addr)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ranges[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && ranges[lo].start <= addr;
}

uint64_t lsp_text_fingerprint(const uint64_t *words, size_t n, uint64_t seed)
{
	uint32_t current = __atomic_load_n(&generation, __ATOMIC_ACQUIRE) % 2;
	const struct range *ranges = texts[current].ranges;
	size_t nranges = texts[current].n;
	uint64_t hash = seed;

	for (size_t i = 0; i < n; i++) {
		if (words[i] < 4096 || words[i] >> 47 || !is_text(ranges, nranges, words[i]))
			continue;
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ULL;
		hash = (hash ^ hash >> 29 ^ i) * 0xbf58476d1ce4e5b9ULL;
	}
	hash ^= hash >> 32;
	return hash ? hash : 1;
}
