/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files are read by pread, not mapped: a library that is overwritten in place
 * must not kill the recorder with SIGBUS.
 */
#include "file.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	/* libelf takes a section table beyond the end of the file for none at all */
	if (eh.e_shoff > e->bytes ||
	    (uint64_t)eh.e_shnum * eh.e_shentsize > e->bytes - eh.e_shoff)
		lsp_elf_damaged(e, "it ends before its section table does");
	build_id_read(e);
	return loads_read(e);
}

void lsp_elf_destroy(struct lsp_elf *e)
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

bool lsp_elf_is(const struct lsp_elf *e, const struct stat *st)
{
	return e->ino == st->st_ino && e->dev == st->st_dev && e->mtime_ns == mtime_ns(st) &&
	       e->bytes == (uint64_t)st->st_size;
}

int lsp_elf_create(struct lsp_elf_context *c, const char *path, int fd, Elf *elf,
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
	e->context = c;
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
	lsp_elf_destroy(e);
	return err;
}

bool lsp_elf_is_fresh(struct lsp_elf *e)
{
	struct stat st;

	if (e->fd < 0 || e->changed)
		return !e->changed;
	if (!fstat(e->fd, &st) && mtime_ns(&st) == e->mtime_ns && (uint64_t)st.st_size == e->bytes)
		return true;
	e->changed = true;
	lsp_elf_changed_warn(e->context, e->path);
	return false;
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
 * A mapping begins on a page boundary. The segment that it belongs to may begin within the first page, and that
 * page may also hold the end of the segment before. So a segment that begins in this page is preferred, and of
 * two such segments the executable one.
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
		lsp_elf_warn(e->context, "%s is damaged: %s", e->path, what);
	e->broken = true;
}
