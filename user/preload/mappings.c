// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the process's /proc maps by system calls alone. One thread reads at a time, and the others
 * wait for it, because an address may now belong to another library than before.
 */
#include "mappings.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "apart.h"
#include "chunk.h"
#include "copy.h"
#include "thread.h"

#define RANGES 1024
#define LINE 4608
/*
 * For how long a dlopen() that has begun may still map, and how often the mappings are read again
 * in that time.
 */
#define LOADING_NS 1000000000ULL
#define AGAIN_NS 5000000ULL
/*
 * How long others wait for a reader, which may have no processor for a while. They yield first, and
 * then sleep for so long each time. A program that forbids itself system calls may die of a sleep.
 */
#define YIELDS 64
#define CAREFUL_YIELDS 10000
#define NAP_NS 20000
#define NAPS 50000
/* The first reader that is waited for may have begun too early, the second one has not. */
#define TURNS 3
#define SENT 32

struct range {
	uint64_t start;
	uint64_t end;
};

/* There are two: readers use the current one while the other is filled. */
static struct text {
	struct range ranges[RANGES];
	size_t n;
} texts[2];
static uint32_t current;	/* generation << 1 | its place in texts; 0 none */
static uint32_t newest;		/* generation */
static uint32_t reading;
static uint32_t stale = 1;
static uint32_t loading;	/* calls that load a library now */
static bool loads;		/* a call has loaded a library since the last reading */
static uint64_t read_ns, loading_until_ns;
/*
 * The mappings that were sent last. When a library comes and goes again and again, there are only
 * two sets of mappings, and each is sent once.
 */
static struct sent {
	uint64_t hash;		/* of the lines; 0 none */
	uint32_t generation;
} sent[SENT];
static uint32_t next_sent;

void lsp_text_stale(void)
{
	/* It may take long until the library is mapped. */
	__atomic_store_n(&loading_until_ns, lsp_thread_now_ns() + LOADING_NS, __ATOMIC_RELAXED);
	__atomic_store_n(&loads, true, __ATOMIC_RELAXED);
	__atomic_store_n(&stale, 1, __ATOMIC_RELEASE);
}

void lsp_text_loading(int calls)
{
	__atomic_fetch_add(&loading, (uint32_t)calls, __ATOMIC_RELEASE);
	__atomic_store_n(&loads, true, __ATOMIC_RELAXED);
	__atomic_store_n(&stale, 1, __ATOMIC_RELEASE);
}

void lsp_text_process_new(void)
{
	memset(sent, 0, sizeof(sent));
	/* A generation of the parent means nothing in the name of this process. */
	current = 0;
	/* Belongs to a thread that the new process does not have. */
	reading = 0;
	loading = 0;
	stale = 1;
}

static bool hex(const char **p, __u64 *ret)
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

/* What is made of the lines of /proc maps. */
struct reading {
	struct text *text;
	uint32_t generation;	/* the generation under which they are sent; 0: they are not sent */
	uint16_t flags;		/* flags of the next record */
	uint64_t hash;
};

/* Takes one line, without its end, apart. Returns false if it does not matter. */
static bool line_parse(const char *p, struct lockspan_map *map, const char **path)
{
	__u64 major, minor;
	uint64_t ino = 0;
	bool exec, write;
	const char *mode;

	if (!hex(&p, &map->start) || !skip(&p, '-') || !hex(&p, &map->end) || !skip(&p, ' '))
		return false;
	mode = p;
	p += 5;
	exec = mode[2] == 'x';
	write = mode[1] == 'w';
	if (!hex(&p, &map->offset) || !skip(&p, ' ') || !hex(&p, &major) || !skip(&p, ':') ||
	    !hex(&p, &minor) || !skip(&p, ' '))
		return false;
	for (; *p >= '0' && *p <= '9'; p++)
		ino = ino * 10 + (uint64_t)(*p - '0');
	p += strspn(p, " ");
	/*
	 * Mappings of the recorder's file come and go with threads, and no program's lock lies
	 * there.
	 */
	if ((!exec && !(write && *p == '/')) || lsp_chunk_is_file(p))
		return false;
	map->ino = ino;
	map->dev_major = (uint32_t)major;
	map->dev_minor = (uint32_t)minor;
	map->rec.flags = (uint16_t)((exec && write ? LOCKSPAN_MAP_WRITE : 0) | (exec ? 0 : LOCKSPAN_MAP_DATA));
	*path = p;
	return true;
}

static void line_take(const char *line, struct reading *r)
{
	struct lockspan_map map = { .rec.type = LOCKSPAN_REC_MAP };
	const char *path;

	if (!line_parse(line, &map, &path))
		return;
	/* The whole line is hashed: any difference in it means another mapping. */
	for (const char *p = line; *p; p++)
		r->hash = (r->hash ^ (uint8_t)*p) * 0x100000001b3ULL;
	if (!(map.rec.flags & LOCKSPAN_MAP_DATA) && r->text->n < RANGES)
		r->text->ranges[r->text->n++] = (struct range){ map.start, map.end };
	if (!r->generation)
		return;
	map.rec.flags |= r->flags;
	r->flags = 0;
	map.generation = r->generation;
	lsp_thread_put_map(&map, path);
}

/* Walks once over the lines of @fd. */
static bool maps_walk(int fd, struct reading *r)
{
	static char buffer[LINE];
	bool any = false;
	size_t have = 0;
	char *end;

	r->hash = 0xcbf29ce484222325ULL;
	r->text->n = 0;
	if (syscall(SYS_lseek, fd, 0L, SEEK_SET))
		return false;
	for (;;) {
		ssize_t got = syscall(SYS_read, fd, buffer + have, sizeof(buffer) - have);

		if (got < 0 || (!got && !any))
			return false;
		if (!got)
			return true;
		any = true;
		have += (size_t)got;
		while ((end = memchr(buffer, '\n', have))) {
			*end++ = '\0';
			line_take(buffer, r);
			have -= (size_t)(end - buffer);
			memmove(buffer, end, have);
		}
		if (have == sizeof(buffer))
			return false;
	}
}

/*
 * Sends what is mapped now. The hash of this walk may differ from that of the walk that found the
 * set new.
 */
static bool maps_send(int fd, struct reading *r)
{
	struct lockspan_map last = { .rec.type = LOCKSPAN_REC_MAP };

	newest = lsp_thread_generation_new();
	r->generation = newest;
	last.generation = newest;
	r->flags = LOCKSPAN_MAP_FIRST;
	if (!maps_walk(fd, r))
		return false;
	last.rec.flags = r->flags | LOCKSPAN_MAP_LAST | LOCKSPAN_MAP_DATA;
	lsp_thread_put_map(&last, "");
	sent[next_sent++ % SENT] = (struct sent){ r->hash, r->generation };
	return true;
}

static void maps_read(int fd)
{
	uint32_t place = ~current & 1, was = current >> 1;
	struct reading r = { .text = &texts[place] };

	if (!maps_walk(fd, &r))
		return;
	for (int i = 0; i < SENT; i++)
		if (sent[i].hash == r.hash)
			r.generation = sent[i].generation;
	if (r.generation && r.generation == was)
		return;
	if (!r.generation && !maps_send(fd, &r))
		return;
	__atomic_store_n(&current, r.generation << 1 | place, __ATOMIC_RELEASE);
}

/* /proc/self would be empty after the main thread has ended. */
static void file_read(void *arg)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/thread-self/maps", O_RDONLY | O_CLOEXEC);

	(void)arg;
	if (fd < 0)
		return;
	maps_read(fd);
	syscall(SYS_close, fd);
}

/* Returns false if the other one has not ended its reading in all the time. */
static bool reading_await(void)
{
	const struct timespec nap = { 0, NAP_NS };
	bool careful = lsp_copy_is_careful();

	for (int i = 0; i < (careful ? CAREFUL_YIELDS : YIELDS + NAPS); i++) {
		if (!__atomic_load_n(&reading, __ATOMIC_ACQUIRE))
			return true;
		if (careful || i < YIELDS)
			sched_yield();
		else
			syscall(SYS_nanosleep, &nap, NULL);
	}
	return false;
}

static bool is_due(uint64_t now_ns)
{
	return __atomic_load_n(&stale, __ATOMIC_ACQUIRE) || __atomic_load_n(&loading, __ATOMIC_ACQUIRE) ||
	       (now_ns < __atomic_load_n(&loading_until_ns, __ATOMIC_RELAXED) && now_ns > read_ns + AGAIN_NS);
}

/* The caller has set `reading`. What changes from now on makes the mappings stale again. */
static void refresh(uint64_t now_ns)
{
	__atomic_store_n(&stale, 0, __ATOMIC_SEQ_CST);
	read_ns = now_ns;
	/*
	 * A program that forbids itself system calls can open files if it loads libraries.
	 * Otherwise it may be unable to, so its file is not opened.
	 */
	if (lsp_copy_is_careful() && newest && !__atomic_exchange_n(&loads, false, __ATOMIC_RELAXED))
		return;
	/* The first reading comes before the program has threads. */
	if (lsp_copy_is_careful() || !newest || !lsp_apart_run(file_read, NULL))
		file_read(NULL);
}

uint32_t lsp_text_generation(uint64_t now_ns)
{
	/*
	 * Another reader may have begun before the change that matters here, so this looks again
	 * after it has ended.
	 */
	for (int i = 0; i < TURNS; i++) {
		bool due = is_due(now_ns);

		if (!due && !__atomic_load_n(&reading, __ATOMIC_ACQUIRE))
			break;
		if (!due || __atomic_exchange_n(&reading, 1, __ATOMIC_ACQUIRE)) {
			/* No mappings are better than others: the event is counted as one without a stack. */
			if (!reading_await())
				return 0;
			continue;
		}
		refresh(now_ns);
		__atomic_store_n(&reading, 0, __ATOMIC_RELEASE);
		break;
	}
	return __atomic_load_n(&current, __ATOMIC_ACQUIRE) >> 1;
}

/* A range of addresses that is all text, or has no text. */
struct stretch {
	uint64_t start;
	uint64_t end;
	bool text;
};

static struct stretch stretch_find(const struct range *ranges, size_t n, uint64_t addr)
{
	struct stretch s = { .start = 0, .end = UINT64_MAX };
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ranges[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < n && ranges[lo].start <= addr)
		return (struct stretch){ ranges[lo].start, ranges[lo].end, true };
	if (lo)
		s.start = ranges[lo - 1].end;
	if (lo < n)
		s.end = ranges[lo].start;
	return s;
}

uint64_t lsp_text_fingerprint(const uint64_t *words, size_t n, uint64_t seed)
{
	const struct text *text = &texts[__atomic_load_n(&current, __ATOMIC_ACQUIRE) & 1];
	/*
	 * Most addresses on a stack point into the stack itself, or to a few other places, so the
	 * last ranges are tried first.
	 */
	struct stretch last[2] = { { 0, 0, false }, { 0, 0, false } };
	uint64_t hash = seed;

	for (size_t i = 0; i < n; i++) {
		uint64_t word = words[i];
		struct stretch *s = &last[0];

		if (word < 4096 || word >> 47)
			continue;
		if (word - s->start >= s->end - s->start)
			s = &last[1];
		if (word - s->start >= s->end - s->start) {
			last[1] = last[0];
			last[0] = stretch_find(text->ranges, text->n, word);
			s = &last[0];
		}
		if (!s->text)
			continue;
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash = (hash ^ hash >> 29 ^ i) * 0xbf58476d1ce4e5b9ULL;
	}
	hash ^= hash >> 32;
	return hash ? hash : 1;
}
