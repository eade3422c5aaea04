// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a full disk that passes for success or leaves half a file; a
 * failure that harms the file that was there before. With --files DIR SOURCE it
 * writes profiles for tests/e2e/pprof-format.sh instead.
 * sources: user/base/intern.c user/base/arena.c user/base/index.c user/profile/utf8.c user/profile/gzip.c user/profile/wire.c
 * sources: user/profile/pprof.c user/profile/pprof_encode.c user/profile/pprof_write.c
 * sources: user/profile/pprof_decode.c user/profile/pprof_read.c user/profile/pprof_join.c
 * sources: user/profile/profile.pb-c.c tests/unit/fixture_profile.c tests/unit/scratch.c
 * libs: -lprotobuf-c -lz
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fixture_profile.h"
#include "scratch.h"

#define SOURCE "/opt/lab/prog.c"

static size_t directory_entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void test_file(void **state)
{
	const char *dir = scratch_directory();
	char path[64], missing[64], why[256];
	struct lsp_profile *back;
	struct fixture f;
	struct stat st;
	int reader;

	(void)state;
	assert_int_equal(scratch_create(NULL), 0);
	snprintf(path, sizeof(path), "%s/block.pb.gz", dir);
	snprintf(missing, sizeof(missing), "%s/no/block.pb.gz", dir);
	fixture_create(&f, 0, SOURCE);
	assert_int_equal(lsp_profile_write(f.p, path), 0);
	assert_int_equal(lsp_profile_write(f.p, path), 0);	/* over the old one */
	assert_int_equal(directory_entries(dir), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(lsp_profile_read(path, &back, why, sizeof(why)), 0);
	assert_int_equal(lsp_profile_samples(back), FIXTURE_SAMPLES);
	lsp_profile_destroy(back);
	/* a pipe is written to, and not replaced */
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(lsp_profile_write(f.p, path), 0);
	assert_true(read(reader, why, sizeof(why)) > 0 && !stat(path, &st) && S_ISFIFO(st.st_mode));
	close(reader);
	assert_int_equal(lsp_profile_write(f.p, missing), -ENOENT);
	assert_int_equal(lsp_profile_read(missing, &back, why, sizeof(why)), -ENOENT);
	assert_null(back);
	assert_string_equal(why, "it cannot be opened: No such file or directory");
	assert_int_equal(lsp_profile_read(dir, &back, why, sizeof(why)), -EISDIR);
	unlink(path);
	assert_int_equal(scratch_destroy(NULL), 0);
	lsp_profile_destroy(f.p);
}

/* Larger than the disk of 16 pages that it is written to; random, so gzip does not help. */
static struct lsp_profile *large_profile(void)
{
	struct lsp_profile *p = lsp_profile_create(lsp_profile_contention_types, 2);
	const double values[2] = { 1, 1 };
	unsigned int i;

	srandom(1);
	for (i = 0; i < 20000; i++) {
		struct lsp_profile_label label = { .key = "n", .num = random(), .unit = "id" };

		assert_int_equal(lsp_profile_sample_add(p, NULL, 0, &label, 1, values), 0);
	}
	return p;
}

static void test_disk_full(void **state)
{
	struct lsp_profile *p = large_profile();
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(lsp_profile_write_fd(p, fd), -ENOSPC);
	close(fd);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(lsp_profile_write_fd(p, fd), -EBADF);
	close(fd);
	lsp_profile_destroy(p);
}

#define CANNOT_MOUNT (-1)

/* In a mount namespace of its own: 0, CANNOT_MOUNT, or the line that does not hold. */
static int full_tmpfs(const struct lsp_profile *p, const char *dir)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/block.pb.gz", dir);
	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", dir, "tmpfs", 0, "size=64k"))
		return CANNOT_MOUNT;
	if (lsp_profile_write(p, path) != -ENOSPC || directory_entries(dir))
		return __LINE__;
	close(open(path, O_CREAT | O_WRONLY, 0644));
	if (lsp_profile_write(p, path) != -ENOSPC || directory_entries(dir) != 1)
		return __LINE__;
	return stat(path, &st) || st.st_size ? __LINE__ : 0;	/* the old one stays as it was */
}

/* For where a mount is refused (a container): a limit instead of a small disk. */
static int full_limit(const struct lsp_profile *p, const char *dir)
{
	const struct rlimit limit = { 65536, 65536 };
	char path[64];

	snprintf(path, sizeof(path), "%s/block.pb.gz", dir);
	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit))
		return __LINE__;
	return lsp_profile_write(p, path) == -EFBIG && !directory_entries(dir) ? 0 : __LINE__;
}

static void test_no_partial_file(void **state)
{
	int (*const ways[])(const struct lsp_profile *, const char *) = { full_tmpfs, full_limit };
	struct lsp_profile *p = large_profile();
	const char *dir = scratch_directory();
	int status, result[2];
	size_t i;

	(void)state;
	assert_int_equal(scratch_create(NULL), 0);
	for (i = 0; i < 2; i++) {
		int lines[2];
		pid_t child;

		assert_int_equal(pipe(lines), 0);
		child = fork();
		if (!child) {
			int line = ways[i](p, dir);

			_exit(write(lines[1], &line, sizeof(line)) != sizeof(line));
		}
		close(lines[1]);
		assert_int_equal(read(lines[0], &result[i], sizeof(int)), sizeof(int));
		close(lines[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	assert_int_equal(scratch_destroy(NULL), 0);
	assert_int_equal(result[1], 0);
	if (result[0] != CANNOT_MOUNT)
		assert_int_equal(result[0], 0);
	lsp_profile_destroy(p);
}

/* ---- files for go tool pprof ---- */

static int write_empty(void)
{
	struct lsp_profile *p = lsp_profile_create(lsp_profile_contention_types, 2);
	int ret;

	lsp_profile_time_set(p, FIXTURE_TIME_NS, 0);
	ret = lsp_profile_write(p, "empty.pb.gz");
	lsp_profile_destroy(p);
	return ret;
}

static int write_extended(void)
{
	static const struct lsp_profile_type types[3] = {
		{ "contentions", "count" }, { "delay", "nanoseconds" }, { "wakes", "count" },
	};
	const struct lsp_profile_mapping m = { 0x1000, 0x2000, 0, "/opt/lab/prog", "", true };
	const struct lsp_profile_line line = { "f", "f", "", 0, 0 };
	struct lsp_profile *p = lsp_profile_create(types, 3);
	const double values[3] = { 1, 2e6, 3 };
	uint64_t location;
	int ret;

	lsp_profile_time_set(p, FIXTURE_TIME_NS, 0);
	lsp_profile_mapping_add(p, &m);
	location = lsp_profile_location_add(p, 0, 0, &line, 1);
	lsp_profile_sample_add(p, &location, 1, NULL, 0, values);
	ret = lsp_profile_write(p, "extended.pb.gz");
	lsp_profile_destroy(p);
	return ret;
}

static int write_files(const char *dir, const char *source)
{
	struct fixture base, now;

	if (chdir(dir))
		return 1;
	fixture_create(&base, 0, source);
	fixture_create(&now, 0x10000000, source);
	fixture_sample(&now, "counter_mu", 5, 3e9);
	if (lsp_profile_write(base.p, "base.pb.gz") || lsp_profile_write(now.p, "new.pb.gz") ||
	    lsp_profile_subtract(now.p, base.p) || lsp_profile_write(now.p, "difference.pb.gz"))
		return 1;
	lsp_profile_destroy(now.p);
	fixture_create(&now, 0x10000000, source);
	fixture_sample(&now, "counter_mu", 5, 3e9);
	fixture_sample(&base, "stats_mu", 0, 1);
	if (lsp_profile_write(base.p, "more.pb.gz") || lsp_profile_subtract(base.p, now.p) ||
	    lsp_profile_write(base.p, "reverse.pb.gz"))
		return 1;
	lsp_profile_destroy(base.p);
	lsp_profile_destroy(now.p);
	return write_empty() || write_extended();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_no_partial_file),
	};

	if (argc == 4 && !strcmp(argv[1], "--files"))
		return write_files(argv[2], argv[3]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
