/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds and opens the debug information that belongs to an ELF file: its own,
 * a separate file named by build-id or by .gnu_debuglink (whose checksum or
 * build-id must agree), or one from the user's debuginfod servers. Debug files
 * are mapped, not read: they may have gigabytes of which little is needed, and
 * packagers replace them by renaming.
 */
#include "debugfile.h"

#include <dlfcn.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "gopcln.h"
#include "minidebug.h"
#include "section.h"

struct lsp_elf_debug {
	bool searched;		/* for the separate file */
	bool dwarf_tried;
	int fd;			/* of the separate file, or -1 */
	Elf *elf;
	char *path;
	Elf *own;		/* the file itself, mapped: only for its DWARF */
	Dwarf *dwarf;
	int alt_fd;
	Dwarf *alt;
	bool mini_tried;
	struct lsp_minidebug mini;
};

static void debug_free(void *data)
{
	struct lsp_elf_debug *d = data;
	Elf *alt_elf = d->alt ? dwarf_getelf(d->alt) : NULL;

	dwarf_end(d->dwarf);
	dwarf_end(d->alt);
	elf_end(alt_elf);
	elf_end(d->own);
	lsp_minidebug_uninit(&d->mini);
	elf_end(d->elf);
	if (d->alt_fd >= 0)
		close(d->alt_fd);
	if (d->fd >= 0)
		close(d->fd);
	free(d->path);
	free(d);
}

static struct lsp_elf_debug *debug_of(struct lsp_elf *e)
{
	struct lsp_elf_kept *kept = &e->kept[LSP_ELF_KEEPS_DEBUG];
	struct lsp_elf_debug *d = kept->data;

	if (!d) {
		d = calloc(1, sizeof(*d));
		if (!d)
			return NULL;
		d->fd = d->alt_fd = -1;
		*kept = (struct lsp_elf_kept){ d, debug_free };
	}
	return d;
}

static bool has_symbols(Elf *elf, uint32_t type)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == type && sh.sh_size)
			return true;
	return false;
}

static bool has_dwarf(Elf *elf)
{
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *s = gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;

		if (s && lsp_elf_section_is(s, ".debug_info") && sh.sh_type != SHT_NOBITS && sh.sh_size)
			return true;
	}
	return false;
}

/* Returns 1 for the same build-id, 0 for another one, -1 if one of the files has none. */
static int build_id_agrees(Elf *elf, const char *hex)
{
	const void *bytes;
	ssize_t n = dwelf_elf_gnu_build_id(elf, &bytes);
	char digits[3];
	size_t i;

	if (n <= 0 || !*hex)
		return -1;
	for (i = 0; i < (size_t)n && 2 * i + 2 <= LSP_BUILD_ID_MAX; i++) {
		snprintf(digits, sizeof(digits), "%02x", ((const unsigned char *)bytes)[i]);
		if (strncmp(hex + 2 * i, digits, 2))
			return 0;
	}
	return 1;
}

static bool crc_agrees(int fd, uint32_t want)
{
	unsigned char block[32768];
	uLong crc = crc32(0, NULL, 0);
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, block, sizeof(block), at)) > 0) {
		crc = crc32(crc, block, (uInt)n);
		at += n;
	}
	return n == 0 && crc == want;
}

/*
 * Opens @path if it is the debug file with the build-id @hex or, if there are no build-ids, with
 * the checksum *@crc. A file there that belongs to something else is named once.
 */
static Elf *candidate(struct lsp_elf_context *c, const char *path, const char *hex,
		      const uint32_t *crc, int *ret_fd)
{
	int fd = lsp_elf_file_open(path, O_NONBLOCK | O_NOCTTY);
	struct stat st;
	Elf *elf = NULL;
	int same;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF) {
		same = build_id_agrees(elf, hex);
		if (same > 0 || (same < 0 && crc && crc_agrees(fd, *crc))) {
			*ret_fd = fd;
			return elf;
		}
	}
	if (elf && elf_kind(elf) == ELF_K_ELF)
		lsp_elf_warn(c, "%s: the debug file of another program: not used", path);
	else
		lsp_elf_warn(c, "%s: not an ELF file: not used for debug information", path);
	elf_end(elf);
	close(fd);
	return NULL;
}

static Elf *by_build_id(struct lsp_elf_context *c, const char *hex, int *fd, char **ret_path)
{
	char *path;
	Elf *elf;

	if (strlen(hex) < 4 ||
	    asprintf(&path, "%s/.build-id/%.2s/%s.debug", c->debug_dir, hex, hex + 2) < 0)
		return NULL;
	elf = candidate(c, path, hex, NULL, fd);
	if (elf && ret_path)
		*ret_path = path;
	else
		free(path);
	return elf;
}

static Elf *by_link(struct lsp_elf *e, int *fd, char **ret_path)
{
	static const char *const forms[] = { "%s/%s", "%s/.debug/%s" };
	GElf_Word crc32_word;
	const char *link = dwelf_elf_gnu_debuglink(e->elf, &crc32_word);
	char *dir, *path = NULL;
	uint32_t crc = crc32_word;
	Elf *elf = NULL;
	size_t i;

	if (!link || !*link || strchr(link, '/') || e->path[0] != '/')
		return NULL;
	dir = strndup(e->path, (size_t)(strrchr(e->path, '/') - e->path));
	if (!dir)
		return NULL;
	for (i = 0; i < 3 && !elf; i++) {
		int n = i < 2 ? asprintf(&path, forms[i], dir, link) :
			asprintf(&path, "%s%s/%s", e->context->debug_dir, dir, link);

		if (n < 0)
			break;
		elf = candidate(e->context, path, e->build_id, &crc, fd);
		if (!elf)
			free(path);
	}
	free(dir);
	if (elf)
		*ret_path = path;
	return elf;
}

/*
 * libdebuginfod is loaded only when it is needed, so it need not be installed. It caches in the
 * user's own cache directory, and obeys DEBUGINFOD_URLS.
 */
static Elf *by_server(struct lsp_elf *e, int *fd, char **ret_path)
{
	typedef void *(*begin_fn)(void);
	typedef int (*find_fn)(void *, const unsigned char *, int, char **);
	typedef void (*end_fn)(void *);
	void *lib, *client;
	begin_fn begin;
	find_fn find;
	end_fn end;
	Elf *elf = NULL;
	int got;

	if (!e->context->debuginfod || !*e->build_id)
		return NULL;
	lib = dlopen("libdebuginfod.so.1", RTLD_LAZY | RTLD_LOCAL);
	if (!lib) {
		lsp_elf_warn(e->context, "libdebuginfod.so.1 is not installed: no debug files from servers");
		return NULL;
	}
	begin = (begin_fn)dlsym(lib, "debuginfod_begin");
	find = (find_fn)dlsym(lib, "debuginfod_find_debuginfo");
	end = (end_fn)dlsym(lib, "debuginfod_end");
	client = begin && find && end ? begin() : NULL;
	if (client) {
		/* a length of 0 says that the id is a hexadecimal string */
		got = find(client, (const unsigned char *)e->build_id, 0, ret_path);
		end(client);
		if (got >= 0) {
			close(got);
			elf = candidate(e->context, *ret_path, e->build_id, NULL, fd);
			if (!elf) {
				free(*ret_path);
				*ret_path = NULL;
			}
		}
	}
	/* never unloaded: it has threads and exit handlers of its own */
	return elf;
}

Elf *lsp_elf_debug_elf(struct lsp_elf *e)
{
	struct lsp_elf_debug *d = debug_of(e);

	if (!d || d->searched)
		return d ? d->elf : NULL;
	d->searched = true;
	d->elf = by_build_id(e->context, e->build_id, &d->fd, &d->path);
	if (!d->elf)
		d->elf = by_link(e, &d->fd, &d->path);
	if (!d->elf)
		d->elf = by_server(e, &d->fd, &d->path);
	return d->elf;
}

static void alt_attach(struct lsp_elf *e, struct lsp_elf_debug *d)
{
	const char *dir = d->path ? d->path : e->path;
	char hex[LSP_BUILD_ID_MAX + 1] = "", *path = NULL;
	const unsigned char *id;
	const char *name;
	ssize_t n, i;
	Elf *elf;

	n = dwelf_dwarf_gnu_debugaltlink(d->dwarf, &name, (const void **)&id);
	for (i = 0; i < n && 2 * i + 2 <= LSP_BUILD_ID_MAX; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	if (n <= 0)
		return;
	elf = by_build_id(e->context, hex, &d->alt_fd, NULL);
	if (!elf && name[0] == '/')
		elf = candidate(e->context, name, hex, NULL, &d->alt_fd);
	if (!elf && name[0] != '/' && strrchr(dir, '/') &&
	    asprintf(&path, "%.*s/%s", (int)(strrchr(dir, '/') - dir), dir, name) >= 0) {
		elf = candidate(e->context, path, hex, NULL, &d->alt_fd);
		free(path);
	}
	if (elf)
		d->alt = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (d->alt)
		dwarf_setalt(d->dwarf, d->alt);
	else
		lsp_elf_warn(e->context, "%s: the shared part of its debug information (%s) is missing",
			     e->path, name);
	if (elf && !d->alt)
		elf_end(elf);
}

/*
 * Warns of the first section of DWARF that is still compressed. libdw decompresses the sections
 * that it can when it opens a file, and leaves out the others without a word. elfutils before 0.189
 * does not know zstd.
 */
static bool dwarf_packed_warn(struct lsp_elf *e, Elf *elf)
{
	static const char *const wanted[] = {
		".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".debug_line_str",
		".debug_ranges", ".debug_rnglists", ".debug_addr", ".debug_str_offsets",
	};
	size_t i;

	for (i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (lsp_elf_section_packed_warn(e, elf, wanted[i], "no source lines"))
			return true;
	return false;
}

static Dwarf *dwarf_load(struct lsp_elf *e, struct lsp_elf_debug *d)
{
	Elf *elf = NULL;
	Dwarf *dwarf;

	if (has_dwarf(e->elf)) {
		if (e->fd >= 0)
			d->own = elf_begin(e->fd, ELF_C_READ_MMAP, NULL);
		elf = d->own ? d->own : e->elf;
	} else {
		elf = lsp_elf_debug_elf(e);
		if (elf && !has_dwarf(elf))
			elf = NULL;
	}
	if (!elf)
		return NULL;
	dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (!dwarf_packed_warn(e, elf) && !dwarf)
		lsp_elf_warn(e->context, "%s: its debug information is damaged (%s): no source lines",
			     e->path, dwarf_errmsg(-1));
	return dwarf;
}

int lsp_elf_dwarf(struct lsp_elf *e, Dwarf **ret)
{
	struct lsp_elf_debug *d = debug_of(e);
	struct stat st;

	if (!d)
		return -ENOMEM;
	if (!d->dwarf_tried) {
		d->dwarf_tried = true;
		d->dwarf = dwarf_load(e, d);
		if (d->dwarf)
			alt_attach(e, d);
	}
	/* reading a mapped file that was cut off since would raise SIGBUS */
	if (d->own && d->dwarf && (fstat(e->fd, &st) || (uint64_t)st.st_size < e->bytes)) {
		lsp_elf_damaged(e, "it was cut while it was being read");
		return -ENOENT;
	}
	if (!d->dwarf)
		return -ENOENT;
	*ret = d->dwarf;
	return 0;
}

Elf *lsp_elf_symtab_rest(struct lsp_elf *e)
{
	struct lsp_elf_debug *d = debug_of(e);

	if (!d)
		return NULL;
	if (!d->mini_tried) {
		d->mini_tried = true;
		lsp_minidebug_init(&d->mini, e);
	}
	return d->mini.elf;
}

int lsp_elf_symtab_elf(struct lsp_elf *e, Elf **ret, uint32_t *type)
{
	struct lsp_gopcln go;
	Elf *debug;

	*ret = e->elf;
	*type = SHT_SYMTAB;
	if (has_symbols(e->elf, SHT_SYMTAB))
		return 0;
	debug = lsp_elf_debug_elf(e);
	if (debug && has_symbols(debug, SHT_SYMTAB)) {
		*ret = debug;
		return 0;
	}
	*type = SHT_DYNSYM;
	if (has_symbols(e->elf, SHT_DYNSYM) || !lsp_gopcln_init(&go, e->elf))
		return 0;
	*ret = lsp_elf_symtab_rest(e);
	*type = SHT_SYMTAB;
	return *ret ? 0 : -ENOENT;
}
