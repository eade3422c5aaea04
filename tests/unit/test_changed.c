// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: names out of a file that has been written to since the process had
 * it mapped, or that may have been; names that are refused though the file is the
 * one that was mapped; a process that is looked at because it has, in another pid
 * namespace, the number of the one that was meant.
 *
 * sources: user/resolve/elf/file.c user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c user/resolve/elf/debugfile.c
 * sources: user/base/maptext.c user/resolve/maps/maps.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c
 * sources: user/resolve/unwind/callsite.c user/resolve/code/starts.c user/resolve/code/code.c user/resolve/elf/symtab.c user/resolve/elf/gopcln.c
 * sources: user/resolve/elf/range.c user/resolve/elf/minidebug.c user/base/arena.c user/resolve/unwind/snapshot.c
 * sources: user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c user/resolve/unwind/fde.c user/resolve/unwind/cfa.c
 * libs: -ldw -lelf -lz -llzma -ldl
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../user/resolve/elf/cache.h"
#include "../../user/resolve/maps/maps.h"

static char dir[] = "/tmp/test_changed.XXXXXX";
static char path[64];
static size_t nsaid;
static char said[512];

static void listen_to(void *arg, const char *sentence)
{
	(void)arg;
	nsaid++;
	snprintf(said, sizeof(said), "%s", sentence);
}

static int build(void **state)
{
	char command[512];

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/p.so", dir);
	snprintf(command, sizeof(command), "cd %s && for n in 1 2; do"
		 " echo \"int answer(void) { return $n; }\" >$n.c &&"
		 " gcc -g -shared -fPIC -Wl,--build-id -o $n.so $n.c; done", dir);
	return system(command);
}

static int discard(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* Into the same inode. */
static void overwrite(int with)
{
	char command[128];

	snprintf(command, sizeof(command), "cd %s && cat %d.so >p.so", dir, with);
	assert_int_equal(system(command), 0);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* A recording that begins now; what is written is written after a tick of the files' clock. */
static struct lsp_elf_cache *begin(bool foreign)
{
	const struct lsp_elf_options o = { .begun_ns = now_ns(), .foreign_pids = foreign, .warn = listen_to };
	struct lsp_elf_cache *c;

	nsaid = 0;
	assert_int_equal(lsp_elf_cache_create(&o, &c), 0);
	usleep(20000);
	return c;
}

/* A child that has the file mapped, and waits to be killed. */
static pid_t mapper(struct lsp_elf_origin *ret)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *p;
	pid_t pid;

	assert_true(fd >= 0 && !fstat(fd, &st));
	p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	close(fd);
	pid = fork();
	if (!pid) {
		/* a test that fails leaves it behind */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	munmap(p, 4096);
	*ret = (struct lsp_elf_origin){
		.path = path, .tgid = (uint32_t)pid, .start = (uintptr_t)p, .end = (uintptr_t)p + 4096,
		.dev_major = major(st.st_dev), .dev_minor = minor(st.st_dev), .ino = st.st_ino,
	};
	return pid;
}

static void finish(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void written_before(void **state)
{
	struct lsp_elf_origin o;
	struct lsp_elf_cache *c;
	struct lsp_elf *e;

	(void)state;
	overwrite(1);
	usleep(20000);
	c = begin(false);
	finish(mapper(&o));
	assert_int_equal(lsp_elf_get(c, &o, &e), 0);
	assert_int_equal(nsaid, 0);
	lsp_elf_cache_destroy(c);
}

static void written_during_it(void **state)
{
	struct lsp_elf_origin gone, alive;
	struct lsp_elf_cache *c = begin(false);
	struct lsp_elf *e;
	pid_t pid;

	(void)state;
	overwrite(1);
	finish(mapper(&gone));
	overwrite(2);
	/* Nobody can tell which of them it was. */
	gone.quiet = true;
	assert_int_equal(lsp_elf_get(c, &gone, &e), -ESTALE);
	assert_int_equal(nsaid, 0);
	gone.quiet = false;
	for (int i = 0; i < 2; i++)
		assert_int_equal(lsp_elf_get(c, &gone, &e), -ESTALE);
	assert_int_equal(nsaid, 1);
	assert_non_null(strstr(said, "p.so was written to during the recording"));
	assert_int_equal(lsp_elf_changed(c), 1);
	/* What has it mapped has what is in the file, and that stays true of it when it has ended. */
	pid = mapper(&alive);
	assert_int_equal(lsp_elf_get(c, &alive, &e), 0);
	finish(pid);
	assert_int_equal(lsp_elf_get(c, &alive, &e), 0);
	assert_int_equal(lsp_elf_get(c, &gone, &e), -ESTALE);
	/* Also when only the open file is left of it. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(lsp_elf_get(c, &alive, &e), 0);
	assert_int_equal(lsp_elf_get(c, &gone, &e), -ESTALE);
	assert_int_equal(nsaid, 1);
	lsp_elf_cache_destroy(c);
}

/* Opened when it was right, but read when it is not any more. */
static void written_behind_its_opening(void **state)
{
	struct lsp_elf_cache *c = begin(false);
	struct lsp_elf_origin o;
	struct lsp_mapset *set;
	struct lsp_maps *m;
	char line[256];
	pid_t pid;

	(void)state;
	overwrite(1);
	pid = mapper(&o);
	snprintf(line, sizeof(line), "%llx-%llx r-xp 00000000 %02x:%02x %llu %s\n", (unsigned long long)o.start,
		 (unsigned long long)o.end, o.dev_major, o.dev_minor, (unsigned long long)o.ino, path);
	assert_int_equal(lsp_maps_create(c, &m), 0);
	assert_int_equal(lsp_maps_add_text(m, o.tgid, 1, line, strlen(line)), 0);
	finish(pid);
	set = lsp_maps_find(m, o.tgid, 1);
	assert_non_null(lsp_map_elf(m, set, &set->maps[0]));
	assert_true(*lsp_map_object(m, set, &set->maps[0])->build_id);
	usleep(20000);
	overwrite(2);
	set = lsp_maps_find(m, o.tgid, 1);
	assert_null(lsp_map_elf(m, set, &set->maps[0]));
	assert_false(*lsp_map_object(m, set, &set->maps[0])->build_id);
	assert_int_equal(lsp_elf_changed(c), 1);
	assert_int_equal(nsaid, 1);
	lsp_maps_destroy(m);
	lsp_elf_cache_destroy(c);
}

/* What only the process itself leads to is not opened where its number means another one. */
static void another_number(void **state)
{
	struct lsp_elf_origin o;
	struct lsp_elf_cache *c;
	struct lsp_elf *e;
	pid_t pid;

	(void)state;
	overwrite(1);
	usleep(20000);
	for (int foreign = 0; foreign < 2; foreign++) {
		c = begin(foreign);
		overwrite(1);
		pid = mapper(&o);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(lsp_elf_get(c, &o, &e), foreign ? -ENOENT : 0);
		lsp_elf_cache_destroy(c);
		finish(pid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_before),
		cmocka_unit_test(written_during_it),
		cmocka_unit_test(written_behind_its_opening),
		cmocka_unit_test(another_number),
	};

	return cmocka_run_group_tests(tests, build, discard);
}
