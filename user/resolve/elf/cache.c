/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opens the files that processes map, each once, and makes sure that the file opened is the file
 * mapped.
 */
#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../base/maptext.h"

/* The vdso is no larger in any kernel. Nothing else marks the end of its image. */
#define VDSO_MAX_BYTES (16U << 10)

#define BUCKETS 1024

struct lsp_elf_cache {
	struct lsp_elf_context context;
	struct lsp_elf *elves[BUCKETS];	/* by inode */
	uint32_t count;
	struct lsp_elf *vdso;
};

/*
 * libelf and libdw map the files. If a file is cut off meanwhile, for instance because its program
 * is built again, reading the mapping raises SIGBUS. The handler puts a page of zeros there. At
 * worst, what is read is damaged.
 */
static void cut_off(int sig, siginfo_t *info, void *context)
{
	void *page = (void *)((uintptr_t)info->si_addr & ~(uintptr_t)4095);
	int saved = errno;

	(void)context;
	if (info->si_code != BUS_ADRERR ||
	    mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page)
		signal(sig, SIG_DFL);
	errno = saved;
}

static void cut_off_expect(void)
{
	struct sigaction act = { .sa_sigaction = cut_off, .sa_flags = SA_SIGINFO | SA_RESTART };

	sigemptyset(&act.sa_mask);
	sigaction(SIGBUS, &act, NULL);
}

int lsp_elf_cache_create(const struct lsp_elf_options *options, struct lsp_elf_cache **ret)
{
	const char *debug_dir = options && options->debug_dir ? options->debug_dir : "/usr/lib/debug";
	struct lsp_elf_cache *c;

	elf_version(EV_CURRENT);
	cut_off_expect();
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->context.debug_dir = strdup(debug_dir);
	if (!c->context.debug_dir) {
		free(c);
		return -ENOMEM;
	}
	if (options) {
		c->context.debuginfod = options->debuginfod;
		c->context.foreign_pids = options->foreign_pids;
		c->context.begun_ns = options->begun_ns;
		c->context.warn = options->warn;
		c->context.warn_arg = options->warn_arg;
	}
	*ret = c;
	return 0;
}

void lsp_elf_cache_destroy(struct lsp_elf_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (cache->elves[i]) {
			struct lsp_elf *e = cache->elves[i];

			cache->elves[i] = e->next;
			lsp_elf_destroy(e);
		}
	lsp_elf_context_uninit(&cache->context);
	free(cache);
}

size_t lsp_elf_unopened(const struct lsp_elf_cache *cache)
{
	return cache->context.unopened;
}

size_t lsp_elf_changed(const struct lsp_elf_cache *cache)
{
	return cache->context.changed;
}

static size_t bucket_of(uint64_t ino)
{
	return (size_t)((ino * 0x9e3779b97f4a7c15ULL) >> 32) % BUCKETS;
}

static bool is_origin(const struct lsp_elf_origin *o, uint32_t major, uint32_t minor, uint64_t ino)
{
	return o->ino == ino && o->dev_major == major && o->dev_minor == minor;
}

/*
 * Whether the process still has exactly this mapping. Then map_files leads to its file, deleted or
 * not. This holds the process's memory for a moment. If the process ends in that moment, its
 * program stays busy (ETXTBSY) until then.
 */
static bool still_mapped(const struct lsp_elf_origin *o)
{
	struct lsp_maptext m;
	size_t bytes, path_len = strlen(o->path);
	bool found = false;
	char path[64], *text;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%u/maps", o->tgid);
	if (lsp_maptext_read(path, &text, &bytes))
		return false;
	at = text;
	while (!found && lsp_maptext_next(&at, text + bytes, &m))
		found = m.start == o->start && m.end == o->end && m.offset == o->offset &&
			((m.path_len == path_len && !memcmp(m.path, o->path, path_len)) ||
			 is_origin(o, m.dev_major, m.dev_minor, m.ino));
	free(text);
	return found;
}

static struct lsp_elf *cached(struct lsp_elf_cache *c, const struct stat *st)
{
	struct lsp_elf *e;

	for (e = c->elves[bucket_of(st->st_ino)]; e; e = e->next)
		if (e->fd >= 0 && lsp_elf_is(e, st))
			return e;
	return NULL;
}

static void cache_add(struct lsp_elf_cache *c, struct lsp_elf *e)
{
	struct lsp_elf **head = &c->elves[bucket_of(e->ino)];

	e->serial = c->count++;
	e->next = *head;
	*head = e;
}

/* Takes over @fd. */
static int get_fd(struct lsp_elf_cache *c, const char *path, int fd, bool quiet,
		  struct lsp_elf **ret)
{
	struct lsp_elf *e;
	struct stat st;
	int err;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -ENOEXEC;
	}
	e = cached(c, &st);
	if (e) {
		close(fd);
	} else {
		err = lsp_elf_create(&c->context, path, fd, elf_begin(fd, ELF_C_READ, NULL), &st, &e);
		if (err == -ENOEXEC && !quiet)
			lsp_elf_warn(&c->context, "%s: not an ELF file: its code has no names", path);
		if (err)
			return err;
		cache_add(c, e);
	}
	e->refs++;
	*ret = e;
	return 0;
}

static int get_vdso(struct lsp_elf_cache *c, struct lsp_elf **ret)
{
	char *image = (char *)getauxval(AT_SYSINFO_EHDR);
	struct stat st = { 0 };
	Elf *elf;
	int err;

	if (!c->vdso) {
		if (!image)
			return -ENOENT;
		/* The last page may be absent, so the kernel is asked whether it is there. */
		st.st_size = VDSO_MAX_BYTES;
		while (st.st_size && msync(image, (size_t)st.st_size, MS_ASYNC))
			st.st_size -= 4096;
		elf = elf_memory(image, (size_t)st.st_size);
		err = lsp_elf_create(&c->context, "[vdso]", -1, elf, &st, &c->vdso);
		if (err)
			return err;
		cache_add(c, c->vdso);
	}
	c->vdso->refs++;
	*ret = c->vdso;
	return 0;
}

/*
 * Finds device and inode as /proc/PID/maps would show them for this file. stat() tells something else on
 * overlayfs (before 6.8) and on btrfs, so the file is mapped here and looked up in this process's own maps.
 */
static bool mapped_identity(int fd, struct lsp_maptext *ret)
{
	void *page = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	const char *at;
	bool found = false;
	size_t bytes;
	char *text;

	if (page == MAP_FAILED)
		return false;
	if (!lsp_maptext_read("/proc/self/maps", &text, &bytes)) {
		at = text;
		while (!found && lsp_maptext_next(&at, text + bytes, ret))
			found = ret->start <= (uintptr_t)page && (uintptr_t)page < ret->end;
		free(text);
	}
	munmap(page, 1);
	return found;
}

static bool same_inode(int fd, const struct lsp_elf_origin *o)
{
	struct stat st;

	return !fstat(fd, &st) &&
	       (!o->ino || is_origin(o, major(st.st_dev), minor(st.st_dev), st.st_ino));
}

static bool same_file(int fd, const struct lsp_elf_origin *o)
{
	struct lsp_maptext m;

	return same_inode(fd, o) ||
	       (mapped_identity(fd, &m) && is_origin(o, m.dev_major, m.dev_minor, m.ino));
}

static int open_live(const struct lsp_elf_origin *o)
{
	char path[96];
	int fd;

	if (!o->tgid || o->start >= o->end)
		return -1;
	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", o->tgid,
		 (unsigned long long)o->start, (unsigned long long)o->end);
	fd = lsp_elf_file_open(path, 0);
	if (fd >= 0 && !still_mapped(o)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Opens the file that @path names below @root. *@other is set if there is a file, but another one. */
static int open_path(const char *root, const char *path, const struct lsp_elf_origin *o,
		     bool (*same)(int fd, const struct lsp_elf_origin *o), bool *other)
{
	char full[4096 + 64];
	int fd;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return -1;
	/* so that a FIFO or a device of that name neither hangs nor acts */
	fd = lsp_elf_file_open(full, O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && !same(fd, o)) {
		close(fd);
		fd = -1;
		*other = true;
	}
	return fd;
}

/*
 * Returns a descriptor, or -1. Then errno is EMFILE if it failed only because no descriptor was
 * free.
 */
static int open_origin(const struct lsp_elf_origin *o, bool *other)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(o->path), cut = sizeof(deleted) - 1;
	char path[4096], root[32];
	bool full, runs_other;
	int fd;

	errno = ENAMETOOLONG;
	if (len >= sizeof(path))
		return -1;
	memcpy(path, o->path, len + 1);
	if (len > cut && !strcmp(path + len - cut, deleted))
		path[len - cut] = '\0';
	/* the usual case comes first, and it is also the cheapest */
	errno = 0;
	fd = open_path("", path, o, same_inode, other);
	if (fd >= 0)
		return fd;
	full = errno == EMFILE || errno == ENFILE;
	if (o->tgid) {
		snprintf(root, sizeof(root), "/proc/%u/root", o->tgid);
		fd = open_path(root, path, o, same_file, other);
	}
	if (fd < 0 && *other)
		fd = open_path("", path, o, same_file, other);
	if (fd < 0 && o->tgid && o->ino) {
		snprintf(root, sizeof(root), "/proc/%u/exe", o->tgid);
		fd = open_path(root, "", o, same_file, &runs_other);
	}
	/* this comes last, because it holds the process's memory for a moment (see still_mapped) */
	if (fd < 0)
		fd = open_live(o);
	if (fd < 0)
		errno = full ? EMFILE : ENOENT;
	return fd;
}

static bool is_mapped_as(const struct lsp_elf *e, const struct lsp_elf_origin *o)
{
	return e->fd >= 0 && (is_origin(o, major(e->dev), minor(e->dev), e->ino) ||
			      is_origin(o, e->mapped_major, e->mapped_minor, e->mapped_ino));
}

/* Finds a file of this identity that was opened earlier, while it could still be found. */
static struct lsp_elf *known(struct lsp_elf_cache *c, const struct lsp_elf_origin *o)
{
	struct lsp_elf *e;
	size_t i;

	if (!o->ino)
		return NULL;
	for (i = 0; i < sizeof(c->elves) / sizeof(c->elves[0]); i++)
		for (e = c->elves[i]; e; e = e->next)
			if (is_mapped_as(e, o) && lsp_elf_is_fresh(e))
				return e;
	return NULL;
}

/*
 * The mapping of a file on an overlay may show another identity than the file has. Notes that
 * identity for the next mapping.
 */
static int get_origin(struct lsp_elf_cache *cache, const struct lsp_elf_origin *origin, int fd,
		      struct lsp_elf **ret)
{
	int err = get_fd(cache, origin->path, fd, origin->quiet, ret);

	if (!err && origin->ino) {
		(*ret)->mapped_major = origin->dev_major;
		(*ret)->mapped_minor = origin->dev_minor;
		(*ret)->mapped_ino = origin->ino;
	}
	return err;
}

/*
 * Whether the process has the file mapped now. Its memory is not held if it runs that file, or has
 * ended.
 */
static bool is_held(const struct lsp_elf *e, const struct lsp_elf_origin *o)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/exe", o->tgid);
	if (stat(path, &st))
		return errno != ENOENT && errno != ESRCH && still_mapped(o);
	return (st.st_dev == e->dev && st.st_ino == e->ino) || still_mapped(o);
}

/*
 * A file that was written to during the recording may have been written before the process mapped
 * it, or after. While the process has it mapped, memory and file are the same pages, and the file
 * can be used.
 */
static bool is_sure(struct lsp_elf *e, const struct lsp_elf_origin *o)
{
	uint64_t begun_ns = e->context->begun_ns;

	if (!begun_ns || e->mtime_ns < begun_ns || (o->tgid && e->holder == o->tgid))
		return true;
	if (!o->tgid || o->start >= o->end || !is_held(e, o))
		return false;
	e->holder = o->tgid;
	return true;
}

/* Gives the file back if its content may differ from what was mapped. */
static int sure_only(struct lsp_elf_cache *c, const struct lsp_elf_origin *o, struct lsp_elf **e)
{
	if (is_sure(*e, o))
		return 0;
	lsp_elf_put(*e);
	*e = NULL;
	if (!o->quiet)
		lsp_elf_changed_warn(&c->context, o->path);
	return -ESTALE;
}

int lsp_elf_get(struct lsp_elf_cache *cache, const struct lsp_elf_origin *given,
		struct lsp_elf **ret)
{
	struct lsp_elf_origin o = *given;
	const struct lsp_elf_origin *origin = &o;
	bool other = false, full;
	struct lsp_elf *e;
	int fd, err;

	/* a 32-bit process has another one, below 4 GiB */
	if (!strcmp(origin->path, "[vdso]")) {
		if (origin->start && origin->start <= UINT32_MAX)
			return -ENOENT;
		return get_vdso(cache, ret);
	}
	if (origin->path[0] != '/' || origin->path[1] == '/')
		return -ENOENT;
	/* /proc has another process under that number */
	if (cache->context.foreign_pids)
		o.tgid = 0;
	fd = open_origin(origin, &other);
	full = fd < 0 && errno == EMFILE;
	if (fd >= 0) {
		err = get_origin(cache, origin, fd, ret);
		return err ? err : sure_only(cache, origin, ret);
	}
	e = known(cache, origin);
	if (e) {
		e->refs++;
		*ret = e;
		return sure_only(cache, origin, ret);
	}
	if (origin->quiet)
		return -ENOENT;
	if (full) {
		cache->context.unopened += lsp_elf_warn(&cache->context, "%s: no descriptor is free for it (ulimit -n):"
						" its code has no names", origin->path);
		return -EMFILE;
	}
	if (other) {
		lsp_elf_warn(&cache->context, "%s was replaced after the process started"
			     " (or is in another mount namespace): its symbols are not used",
			     origin->path);
		return -ESTALE;
	}
	lsp_elf_warn(&cache->context, "%s: cannot be opened: its code has no names", origin->path);
	return -ENOENT;
}

int lsp_elf_open(struct lsp_elf_cache *cache, const char *path, struct lsp_elf **ret)
{
	int fd = lsp_elf_file_open(path, 0);

	return fd < 0 ? -errno : get_fd(cache, path, fd, false, ret);
}
