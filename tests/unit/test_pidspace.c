// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a recorder in a pid namespace of its own that takes the numbers of
 * the initial one for its own, and names a wait by another process's program; one
 * that mistrusts numbers that are right.
 * sources: user/base/pidspace.c user/base/maptext.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../user/base/pidspace.h"

enum { OUTER_WRONG = 1, INNER_WRONG = 2, NOT_ALLOWED = 77 };

/* First of a new namespace: with the old /proc, then with one of its own. */
static int inside(bool foreign)
{
	if (lsp_pidspace_is_foreign("/proc") != foreign)
		return OUTER_WRONG;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("proc", "/proc", "proc", 0, NULL))
		return NOT_ALLOWED;
	return lsp_pidspace_is_foreign("/proc") ? 0 : INNER_WRONG;
}

static void a_namespace_of_its_own(void **state)
{
	bool foreign = lsp_pidspace_is_foreign("/proc");
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		if (unshare(CLONE_NEWPID | CLONE_NEWNS))
			_exit(NOT_ALLOWED);
		pid = fork();
		if (!pid)
			_exit(inside(foreign));
		_exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NOT_ALLOWED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void without_proc(void **state)
{
	(void)state;
	assert_false(lsp_pidspace_is_foreign("/proc/self/nothing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_namespace_of_its_own),
		cmocka_unit_test(without_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
