// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: an address given to the wrong mapping or to none at its edges; a
 * set used before it is whole, or another generation's; text that is believed
 * although it contradicts itself; a lookup that is slow or ambiguous with many
 * mappings; a set that is forgotten too early or never; objects that differ
 * where they are the same, or the other way round.
 *
 * sources: user/resolve/maps/maps.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c user/base/maptext.c
 * sources: user/resolve/elf/file.c user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c user/resolve/elf/debugfile.c user/resolve/elf/minidebug.c
 * sources: user/resolve/unwind/callsite.c user/resolve/code/starts.c user/resolve/code/code.c user/resolve/elf/symtab.c user/resolve/elf/gopcln.c
 * sources: user/resolve/elf/range.c user/base/arena.c user/resolve/unwind/snapshot.c
 * sources: user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c user/resolve/unwind/fde.c user/resolve/unwind/cfa.c
 * sources: user/base/intern.c user/base/index.c tests/unit/fixture_maps.c
 * libs: -ldw -lelf -lz -llzma -ldl
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../../user/resolve/maps/maps.h"
#include "../../user/base/maptext.h"
#include "fixture_maps.h"

static int add(struct fixture *f, uint32_t tgid, uint32_t generation, uint64_t start, uint64_t end,
	       uint64_t offset, unsigned int flags, const char *path)
{
	struct lockspan_map rec = {
		.rec = { .type = LOCKSPAN_REC_MAP, .flags = (__u16)flags },
		.start = start, .end = end, .offset = offset, .tgid = tgid,
		.generation = generation,
	};

	return lsp_maps_add(f->maps, &rec, path);
}

static const char *path_at(struct fixture *f, uint32_t tgid, uint32_t generation, uint64_t addr)
{
	struct lsp_mapset *set = lsp_maps_find(f->maps, tgid, generation);
	struct lsp_map *map = set ? lsp_mapset_lookup(set, addr) : NULL;

	return map ? map->path : "none";
}

/* ---- one line of text ---- */

static size_t lines(const char *text, struct lsp_maptext *last)
{
	const char *at = text;
	size_t n = 0;

	while (lsp_maptext_next(&at, text + strlen(text), last))
		n++;
	return n;
}

static void line_fields(void **state)
{
	struct lsp_maptext m;

	(void)state;
	assert_int_equal(lines("7f0e8a1b0000-7f0e8a1d2000 r-xp 0001f000 fe:01 1049321"
			       "                    /opt/lab/a b (deleted)\n", &m), 1);
	assert_true(m.start == 0x7f0e8a1b0000 && m.end == 0x7f0e8a1d2000);
	assert_true(m.offset == 0x1f000 && m.ino == 1049321);
	assert_true(m.dev_major == 0xfe && m.dev_minor == 1);
	assert_true(m.read && !m.write && m.exec);
	assert_int_equal(m.path_len, strlen("/opt/lab/a b (deleted)"));
	assert_memory_equal(m.path, "/opt/lab/a b (deleted)", m.path_len);
	/* no path, no newline */
	assert_int_equal(lines("1000-2000 rw-s 00000000 00:00 0", &m), 1);
	assert_true(m.path_len == 0 && m.write && !m.exec);
	/* the vsyscall page is above 2^63 */
	assert_int_equal(lines("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n",
			       &m), 1);
	assert_true(m.start == 0xffffffffff600000);
}

static void line_refused(void **state)
{
	static const char *const bad[] = {
		"", "\n\n\n", "2000-1000 r-xp 0 0:0 0\n", "1000-1000 r-xp 0 0:0 0\n",
		"1000 2000 r-xp 0 0:0 0\n", "1000-2000 r-x\n", "1000-2000 r-xp z 0:0 0\n",
		"10000000000000000-20000000000000000 r-xp 0 0:0 0\n", "-1000 r-xp 0 0:0 0\n",
		"1000-2000 r-xp 0 100000000:0 0\n", "1000-2000 r-xp ffffffffffffff00 0:0 0\n",
		"1000-2000 r-xp 0 0:0 99999999999999999999999\n", "1000-2000 r-xp 0 0:0",
	};
	struct lsp_maptext m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(lines(bad[i], &m), 0);
	/* one bad line does not hide the next */
	assert_int_equal(lines("garbage\n1000-2000 r-xp 0 0:0 0 /x\n", &m), 1);
}

/* ---- sets ---- */

static void edges(void **state)
{
	struct fixture *f = *state;

	/* in any order, and an empty last record as the module sends it */
	assert_int_equal(add(f, 7, 3, 0x5000, 0x6000, 0, LOCKSPAN_MAP_FIRST, "/b"), 0);
	assert_int_equal(add(f, 7, 3, 0x1000, 0x3000, 0, 0, "/a"), 0);
	assert_int_equal(add(f, 7, 3, 0x3000, 0x4000, 0, LOCKSPAN_MAP_DATA, "/a"), 0);
	assert_false(lsp_maps_whole(f->maps, 7, 3));
	assert_int_equal(add(f, 7, 3, 0, 0, 0, LOCKSPAN_MAP_LAST | LOCKSPAN_MAP_DATA, ""), 0);
	assert_true(lsp_maps_whole(f->maps, 7, 3));
	assert_int_equal(lsp_maps_find(f->maps, 7, 3)->n, 3);
	assert_string_equal(path_at(f, 7, 3, 0xfff), "none");
	assert_string_equal(path_at(f, 7, 3, 0x1000), "/a");
	assert_string_equal(path_at(f, 7, 3, 0x2fff), "/a");
	assert_false(lsp_mapset_lookup(lsp_maps_find(f->maps, 7, 3), 0x3000)->exec);
	assert_string_equal(path_at(f, 7, 3, 0x4000), "none");
	assert_string_equal(path_at(f, 7, 3, 0x5fff), "/b");
	assert_string_equal(path_at(f, 7, 3, 0x6000), "none");
	assert_string_equal(path_at(f, 7, 3, UINT64_MAX), "none");
}

static void generations(void **state)
{
	struct fixture *f = *state;
	uint32_t serial;

	add(f, 7, 1, 0x1000, 0x2000, 0, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST, "/old");
	add(f, 7, 2, 0x1000, 0x2000, 0, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST, "/new");
	add(f, 8, 1, 0x1000, 0x2000, 0, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST, "/other");
	assert_string_equal(path_at(f, 7, 1, 0x1800), "/old");
	assert_string_equal(path_at(f, 7, 2, 0x1800), "/new");
	assert_string_equal(path_at(f, 8, 1, 0x1800), "/other");
	assert_null(lsp_maps_find(f->maps, 8, 2));
	assert_false(lsp_maps_whole(f->maps, 8, 2));
	/* sent again: the set begins anew, and whoever remembers the old one can tell */
	serial = lsp_maps_find(f->maps, 7, 1)->serial;
	add(f, 7, 1, 0x8000, 0x9000, 0, LOCKSPAN_MAP_FIRST, "/again");
	assert_string_equal(path_at(f, 7, 1, 0x1800), "none");
	assert_int_not_equal(lsp_maps_find(f->maps, 7, 1)->serial, serial);
	/* a process that had gone: known to be empty */
	add(f, 9, 1, 0, 0, 0, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST | LOCKSPAN_MAP_GONE, "");
	assert_true(lsp_maps_whole(f->maps, 9, 1));
	assert_int_equal(lsp_maps_find(f->maps, 9, 1)->n, 0);
}

static void text(void **state)
{
	static const char first[] = "1000-2000 r-xp 00000000 00:00 0 /opt/lab/a\n"
				    "2000-3000 rw-p 00000000 00:00 0 \n"
				    "5000-6000 r-xp 00000000 00:00 0 \n"
				    "7000-8000 rw-p 00000000 00:00 0 [heap]\n";
	static const char second[] = "1800-2800 r-xp 00000000 00:00 0 /opt/lab/b\n";
	struct fixture *f = *state;

	assert_int_equal(lsp_maps_add_text(f->maps, 7, 0, first, sizeof(first) - 1), 0);
	assert_true(lsp_maps_whole(f->maps, 7, 0));
	assert_string_equal(path_at(f, 7, 0, 0x1000), "/opt/lab/a");
	assert_string_equal(path_at(f, 7, 0, 0x2000), "none");
	assert_string_equal(path_at(f, 7, 0, 0x5000), "");
	assert_string_equal(path_at(f, 7, 0, 0x7000), "[heap]");
	/* read again: what is there now wins, what is not contradicted stays */
	assert_int_equal(lsp_maps_add_text(f->maps, 7, 0, second, sizeof(second) - 1), 0);
	assert_string_equal(path_at(f, 7, 0, 0x1900), "/opt/lab/b");
	assert_string_equal(path_at(f, 7, 0, 0x1000), "none");
	assert_string_equal(path_at(f, 7, 0, 0x5000), "");
}

static void overlapping(void **state)
{
	struct fixture *f = *state;
	struct lsp_mapset *set;
	size_t i;

	add(f, 7, 1, 0x1000, 0x9000, 0, LOCKSPAN_MAP_FIRST, "/a");
	add(f, 7, 1, 0x2000, 0x3000, 0, 0, "/b");
	add(f, 7, 1, 0x8000, 0xa000, 0, LOCKSPAN_MAP_LAST, "/c");
	add(f, 7, 1, 0x5000, 0x4000, 0, 0, "/backwards");
	add(f, 7, 1, 0x5000, 0x6000, UINT64_MAX - 10, 0, "/wraps");
	set = lsp_maps_find(f->maps, 7, 1);
	for (i = 1; i < set->n; i++)
		assert_true(set->maps[i - 1].end <= set->maps[i].start);
	assert_string_equal(path_at(f, 7, 1, 0x2800), "/a");
	assert_string_equal(path_at(f, 7, 1, 0x4800), "/a");
}

/* 50,000 mappings: a lookup takes the steps of a bisection, not of a scan. */
static void many(void **state)
{
	struct fixture *f = *state;
	struct lsp_mapset *set;
	uint64_t begin_ns;
	uint64_t i, found = 0;
	double ns;

	for (i = 0; i < 50000; i++)
		add(f, 7, 1, 0x10000 + i * 0x2000, 0x11000 + i * 0x2000, 0, i ? 0 : LOCKSPAN_MAP_FIRST,
		    "//anon");
	add(f, 7, 1, 0, 0, 0, LOCKSPAN_MAP_LAST, "");
	set = lsp_maps_find(f->maps, 7, 1);
	assert_int_equal(set->n, 50000);
	begin_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (i = 0; i < 400000; i++) {
		struct lsp_map *map = lsp_mapset_lookup(set, 0x10000 + i * 0x400);

		assert_int_equal(map != NULL, !(i & 4));
		found += map != NULL;
	}
	ns = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin_ns) / 400000;
	printf("%.0f ns a lookup among 50,000\n", ns);
	assert_int_equal(found, 200000);
	assert_true(ns < 5000);
}

/* The sets used least recently go first, and never more are kept than the bound. */
static void bounded(void **state)
{
	struct fixture *f = *state;
	uint32_t i, kept = 0;

	for (i = 1; i <= 10000; i++) {
		add(f, i, 1, 0x1000, 0x2000, 0, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST, "/a");
		/* in use all the time */
		assert_non_null(lsp_maps_find(f->maps, 1, 1));
	}
	for (i = 1; i <= 10000; i++)
		kept += lsp_maps_whole(f->maps, i, 1);
	assert_int_equal(kept, 8192);
	assert_true(lsp_maps_whole(f->maps, 1, 1) && lsp_maps_whole(f->maps, 10000, 1));
	assert_false(lsp_maps_whole(f->maps, 2, 1));
}

/* ---- files ---- */

/* This process's own mappings: files are found, and every function of ours at its vaddr. */
static void own(void **state)
{
	struct fixture *f = *state;
	struct lsp_mapset *set;
	struct lsp_map *map;
	struct lsp_elf *elf;
	const struct lsp_object *object;
	uint64_t vaddr, code = (uintptr_t)own, data = (uintptr_t)&stdout;
	size_t bytes;
	char *maps;

	assert_int_equal(lsp_maptext_read("/proc/self/maps", &maps, &bytes), 0);
	assert_int_equal(lsp_maps_add_text(f->maps, (uint32_t)getpid(), 1, maps, bytes), 0);
	free(maps);
	set = lsp_maps_find(f->maps, (uint32_t)getpid(), 1);
	map = lsp_mapset_lookup(set, code);
	assert_non_null(map);
	assert_ptr_equal(map, lsp_mapset_main(set));
	elf = lsp_map_elf(f->maps, set, map);
	assert_non_null(elf);
	assert_string_equal(elf->name, "test_maps");
	/* the bytes at that vaddr in the file are the bytes here */
	assert_true(lsp_elf_addr_vaddr(elf, map->start, map->offset, code, &vaddr));
	assert_int_equal(vaddr, code - map->bias);
	object = lsp_map_object(f->maps, set, map);
	assert_true(object->symbolised && object->start == map->start);
	assert_string_equal(object->build_id, elf->build_id);
	/* data and .bss, which lie outside the code's mapping */
	map = lsp_maps_static(f->maps, set, data, &vaddr);
	assert_non_null(map);
	assert_null(lsp_maps_static(f->maps, set, (uintptr_t)&map, &vaddr));
	map = lsp_maps_static(f->maps, set, (uintptr_t)edges, &vaddr);
	assert_string_equal(lsp_map_elf(f->maps, set, map)->name, "test_maps");
	/* the vdso has no file, and yet one */
	for (map = set->maps; map < set->maps + set->n; map++)
		if (!strcmp(map->path, "[vdso]"))
			assert_non_null(lsp_map_elf(f->maps, set, map));
}

static void objects(void **state)
{
	struct fixture *f = *state;
	struct lsp_mapset *a, *b, *c;

	add(f, 1, 1, 0x1000, 0x2000, 0, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST, "//anon");
	add(f, 2, 1, 0x1000, 0x2000, 0, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST, "//anon");
	add(f, 3, 1, 0x1000, 0x3000, 0, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST, "//anon");
	a = lsp_maps_find(f->maps, 1, 1);
	b = lsp_maps_find(f->maps, 2, 1);
	c = lsp_maps_find(f->maps, 3, 1);
	assert_ptr_equal(lsp_map_object(f->maps, a, a->maps), lsp_map_object(f->maps, b, b->maps));
	assert_ptr_not_equal(lsp_map_object(f->maps, a, a->maps),
			     lsp_map_object(f->maps, c, c->maps));
}

static void stacks(void **state)
{
	struct fixture *f = *state;
	struct lsp_mapset *set;
	uint64_t i;

	add(f, 1, 1, 0x1000, 0x2000, 0, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST, "/a");
	set = lsp_maps_find(f->maps, 1, 1);
	lsp_mapset_stack_add(set, 0x7f0000100000, 0x7f0000104000);
	lsp_mapset_stack_add(set, 0x7f00000ff000, 0x7f0000103000);
	lsp_mapset_stack_add(set, 0x7e0000000000, 0x7e0000004000);
	lsp_mapset_stack_add(set, 0x10, 0x10);
	assert_int_equal(set->nstacks, 2);
	assert_true(lsp_mapset_stack_has(set, 0x7f00000ff000));
	assert_true(lsp_mapset_stack_has(set, 0x7f0000103fff));
	assert_false(lsp_mapset_stack_has(set, 0x7f0000104000));
	assert_false(lsp_mapset_stack_has(set, 0x7f00000fefff));
	assert_true(lsp_mapset_stack_has(set, 0x7e0000000000));
	for (i = 0; i < 20000; i++)
		lsp_mapset_stack_add(set, i * 7919 % 20000 << 20, (i * 7919 % 20000 << 20) + 4096);
	for (i = 1; i < set->nstacks; i++)
		assert_true(set->stacks[i - 1].end <= set->stacks[i].start);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_fields),
		cmocka_unit_test(line_refused),
		cmocka_unit_test_setup_teardown(edges, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(generations, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(text, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(overlapping, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(many, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(bounded, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(own, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(objects, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(stacks, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
