// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a daemon that a command leaves behind and nobody hears of; a
 * process that has its parent, is older or has ended, and is taken for one.
 * sources: user/cmd/leftover.c
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../user/cmd/leftover.h"

static bool found(unsigned long long since, pid_t pid)
{
	static struct lsp_leftover all[4096];
	size_t n = lsp_leftover_find(since, all, 4096);

	for (size_t i = 0; i < n; i++)
		if (all[i].pid == pid)
			return true;
	return false;
}

static void lines(void **state)
{
	struct lsp_leftover one;
	unsigned long long begun;
	pid_t parent;
	char letter;

	(void)state;
	assert_true(lsp_leftover_parse("12 (a) (b c) S 1 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 998877 0\n", &one,
				       &parent, &letter, &begun));
	assert_int_equal(one.pid, 12);
	assert_string_equal(one.name, "a) (b c");
	assert_int_equal(parent, 1);
	assert_int_equal(letter, 'S');
	assert_int_equal(begun, 998877);
	assert_false(lsp_leftover_parse("12 (a) S 1 12", &one, &parent, &letter, &begun));
	assert_false(lsp_leftover_parse("", &one, &parent, &letter, &begun));
}

static void orphans(void **state)
{
	unsigned long long since = lsp_leftover_now();
	pid_t child, orphan;
	int ends[2], status;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		orphan = fork();
		if (!orphan) {
			pause();
			_exit(0);
		}
		(void)!write(ends[1], &orphan, sizeof(orphan));
		pause();
		_exit(0);
	}
	assert_int_equal(read(ends[0], &orphan, sizeof(orphan)), sizeof(orphan));
	/* It has its parent still; and that one has us. */
	assert_false(found(since, orphan));
	assert_false(found(since, child));
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(found(since, orphan));
	usleep(50000);
	assert_false(found(lsp_leftover_now(), orphan));
	kill(orphan, SIGKILL);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines), cmocka_unit_test(orphans) };

	return cmocka_run_group_tests_name("leftover", tests, NULL, NULL);
}
