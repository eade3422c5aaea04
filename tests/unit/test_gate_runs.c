// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a gate that passes runs whose program crashed, was cut short or is
 * another one than before; that looks for a lock which no run knows; that
 * compares recordings made in different ways, or one with itself; that takes a mean wait for better
 * because a floor was divided by fewer waits; that does not look at semaphores,
 * or says FAIL without saying where; a report for CI that is of another verdict, or that no reader of XML takes. Recordings are written to files and given
 * to the command itself.
 * sources: user/cmd/gate.c user/cmd/gate_places.c user/cmd/gate_runs.c user/cmd/gate_say.c user/cmd/gate_ci.c
 * sources: user/cmd/json.c user/cmd/reading.c user/cmd/parse.c user/cmd/say.c tests/unit/scratch.c
 * sources: user/gate/ user/report/ user/report/why/ user/profile/ user/capture/ user/base/
 * sources: user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * libs: -lz -lprotobuf-c -ljson-c -lm -lnl-genl-3 -lnl-3
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../user/cmd/cmd.h"
#include "../../user/profile/pprof.h"
#include "scratch.h"

#define PASS 0
#define FAIL 1
#define INCONCLUSIVE 3

/* A recording; what is 0 has the value in the comment. */
struct made {
	const char *lock;		/* g_mu */
	const char *sync;		/* mutex */
	double waits;			/* 1000 */
	double delay_ns;
	double sem_ns;			/* 500 waits of class sem on "queue" */
	double seconds;			/* 3 */
	int exit_status;
	bool attached;			/* of a process: no command */
	bool partial;
	double block_rate_ns;		/* 1 */
	double min_delay_ns;
	bool within;			/* by lockspan user */
	int start_ns;			/* of the first of the side; 0: in none */
};

static char g_text[8192];	/* what the last gate said, on both streams */

static void sample_add(struct lsp_profile *p, const char *lock, const char *sync,
		       const char *function, double waits, double delay_ns)
{
	const struct lsp_profile_line lines[2] = {
		{ .function = "pthread_mutex_lock", .system_name = "pthread_mutex_lock", .file = "" },
		{ .function = function, .system_name = function, .file = "/src/prog.c", .line = 7 },
	};
	const struct lsp_profile_label labels[2] = {
		{ .key = "lock", .str = lock }, { .key = "sync", .str = sync },
	};
	const double values[2] = { waits, delay_ns };
	uint64_t stack[2];

	for (int i = 0; i < 2; i++) {
		int64_t id = lsp_profile_location_add(p, 0, 0, &lines[i], 1);

		assert_true(id > 0);
		stack[i] = (uint64_t)id;
	}
	assert_int_equal(lsp_profile_sample_add(p, stack, 2, labels, 2, values), 0);
}

static void profile_write(const char *folder, const char *name, struct lsp_profile *p)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(lsp_profile_write(p, path), 0);
	lsp_profile_destroy(p);
}

static void recording_write(const char *folder, const struct made *m)
{
	double waits = m->waits ? m->waits : 1000;
	struct lsp_profile *p = lsp_profile_create(lsp_profile_contention_types, 2);
	char path[300], status[40] = "";
	FILE *f;

	assert_int_equal(mkdir(folder, 0700), 0);
	if (m->delay_ns > 0) {
		sample_add(p, m->lock ? m->lock : "g_mu", m->sync ? m->sync : "mutex", "update",
			   waits * 0.9, m->delay_ns * 0.9);
		sample_add(p, m->lock ? m->lock : "g_mu", m->sync ? m->sync : "mutex", "look",
			   waits * 0.1, m->delay_ns * 0.1);
	}
	if (m->sem_ns > 0)
		sample_add(p, "queue", "sem", "take", 500, m->sem_ns);
	profile_write(folder, "block.pb.gz", p);
	p = lsp_profile_create(lsp_profile_contention_types, 2);
	sample_add(p, "g_mu", "mutex", "slow_update", 10, 80);
	sample_add(p, "g_mu", "mutex", "update", 10, 20);
	profile_write(folder, "mutex.pb.gz", p);

	snprintf(path, sizeof(path), "%s/record.json", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	if (!m->attached)
		snprintf(status, sizeof(status), "\"exit_status\":%d,", m->exit_status);
	fprintf(f, "{\"format\":1,\"command\":[%s],%s\"duration_ns\":%.0f,\"block_rate_ns\":%.0f,"
		"\"mutex_fraction\":1,\"min_delay_ns\":%.0f,\"partial\":%s,\"partial_reasons\":[%s],"
		"%s\"start_ns\":%d,\"stop_ns\":9000,\"estimated\":{\"block\":{\"kept\":%.0f}}}\n",
		m->attached ? "" : "\"./prog\"", status, (m->seconds ? m->seconds : 3) * 1e9,
		m->block_rate_ns ? m->block_rate_ns : 1, m->min_delay_ns, m->partial ? "true" : "false",
		m->partial ? "\"9 waits found no room\"" : "",
		m->within ? "\"recorder\":{\"in_processes\":1}," : "", m->start_ns,
		(m->delay_ns > 0 ? waits : 0) + (m->sem_ns > 0 ? 500 : 0));
	fclose(f);
}

/* Five runs that differ by as much as runs do: 2 % up and down. */
static void side_write(const char *side, const struct made *m)
{
	static const double factors[] = { 0.98, 1.01, 1.00, 0.99, 1.02 };
	char folder[256];

	assert_int_equal(mkdir(scratch_path(side), 0700), 0);
	for (int i = 0; i < 5; i++) {
		struct made one = *m;

		one.delay_ns *= factors[i];
		one.sem_ns *= factors[(i + 2) % 5];
		if (m->start_ns)
			one.start_ns += i;
		snprintf(folder, sizeof(folder), "%s/%d", scratch_path(side), i + 1);
		recording_write(folder, &one);
	}
}

static int gate(char *const *options, size_t n)
{
	char *argv[16] = { (char *)"lockspan gate" }, base[256], now[256];
	int status, argc = 1, fd;
	ssize_t bytes;
	pid_t pid;

	for (size_t i = 0; i < n; i++)
		argv[argc++] = options[i];
	snprintf(base, sizeof(base), "%s", scratch_path("base"));
	snprintf(now, sizeof(now), "%s", scratch_path("new"));
	argv[argc++] = base;
	argv[argc++] = (char *)"--";
	argv[argc++] = now;
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		fd = open(scratch_path("said"), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		status = lsp_cmd_gate(argc, argv);
		fflush(NULL);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	fd = open(scratch_path("said"), O_RDONLY);
	bytes = read(fd, g_text, sizeof(g_text) - 1);
	assert_true(bytes >= 0);
	g_text[bytes] = '\0';
	close(fd);
	return WEXITSTATUS(status);
}

/* The gate says @status of @base and @now, and all of the @words (separated by |) are in what it says. */
static void says(const struct made *base, const struct made *now, int status, const char *words,
		 char *const *options, size_t n)
{
	char text[256], *word, *at = text;
	int got;

	assert_int_equal(scratch_create(NULL), 0);
	side_write("base", base);
	side_write("new", now);
	got = gate(options, n);
	if (got != status)
		fail_msg("exit status %d, not %d: %s", got, status, g_text);
	snprintf(text, sizeof(text), "%s", words);
	while ((word = strsep(&at, "|")))
		if (!strstr(g_text, word))
			fail_msg("no '%s' in: %s", word, g_text);
	assert_int_equal(scratch_destroy(NULL), 0);
}

#define SAYS(base, now, status, words, ...) do { \
	char *const options[] = { (char *)"--max=20", __VA_ARGS__ }; \
	says(&(base), &(now), status, words, options, sizeof(options) / sizeof(options[0])); \
} while (0)

static void test_plain(void **state)
{
	const struct made base = { .delay_ns = 1e9 }, worse = { .delay_ns = 1.5e9 };
	const struct made far = { .delay_ns = 1000e9 };

	(void)state;
	SAYS(base, base, PASS, "PASS");
	SAYS(base, worse, FAIL, "FAIL|g_mu: 1.00s became 1.50s a run|update|80% of the blame is with slow_update|"
	     "next: lockspan diff --by lock |/base/3 |/new/3;");
	SAYS(base, far, FAIL, "FAIL");
	SAYS(base, worse, FAIL, "\"worst\"|\"lock\":\"g_mu\"|\"site\":\"update\"|\"blamed\":\"slow_update\"",
	     (char *)"--json");
	SAYS(base, worse, FAIL, "became|a second", (char *)"--per=second");
}

static void test_runs_that_are_none(void **state)
{
	const struct made base = { .delay_ns = 1e9 };
	const struct made crashed = { .delay_ns = 1e7, .waits = 10, .seconds = 0.01, .exit_status = 139 };
	const struct made failed = { .delay_ns = 1e9, .exit_status = 3 };
	const struct made partial = { .delay_ns = 1e9, .partial = true };
	const struct made brief = { .delay_ns = 0.9e9, .seconds = 0.3 };
	const struct made gone = { .delay_ns = 1e6, .waits = 5, .seconds = 1, .attached = true };
	const struct made relieved = { .delay_ns = 1e6, .waits = 5, .seconds = 2.5 };

	(void)state;
	SAYS(base, crashed, LSP_EXIT_OTHER_FAILED, "/new/1|signal 11");
	SAYS(crashed, base, LSP_EXIT_OTHER_FAILED, "/base/1|signal 11");
	SAYS(base, failed, LSP_EXIT_OTHER_FAILED, "/new/1|status 3");
	SAYS(failed, failed, PASS, "PASS", (char *)"--status=3");
	SAYS(base, partial, LSP_EXIT_OTHER_FAILED, "/new/1|partial|9 waits found no room");
	/* It lacks 2.7 s of time, and waited 0.1 s less. */
	SAYS(base, brief, INCONCLUSIVE, "did they do the same work");
	/* Five waits in 5 s, of a process that was attached to: it may have ended at once. */
	SAYS(base, gone, INCONCLUSIVE, "too few waits");
	/* A whole command that hardly waits any more is what one hopes for. */
	SAYS(base, relieved, PASS, "PASS");
}

static void test_once(void **state)
{
	const struct made base = { .delay_ns = 1e9, .start_ns = 100 };
	const struct made later = { .delay_ns = 1e9, .start_ns = 200 };
	const struct made overlapping = { .delay_ns = 1e9, .start_ns = 104 };

	(void)state;
	SAYS(base, later, PASS, "PASS");
	SAYS(base, overlapping, LSP_EXIT_OTHER_FAILED, "/base/5 and |/new/1 are the same recording");
	SAYS(base, base, LSP_EXIT_OTHER_FAILED, "/base/1 and |/new/1 are the same recording");
}

static void test_lock_name(void **state)
{
	const struct made base = { .delay_ns = 1e9 }, renamed = { .delay_ns = 9e9, .lock = "other_mu" };

	(void)state;
	SAYS(base, base, PASS, "lock g_mu", (char *)"--lock=g_mu");
	SAYS(base, base, LSP_EXIT_OTHER_FAILED, "'g_nu'|either side|waited for were: g_mu", (char *)"--lock=g_nu");
	SAYS(base, renamed, LSP_EXIT_OTHER_FAILED, "of NEW|'g_mu'|other_mu", (char *)"--lock=g_mu");
	SAYS(base, renamed, LSP_EXIT_OTHER_FAILED, "of BASE|'other_mu'|g_mu", (char *)"--lock=other_mu");
	SAYS(base, renamed, PASS, "PASS", (char *)"--lock=g_mu", (char *)"--absent");
	SAYS(base, renamed, FAIL, "FAIL", (char *)"--lock=other_mu", (char *)"--absent");
	SAYS(base, base, LSP_EXIT_OTHER_FAILED, "either side", (char *)"--lock=g_nu", (char *)"--absent");
	SAYS(base, base, LSP_EXIT_USAGE, "", (char *)"--absent");
}

static void test_made_alike(void **state)
{
	const struct made base = { .delay_ns = 1e9 };
	const struct made short_left_out = { .delay_ns = 0.9e9, .waits = 100, .min_delay_ns = 1e6 };
	const struct made within = { .delay_ns = 1e9, .within = true };
	const struct made sampled = { .delay_ns = 1e9, .block_rate_ns = 1e5 };

	(void)state;
	SAYS(base, short_left_out, LSP_EXIT_OTHER_FAILED, "/base/1|/new/1|--min-delay was 0 in the one, 1000000");
	SAYS(base, sampled, LSP_EXIT_OTHER_FAILED, "--block-rate");
	SAYS(short_left_out, short_left_out, PASS, "PASS");
	SAYS(base, within, LSP_EXIT_OTHER_FAILED,
	     "/new/1 was recorded by lockspan user|/base/1 by lockspan record|record both sides in one way");
	SAYS(within, base, LSP_EXIT_OTHER_FAILED, "/base/1 was recorded by lockspan user|/new/1 by lockspan record");
	SAYS(within, within, PASS, "PASS");
}

/* Delays below a millisecond a second: the floor is of no use for a mean. */
static void test_mean_wait(void **state)
{
	const struct made base = { .waits = 100, .delay_ns = 1e5 };
	const struct made rarer = { .waits = 10, .delay_ns = 1e4 };
	const struct made longer = { .waits = 1000, .delay_ns = 5e7 };
	const struct made ninefold = { .waits = 1000, .delay_ns = 9e6 };
	const struct made few = { .waits = 5, .delay_ns = 5e3 };

	(void)state;
	SAYS(base, rarer, PASS, "PASS", (char *)"--per=contention");
	SAYS(rarer, base, PASS, "PASS", (char *)"--per=contention");
	SAYS(base, longer, FAIL, "FAIL|a contention", (char *)"--per=contention");
	SAYS(base, ninefold, FAIL, "FAIL", (char *)"--per=contention");
	SAYS(base, few, INCONCLUSIVE, "30 on each side", (char *)"--per=contention");
	SAYS(base, base, LSP_EXIT_USAGE, "", (char *)"--per=contention", (char *)"--floor=10");
}

/* Two programs that nobody waits in differ in nothing, however long they run. */
static void test_nothing_waited(void **state)
{
	const struct made quick = { .delay_ns = 0, .seconds = 3 }, slow = { .delay_ns = 0, .seconds = 9 };
	const struct made busy = { .delay_ns = 9e9 };

	(void)state;
	SAYS(quick, slow, PASS, "PASS");
	SAYS(quick, busy, FAIL, "FAIL");
}

static void test_semaphores(void **state)
{
	const struct made only = { .sem_ns = 1e9 }, worse = { .sem_ns = 9e9 };
	const struct made both = { .delay_ns = 1e9, .sem_ns = 1e9 };
	const struct made both_worse = { .delay_ns = 1e9, .sem_ns = 9e9 };
	const struct made idle = { .delay_ns = 1e9, .sem_ns = 40e9 };
	const struct made idle_worse = { .delay_ns = 5e9, .sem_ns = 40e9 };

	(void)state;
	/* Python and PostgreSQL have nothing else. */
	SAYS(only, only, PASS, "waits of class sem");
	SAYS(only, worse, FAIL, "waits of class sem|queue|take");
	SAYS(both, both, PASS, "judged apart|not counted: sem");
	SAYS(both, both_worse, INCONCLUSIVE, "semaphores are not|--sync sem|queue|take");
	SAYS(both, both_worse, FAIL, "FAIL", (char *)"--sync=sem");
	SAYS(both, both_worse, PASS, "PASS", (char *)"--sync=lock");
	/* What waits there for work does not hide what became of the locks. */
	SAYS(idle, idle_worse, FAIL, "FAIL|g_mu");
	SAYS(both, both, LSP_EXIT_USAGE, "", (char *)"--sync=semaphore");
}

/* Compares, and returns the file that --junit has left. */
static const char *junit(const struct made *base, const struct made *now, int status)
{
	static char xml[8192];
	char option[300], command[300];
	char *options[] = { option, (char *)"--github" };
	FILE *from;

	assert_int_equal(scratch_create(NULL), 0);
	side_write("base", base);
	side_write("new", now);
	snprintf(option, sizeof(option), "--junit=%s", scratch_path("report.xml"));
	assert_int_equal(gate(options, 2), status);
	snprintf(command, sizeof(command), "xmllint --noout %s", scratch_path("report.xml"));
	assert_int_equal(system(command), 0);
	from = fopen(scratch_path("report.xml"), "r");
	assert_non_null(from);
	xml[fread(xml, 1, sizeof(xml) - 1, from)] = '\0';
	fclose(from);
	assert_int_equal(scratch_destroy(NULL), 0);
	return xml;
}

static void has_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in: %s", part, text);
}

static void test_ci(void **state)
{
	const struct made base = { .delay_ns = 1e9 }, worse = { .delay_ns = 1.5e9 }, sem = { .delay_ns = 1e9, .sem_ns = 1e9 };
	const struct made sem_worse = { .delay_ns = 1e9, .sem_ns = 9e9 }, partial = { .delay_ns = 1e9, .partial = true };
	const struct made odd = { .delay_ns = 1e9, .lock = "a<b&\"]]>\x01\xff\xef\xbf\xbf" };
	const struct made odd_worse = { .delay_ns = 2e9, .lock = "a<b&\"]]>\x01\xff\xef\xbf\xbf" };
	const char *xml = junit(&base, &base, PASS);

	(void)state;
	has_text(xml, "failures=\"0\" errors=\"0\" skipped=\"0\"");
	has_text(xml, "<system-out>PASS: ");
	has_text(g_text, "::notice title=lockspan gate::PASS: ");
	xml = junit(&base, &worse, FAIL);
	has_text(xml, "failures=\"1\" errors=\"0\" skipped=\"0\"");
	has_text(xml, "<failure message=\"FAIL: the whole interval is above the limit\">FAIL: ");
	has_text(xml, "g_mu: 1.00s became 1.50s a run; waited for in update, 80% of the blame is with slow_update");
	has_text(xml, "next: lockspan diff --by lock ");
	/* An annotation is one line. */
	has_text(g_text, "::error title=lockspan gate::FAIL: the whole interval is above the limit%0Adelay per run");
	has_text(g_text, "80%25 of the blame is with slow_update%0A  next: lockspan diff --by lock ");
	xml = junit(&sem, &sem_worse, INCONCLUSIVE);
	has_text(xml, "skipped=\"1\"");
	has_text(xml, "<skipped message=\"INCONCLUSIVE: locks are within the limit");
	has_text(g_text, "::warning ");
	xml = junit(&base, &partial, LSP_EXIT_OTHER_FAILED);
	has_text(xml, "errors=\"1\"");
	has_text(xml, "<error message=\"lockspan gate could not compare");
	assert_null(strstr(g_text, "::"));
	xml = junit(&odd, &odd_worse, FAIL);
	has_text(xml, "a&lt;b&amp;&quot;]]&gt;");
	SAYS(base, base, LSP_EXIT_OTHER_FAILED, "cannot write /dev/null/x", (char *)"--junit=/dev/null/x");
	SAYS(base, base, LSP_EXIT_USAGE, "", (char *)"--github", (char *)"--json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_runs_that_are_none),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_lock_name), cmocka_unit_test(test_made_alike),
		cmocka_unit_test(test_mean_wait), cmocka_unit_test(test_nothing_waited),
		cmocka_unit_test(test_semaphores), cmocka_unit_test(test_ci),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
