// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: text in the place of /proc/PID/maps that makes the parser read
 * outside it or hang, or that gives a set in which mappings overlap or a lookup
 * goes astray. For libFuzzer; tests/fuzz/run builds and starts it. The input is
 * read as two texts, at the first NUL: the mappings, and the same process read
 * again. Files are not opened.
 * sources: user/base/maptext.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c user/resolve/elf/file.c
 * sources: user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c user/resolve/elf/debugfile.c user/resolve/elf/minidebug.c user/resolve/unwind/callsite.c user/resolve/code/starts.c
 * sources: user/resolve/code/code.c user/resolve/elf/symtab.c user/resolve/elf/gopcln.c user/resolve/elf/range.c
 * sources: user/resolve/maps/maps.c user/base/arena.c user/resolve/unwind/snapshot.c
 * sources: user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c user/resolve/unwind/fde.c user/resolve/unwind/cfa.c
 * sources: user/base/intern.c user/base/index.c
 * libs: -ldw -lelf -lz -llzma -ldl
 */
#include <stdlib.h>
#include <string.h>

#include "../../user/resolve/maps/mapset.h"
#include "../../user/base/maptext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

static void text_add(struct lsp_mapset *set, const char *text, size_t bytes)
{
	const char *at = text, *before = text;
	struct lsp_maptext line;

	while (lsp_maptext_next(&at, text + bytes, &line)) {
		const struct lsp_map map = {
			.start = line.start, .end = line.end, .offset = line.offset,
			.exec = line.exec, .write = line.write, .path = "",
		};

		MUST(at > before && at <= text + bytes);
		MUST(line.start < line.end);
		MUST(line.path >= text && line.path + line.path_len <= text + bytes);
		before = at;
		if (lsp_mapset_push(set, &map))
			break;
	}
}

static void set_check(struct lsp_mapset *set)
{
	size_t i;

	lsp_mapset_sort(set);
	for (i = 0; i < set->n; i++) {
		struct lsp_map *map = &set->maps[i];

		MUST(!i || map[-1].end <= map->start);
		MUST(lsp_mapset_lookup(set, map->start) == map);
		MUST(lsp_mapset_lookup(set, map->end - 1) == map);
		MUST(lsp_mapset_lookup(set, map->end) != map);
		lsp_mapset_stack_add(set, map->start, map->end);
		MUST(lsp_mapset_stack_has(set, map->start) || set->nstacks);
	}
	for (i = 1; i < set->nstacks; i++)
		MUST(set->stacks[i - 1].end <= set->stacks[i].start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const uint8_t *nul = memchr(data, 0, bytes);
	size_t first = nul ? (size_t)(nul - data) : bytes, n;
	struct lsp_mapset *set = calloc(1, sizeof(*set)), *old = calloc(1, sizeof(*old));
	char *text = malloc(bytes + 1);

	MUST(set && old && text);
	/* on the heap, and no longer than it is */
	memcpy(text, data, bytes);
	text = realloc(text, bytes ? bytes : 1);
	text_add(old, text, first);
	set_check(old);
	if (nul)
		text_add(set, text + first + 1, bytes - first - 1);
	n = old->n;
	MUST(!lsp_mapset_keep_old(set, old->maps, n) || set->n);
	set_check(set);
	free(text);
	lsp_mapset_destroy(old);
	lsp_mapset_destroy(set);
	return 0;
}
