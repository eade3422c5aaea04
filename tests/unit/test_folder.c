// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: an older recording that is lost to a new one that was abandoned,
 * left unfinished or killed; files of two recordings that look like one; a file
 * of somebody else that goes with them; folders that stay behind when nothing
 * came of a recording; two recorders in one folder; an inner folder that is a
 * link to somewhere else; a folder that is forbidden and is said not to exist;
 * files that root keeps although a user came by sudo, or gives away although nobody did.
 * sources: user/cmd/folder.c user/cmd/owner.c user/cmd/parse.c tests/unit/scratch.c
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../user/cmd/folder.h"
#include "scratch.h"

static void put(const char *folder, const char *name, const char *text)
{
	char path[2 * PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* What a folder has, as names and texts in order. */
static const char *tree(const char *folder)
{
	static char text[4096];
	char command[2 * PATH_MAX];
	FILE *f;
	size_t n;

	snprintf(command, sizeof(command),
		 "cd '%s' 2>/dev/null && find . -type f | sort | while read -r f; do echo \"$f $(cat $f)\"; done", folder);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	pclose(f);
	return text;
}

static void recording_put(const char *folder, const char *text)
{
	put(folder, "block.pb.gz", text);
	put(folder, "mutex.pb.gz", text);
	put(folder, "contention.ext.pb.gz", text);
	put(folder, "record.json", text);
}

#define WHOLE(t) "./block.pb.gz " t "\n./contention.ext.pb.gz " t "\n./mutex.pb.gz " t "\n./record.json " t "\n"

static void older(const char *path)
{
	struct lsp_folder f;

	assert_int_equal(lsp_folder_begin(&f, path), 0);
	recording_put(f.unfinished, "old");
	assert_int_equal(lsp_folder_commit(&f), 0);
	assert_string_equal(tree(path), WHOLE("old"));
}

static void abandoned(void **state)
{
	const char *path = scratch_path("abandoned");
	struct lsp_folder f;

	(void)state;
	older(path);
	assert_int_equal(lsp_folder_begin(&f, path), 0);
	recording_put(f.unfinished, "new");
	put(f.unfinished, "spans.lspan", "new");
	put(f.unfinished, "block.pb.gz.Ab12Cd", "new");
	assert_int_equal(lsp_folder_make(scratch_path("abandoned/lockspan.unfinished/user/before")), 0);
	put(f.unfinished, "user/before/block.pb.gz", "new");
	lsp_folder_uninit(&f);
	assert_string_equal(tree(path), WHOLE("old"));
	assert_int_not_equal(access(f.unfinished, F_OK), 0);
}

static void nothing_stays(void **state)
{
	struct lsp_folder f;

	(void)state;
	assert_int_equal(lsp_folder_begin(&f, scratch_path("a/b/c")), 0);
	lsp_folder_uninit(&f);
	assert_int_not_equal(access(scratch_path("a"), F_OK), 0);

	/* What was there stays, and what others have put in meanwhile. */
	assert_int_equal(lsp_folder_make(scratch_path("a")), 0);
	assert_int_equal(lsp_folder_begin(&f, scratch_path("a/b//c/")), 0);
	put(scratch_path("a/b"), "block.pb.gz", "others'");
	lsp_folder_uninit(&f);
	assert_string_equal(tree(scratch_path("a")), "./b/block.pb.gz others'\n");
	assert_int_not_equal(access(scratch_path("a/b/c"), F_OK), 0);
	/* Neither written to nor made. */
	assert_int_equal(lsp_folder_begin(&f, "/dev/null/x/y"), -ENOTDIR);
	assert_int_equal(lsp_folder_begin(&f, scratch_path("a/b/block.pb.gz")), -ENOTDIR);
	lsp_folder_uninit(&f);
}

static void replaced(void **state)
{
	const char *path = scratch_path("replaced");
	struct lsp_folder f;

	(void)state;
	older(path);
	put(path, "cpu.pb.gz", "old");
	put(path, "notes.txt", "mine");
	put(path, "block.pb.gz.backup", "mine");
	assert_int_equal(lsp_folder_make(scratch_path("replaced/user")), 0);
	recording_put(scratch_path("replaced/user"), "old");
	put(path, "user/notes.txt", "mine");
	assert_int_equal(lsp_folder_begin(&f, path), 0);
	recording_put(f.unfinished, "new");
	put(f.unfinished, "spans.lspan", "new");
	assert_int_equal(lsp_folder_commit(&f), 0);
	lsp_folder_uninit(&f);
	/* Neither the old one's CPU profile nor its user side belongs to the new one. */
	assert_string_equal(tree(path), "./block.pb.gz new\n./block.pb.gz.backup mine\n"
			    "./contention.ext.pb.gz new\n./mutex.pb.gz new\n./notes.txt mine\n"
			    "./record.json new\n./spans.lspan new\n./user/notes.txt mine\n");

	assert_int_equal(lsp_folder_begin(&f, path), 0);
	recording_put(f.unfinished, "third");
	assert_int_equal(lsp_folder_make(scratch_path("replaced/lockspan.unfinished/user")), 0);
	put(f.unfinished, "user/block.pb.gz", "third");
	assert_int_equal(lsp_folder_commit(&f), 0);
	assert_string_equal(tree(path), "./block.pb.gz third\n./block.pb.gz.backup mine\n"
			    "./contention.ext.pb.gz third\n./mutex.pb.gz third\n./notes.txt mine\n"
			    "./record.json third\n./user/block.pb.gz third\n./user/notes.txt mine\n");
	assert_int_not_equal(access(f.unfinished, F_OK), 0);
}

static void left(void **state)
{
	const char *path = scratch_path("left");
	struct lsp_folder f;

	(void)state;
	older(path);
	assert_int_equal(lsp_folder_begin(&f, path), 0);
	put(f.unfinished, "mutex.pb.gz", "new");
	lsp_folder_leave(&f);
	lsp_folder_uninit(&f);
	assert_string_equal(tree(path), "./block.pb.gz old\n./contention.ext.pb.gz old\n"
			    "./lockspan.unfinished/mutex.pb.gz new\n./mutex.pb.gz old\n./record.json old\n");
	/* The next one does not find it among its own. */
	assert_int_equal(lsp_folder_begin(&f, path), 0);
	recording_put(f.unfinished, "next");
	assert_int_equal(unlink(scratch_path("left/lockspan.unfinished/mutex.pb.gz")), 0);
	assert_int_equal(lsp_folder_commit(&f), 0);
	assert_string_equal(tree(path), "./block.pb.gz next\n./contention.ext.pb.gz next\n./record.json next\n");
}

/* A step of the exchange that fails: what is there has no record.json, so it is not whole for anybody. */
static void half_way(void **state)
{
	const char *path = scratch_path("half");
	struct lsp_folder f;

	(void)state;
	older(path);
	assert_int_equal(scratch_run("mkdir -p $SCRATCH/half/spans.lspan/x"), 0);
	assert_int_equal(lsp_folder_begin(&f, path), 0);
	recording_put(f.unfinished, "new");
	put(f.unfinished, "spans.lspan", "new");
	assert_true(lsp_folder_commit(&f) < 0);
	lsp_folder_uninit(&f);
	assert_int_not_equal(access(scratch_path("half/record.json"), F_OK), 0);
	assert_int_equal(access(scratch_path("half/lockspan.unfinished/record.json"), F_OK), 0);
}

static void killed(void **state)
{
	const char *path = scratch_path("killed");
	struct lsp_folder f;
	int status, ready[2];
	pid_t pid;
	char c;

	(void)state;
	older(path);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		if (lsp_folder_begin(&f, path))
			_exit(1);
		recording_put(f.unfinished, "new");
		put(f.unfinished, "mutex.pb.gz.zZ0000", "new");
		(void)!write(ready[1], "", 1);
		pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	/* While it lives nobody else writes there. */
	assert_int_equal(lsp_folder_begin(&f, path), -EBUSY);
	lsp_folder_uninit(&f);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(ready[0]);
	close(ready[1]);

	assert_int_equal(access(scratch_path("killed/lockspan.unfinished/block.pb.gz"), F_OK), 0);
	assert_int_equal(lsp_folder_begin(&f, path), 0);
	lsp_folder_uninit(&f);
	assert_string_equal(tree(path), WHOLE("old"));
	assert_int_not_equal(access(f.unfinished, F_OK), 0);
}

static void linked(void **state)
{
	struct lsp_folder f;

	(void)state;
	assert_int_equal(scratch_run("mkdir -p $SCRATCH/linked $SCRATCH/precious && "
				     "ln -s ../precious $SCRATCH/linked/lockspan.unfinished"), 0);
	put(scratch_path("precious"), "block.pb.gz", "others'");
	assert_int_equal(lsp_folder_begin(&f, scratch_path("linked")), -EEXIST);
	lsp_folder_uninit(&f);
	assert_string_equal(tree(scratch_path("precious")), "./block.pb.gz others'\n");
}

/* Where nobody may write, that is the reason, and not that there is no such folder. */
static void forbidden(void **state)
{
	struct lsp_folder f;
	int status, err;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		if (!geteuid() && setuid(65534))
			_exit(1);
		err = lsp_folder_begin(&f, "/lockspan-none/x");
		_exit(err == -EACCES || err == -EROFS ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static unsigned int owner(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_uid == st.st_gid ? st.st_uid : UINT32_MAX;
}

static const char *const recording_files[] = { "block.pb.gz", "mutex.pb.gz", "spans.lspan", "record.json", "user/block.pb.gz" };

static void all_of(const char *folder, unsigned int uid)
{
	char path[2 * PATH_MAX];

	for (size_t i = 0; i < sizeof(recording_files) / sizeof(recording_files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, recording_files[i]);
		assert_int_equal(owner(path), uid);
	}
}

static void recording_begin(struct lsp_folder *f, const char *path)
{
	char user[2 * PATH_MAX];

	assert_int_equal(lsp_folder_begin(f, path), 0);
	recording_put(f->unfinished, "new");
	put(f->unfinished, "spans.lspan", "new");
	snprintf(user, sizeof(user), "%s/user", f->unfinished);
	assert_int_equal(lsp_folder_make(user), 0);
	recording_put(user, "new");
}

/* Whoever came by sudo can read and remove what root has recorded for him; what was there before stays as it was. */
static void given(void **state)
{
	static const char *const odd[] = { "", "x", "-1", "4294967295", "1x" };
	struct lsp_folder f;

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(lsp_folder_make(scratch_path("there")), 0);
	setenv("SUDO_UID", "65533", 1);
	setenv("SUDO_GID", "65533", 1);
	recording_begin(&f, scratch_path("there/a/b"));
	assert_int_equal(lsp_folder_commit(&f), 0);
	assert_int_equal(owner(scratch_path("there")), 0);
	assert_int_equal(owner(scratch_path("there/a")), 65533);
	assert_int_equal(owner(scratch_path("there/a/b")), 65533);
	all_of(scratch_path("there/a/b"), 65533);
	/* What is left unfinished, too; and it is no obstacle to the next recording. */
	recording_begin(&f, scratch_path("there/a/b"));
	lsp_folder_leave(&f);
	assert_int_equal(owner(f.unfinished), 65533);
	all_of(f.unfinished, 65533);
	recording_begin(&f, scratch_path("there/a/b"));
	assert_int_equal(lsp_folder_commit(&f), 0);
	assert_string_not_equal(tree(scratch_path("there/a/b")), "");
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		setenv("SUDO_UID", odd[i], 1);
		recording_begin(&f, scratch_path("there/a/c"));
		assert_int_equal(lsp_folder_commit(&f), 0);
		all_of(scratch_path("there/a/c"), 0);
	}
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(abandoned), cmocka_unit_test(nothing_stays), cmocka_unit_test(replaced),
		cmocka_unit_test(left), cmocka_unit_test(half_way), cmocka_unit_test(killed),
		cmocka_unit_test(linked), cmocka_unit_test(forbidden), cmocka_unit_test(given),
	};

	return cmocka_run_group_tests_name("folder", tests, scratch_create, scratch_destroy);
}
