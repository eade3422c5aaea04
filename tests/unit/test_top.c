// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: tests/unit/fixture_report.c user/top/ user/report/ user/report/why/ user/report/sections/ user/profile/
 * sources: user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c
 * libs: -lz -lprotobuf-c -ljson-c -lm -lncursesw -lutil
 *
 * The live view. Would catch: sums of the whole recording where those since the last look are meant, a pool above a
 * lock, a line that is wider than the screen or a screen that is longer, a chosen lock that is another one after the
 * rows have moved, a terminal that shows something else than the lines or is left in another state than it was in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../user/report/words.h"
#include "../../user/top/terminal.h"
#include "fixture_report.h"

static const struct fixture_events pool = {
	.function = "worker", .leaf = "pthread_cond_wait", .lock = "pool.idle", .sync = "cond", .count = 9, .ns = 90e9,
};
static const struct fixture_events pool_end = {
	.function = "put", .leaf = "pthread_cond_signal", .lock = "pool.idle", .sync = "cond", .role = "signal",
	.release = true, .count = 8, .ns = 75e9,
};

/* A recording with a lock, a pool, a join; @more: with 3 s of waits more for another lock. */
static void recording_make(struct lsp_recording *r, bool more)
{
	const struct fixture_events other = { .function = "fast_update", .line = 62, .lock = "other_mu", .count = 6, .ns = 3e9 };

	memset(r, 0, sizeof(*r));
	fixture_recording(r);
	fixture_events_add(r, &pool);
	fixture_events_add(r, &pool_end);
	if (more)
		fixture_events_add(r, &other);
}

static char *text_of(const struct lsp_top_screen *s, const struct lsp_top_look *l, size_t *n)
{
	struct lsp_top_lines lines;
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	assert_int_equal(lsp_top_screen_lines(s, l, &lines), 0);
	for (size_t i = 0; i < lines.n; i++) {
		assert_true(!s->columns || lsp_words_width(lines.lines[i].text) <= s->columns);
		fprintf(f, "%s%s\n", lines.lines[i].style == LSP_TOP_CHOSEN ? ">" : "", lines.lines[i].text);
	}
	fclose(f);
	if (n)
		*n = lines.n;
	lsp_top_lines_destroy(&lines);
	return text;
}

static void test_since_the_last_look(void **state)
{
	struct lsp_top_before before = { 0 };
	struct lsp_recording r;
	struct lsp_top_look l;
	const struct lsp_top_lock *lock;

	(void)state;
	recording_make(&r, false);
	assert_int_equal(lsp_top_look_create(&r, &before, 2, &l), 0);
	lock = lsp_top_look_find(&l, "g_mu");
	assert_true(lock && lock->waiting == 3.5 && lock->waits == 50);
	assert_string_equal(l.locks[0].row->name, "g_mu");
	assert_true(l.waiting[LSP_USE_LOCK] > 3.5 && l.waiting[LSP_USE_LOCK] < 3.51);
	lsp_top_look_destroy(&l);

	recording_make(&r, true);
	assert_int_equal(lsp_top_look_create(&r, &before, 2, &l), 0);
	assert_null(r.parts[LSP_PART_BLOCK]);
	lock = lsp_top_look_find(&l, "g_mu");
	assert_true(lock && lock->waiting == 0 && lock->waits == 0 && lock->row->v[LSP_V_WAITED] == 7000e6);
	lock = lsp_top_look_find(&l, "other_mu");
	assert_true(lock && lock->waiting == 1.5 && lock->waits == 3);
	assert_ptr_equal(lock, &l.locks[0]);
	lsp_top_look_sort(&l, LSP_TOP_WAITED);
	assert_string_equal(l.locks[0].row->name, "g_mu");
	lsp_top_look_destroy(&l);

	/* What is known later can make a sum smaller. Nobody waited less than not at all. */
	recording_make(&r, false);
	assert_int_equal(lsp_top_look_create(&r, &before, 2, &l), 0);
	lock = lsp_top_look_find(&l, "other_mu");
	assert_true(lock && lock->waiting == 0 && lock->waits == 0);
	lsp_top_look_destroy(&l);
	lsp_top_before_uninit(&before);
}

static void test_screen(void **state)
{
	static const size_t widths[] = { 0, 3, 20, 33, 52, 53, 80, 200 };
	struct lsp_top_screen s = { 0 };
	struct lsp_top_before before = { 0 };
	struct lsp_recording r;
	struct lsp_top_look l;
	const char *pool_at, *lock_at;
	char *text;
	size_t n;

	(void)state;
	recording_make(&r, false);
	assert_int_equal(lsp_top_look_create(&r, &before, 2, &l), 0);
	l.begun_s = 2;
	l.lost = 1;
	text = text_of(&s, &l, NULL);
	fixture_has(text, "lockspan top: 2.00s, 112 waits of 98.2s, 1 event lost; by waiting\n");
	fixture_has(text, "threads waiting: 3.50 for locks, 45.60 for queues, signals and joins\n");
	fixture_has(text, "\n    3.50        50      7.00s  | g_mu mutex; held by slow_update (98.5%)\n");
	fixture_has(text, "\n   45.00       4.5      90.0s  | pool.idle cond; ended by put (100.0%)\n");
	lock_at = strstr(text, "| g_mu");
	pool_at = strstr(text, "| pool.idle");
	assert_true(lock_at && pool_at && lock_at < pool_at);
	assert_null(strchr(text, '>'));
	assert_null(strstr(text, "quit"));
	free(text);

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		for (s.lines = 0; s.lines < 12; s.lines++) {
			s.columns = widths[i];
			s.keys = true;
			free(text_of(&s, &l, &n));
			assert_true(!s.lines || n == s.lines);
		}
	s.lines = 8;
	s.columns = 80;
	text = text_of(&s, &l, &n);
	fixture_has(text, "\n2 more locks\n");
	free(text);
	lsp_top_look_destroy(&l);

	assert_int_equal(lsp_top_look_create(&(struct lsp_recording){ 0 }, &before, 2, &l), 0);
	text = text_of(&s, &l, NULL);
	fixture_has(text, "nobody had to wait so far");
	for (enum lsp_top_key k = 0; k <= LSP_TOP_KEY_QUIT; k++)
		assert_int_equal(lsp_top_screen_key(&s, &l, k), 0);
	free(text);
	lsp_top_look_destroy(&l);
	lsp_top_screen_uninit(&s);
	lsp_top_before_uninit(&before);
}

static void test_keys(void **state)
{
	struct lsp_top_screen s = { .keys = true, .message = "hello" };
	struct lsp_top_before before = { 0 };
	struct lsp_recording r;
	struct lsp_top_look l;
	char *text;

	(void)state;
	recording_make(&r, false);
	assert_int_equal(lsp_top_look_create(&r, &before, 2, &l), 0);
	text = text_of(&s, &l, NULL);
	fixture_has(text, "\n>    3.50        50      7.00s  | g_mu");
	fixture_has(text, "hello\n");
	free(text);
	assert_int_equal(lsp_top_screen_key(&s, &l, LSP_TOP_KEY_UP), 0);
	assert_int_equal(lsp_top_screen_key(&s, &l, LSP_TOP_KEY_DOWN), 0);
	assert_string_equal(s.chosen, "other_mu");
	assert_int_equal(lsp_top_screen_key(&s, &l, LSP_TOP_KEY_FREEZE), 0);
	assert_true(s.frozen);
	lsp_top_look_destroy(&l);

	/* other_mu is the first row now, and still the chosen one. */
	recording_make(&r, true);
	assert_int_equal(lsp_top_look_create(&r, &before, 2, &l), 0);
	text = text_of(&s, &l, NULL);
	fixture_has(text, "; frozen\n");
	fixture_has(text, "\n>    1.50         3      3.00s  | other_mu");
	fixture_has(text, "q quit\n");
	free(text);

	assert_int_equal(lsp_top_screen_key(&s, &l, LSP_TOP_KEY_DOWN), 0);
	assert_int_equal(lsp_top_screen_key(&s, &l, LSP_TOP_KEY_OPEN), 0);
	text = text_of(&s, &l, NULL);
	fixture_has(text, "g_mu mutex: 0.00 threads waiting, 0 a second; 100 waits of 7.00s so far\n");
	fixture_has(text, "who waits\n     7.00s 100.0%  fast_update\n");
	fixture_has(text, "who holds it\n     6.70s  98.5%  slow_update\n     100ms   1.5%  fast_update\n");
	fixture_has(text, "heaviest stack of those who hold it\n    pthread_mutex_unlock\n    slow_update\n    main\n");
	assert_null(strstr(text, "other_mu"));
	free(text);
	assert_int_equal(lsp_top_screen_key(&s, &l, LSP_TOP_KEY_CLOSE), 0);
	assert_int_equal(lsp_top_screen_key(&s, &l, LSP_TOP_KEY_SORT), 0);
	assert_int_equal(s.sort, LSP_TOP_WAITS);
	assert_string_equal(s.chosen, "g_mu");
	lsp_top_look_destroy(&l);
	lsp_top_screen_uninit(&s);
	lsp_top_before_uninit(&before);
}

/* Shows three lines on a terminal, echoes the keys that come, and leaves on q. */
static int terminal_child(void)
{
	struct lsp_top_line line[] = {
		{ (char *)"the head", LSP_TOP_HEAD }, { (char *)"a lock", LSP_TOP_CHOSEN }, { (char *)"another", LSP_TOP_PLAIN },
	};
	struct lsp_top_lines lines = { .lines = line, .n = 3 };
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	enum lsp_top_key key = LSP_TOP_KEY_NONE, sum = 0;
	struct lsp_top_screen s = { 0 };
	struct lsp_terminal *t;
	bool any;

	setenv("TERM", "xterm", 1);
	if (lsp_terminal_create(stdout, stdin, &t))
		return 1;
	lsp_terminal_size(t, &s);
	lsp_terminal_show(t, &lines);
	while (key != LSP_TOP_KEY_QUIT && poll(&in, 1, 20000) == 1)
		do {
			key = lsp_terminal_key(t, &any);
			sum += key;
		} while (any && key != LSP_TOP_KEY_QUIT);
	lsp_terminal_destroy(t);
	printf("%zux%zu %u", s.columns, s.lines, sum);
	fflush(stdout);
	return 0;
}

static void test_terminal(void **state)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 80 };
	char text[8192] = "", expected[32];
	size_t n = 0;
	ssize_t got = 1;
	struct lsp_terminal *t;
	int fd, status;
	FILE *file = tmpfile();
	pid_t pid;

	(void)state;
	assert_int_equal(lsp_terminal_create(file, file, &t), -ENOTTY);
	fclose(file);
	pid = forkpty(&fd, NULL, NULL, &size);
	assert_true(pid >= 0);
	if (!pid)
		_exit(terminal_child());
	while (!strstr(text, "another") && got > 0 && n < sizeof(text) - 1) {
		got = read(fd, text + n, sizeof(text) - 1 - n);
		n += got > 0 ? (size_t)got : 0;
		text[n] = '\0';
	}
	assert_true(strstr(text, "the head") && strstr(text, "a lock") && strstr(text, "another"));
	assert_int_equal(write(fd, "js\033OAq", 6), 6);
	while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0) {
		n += (size_t)got;
		text[n] = '\0';
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	snprintf(expected, sizeof(expected), "80x24 %d",
		 LSP_TOP_KEY_DOWN + LSP_TOP_KEY_SORT + LSP_TOP_KEY_UP + LSP_TOP_KEY_QUIT);
	fixture_has(text, expected);
	/* The screen of before is shown again. */
	fixture_has(text, "\033[?1049l");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_since_the_last_look),
		cmocka_unit_test(test_screen),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
