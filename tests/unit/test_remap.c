// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generations of which only the change is told. Would catch: a mapping of a
 * later or earlier time in a set; one that was there for a moment and is lost;
 * a set that is held for known when it is not; a child without its parent's.
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
#include <stdlib.h>

#include "../../user/resolve/maps/maps.h"
#include "fixture_maps.h"

static void read_as(struct fixture *f, uint32_t generation, uint64_t start, uint64_t end, const char *path,
		    unsigned int flags)
{
	struct lockspan_map rec = {
		.rec = { .type = LOCKSPAN_REC_MAP, .flags = (__u16)flags },
		.start = start, .end = end, .tgid = 7, .generation = generation,
	};

	assert_int_equal(lsp_maps_add(f->maps, &rec, path), 0);
}

/* As the module tells a whole set: an empty record ends it. */
static void read_end(struct fixture *f, uint32_t generation, unsigned int flags)
{
	read_as(f, generation, 0, 0, "", flags | LOCKSPAN_MAP_LAST | LOCKSPAN_MAP_DATA);
}

static void change(struct fixture *f, uint32_t generation, uint32_t base, uint64_t start, uint64_t end,
		   const char *path)
{
	struct lockspan_remap rec = {
		.map = { .rec.type = LOCKSPAN_REC_REMAP, .start = start, .end = end, .tgid = 7,
			 .generation = generation },
		.base = base, .base_tgid = 7,
	};

	assert_int_equal(lsp_maps_remap(f->maps, &rec, path), 0);
}

static const char *path_of(struct fixture *f, uint32_t tgid, uint32_t generation, uint64_t addr)
{
	struct lsp_mapset *set = lsp_maps_find(f->maps, tgid, generation);
	struct lsp_map *map = set ? lsp_mapset_lookup(set, addr) : NULL;

	return map ? map->path : "none";
}

#define assert_path(generation, addr, path) \
	assert_string_equal(path_of(*state, 7, generation, addr), path)
#define assert_whole(generation, yes) \
	assert_int_equal(lsp_maps_whole(((struct fixture *)*state)->maps, 7, generation), yes)

/* A program that begins and is gone before anybody reads what it had. */
static void a_life_in_changes(void **state)
{
	struct fixture *f = *state;

	change(f, 4, 3, 0x7000, 0x9000, "/b");
	assert_whole(4, false);		/* its base may still come */
	change(f, 1, 0, 0x1000, 0x2000, "/prog");
	change(f, 2, 1, 0x7000, 0x8000, "/a");
	change(f, 3, 2, 0x4000, 0x5000, "/libc");
	assert_whole(1, true);
	assert_path(1, 0x1800, "/prog");
	assert_path(1, 0x7800, "none");
	assert_path(3, 0x7800, "/a");
	assert_path(4, 0x7800, "/b");
	assert_path(4, 0x4000, "/libc");
	assert_path(4, 0x1fff, "/prog");
	assert_whole(4, true);
	assert_whole(5, false);
}

/* A mapping of which the middle is replaced: its ends stay what they were. */
static void a_middle_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct lsp_mapset *set;

	change(f, 1, 0, 0x1000, 0x9000, "/a");
	change(f, 2, 1, 0x3000, 0x5000, "/b");
	assert_path(2, 0x2fff, "/a");
	assert_path(2, 0x3000, "/b");
	assert_path(2, 0x5000, "/a");
	set = lsp_maps_find(f->maps, 7, 2);
	assert_true(lsp_mapset_lookup(set, 0x5000)->offset == 0x4000);
	assert_path(1, 0x3000, "/a");
}

/* What is read of a later generation tells of the earlier ones too, but for what has changed since. */
static void a_late_reading(void **state)
{
	struct fixture *f = *state;

	change(f, 2, 1, 0x7000, 0x8000, "/a");
	change(f, 3, 2, 0x7000, 0x8000, "/b");
	assert_whole(2, false);
	read_as(f, 3, 0x1000, 0x2000, "/prog", LOCKSPAN_MAP_FIRST);
	read_as(f, 3, 0x7000, 0x8000, "/b", 0);
	read_end(f, 3, 0);
	assert_whole(1, true);
	assert_whole(2, true);
	for (uint32_t generation = 1; generation <= 3; generation++)
		assert_path(generation, 0x1800, "/prog");
	assert_path(1, 0x7800, "none");	/* nobody knows */
	assert_path(2, 0x7800, "/a");
	assert_path(3, 0x7800, "/b");
}

/* A library that was unloaded before its generation was read: its stacks keep its names. */
static void a_reading_after_unloading(void **state)
{
	struct fixture *f = *state;

	change(f, 1, 0, 0x1000, 0x2000, "/prog");
	change(f, 2, 1, 0x7000, 0x8000, "/a");
	read_as(f, 2, 0x1000, 0x2000, "/prog", LOCKSPAN_MAP_FIRST);
	read_as(f, 2, 0x5000, 0x6000, "/dev/shm/x", LOCKSPAN_MAP_DATA);
	assert_whole(2, false);
	read_end(f, 2, 0);
	assert_path(2, 0x7800, "/a");
	assert_path(2, 0x5800, "/dev/shm/x");
	/* Gone before it could be read: what has been told stays. */
	change(f, 3, 2, 0x8000, 0x9000, "/c");
	read_end(f, 3, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_GONE);
	assert_path(3, 0x8800, "/c");
	assert_path(3, 0x7800, "/a");
}

static void a_child_begins_with_its_parents(void **state)
{
	struct fixture *f = *state;
	struct lockspan_remap rec = {
		.map = { .rec.type = LOCKSPAN_REC_REMAP, .tgid = 9, .generation = 5 },
		.base = 2, .base_tgid = 7,
	};

	assert_int_equal(lsp_maps_remap(f->maps, &rec, "//anon"), 0);
	assert_false(lsp_maps_whole(f->maps, 9, 5));
	change(f, 1, 0, 0x1000, 0x2000, "/prog");
	change(f, 2, 1, 0x7000, 0x8000, "/a");
	assert_true(lsp_maps_whole(f->maps, 9, 5));
	assert_string_equal(path_of(f, 9, 5, 0x7800), "/a");
	assert_string_equal(path_of(f, 9, 5, 0x1800), "/prog");
}

/* Something between was not told: nothing beyond it is guessed. */
static void a_change_is_missing(void **state)
{
	struct fixture *f = *state;

	change(f, 1, 0, 0x1000, 0x2000, "/prog");
	change(f, 3, 2, 0x7000, 0x8000, "/a");
	assert_whole(3, false);
	assert_path(3, 0x1800, "none");
	read_as(f, 3, 0x7000, 0x8000, "/a", LOCKSPAN_MAP_FIRST);
	read_end(f, 3, 0);
	assert_path(3, 0x1800, "none");
	assert_path(1, 0x1800, "/prog");
}

#define MANY_MAPS 5000U
#define MANY_CHANGES 3000U

/* Of the address sanitizer, which counts for us. */
size_t __sanitizer_get_current_allocated_bytes(void);

/*
 * A large process of which one mapping changes all the time. Would catch a copy of its mappings
 * for each generation that nobody asks for, and no bound where somebody does.
 */
static void many_changes_of_a_large_set(void **state)
{
	size_t before = __sanitizer_get_current_allocated_bytes();
	struct fixture *f = *state;
	uint32_t i;

	for (i = 2; i <= MANY_CHANGES; i++)
		change(f, i, i - 1, 0x1000, 0x2000, i % 2 ? "/odd" : "/even");
	read_as(f, MANY_CHANGES, 0x1000, 0x2000, "/even", LOCKSPAN_MAP_FIRST);
	for (i = 1; i < MANY_MAPS; i++)
		read_as(f, MANY_CHANGES, 0x2000 * (uint64_t)i + 0x10000, 0x2000 * (uint64_t)i + 0x11000, "", 0);
	read_end(f, MANY_CHANGES, 0);
	assert_path(MANY_CHANGES - 1, 0x1800, "/odd");
	assert_path(MANY_CHANGES - 900, 0x1800, "/even");
	assert_path(MANY_CHANGES - 901, 0x2000 * 7 + 0x10000, "");
	assert_true(__sanitizer_get_current_allocated_bytes() - before < 8 << 20);

	for (i = MANY_CHANGES - 1; i > MANY_CHANGES - 300; i--)
		assert_path(i, 0x1800, i % 2 ? "/odd" : "/even");
	assert_true(__sanitizer_get_current_allocated_bytes() - before < 64 << 20);
	/* What has been given up is made again. */
	assert_path(MANY_CHANGES - 1, 0x1800, "/odd");
	assert_path(MANY_CHANGES, 0x1800, "/even");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_life_in_changes, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_middle_is_replaced, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_late_reading, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_reading_after_unloading, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_child_begins_with_its_parents, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_change_is_missing, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(many_changes_of_a_large_set, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
