// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: names out of a file that has been written to since the process had
 * it mapped, or that may have been; names that are refused though the file is the
 * one that was mapped; a process that is looked at because it has, in another pid
 * namespace, the number of the one that was meant; a process whose memory is held in
 * order to find the program that it runs, which stays busy if it ends meanwhile; a
 * file that is cut off while it is read, and takes its reader along.
 *
 * sources: user/resolve/elf/file.c user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c user/resolve/elf/debugfile.c
 * sources: user/base/maptext.c user/resolve/maps/maps.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c
 * sources: user/resolve/unwind/callsite.c user/resolve/code/starts.c user/resolve/code/code.c user/resolve/elf/symtab.c user/resolve/elf/gopcln.c
 * sources: user/resolve/elf/range.c user/resolve/elf/minidebug.c user/base/arena.c user/resolve/unwind/snapshot.c
 * sources: user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c user/resolve/unwind/fde.c user/resolve/unwind/cfa.c
 * sources: user/base/intern.c user/base/index.c tests/unit/scratch.c
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
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../../user/resolve/elf/cache.h"
#include "../../user/resolve/maps/maps.h"
#include "scratch.h"

static char path[64];
static size_t nsaid;
static char said[512];

static size_t nheld;

/* In place of the C library's: sees what holds another process's memory. */
int open(const char *file, int flags, ...)
{
	if (!strncmp(file, "/proc/", 6) && strncmp(file, "/proc/self/", 11))
		nheld += strstr(file, "/maps") || strstr(file, "/map_files/");
	return (int)syscall(SYS_openat, AT_FDCWD, file, flags, 0600);
}

static void listen_to(void *arg, const char *sentence)
{
	(void)arg;
	nsaid++;
	snprintf(said, sizeof(said), "%s", sentence);
}

static int build(void **state)
{
	if (scratch_create(state))
		return -1;
	snprintf(path, sizeof(path), "%s/p.so", scratch_directory());
	return scratch_run("cd \"$SCRATCH\" && for n in 1 2; do"
			   " echo \"int answer(void) { return $n; }\" >$n.c &&"
			   " gcc -g -shared -fPIC -Wl,--build-id -o $n.so $n.c; done");
}

/* Into the same inode. */
static void overwrite(int with)
{
	char command[128];

	snprintf(command, sizeof(command), "cd \"$SCRATCH\" && cat %d.so >p.so", with);
	scratch_shell(command);
}

/* A recording that begins now; what is written is written after a tick of the files' clock. */
static struct lsp_elf_cache *begin(bool foreign)
{
	const struct lsp_elf_options o = { .begun_ns = clock_ns(CLOCK_REALTIME), .foreign_pids = foreign, .warn = listen_to };
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

/* libelf has it mapped, and it is cut off: that must not end whoever reads on. */
static void cut_off_while_it_is_read(void **state)
{
	struct lsp_elf_cache *c = begin(false);
	const volatile char *p;
	int fd;

	(void)state;
	overwrite(1);
	fd = open(path, O_RDWR);
	p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(p[0], 0x7f);
	assert_int_equal(ftruncate(fd, 10), 0);
	assert_int_equal(p[4096], 0);
	assert_int_equal(p[0], 0x7f);
	munmap((void *)p, 8192);
	close(fd);
	lsp_elf_cache_destroy(c);
}

/* A child that runs a copy of sleep. */
static pid_t runner(const char *program, struct lsp_elf_origin *ret)
{
	int ends[2];
	struct stat st;
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(program, program, "100", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	/* closed by exec */
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
	assert_int_equal(stat(program, &st), 0);
	*ret = (struct lsp_elf_origin){
		.path = program, .tgid = (uint32_t)pid, .start = 4096, .end = 8192,
		.dev_major = major(st.st_dev), .dev_minor = minor(st.st_dev), .ino = st.st_ino,
	};
	return pid;
}

/* Whoever builds a program and runs it, again and again, must be able to write it as soon as it has ended. */
static void a_program_is_not_held(void **state)
{
	struct lsp_elf_cache *c = begin(false);
	struct lsp_elf_origin o, other;
	struct lsp_elf *e;
	char program[64], command[512];
	pid_t pid;

	(void)state;
	snprintf(program, sizeof(program), "%s/program", scratch_directory());
	snprintf(command, sizeof(command), "cp /bin/sleep %s", program);
	assert_int_equal(system(command), 0);
	pid = runner(program, &o);
	other = o;
	nheld = 0;
	assert_int_equal(lsp_elf_get(c, &o, &e), 0);
	/* Another file has come to its place: what runs is still to be had. */
	snprintf(command, sizeof(command), "cp %s %s.new && mv %s.new %s", program, program, program, program);
	assert_int_equal(system(command), 0);
	lsp_elf_cache_destroy(c);
	c = begin(false);
	assert_int_equal(lsp_elf_get(c, &o, &e), 0);
	assert_int_equal(nsaid, 0);
	finish(pid);
	/* One that has ended is not asked. */
	snprintf(command, sizeof(command), "cp /bin/true %s", program);
	assert_int_equal(system(command), 0);
	finish(runner(program, &other));
	assert_int_equal(lsp_elf_get(c, &other, &e), -ESTALE);
	assert_int_equal(nheld, 0);
	lsp_elf_cache_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_before),
		cmocka_unit_test(written_during_it),
		cmocka_unit_test(written_behind_its_opening),
		cmocka_unit_test(another_number),
		cmocka_unit_test(cut_off_while_it_is_read),
		cmocka_unit_test(a_program_is_not_held),
	};

	return cmocka_run_group_tests(tests, build, scratch_destroy);
}
