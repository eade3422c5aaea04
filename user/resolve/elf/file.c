/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opens the files that processes map, each once, and makes sure that what was
 * opened is what was mapped. Files are read by pread, not mapped: a library
 * that is overwritten in place must not kill the recorder with SIGBUS.
 */
#include "file.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cache.h"
#include "../../base/maptext.h"

/* No kernel's vdso is larger; the image has no other mark of its end. */
#define VDSO_MAX_BYTES (16U << 10)

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void build_id_read(struct lsp_elf *e)
{
	const void *bytes;
	ssize_t n = dwelf_elf_gnu_build_id(e->elf, &bytes);
	size_t i;

	for (i = 0; n > 0 && i < (size_t)n && 2 * i + 2 <= LSP_BUILD_ID_MAX; i++)
		sprintf(e->build_id + 2 * i, "%02x", ((const unsigned char *)bytes)[i]);
}

static int load_compare(const void *a, const void *b)
{
	const struct lsp_elf_load *x = a, *y = b;

	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

static void load_add(struct lsp_elf *e, const GElf_Phdr *ph)
{
	struct lsp_elf_load *l = &e->loads[e->nloads];

	if (ph->p_type != PT_LOAD || !ph->p_memsz)
		return;
	if (ph->p_filesz > ph->p_memsz || ph->p_vaddr > UINT64_MAX - ph->p_memsz) {
		lsp_elf_damaged(e, "a segment makes no sense");
		return;
	}
	*l = (struct lsp_elf_load){
		.offset = ph->p_offset, .filesz = ph->p_filesz,
		.vaddr = ph->p_vaddr, .memsz = ph->p_memsz,
		.exec = ph->p_flags & PF_X,
	};
	if (l->offset > e->bytes) {
		lsp_elf_damaged(e, "it ends before its segments do");
		return;
	}
	if (l->filesz > e->bytes - l->offset) {
		lsp_elf_damaged(e, "it ends before its segments do");
		l->filesz = e->bytes - l->offset;
	}
	e->nloads++;
}

static int loads_read(struct lsp_elf *e)
{
	size_t i, n;

	if (elf_getphdrnum(e->elf, &n) || n > UINT16_MAX) {
		lsp_elf_damaged(e, "its program headers cannot be read");
		return 0;
	}
	e->loads = calloc(n ? n : 1, sizeof(*e->loads));
	if (!e->loads)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(e->elf, (int)i, &ph)) {
			lsp_elf_damaged(e, "its program headers cannot be read");
			break;
		}
		load_add(e, &ph);
	}
	qsort(e->loads, e->nloads, sizeof(*e->loads), load_compare);
	return 0;
}

static int headers_read(struct lsp_elf *e)
{
	GElf_Ehdr eh;

	if (elf_kind(e->elf) != ELF_K_ELF || !gelf_getehdr(e->elf, &eh) ||
	    eh.e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	e->dynamic = eh.e_type == ET_DYN;
	e->machine = eh.e_machine;
	e->entry = eh.e_entry;
	/* libelf takes a section table beyond the end for none at all */
	if (eh.e_shoff > e->bytes ||
	    (uint64_t)eh.e_shnum * eh.e_shentsize > e->bytes - eh.e_shoff)
		lsp_elf_damaged(e, "it ends before its section table does");
	build_id_read(e);
	return loads_read(e);
}

static void elf_free(struct lsp_elf *e)
{
	size_t i;

	if (!e)
		return;
	for (i = 0; i < LSP_ELF_KEEPERS; i++)
		if (e->kept[i].data)
			e->kept[i].free(e->kept[i].data);
	elf_end(e->elf);
	if (e->fd >= 0)
		close(e->fd);
	free(e->loads);
	free(e->path);
	free(e);
}

static uint64_t mtime_ns(const struct stat *st)
{
	return (uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec;
}

/* Takes over @fd and @elf, also on failure. */
static int elf_make(struct lsp_elf_cache *c, const char *path, int fd, Elf *elf,
		    const struct stat *st, struct lsp_elf **ret)
{
	struct lsp_elf *e = calloc(1, sizeof(*e));
	int err = -ENOMEM;

	if (!e) {
		elf_end(elf);
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	e->cache = c;
	e->fd = fd;
	e->elf = elf;
	e->dev = st->st_dev;
	e->ino = st->st_ino;
	e->mtime_ns = mtime_ns(st);
	e->bytes = (uint64_t)st->st_size;
	e->path = strdup(path);
	if (!e->path)
		goto err_elf;
	e->name = (char *)name_of(e->path);
	err = elf ? headers_read(e) : -ENOEXEC;
	if (err)
		goto err_elf;
	*ret = e;
	return 0;

err_elf:
	elf_free(e);
	return err;
}

static struct lsp_elf *cached(struct lsp_elf_cache *c, const struct stat *st)
{
	struct lsp_elf *e;

	for (e = c->elves[lsp_elf_hash(st->st_ino)]; e; e = e->next)
		if (e->ino == st->st_ino && e->dev == st->st_dev && e->fd >= 0 &&
		    e->mtime_ns == mtime_ns(st) && e->bytes == (uint64_t)st->st_size)
			return e;
	return NULL;
}

static void cache_add(struct lsp_elf_cache *c, struct lsp_elf *e)
{
	struct lsp_elf **head = &c->elves[lsp_elf_hash(e->ino)];

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
		err = elf_make(c, path, fd, elf_begin(fd, ELF_C_READ, NULL), &st, &e);
		if (err == -ENOEXEC && !quiet)
			lsp_elf_warn(c, "%s: not an ELF file: its code has no names", path);
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
		/* The last page may be absent; ask rather than touch it. */
		st.st_size = VDSO_MAX_BYTES;
		while (st.st_size && msync(image, (size_t)st.st_size, MS_ASYNC))
			st.st_size -= 4096;
		elf = elf_memory(image, (size_t)st.st_size);
		err = elf_make(c, "[vdso]", -1, elf, &st, &c->vdso);
		if (err)
			return err;
		cache_add(c, c->vdso);
	}
	c->vdso->refs++;
	*ret = c->vdso;
	return 0;
}

/*
 * Device and inode as /proc/PID/maps would show them for this file. stat()
 * tells something else on overlayfs (before 6.8) and on btrfs, so the file is
 * mapped here and looked up in this process's own maps.
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
	       (!o->ino || lsp_elf_is_origin(o, major(st.st_dev), minor(st.st_dev), st.st_ino));
}

static bool same_file(int fd, const struct lsp_elf_origin *o)
{
	struct lsp_maptext m;

	return same_inode(fd, o) ||
	       (mapped_identity(fd, &m) && lsp_elf_is_origin(o, m.dev_major, m.dev_minor, m.ino));
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
	if (fd >= 0 && !lsp_elf_still_mapped(o)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The file that @path names below @root; *@other is set when there is one, but another one. */
static int open_path(const char *root, const char *path, const struct lsp_elf_origin *o,
		     bool (*same)(int fd, const struct lsp_elf_origin *o), bool *other)
{
	char full[4096 + 64];
	int fd;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return -1;
	/* a FIFO or a device by that name must not hang or act */
	fd = lsp_elf_file_open(full, O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && !same(fd, o)) {
		close(fd);
		fd = -1;
		*other = true;
	}
	return fd;
}

/* A descriptor; or -1, with errno EMFILE where only want of one was in the way. */
static int open_origin(const struct lsp_elf_origin *o, bool *other)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(o->path), cut = sizeof(deleted) - 1;
	char path[4096], root[32];
	bool full;
	int fd;

	errno = ENAMETOOLONG;
	if (len >= sizeof(path))
		return -1;
	memcpy(path, o->path, len + 1);
	if (len > cut && !strcmp(path + len - cut, deleted))
		path[len - cut] = '\0';
	/* the usual case first, it is also the cheapest */
	errno = 0;
	fd = open_path("", path, o, same_inode, other);
	if (fd >= 0)
		return fd;
	full = errno == EMFILE || errno == ENFILE;
	fd = open_live(o);
	if (fd < 0 && o->tgid) {
		snprintf(root, sizeof(root), "/proc/%u/root", o->tgid);
		fd = open_path(root, path, o, same_file, other);
	}
	if (fd < 0 && *other)
		fd = open_path("", path, o, same_file, other);
	if (fd < 0)
		errno = full ? EMFILE : ENOENT;
	return fd;
}

static bool is_mapped_as(const struct lsp_elf *e, const struct lsp_elf_origin *o)
{
	return e->fd >= 0 && (lsp_elf_is_origin(o, major(e->dev), minor(e->dev), e->ino) ||
			      lsp_elf_is_origin(o, e->mapped_major, e->mapped_minor, e->mapped_ino));
}

/* A file of this identity that was opened while it could still be found. */
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

/* A file of an overlay is mapped by another identity than it has: notes it for the next mapping. */
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

/* Whether the process runs this file. Asked without its memory, which would keep the file busy if it ended meanwhile. */
static bool is_run(const struct lsp_elf *e, uint32_t tgid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/exe", tgid);
	return !stat(path, &st) && st.st_dev == e->dev && st.st_ino == e->ino;
}

/*
 * What was written to a file during the recording may have come before the process mapped it, or after.
 * While the process has it mapped, memory and file are the same pages: then the file is sure.
 */
static bool is_sure(struct lsp_elf *e, const struct lsp_elf_origin *o)
{
	uint64_t begun_ns = e->cache->begun_ns;

	if (!begun_ns || e->mtime_ns < begun_ns || (o->tgid && e->holder == o->tgid))
		return true;
	if (!o->tgid || o->start >= o->end || !(is_run(e, o->tgid) || lsp_elf_still_mapped(o)))
		return false;
	e->holder = o->tgid;
	return true;
}

static void changed_say(struct lsp_elf_cache *c, const char *path)
{
	c->changed += lsp_elf_warn(c, "%s was written to during the recording: its code has no names, since they "
				   "could be those of another content", path);
}

bool lsp_elf_is_fresh(struct lsp_elf *e)
{
	struct stat st;

	if (e->fd < 0 || e->changed)
		return !e->changed;
	if (!fstat(e->fd, &st) && mtime_ns(&st) == e->mtime_ns && (uint64_t)st.st_size == e->bytes)
		return true;
	e->changed = true;
	changed_say(e->cache, e->path);
	return false;
}

/* Gives away what may have another content than what was mapped. */
static int sure_only(struct lsp_elf_cache *c, const struct lsp_elf_origin *o, struct lsp_elf **e)
{
	if (is_sure(*e, o))
		return 0;
	lsp_elf_put(*e);
	*e = NULL;
	if (!o->quiet)
		changed_say(c, o->path);
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
	if (cache->foreign_pids)
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
		cache->unopened += lsp_elf_warn(cache, "%s: no descriptor is free for it (ulimit -n):"
						" its code has no names", origin->path);
		return -EMFILE;
	}
	if (other) {
		lsp_elf_warn(cache, "%s was replaced after the process started"
			     " (or is in another mount namespace): its symbols are not used",
			     origin->path);
		return -ESTALE;
	}
	lsp_elf_warn(cache, "%s: cannot be opened: its code has no names", origin->path);
	return -ENOENT;
}

int lsp_elf_open(struct lsp_elf_cache *cache, const char *path, struct lsp_elf **ret)
{
	int fd = lsp_elf_file_open(path, 0);

	return fd < 0 ? -errno : get_fd(cache, path, fd, false, ret);
}

void lsp_elf_put(struct lsp_elf *e)
{
	/* files stay open for the next process that maps them */
	if (e && e->refs)
		e->refs--;
}

bool lsp_elf_offset_vaddr(const struct lsp_elf *e, uint64_t offset, uint64_t *ret)
{
	size_t i;

	for (i = 0; i < e->nloads; i++) {
		const struct lsp_elf_load *l = &e->loads[i];

		if (offset >= l->offset && offset - l->offset < l->filesz) {
			*ret = l->vaddr + (offset - l->offset);
			return true;
		}
	}
	return false;
}

/*
 * A mapping begins on a page; the segment it belongs to may begin within it,
 * and the page may hold the end of the segment before. So the one that begins
 * on this page is preferred, and of two such the executable one.
 */
bool lsp_elf_bias(const struct lsp_elf *e, uint64_t map_start, uint64_t map_offset, uint64_t *ret)
{
	const struct lsp_elf_load *best = NULL;
	const uint64_t page = 4095;
	int best_rank = 0;
	size_t i;

	for (i = 0; i < e->nloads; i++) {
		const struct lsp_elf_load *l = &e->loads[i];
		uint64_t first = l->offset & ~page;
		uint64_t last = (l->offset + l->filesz + page) & ~page;
		int rank = map_offset < first || map_offset >= last ? 0 :
			   map_offset > first ? 1 : l->exec ? 3 : 2;

		if (rank > best_rank) {
			best = l;
			best_rank = rank;
		}
	}
	if (best)
		*ret = map_start - map_offset + best->offset - best->vaddr;
	return best != NULL;
}

bool lsp_elf_addr_vaddr(const struct lsp_elf *e, uint64_t map_start, uint64_t map_offset,
			uint64_t addr, uint64_t *ret)
{
	uint64_t bias;

	if (!lsp_elf_bias(e, map_start, map_offset, &bias))
		return false;
	*ret = addr - bias;
	return true;
}

void lsp_elf_damaged(struct lsp_elf *e, const char *what)
{
	if (!e->broken)
		lsp_elf_warn(e->cache, "%s is damaged: %s", e->path, what);
	e->broken = true;
}

void lsp_elf_free_all(struct lsp_elf_cache *cache)
{
	size_t i;

	for (i = 0; i < LSP_ELF_BUCKETS; i++)
		while (cache->elves[i]) {
			struct lsp_elf *e = cache->elves[i];

			cache->elves[i] = e->next;
			elf_free(e);
		}
}
