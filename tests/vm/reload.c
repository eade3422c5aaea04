// SPDX-License-Identifier: GPL-2.0-only
/*
 * reload ROUNDS: two files of code in turn at one address, too fast for anybody
 * to look what lies there; each waits on a futex for two milliseconds. The leaf
 * of every second wait is at code_a+0x9, that of the others at code_b+0xa.
 *
 * reload --move ROUNDS: the same, but each is mapped elsewhere and moved onto the
 * one before.
 *
 * reload --grow ROUNDS: the same, but a page without code is mapped before the place, and mremap makes it larger.
 *
 * reload --rewrite ROUNDS: copies itself, has the copy wait once and end, and
 * opens it for writing at once. Prints how often that was refused. The copy has
 * the same inode as the one before in three of four rounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CODE_BYTES 4096
#define COPY "/tmp/reload_copy"

typedef long (*futex_call)(uint32_t *word, int op, uint32_t value, const struct timespec *timeout,
			   uint32_t *word2, uint32_t value3);

static uint32_t word;
static const struct timespec nap = { .tv_nsec = 2000000 };

static void die(const char *what)
{
	perror(what);
	exit(1);
}

enum way { MAP, MOVE, GROW };

/* The second one is a byte further on, so that neither's place is the other's. With GROW the code is in the second page. */
static int code_file(const char *path, bool second, enum way way)
{
	/* nop; mov %rcx,%r10; mov $SYS_futex,%eax; syscall; ret */
	static const unsigned char call[] = {
		0x90, 0x49, 0x89, 0xca, 0xb8, SYS_futex, 0, 0, 0, 0x0f, 0x05, 0xc3,
	};
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0755), offset = way == GROW ? CODE_BYTES : 0;

	if (fd < 0 || pwrite(fd, call + !second, sizeof(call) - !second, offset) < 10 ||
	    ftruncate(fd, offset + CODE_BYTES))
		die(path);
	return fd;
}

/* Maps the page before the code of @fd, and makes it so large that the code lies at @at. */
static void code_grow(char *at, int fd)
{
	char *before = at - CODE_BYTES;

	if (mmap(before, CODE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) != before ||
	    munmap(at, CODE_BYTES) || mremap(before, CODE_BYTES, 2L * CODE_BYTES, 0) != before)
		die("mremap");
}

/* Puts the code of @fd to @at. */
static void code_put(void *at, int fd, bool move)
{
	int fixed = move ? 0 : MAP_FIXED;
	void *to = mmap(move ? NULL : at, CODE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE | fixed, fd, 0);

	if (move && to != MAP_FAILED)
		to = mremap(to, CODE_BYTES, CODE_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, at);
	if (to != at)
		die("mmap");
}

static void in_turn(int rounds, enum way way)
{
	int fds[] = { code_file("/tmp/code_a", false, way), code_file("/tmp/code_b", true, way) };
	char *room = mmap(NULL, 2L * CODE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *at = room + CODE_BYTES;

	for (int i = 0; i < rounds; i++) {
		futex_call call;

		if (way == GROW)
			code_grow(at, fds[i % 2]);
		else
			code_put(at, fds[i % 2], way == MOVE && i);
		memcpy(&call, &at, sizeof(call));
		call(&word, FUTEX_WAIT_PRIVATE, 0, &nap, NULL, 0);
		/* Then nothing lies there, as when a library has been unloaded. */
		if (way != MOVE && mmap(at, CODE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) != at)
			die("mmap");
	}
}

static void copy_self(void)
{
	int from = open("/proc/self/exe", O_RDONLY), to;
	struct stat st;

	/* A refusal has been counted; it ends soon. */
	do
		to = open(COPY, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	while (to < 0 && errno == ETXTBSY);
	if (from < 0 || to < 0 || fstat(from, &st) || sendfile(to, from, NULL, (size_t)st.st_size) != st.st_size)
		die(COPY);
	close(from);
	close(to);
}

static int rewrite(int rounds)
{
	int refused = 0;

	for (int i = 0; i < rounds; i++) {
		int fd, status;
		pid_t pid;

		if (i % 4 == 0)
			unlink(COPY);
		copy_self();
		pid = fork();
		if (!pid) {
			execl(COPY, COPY, "--once", (char *)NULL);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			die(COPY);
		fd = open(COPY, O_WRONLY);
		refused += fd < 0 && errno == ETXTBSY;
		close(fd);
	}
	return refused;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--once"))
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &nap, NULL, 0);
	else if (argc > 2 && !strcmp(argv[1], "--move"))
		in_turn(atoi(argv[2]), MOVE);
	else if (argc > 2 && !strcmp(argv[1], "--grow"))
		in_turn(atoi(argv[2]), GROW);
	else if (argc > 2)
		printf("%d\n", rewrite(atoi(argv[2])));
	else if (argc > 1)
		in_turn(atoi(argv[1]), MAP);
	return 0;
}
