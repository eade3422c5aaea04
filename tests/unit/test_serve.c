// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: an address, a parameter or an error that is not answered as Go
 * does; a delta that is no difference, lacks its duration or its name; a client
 * that hangs up and keeps a place, deltas and requests without bound, a path that
 * leads elsewhere; clients that trickle and keep others out; metrics that Prometheus would refuse or read as other numbers; a browser led here by a name that was rebound; deltas that survive a
 * new beginning of the counters or the end of the server. The server is the real
 * one at a port of the loopback address; only its source is played: counters that
 * grow by a fixture's values each time they are asked for.
 * `--serve` prints a port and serves until it is killed, for tests/e2e/serve.sh.
 * sources: user/serve/ user/profile/ tests/unit/fixture_profile.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c
 * libs: -lmicrohttpd -lprotobuf-c -lz -lm
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "../lib/clock.h"
#include "../../user/serve/clients.h"
#include "../../user/serve/metrics.h"
#include "../../user/serve/server.h"
#include "fixture_profile.h"

static unsigned int g_asked;
static uint64_t g_ask_ns;

static int profile_give(void *arg, enum lsp_serve_kind kind, struct lsp_profile **ret)
{
	struct fixture f;

	(void)arg, (void)kind;
	g_asked++;
	fixture_create(&f, 0, "/src/prog.c");
	assert_int_equal(lsp_profile_add(f.p, f.p, g_asked - 1), 0);
	*ret = f.p;
	return 0;
}

static void numbers_give(void *arg, struct lsp_serve_numbers *ret)
{
	(void)arg;
	*ret = (struct lsp_serve_numbers){ .samples = { 3, 7 }, .waits = 11, .session = "now" };
}

static int g_metrics_error;

static int metrics_give(void *arg, FILE *to)
{
	(void)arg;
	lsp_metrics_begin(to, "lockspan_lock_wait_seconds_total", "counter", "What was waited.");
	lsp_metrics_seconds(to, "lockspan_lock_wait_seconds_total", (const struct lsp_metrics_label[2]){
		{ "lock", "a\"b\\c\ne\xff" }, { "class", "mutex" } }, 12000000034ULL);
	lsp_metrics_begin(to, "lockspan_waiting_threads", "gauge", "Who waits.");
	lsp_metrics_number(to, "lockspan_waiting_threads", NULL, UINT64_MAX);
	lsp_metrics_number(to, "lockspan_waiting_threads", (const struct lsp_metrics_label[2]){ { "class", "" } }, 0);
	return g_metrics_error;
}

static struct lsp_server *server_start_at(in_addr_t address)
{
	static char *words[] = { "lockspan serve", "-a", NULL };
	const struct lsp_server_source source = {
		.profile = profile_give, .numbers = numbers_give, .metrics = metrics_give, .command_line = words,
		.ask_ns = g_ask_ns,
	};
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_addr.s_addr = htonl(address) };
	struct lsp_server *s;

	g_asked = 0;
	assert_int_equal(lsp_server_create((const struct sockaddr *)&at, sizeof(at), &source, &s), 0);
	assert_true(lsp_server_port(s) > 0);
	return s;
}

static struct lsp_server *server_start(void)
{
	return server_start_at(INADDR_LOOPBACK);
}

static void server_turn(struct lsp_server *s)
{
	struct pollfd fd = { .fd = lsp_server_fd(s), .events = POLLIN };

	poll(&fd, 1, 5);
	lsp_server_run(s);
}

/* A connection that has not asked for anything. */
static int request_begin(struct lsp_server *s)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)lsp_server_port(s)),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static int request_send(struct lsp_server *s, const char *method, const char *path)
{
	int fd = request_begin(s);

	dprintf(fd, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, path);
	return fd;
}

struct answer {
	char text[65536];
	size_t bytes;
	char *body;
	size_t body_bytes;
};

/* What has come when the server closes; lets it run meanwhile if there is one. */
static void answer_read(struct lsp_server *s, int fd, struct answer *a)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + 60000000000ULL;
	ssize_t n = -1;

	a->bytes = 0;
	while (n && clock_ns(CLOCK_MONOTONIC) < until) {
		if (s)
			server_turn(s);
		n = recv(fd, a->text + a->bytes, sizeof(a->text) - 1 - a->bytes,
			 s ? MSG_DONTWAIT : 0);
		if (n > 0)
			a->bytes += (size_t)n;
	}
	close(fd);
	assert_int_equal(n, 0);
	a->text[a->bytes] = '\0';
	a->body = strstr(a->text, "\r\n\r\n");
	if (a->body) {
		a->body[2] = '\0';
		a->body += 4;
		a->body_bytes = a->bytes - (size_t)(a->body - a->text);
	}
}

static void get(struct lsp_server *s, const char *path, struct answer *a)
{
	answer_read(s, request_send(s, "GET", path), a);
}

static void has(const struct answer *a, const char *field)
{
	if (!strstr(a->text, field))
		print_error("no '%s' in:\n%s\n", field, a->text);
	assert_non_null(strstr(a->text, field));
}

static struct lsp_profile *profile_of(const struct answer *a)
{
	struct lsp_profile *p;
	char why[128];

	assert_int_equal(lsp_profile_read_mem(a->body, a->body_bytes, &p, why, sizeof(why)), 0);
	return p;
}

static void test_requests(void **state)
{
	static const struct {
		const char *method, *path, *seconds, *debug;
		enum lsp_serve_page page;
		unsigned int status, value;
	} cases[] = {
		{ "GET", "/debug/pprof/", NULL, NULL, LSP_SERVE_INDEX, 200, 0 },
		{ "GET", "/debug/pprof", NULL, NULL, LSP_SERVE_REDIRECT, 200, 0 },
		{ "GET", "/", NULL, NULL, LSP_SERVE_REDIRECT, 200, 0 },
		{ "GET", "/debug/pprof/cmdline", NULL, NULL, LSP_SERVE_CMDLINE, 200, 0 },
		{ "HEAD", "/debug/pprof/mutex", NULL, NULL, LSP_SERVE_PROFILE, 200, 0 },
		{ "GET", "/debug/pprof/mutex", NULL, "0", LSP_SERVE_PROFILE, 200, 0 },
		{ "GET", "/debug/pprof/mutex", NULL, "1", LSP_SERVE_TEXT, 200, 0 },
		{ "GET", "/debug/pprof/mutex", "", "2", LSP_SERVE_TEXT, 200, 0 },
		{ "GET", "/debug/pprof/block", "30", NULL, LSP_SERVE_DELTA, 200, 30 },
		{ "GET", "/debug/pprof/block", "3600", "0", LSP_SERVE_DELTA, 200, 3600 },
		{ "GET", "/debug/pprof/block", "3601", NULL, LSP_SERVE_ERROR, 400, 0 },
		{ "GET", "/debug/pprof/block", "99999999999999999999", NULL, LSP_SERVE_ERROR, 400, 0 },
		{ "GET", "/debug/pprof/block", "0", NULL, LSP_SERVE_ERROR, 400, 0 },
		{ "GET", "/debug/pprof/block", "-1", NULL, LSP_SERVE_ERROR, 400, 0 },
		{ "GET", "/debug/pprof/block", "1.5", NULL, LSP_SERVE_ERROR, 400, 0 },
		{ "GET", "/debug/pprof/block", "5", "1", LSP_SERVE_ERROR, 400, 0 },
		{ "GET", "/metrics", NULL, NULL, LSP_SERVE_METRICS, 200, 0 },
		{ "GET", "/metrics/", NULL, NULL, LSP_SERVE_ERROR, 404, 0 },
		{ "GET", "/debug/pprof/goroutine", NULL, "2", LSP_SERVE_ERROR, 404, 0 },
		{ "GET", "/debug/pprof/heap", NULL, NULL, LSP_SERVE_ERROR, 404, 0 },
		{ "GET", "/debug/pprof/profile", "5", NULL, LSP_SERVE_ERROR, 404, 0 },
		{ "GET", "/debug/pprof/mutex/", NULL, NULL, LSP_SERVE_ERROR, 404, 0 },
		{ "GET", "/debug/pprofmutex", NULL, NULL, LSP_SERVE_ERROR, 404, 0 },
		{ "GET", "/etc/passwd", NULL, NULL, LSP_SERVE_ERROR, 404, 0 },
		{ "POST", "/debug/pprof/mutex", NULL, NULL, LSP_SERVE_ERROR, 405, 0 },
	};
	struct lsp_serve_request r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		lsp_serve_request_parse(cases[i].method, cases[i].path, cases[i].seconds,
					cases[i].debug, &r);
		if (r.page != cases[i].page || r.status != cases[i].status)
			print_error("%s %s\n", cases[i].path, cases[i].seconds);
		assert_int_equal(r.page, cases[i].page);
		assert_int_equal(r.status, cases[i].status);
		assert_int_equal(r.seconds, cases[i].value);
	}
	lsp_serve_request_parse("GET", "/debug/pprof/block", NULL, NULL, &r);
	assert_int_equal(r.kind, LSP_SERVE_BLOCK);
}

static void test_header(void **state)
{
	struct lsp_server *s = server_start();
	struct lsp_profile *p;
	struct answer a;

	(void)state;
	get(s, "/debug/pprof/mutex", &a);
	has(&a, "HTTP/1.1 200 ");
	has(&a, "Content-Type: application/octet-stream\r\n");
	has(&a, "Content-Disposition: attachment; filename=\"mutex\"\r\n");
	has(&a, "X-Content-Type-Options: nosniff\r\n");
	assert_null(strstr(a.text, "Content-Encoding"));
	assert_null(strstr(a.text, "X-Go-Pprof"));
	p = profile_of(&a);
	assert_float_equal(fixture_sum(p, 1, "counter_mu"), 1.125e9, 1);
	assert_int_equal(lsp_profile_duration_ns(p), 0);
	assert_true(lsp_profile_time_ns(p) > FIXTURE_TIME_NS);
	lsp_profile_destroy(p);

	get(s, "/debug/pprof/nothing", &a);
	has(&a, "HTTP/1.1 404 ");
	has(&a, "X-Go-Pprof: 1\r\n");
	has(&a, "Content-Type: text/plain; charset=utf-8\r\n");
	assert_null(strstr(a.text, "Content-Disposition"));
	assert_string_equal(a.body, "Unknown profile\n");
	get(s, "/debug/pprof", &a);
	has(&a, "HTTP/1.1 301 ");
	has(&a, "Location: /debug/pprof/\r\n");
	get(s, "/debug/pprof/", &a);
	has(&a, "Content-Type: text/html; charset=utf-8\r\n");
	assert_non_null(strstr(a.body, "<td>7</td><td><a href=\"mutex?debug=1\">mutex</a>"));
	get(s, "/debug/pprof/cmdline", &a);
	assert_int_equal(a.body_bytes, sizeof("lockspan serve\0-a") - 1);
	assert_memory_equal(a.body, "lockspan serve\0-a", a.body_bytes);
	answer_read(s, request_send(s, "HEAD", "/debug/pprof/block"), &a);
	has(&a, "filename=\"block\"");
	assert_int_equal(a.body_bytes, 0);
	lsp_server_destroy(s);
}

static void test_text(void **state)
{
	struct lsp_server *s = server_start();
	struct answer a;

	(void)state;
	get(s, "/debug/pprof/block?debug=1", &a);
	has(&a, "Content-Type: text/plain; charset=utf-8\r\n");
	assert_non_null(strstr(a.body, "--- contention:\ncycles/second=1000000000\nsampling period=1\n"
			       "2000000000 4 @ 0x7ffff7c8f124 0x555555554235\n"));
	assert_non_null(strstr(a.body, "#\t0x555555554235\tcrit\t/src/prog.c:2\n"
			       "#\t0x555555554235\tworker(int)\t/src/prog.c:7\n"));
	assert_non_null(strstr(a.body, "--- Memory map: ---\n555555554000-555555557000 r-xp 00001000 "
			       "00:00 0 /opt/lab/prog\n"));
	get(s, "/debug/pprof/mutex?debug=1", &a);
	assert_non_null(strstr(a.body, "--- mutex:\n"));
	lsp_server_destroy(s);
}

static void test_delta(void **state)
{
	struct lsp_server *s = server_start();
	uint64_t begin = clock_ns(CLOCK_MONOTONIC);
	struct lsp_profile *p;
	struct answer a;
	int fd;

	(void)state;
	fd = request_send(s, "GET", "/debug/pprof/mutex?seconds=1");
	while (g_asked < 1)
		server_turn(s);
	/* Others are served meanwhile: the counters grow twice more before the end. */
	get(s, "/debug/pprof/mutex", &a);
	answer_read(s, fd, &a);
	assert_true(clock_ns(CLOCK_MONOTONIC) - begin >= 1000000000ULL);
	assert_true(clock_ns(CLOCK_MONOTONIC) - begin < 20000000000ULL);
	has(&a, "filename=\"mutex-delta\"");
	p = profile_of(&a);
	assert_float_equal(fixture_sum(p, 1, "counter_mu"), 2 * 1.125e9, 1);
	assert_float_equal(fixture_sum(p, 0, "stats_mu"), 8, 1e-6);
	assert_true(lsp_profile_duration_ns(p) >= 1000000000);
	assert_true(lsp_profile_duration_ns(p) < 20000000000);
	lsp_profile_destroy(p);
	lsp_server_destroy(s);
}

/* Sixteen at a time; a client that hangs up makes room at once. */
static void test_deltas_bounded(void **state)
{
	struct lsp_server *s = server_start();
	uint64_t until;
	struct answer a;
	int fds[16];

	(void)state;
	for (unsigned int i = 0; i < 16; i++) {
		fds[i] = request_send(s, "GET", "/debug/pprof/mutex?seconds=3000");
		while (g_asked <= i)
			server_turn(s);
	}
	get(s, "/debug/pprof/mutex?seconds=3000", &a);
	has(&a, "HTTP/1.1 503 ");
	has(&a, "X-Go-Pprof: 1");
	close(fds[3]);
	until = clock_ns(CLOCK_MONOTONIC) + 1500000000ULL;
	while (clock_ns(CLOCK_MONOTONIC) < until)
		server_turn(s);
	fds[3] = request_send(s, "GET", "/debug/pprof/mutex?seconds=3000");
	while (g_asked < 17)
		server_turn(s);
	assert_true(lsp_server_due_ns(s) < clock_ns(CLOCK_MONOTONIC) + 1000000000ULL);

	lsp_server_reset(s);
	for (int i = 0; i < 16; i++) {
		answer_read(s, fds[i], &a);
		has(&a, "HTTP/1.1 503 ");
		assert_non_null(strstr(a.body, "begun anew"));
	}
	lsp_server_destroy(s);
}

/* Ways out of the five paths, a request without end, and more clients than there is room for. */
static void test_limits(void **state)
{
	static const char *const paths[] = {
		"/debug/pprof/../../../etc/passwd", "/debug/pprof/%2e%2e/%2e%2e/etc/passwd",
		"/debug/pprof/block/../../../proc/self/environ", "//debug/pprof/block", "/debug//pprof/block",
		"/debug/pprof/..%2fblock", "/DEBUG/pprof/block", "/debug/pprof/block%00", "/debug/pprof%00/block",
		"/debug/pprof/block%00%62",
	};
	static char endless[100000];
	struct lsp_server *s = server_start();
	struct answer a;
	int fds[80];

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		get(s, paths[i], &a);
		has(&a, "HTTP/1.1 404 ");
	}
	get(s, "/debug/pprof/block?seconds=1%00x", &a);
	has(&a, "HTTP/1.1 400 ");
	answer_read(s, request_send(s, "POST", "/debug/pprof/block"), &a);
	has(&a, "HTTP/1.1 405 ");
	has(&a, "\r\nAllow: GET, HEAD");
	memset(endless, 'a', sizeof(endless) - 1);
	get(s, endless, &a);
	assert_null(strstr(a.text, " 200 "));
	has(&a, "HTTP/1.1 414 ");
	for (int i = 0; i < 80; i++) {
		fds[i] = request_begin(s);
		server_turn(s);
	}
	for (int i = 0; i < 80; i++)
		close(fds[i]);
	for (int i = 0; i < 20; i++)
		server_turn(s);
	get(s, "/debug/pprof/block", &a);
	has(&a, "HTTP/1.1 200 ");
	assert_int_equal(lsp_server_exchanges(s), 0);
	lsp_server_destroy(s);
}

/* Many that never end their request: whoever asks for something is answered, at once. */
static void test_trickle(void **state)
{
	struct lsp_server *s = server_start();
	uint64_t begun;
	struct answer a;
	int fds[64];
	char byte;

	(void)state;
	for (int i = 0; i < 64; i++) {
		fds[i] = request_begin(s);
		dprintf(fds[i], "GET /debug/pprof/block HTTP/1.1\r\nHost: ");
		server_turn(s);
	}
	begun = clock_ns(CLOCK_MONOTONIC);
	get(s, "/debug/pprof/block", &a);
	has(&a, "HTTP/1.1 200 ");
	assert_true(clock_ns(CLOCK_MONOTONIC) - begun < 8000000000ULL);
	/* The one that has asked for longest has lost its place; all others may still end their requests. */
	for (int i = 0; i < 20; i++)
		server_turn(s);
	assert_int_equal(recv(fds[0], &byte, 1, MSG_DONTWAIT), 0);
	close(fds[0]);
	dprintf(fds[1], "localhost\r\nConnection: close\r\n\r\n");
	answer_read(s, fds[1], &a);
	has(&a, "HTTP/1.1 200 ");
	for (int i = 2; i < 64; i++)
		close(fds[i]);
	lsp_server_destroy(s);
}

/* A byte now and then keeps no connection: the time is for the whole of a request. */
static void test_request_time(void **state)
{
	uint64_t begun = clock_ns(CLOCK_MONOTONIC);
	struct lsp_server *s;
	ssize_t n = -1;
	char byte;
	int fd;

	(void)state;
	g_ask_ns = 500000000;
	s = server_start();
	g_ask_ns = 0;
	fd = request_begin(s);
	dprintf(fd, "GET /debug/pprof/block HTTP/1.1\r\nHost: localhost\r\nX: ");
	server_turn(s);
	assert_true(lsp_server_due_ns(s) < clock_ns(CLOCK_MONOTONIC) + 600000000);
	while (n && clock_ns(CLOCK_MONOTONIC) - begun < 30000000000ULL) {
		(void)!send(fd, "x", 1, MSG_NOSIGNAL);
		server_turn(s);
		n = recv(fd, &byte, 1, MSG_DONTWAIT);
		if (n < 0 && errno == ECONNRESET)
			n = 0;
	}
	assert_int_equal(n, 0);
	assert_true(clock_ns(CLOCK_MONOTONIC) - begun >= 500000000);
	close(fd);
	lsp_server_destroy(s);
}

/* Of several addresses the one with most connections makes room, and nobody who is being answered. */
static void test_fairness(void **state)
{
	const struct sockaddr_in many = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001) };
	const struct sockaddr_in few = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000002) };
	struct lsp_serve_clients c = { .max = 4, .ask_ns = 100, .answer_ns = 1000 };
	const struct sockaddr *of_many = (const struct sockaddr *)&many, *of_few = (const struct sockaddr *)&few;
	struct lsp_serve_client *x[6];

	(void)state;
	x[0] = lsp_serve_client_add(&c, -1, of_few, 1);
	x[1] = lsp_serve_client_add(&c, -1, of_many, 2);
	x[2] = lsp_serve_client_add(&c, -1, of_many, 3);
	x[3] = lsp_serve_client_add(&c, -1, of_many, 4);
	lsp_serve_client_set(x[1], LSP_CLIENT_SERVED, 5);
	x[4] = lsp_serve_client_add(&c, -1, of_few, 6);
	assert_true(x[2]->cut && !x[0]->cut && !x[1]->cut && !x[3]->cut && !x[4]->cut);
	/* Whose request is whole has no time but that of his answer. */
	assert_int_equal(lsp_serve_clients_check(&c, 50), 101);
	assert_int_equal(lsp_serve_clients_check(&c, 103), 104);
	assert_true(x[0]->cut && !x[1]->cut && !x[3]->cut);
	lsp_serve_client_set(x[1], LSP_CLIENT_ANSWERED, 200);
	lsp_serve_client_set(x[3], LSP_CLIENT_SERVED, 200);
	lsp_serve_client_set(x[4], LSP_CLIENT_SERVED, 200);
	x[5] = lsp_serve_client_add(&c, -1, of_few, 200);
	lsp_serve_client_set(x[5], LSP_CLIENT_SERVED, 200);
	assert_int_equal(lsp_serve_clients_check(&c, 300), 1200);
	x[0] = lsp_serve_client_add(&c, -1, of_many, 300);
	assert_true(x[0]->cut && !x[1]->cut && !x[3]->cut && !x[4]->cut && !x[5]->cut);
	while (c.first)
		lsp_serve_client_remove(&c, c.first);
}

static void host_answered(struct lsp_server *s, const char *field, unsigned int status)
{
	int fd = request_begin(s);
	struct answer a;
	char code[8];

	dprintf(fd, "GET /debug/pprof/mutex HTTP/1.0\r\n%s\r\n", field);
	answer_read(s, fd, &a);
	snprintf(code, sizeof(code), " %u ", status);
	if (strncmp(a.text + 8, code, 5))
		print_error("%s\n", field);
	assert_memory_equal(a.text + 8, code, 5);
}

/* A page in a browser may have had its name rebound to this address. */
static void test_hosts(void **state)
{
	static const char *const good[] = {
		"", "Host: 127.0.0.1\r\n", "Host: 127.0.0.1:6060\r\n", "Host: LocalHost:1\r\n",
		"Host: [::1]:6060\r\n", "Host: [::1]\r\n",
	};
	static const char *const bad[] = {
		"Host: evil.example\r\n", "Host: evil.example:6060\r\n", "Host: 127.0.0.1.evil.example\r\n",
		"Host: localhost.evil.example\r\n", "Host: 127.0.0.1:6060.evil.example\r\n",
		"Host: [::1\r\n", "Host: [::1].evil.example\r\n", "Host: [localhost]\r\n", "Host: ::1\r\n",
		"Host: 0000000000000000000000000000000000000000000000000000127.0.0.1\r\n",
	};
	struct lsp_server *s = server_start();

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		host_answered(s, good[i], 200);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		host_answered(s, bad[i], 403);
	lsp_server_destroy(s);
	/* Where it was opened to others they come by whatever name it has. */
	s = server_start_at(INADDR_ANY);
	host_answered(s, bad[0], 200);
	lsp_server_destroy(s);
}

/* Numbers lose no digit, and no text of a label ends its value or its line. */
static void test_metrics(void **state)
{
	struct lsp_server *s = server_start();
	struct answer a;

	(void)state;
	get(s, "/metrics", &a);
	has(&a, "HTTP/1.1 200 ");
	has(&a, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
	assert_string_equal(a.body,
		"# HELP lockspan_lock_wait_seconds_total What was waited.\n"
		"# TYPE lockspan_lock_wait_seconds_total counter\n"
		"lockspan_lock_wait_seconds_total{lock=\"a\\\"b\\\\c\\ne\xef\xbf\xbd\",class=\"mutex\"} 12.000000034\n"
		"# HELP lockspan_waiting_threads Who waits.\n"
		"# TYPE lockspan_waiting_threads gauge\n"
		"lockspan_waiting_threads 18446744073709551615\n"
		"lockspan_waiting_threads{class=\"\"} 0\n");
	g_metrics_error = -EIO;
	get(s, "/metrics", &a);
	g_metrics_error = 0;
	has(&a, "HTTP/1.1 503 ");
	assert_string_equal(a.body, "the module does not answer\n");
	lsp_server_destroy(s);
}

static void test_end(void **state)
{
	struct lsp_server *s = server_start();
	struct lsp_profile *p;
	struct answer a;
	int fd;

	(void)state;
	fd = request_send(s, "GET", "/debug/pprof/block?seconds=3000");
	while (g_asked < 1)
		server_turn(s);
	lsp_server_destroy(s);
	answer_read(NULL, fd, &a);
	has(&a, "filename=\"block-delta\"");
	p = profile_of(&a);
	assert_float_equal(fixture_sum(p, 1, "stats_mu"), 2e9, 1);
	lsp_profile_destroy(p);
}

static void __attribute__((noreturn)) serve_forever(void)
{
	struct lsp_server *s = server_start();

	printf("%u\n", lsp_server_port(s));
	fflush(stdout);
	for (;;)
		server_turn(s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests), cmocka_unit_test(test_header),
		cmocka_unit_test(test_text), cmocka_unit_test(test_delta),
		cmocka_unit_test(test_deltas_bounded), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_trickle), cmocka_unit_test(test_request_time), cmocka_unit_test(test_fairness),
		cmocka_unit_test(test_hosts), cmocka_unit_test(test_metrics), cmocka_unit_test(test_end),
	};

	if (argc == 2 && !strcmp(argv[1], "--serve"))
		serve_forever();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
