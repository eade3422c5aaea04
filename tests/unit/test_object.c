// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: names taken from a file that is not the one that was mapped
 * (replaced, overwritten, of another mount namespace, deleted); a file opened
 * twice, or two taken for one; a debug file that is not found, or one of another
 * build that is believed; damaged files that crash, or of which nothing is left.
 *
 * sources: user/resolve/elf/file.c user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c user/resolve/elf/debugfile.c user/resolve/elf/minidebug.c
 * sources: user/base/maptext.c user/resolve/maps/maps.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c tests/unit/scratch.c
 * sources: user/resolve/unwind/callsite.c user/resolve/code/starts.c user/resolve/code/code.c user/resolve/elf/symtab.c user/resolve/elf/gopcln.c
 * sources: user/resolve/elf/range.c user/base/arena.c user/resolve/unwind/snapshot.c user/base/intern.c user/base/index.c
 * sources: user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c user/resolve/unwind/fde.c user/resolve/unwind/cfa.c
 * libs: -ldw -lelf -lz -llzma -ldl
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../user/resolve/unwind/cfi.h"
#include "../../user/resolve/elf/cache.h"
#include "../../user/resolve/elf/debugfile.h"
#include "scratch.h"


struct fixture {
	struct lsp_elf_cache *cache;
	char said[8][512];
	size_t nsaid;
};

static void listen_to(void *arg, const char *sentence)
{
	struct fixture *f = arg;

	snprintf(f->said[f->nsaid++ % 8], sizeof(f->said[0]), "%s", sentence);
}

static bool heard(const struct fixture *f, const char *words)
{
	size_t i;

	for (i = 0; i < f->nsaid && i < 8; i++)
		if (strstr(f->said[i], words))
			return true;
	return false;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char debug[64];
	const struct lsp_elf_options o = { .debug_dir = debug, .warn = listen_to, .warn_arg = f };

	snprintf(debug, sizeof(debug), "%s/debug", scratch_directory());
	*state = f;
	return !f || lsp_elf_cache_create(&o, &f->cache);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	lsp_elf_cache_destroy(f->cache);
	free(f);
	return 0;
}

/* Runs a shell command in dir. */
__attribute__((format(printf, 1, 2)))
static void shell(const char *format, ...)
{
	char command[1024];
	va_list args;
	int n = snprintf(command, sizeof(command), "cd %s && ", scratch_directory());

	va_start(args, format);
	vsnprintf(command + n, sizeof(command) - (size_t)n, format, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

static const char *in_dir(const char *name)
{
	static char path[4][128];
	static int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[0]), "%s/%s", scratch_directory(), name);
	return path[next];
}

/* What the kernel would say of the file as it is now, mapped by nobody. */
static struct lsp_elf_origin origin(const char *name)
{
	struct lsp_elf_origin o = { .path = in_dir(name), .start = 0x1000, .end = 0x2000 };
	struct stat st;

	assert_int_equal(stat(o.path, &st), 0);
	o.dev_major = major(st.st_dev);
	o.dev_minor = minor(st.st_dev);
	o.ino = st.st_ino;
	return o;
}

static void subjects_build(void)
{
	shell("printf 'int answer(void) { return 42; }\\n' >a.c &&"
	      " printf 'int answer(void) { return 43; }\\n' >b.c &&"
	      " for s in a b; do gcc -g -shared -fPIC -Wl,--build-id -o $s.so $s.c; done &&"
	      " gcc -g -shared -fPIC -Wl,--build-id=none -o bare.so a.c");
}

/* ---- identity ---- */

static void shared(void **state)
{
	struct fixture *f = *state;
	struct lsp_elf_origin o = origin("a.so"), other = origin("b.so");
	struct lsp_elf *a, *b, *c;

	shell("ln -f a.so link.so");
	assert_int_equal(lsp_elf_get(f->cache, &o, &a), 0);
	assert_string_equal(a->name, "a.so");
	assert_int_equal(strlen(a->build_id), 40);
	assert_true(a->dynamic && a->nloads > 0 && !a->broken);
	assert_int_equal(lsp_elf_get(f->cache, &other, &b), 0);
	assert_ptr_not_equal(a, b);
	assert_int_not_equal(a->serial, b->serial);
	o = origin("link.so");
	assert_int_equal(lsp_elf_get(f->cache, &o, &c), 0);
	assert_ptr_equal(a, c);
	assert_int_equal(f->nsaid, 0);
}

static void replaced(void **state)
{
	struct fixture *f = *state;
	struct lsp_elf_origin o;
	struct lsp_elf *e;

	shell("cp a.so r.so");
	o = origin("r.so");
	shell("cp b.so r.new && mv r.new r.so");
	assert_int_equal(lsp_elf_get(f->cache, &o, &e), -ESTALE);
	assert_int_equal(lsp_elf_get(f->cache, &o, &e), -ESTALE);
	assert_true(heard(f, "r.so was replaced after the process started"));
	assert_int_equal(f->nsaid, 1);
	shell("rm r.so");
	assert_int_equal(lsp_elf_get(f->cache, &o, &e), -ENOENT);
	assert_true(heard(f, "r.so: cannot be opened"));
}

/* What was opened while it was there is found when it is gone, and is not taken for its successor. */
static void remembered(void **state)
{
	struct fixture *f = *state;
	struct lsp_elf_origin o, successor;
	struct lsp_elf *first, *again, *next;

	shell("cp a.so m.so");
	o = origin("m.so");
	assert_int_equal(lsp_elf_get(f->cache, &o, &first), 0);
	shell("rm m.so && cp b.so m.so");
	successor = origin("m.so");
	assert_int_equal(lsp_elf_get(f->cache, &o, &again), 0);
	assert_ptr_equal(first, again);
	assert_int_equal(lsp_elf_get(f->cache, &successor, &next), 0);
	assert_ptr_not_equal(first, next);
	assert_string_not_equal(first->build_id, next->build_id);
}

/* Overwritten in place: the same inode, yet another file. */
static void overwritten(void **state)
{
	struct fixture *f = *state;
	struct lsp_elf_origin o;
	struct lsp_elf *first, *next;

	shell("cp a.so o.so && touch -d '2001-01-01' o.so");
	o = origin("o.so");
	assert_int_equal(lsp_elf_get(f->cache, &o, &first), 0);
	shell("cat b.so >o.so");
	assert_int_equal(lsp_elf_get(f->cache, &o, &next), 0);
	assert_ptr_not_equal(first, next);
}

static void no_file(void **state)
{
	static const char *const paths[] = { "", "//anon", "[heap]", "[stack]", "[anon:x]" };
	struct fixture *f = *state;
	struct lsp_elf_origin o = { 0 };
	struct lsp_elf *e, *again;
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		o.path = paths[i];
		assert_int_equal(lsp_elf_get(f->cache, &o, &e), -ENOENT);
	}
	assert_int_equal(f->nsaid, 0);
	o = origin("a.c");
	assert_int_equal(lsp_elf_get(f->cache, &o, &e), -ENOEXEC);
	assert_true(heard(f, "a.c: not an ELF file"));
	shell("mkfifo -m 600 fifo");
	o.path = in_dir("fifo");
	o.ino = 0;
	assert_int_not_equal(lsp_elf_get(f->cache, &o, &e), 0);
	o.path = "[vdso]";
	o.start = 0xf7f00000;
	assert_int_equal(lsp_elf_get(f->cache, &o, &e), -ENOENT);
	o.start = 0x7ffd00000000;
	assert_int_equal(lsp_elf_get(f->cache, &o, &e), 0);
	assert_int_equal(lsp_elf_get(f->cache, &o, &again), 0);
	assert_ptr_equal(e, again);
	assert_int_equal(e->fd, -1);
	assert_false(e->broken);
}

/* ---- living processes ---- */

/*
 * A child that maps @path, tells where, and waits to be killed. In a mount
 * namespace of its own when @hide: another directory lies over dir there.
 */
static pid_t mapper(const char *path, bool hide, struct lsp_elf_origin *ret)
{
	static char mapped[128];
	int pipe_fd[2];
	struct stat st;
	pid_t pid;

	assert_int_equal(pipe(pipe_fd), 0);
	pid = fork();
	if (!pid) {
		char other[128];
		void *p;
		int fd;

		snprintf(other, sizeof(other), "%s/elsewhere", scratch_directory());
		/* In a chroot "/" is no mount and cannot be made private. */
		if (hide && (unshare(CLONE_NEWNS) ||
			     (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) && errno != EINVAL) ||
			     mount(other, scratch_directory(), NULL, MS_BIND, NULL)))
			_exit(1);
		fd = open(path, O_RDONLY);
		p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED || fstat(fd, &st))
			_exit(1);
		close(fd);
		if (write(pipe_fd[1], &p, sizeof(p)) != sizeof(p) ||
		    write(pipe_fd[1], &st, sizeof(st)) != sizeof(st))
			_exit(1);
		for (;;)
			pause();
	}
	/* Else a child that has failed would be waited for. */
	close(pipe_fd[1]);
	snprintf(mapped, sizeof(mapped), "%s", path);
	*ret = (struct lsp_elf_origin){ .path = mapped, .tgid = (uint32_t)pid };
	if (read(pipe_fd[0], &ret->start, 8) != 8 || read(pipe_fd[0], &st, sizeof(st)) != sizeof(st))
		fail_msg("the child could not map %s", path);
	ret->end = ret->start + 4096;
	ret->dev_major = major(st.st_dev);
	ret->dev_minor = minor(st.st_dev);
	ret->ino = st.st_ino;
	close(pipe_fd[0]);
	return pid;
}

static void finish(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Deleted and replaced, but a process has it still: that one is opened. */
static void deleted(void **state)
{
	struct fixture *f = *state;
	struct lsp_elf_origin o, plain = origin("a.so");
	struct lsp_elf *e, *a;
	char path[160];
	pid_t pid;

	assert_int_equal(lsp_elf_get(f->cache, &plain, &a), 0);
	shell("cp a.so d.so");
	pid = mapper(in_dir("d.so"), false, &o);
	shell("rm d.so && cp b.so d.so");
	snprintf(path, sizeof(path), "%s (deleted)", o.path);
	o.path = path;
	assert_int_equal(lsp_elf_get(f->cache, &o, &e), 0);
	assert_string_equal(e->build_id, a->build_id);
	finish(pid);
	assert_int_equal(f->nsaid, 0);
}

/* The same path means another file in another mount namespace. */
static void namespaces(void **state)
{
	struct fixture *f = *state;
	struct lsp_elf_origin o, plain = origin("a.so"), theirs = origin("b.so");
	struct lsp_elf *e, *a, *b;
	pid_t pid;

	assert_int_equal(lsp_elf_get(f->cache, &plain, &a), 0);
	assert_int_equal(lsp_elf_get(f->cache, &theirs, &b), 0);
	shell("mkdir -p elsewhere && cp b.so elsewhere/a.so");
	pid = mapper(in_dir("a.so"), true, &o);
	assert_int_not_equal(o.ino, plain.ino);
	assert_int_equal(lsp_elf_get(f->cache, &o, &e), 0);
	assert_string_equal(e->build_id, b->build_id);
	/* not by its mapping, but by its root directory */
	o.start += 4096;
	o.end += 4096;
	assert_int_equal(lsp_elf_get(f->cache, &o, &e), 0);
	assert_string_equal(e->build_id, b->build_id);
	finish(pid);
	assert_int_equal(f->nsaid, 0);
}

/* ---- debug files ---- */

static bool has_dwarf(struct lsp_elf *e)
{
	Dwarf *dwarf;

	return lsp_elf_dwarf(e, &dwarf) == 0;
}

static void debug_own(void **state)
{
	struct fixture *f = *state;
	struct lsp_elf *e;
	uint32_t type;
	Elf *elf;

	assert_int_equal(lsp_elf_open(f->cache, in_dir("a.so"), &e), 0);
	assert_true(has_dwarf(e));
	assert_int_equal(lsp_elf_symtab_elf(e, &elf, &type), 0);
	assert_true(elf == e->elf && type == SHT_SYMTAB);
	shell("strip -o s.so a.so");
	assert_int_equal(lsp_elf_open(f->cache, in_dir("s.so"), &e), 0);
	assert_false(has_dwarf(e));
	assert_int_equal(lsp_elf_symtab_elf(e, &elf, &type), 0);
	assert_true(elf == e->elf && type == SHT_DYNSYM);
	assert_int_equal(f->nsaid, 0);
}

static void debug_by_build_id(void **state)
{
	struct fixture *f = *state;
	struct lsp_elf *e;
	uint32_t type;
	Elf *elf;

	assert_int_equal(lsp_elf_open(f->cache, in_dir("a.so"), &e), 0);
	shell("cp a.so i.so && strip i.so && mkdir -p debug/.build-id/%.2s &&"
	      " objcopy --only-keep-debug a.so debug/.build-id/%.2s/%s.debug", e->build_id,
	      e->build_id, e->build_id + 2);
	assert_int_equal(lsp_elf_open(f->cache, in_dir("i.so"), &e), 0);
	assert_true(has_dwarf(e));
	assert_int_equal(lsp_elf_symtab_elf(e, &elf, &type), 0);
	assert_true(elf != e->elf && type == SHT_SYMTAB);
	shell("rm -r debug");
	/* a file of another build under that name is not believed */
	assert_int_equal(lsp_elf_open(f->cache, in_dir("b.so"), &e), 0);
	shell("mkdir -p debug/.build-id/%.2s && cp a.so debug/.build-id/%.2s/%s.debug &&"
	      " strip -o j.so b.so", e->build_id, e->build_id, e->build_id + 2);
	assert_int_equal(lsp_elf_open(f->cache, in_dir("j.so"), &e), 0);
	assert_false(has_dwarf(e));
	shell("rm -r debug");
}

static void debug_by_link(void **state)
{
	static const char *const places[] = { ".", ".debug", "debug%s" };
	struct fixture *f = *state;
	struct lsp_elf *e;
	char place[128], name[16];
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(place, sizeof(place), i == 2 ? "debug%s" : "%s%.0s",
			 i == 2 ? scratch_directory() : places[i], "");
		snprintf(name, sizeof(name), "k%zu.so", i);
		shell("mkdir -p ./%s && objcopy --only-keep-debug bare.so ./%s/k.dbg &&"
		      " strip -o %s bare.so && objcopy --add-gnu-debuglink=./%s/k.dbg %s", place, place,
		      name, place, name);
		assert_int_equal(lsp_elf_open(f->cache, in_dir(name), &e), 0);
		assert_string_equal(e->build_id, "");
		assert_true(has_dwarf(e));
		shell("rm ./%s/k.dbg", place);
	}
	/* the checksum tells another file of that name */
	shell("objcopy --only-keep-debug bare.so k.dbg && strip -o l.so bare.so &&"
	      " objcopy --add-gnu-debuglink=k.dbg l.so && printf x >>k.dbg");
	assert_int_equal(lsp_elf_open(f->cache, in_dir("l.so"), &e), 0);
	assert_false(has_dwarf(e));
	/* which is named, since it was meant to be of use */
	assert_int_equal(f->nsaid, 1);
	assert_non_null(strstr(f->said[0], "k.dbg: the debug file of another program"));
}

/* More files than the soft limit allows; and some descriptors are left to others. */
static void many_files(void **state)
{
	struct fixture *f = *state;
	struct rlimit limit, old;
	struct lsp_elf *e;
	char name[16];
	int i, opened = 0;

	shell("i=0; while [ $i -lt 120 ]; do cp a.so m$i.so; i=$((i + 1)); done");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	assert_true(old.rlim_max > 256);
	limit = (struct rlimit){ .rlim_cur = 80, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (i = 0; i < 120; i++) {
		snprintf(name, sizeof(name), "m%d.so", i);
		opened += !lsp_elf_open(f->cache, in_dir(name), &e);
	}
	assert_int_equal(opened, 120);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(limit.rlim_cur == old.rlim_max);
	setrlimit(RLIMIT_NOFILE, &old);
}

/* No descriptor to be had: said, and counted once a file, for it makes the profiles lack names. */
static void too_many_files(void **state)
{
	const struct rlimit few = { .rlim_cur = 70, .rlim_max = 70 };
	struct fixture *f = *state;
	struct lsp_elf_origin m, n;
	struct lsp_elf *e;
	int status;
	pid_t pid;

	shell("cp a.so few0.so; cp a.so few1.so");
	m = origin("few0.so");
	n = origin("few1.so");
	fflush(NULL);
	pid = fork();
	if (!pid) {
		/* Only a process of its own gets rid of a hard limit again. */
		while (dup(0) < 60)
			;
		_exit(setrlimit(RLIMIT_NOFILE, &few) || lsp_elf_get(f->cache, &m, &e) != -EMFILE ||
		      lsp_elf_get(f->cache, &m, &e) != -EMFILE || lsp_elf_get(f->cache, &n, &e) != -EMFILE ||
		      lsp_elf_unopened(f->cache) != 2 || f->nsaid != 2 ||
		      !heard(f, "few0.so: no descriptor is free for it"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(lsp_elf_unopened(f->cache), 0);
}

static void debug_shared_part(void **state)
{
	struct fixture *f = *state;
	struct lsp_elf *e;
	Dwarf *dwarf;

	if (system("command -v dwz >/dev/null"))
		fail_msg("install dwz");
	/* enough in common that dwz moves something */
	shell("{ printf '#include <stdio.h>\\n#include <pthread.h>\\n#include <stdlib.h>\\n';"
	      " cat a.c; } >z.c && gcc -g -shared -fPIC -Wl,--build-id -o z1.so z.c &&"
	      " sed s/42/44/ z.c >y.c && gcc -g -shared -fPIC -Wl,--build-id -o z2.so y.c &&"
	      " dwz -m common.debug z1.so z2.so");
	assert_int_equal(lsp_elf_open(f->cache, in_dir("z1.so"), &e), 0);
	assert_int_equal(lsp_elf_dwarf(e, &dwarf), 0);
	assert_non_null(dwarf_getalt(dwarf));
	assert_int_equal(f->nsaid, 0);
	shell("rm common.debug");
	assert_int_equal(lsp_elf_open(f->cache, in_dir("z2.so"), &e), 0);
	assert_int_equal(lsp_elf_dwarf(e, &dwarf), 0);
	assert_true(heard(f, "the shared part of its debug information"));
}

/* ---- addresses and damage ---- */

static void addresses(void **state)
{
	struct fixture *f = *state;
	struct lsp_elf *e;
	uint64_t vaddr, bias;
	size_t i;

	assert_int_equal(lsp_elf_open(f->cache, in_dir("a.so"), &e), 0);
	for (i = 0; i < e->nloads; i++) {
		const struct lsp_elf_load *l = &e->loads[i];
		uint64_t page = l->offset & ~4095ULL;

		assert_true(lsp_elf_offset_vaddr(e, l->offset, &vaddr));
		assert_int_equal(vaddr, l->vaddr);
		/* a page may hold the end of one segment and the beginning of the next */
		if (!l->exec)
			continue;
		assert_true(lsp_elf_addr_vaddr(e, 0x7f0000000000, page, 0x7f0000000010, &vaddr));
		assert_int_equal(vaddr, l->vaddr - (l->offset - page) + 0x10);
		assert_true(lsp_elf_bias(e, 0x7f0000000000, page, &bias));
		assert_int_equal(bias + vaddr, 0x7f0000000010);
	}
	assert_false(lsp_elf_offset_vaddr(e, 1ULL << 40, &vaddr));
	assert_false(lsp_elf_bias(e, 0x7f0000000000, 1ULL << 40, &bias));
	assert_true(lsp_elf_offset_vaddr(e, e->loads[0].offset, &vaddr));
}

/* Cut at every size, and with every header byte changed: whatever is left is used, nothing crashes. */
static void damaged(void **state)
{
	struct fixture *f = *state;
	struct lsp_elf *e;
	struct stat st;
	size_t opened = 0, complained;
	uint8_t head[1024];
	off_t at;
	int fd;

	assert_int_equal(stat(in_dir("a.so"), &st), 0);
	for (at = 0; at < st.st_size; at += 97) {
		struct lsp_cfi *cfi;
		uint32_t type;
		Dwarf *dwarf;
		Elf *elf;

		shell("rm -f t.so && head -c %ld a.so >t.so", (long)at);
		if (lsp_elf_open(f->cache, in_dir("t.so"), &e))
			continue;
		opened++;
		assert_true(e->broken);
		lsp_elf_dwarf(e, &dwarf);
		lsp_elf_symtab_elf(e, &elf, &type);
		assert_int_equal(lsp_cfi_create(e->elf, NULL, &cfi), 0);
		lsp_cfi_destroy(cfi);
	}
	assert_true(opened > 50);
	assert_true(heard(f, "t.so is damaged: it ends before"));
	complained = f->nsaid;
	fd = open(in_dir("a.so"), O_RDONLY);
	assert_int_equal(read(fd, head, sizeof(head)), sizeof(head));
	close(fd);
	shell("cp a.so h.so");
	for (at = 16; at < (off_t)sizeof(head); at++) {
		struct lsp_cfi *cfi;
		uint32_t type;
		Elf *elf;

		fd = open(in_dir("h.so"), O_WRONLY);
		assert_int_equal(pwrite(fd, head, sizeof(head), 0), sizeof(head));
		assert_int_equal(pwrite(fd, "\xff", 1, at), 1);
		close(fd);
		if (lsp_elf_open(f->cache, in_dir("h.so"), &e))
			continue;
		lsp_elf_symtab_elf(e, &elf, &type);
		assert_int_equal(lsp_cfi_create(e->elf, NULL, &cfi), 0);
		lsp_cfi_destroy(cfi);
	}
	/* one sentence for each kind of damage to a file, however often */
	assert_true(f->nsaid < complained + 8);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(shared), TEST(replaced), TEST(remembered), TEST(overwritten), TEST(no_file),
		TEST(deleted), TEST(namespaces), TEST(debug_own), TEST(debug_by_build_id),
		TEST(debug_by_link), TEST(debug_shared_part), TEST(many_files), TEST(too_many_files),
		TEST(addresses),
		TEST(damaged),
	};
	int failed;

	if (scratch_create(NULL))
		return 1;
	subjects_build();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	return scratch_destroy(NULL) || failed;
}
