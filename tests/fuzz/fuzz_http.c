// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: bytes on a connection that make the HTTP server crash, leak, not
 * come to an end, forget a connection, or answer with a page for a path that it
 * does not serve. For libFuzzer; tests/fuzz/run builds and starts it. The server
 * is the real one, at a socket of the file system; a client sends the input,
 * reads what comes and hangs up.
 * sources: user/serve/request.c user/serve/response.c user/serve/server.c user/serve/clients.c user/serve/metrics.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c user/profile/utf8.c user/profile/gzip.c user/profile/wire.c
 * sources: user/profile/pprof.c user/profile/pprof_encode.c user/profile/pprof_write.c
 * sources: user/profile/pprof_decode.c user/profile/pprof_read.c user/profile/pprof_join.c
 * sources: user/profile/profile.pb-c.c
 * libs: -lmicrohttpd -lprotobuf-c -lz
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../user/serve/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define MUST(condition) do { if (!(condition)) abort(); } while (0)
/* Turns without an answer after which the client hangs up. */
#define PATIENCE 4
#define TURNS_MAX 2000

static struct sockaddr_un g_at = { .sun_family = AF_UNIX };

static int profile_give(void *arg, enum lsp_serve_kind kind, struct lsp_profile **ret)
{
	const struct lsp_profile_line line = { "increment", "increment", "/src/task01.c", 7, 1 };
	const struct lsp_profile_label label = { .key = "lock", .str = "counter_mu" };
	const double values[2] = { 3, 4711 };
	struct lsp_profile *p = lsp_profile_create(lsp_profile_contention_types, 2);
	int64_t location;
	uint64_t stack;

	(void)arg, (void)kind;
	MUST(p);
	location = lsp_profile_location_add(p, 0, 0, &line, 1);
	MUST(location > 0);
	stack = (uint64_t)location;
	MUST(!lsp_profile_sample_add(p, &stack, 1, &label, 1, values));
	*ret = p;
	return 0;
}

static void numbers_give(void *arg, struct lsp_serve_numbers *ret)
{
	(void)arg;
	*ret = (struct lsp_serve_numbers){ .samples = { 3, 7 }, .waits = 11, .session = "now" };
}

static int metrics_give(void *arg, FILE *to)
{
	(void)arg;
	return fputs("# HELP\n", to) < 0;
}

static struct lsp_server *server_make(void)
{
	static char *words[] = { "lockspan serve", "-a", NULL };
	const struct lsp_server_source source = {
		.profile = profile_give, .numbers = numbers_give, .metrics = metrics_give, .command_line = words,
	};
	struct lsp_server *s;

	snprintf(g_at.sun_path, sizeof(g_at.sun_path), "/tmp/lockspan-fuzz-http.%d", getpid());
	unlink(g_at.sun_path);
	MUST(!lsp_server_create((struct sockaddr *)&g_at, sizeof(g_at), &source, &s));
	return s;
}

static int client_connect(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	MUST(fd >= 0 && !connect(fd, (struct sockaddr *)&g_at, sizeof(g_at)));
	return fd;
}

static bool path_is_served(const uint8_t *path, const uint8_t *end)
{
	static const char *const served[] = {
		"/", "/debug/pprof", "/debug/pprof/", "/debug/pprof/block", "/debug/pprof/mutex",
		"/debug/pprof/cmdline",
	};
	const uint8_t *stop = path;

	/* A NUL ends the library's strings. */
	while (stop < end && !memchr(" \t?\r\n", *stop, 6))
		stop++;
	for (size_t i = 0; i < sizeof(served) / sizeof(served[0]); i++)
		if (strlen(served[i]) == (size_t)(stop - path) && !memcmp(served[i], path, strlen(served[i])))
			return true;
	return false;
}

/* Who got a page has asked for one that there is, in one of his lines. Escapes are the library's business. */
static void paths_check(const uint8_t *data, size_t bytes)
{
	if (memchr(data, '%', bytes))
		return;
	for (const uint8_t *at = data; at < data + bytes; at++)
		if (*at == '/' && path_is_served(at, data + bytes))
			return;
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct lsp_server *s;
	static char answer[1 << 16];
	size_t sent = 0, got = 0;
	int idle = 0, turns = 0, fd;

	if (!s)
		s = server_make();
	fd = client_connect();
	while (idle < PATIENCE) {
		ssize_t n;

		MUST(turns++ < TURNS_MAX);
		if (sent < bytes) {
			n = send(fd, data + sent, bytes - sent, MSG_NOSIGNAL);
			sent = n < 0 && errno != EAGAIN ? bytes : n > 0 ? sent + (size_t)n : sent;
			if (sent == bytes)
				shutdown(fd, SHUT_WR);
		}
		lsp_server_run(s);
		n = recv(fd, answer + (got < 32 ? got : 32), sizeof(answer) - 32, 0);
		if (!n || (n < 0 && errno != EAGAIN))
			break;
		idle = n < 0 ? idle + 1 : 0;
		got += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	MUST(got < 12 || !memcmp(answer, "HTTP/1.", 7));
	if (got >= 12 && (!memcmp(answer + 9, "200", 3) || !memcmp(answer + 9, "301", 3)))
		paths_check(data, bytes);
	for (turns = 0; turns < 3; turns++)
		lsp_server_run(s);
	/* Nobody waits for a client that is gone. */
	MUST(lsp_server_exchanges(s) == 0);
	return 0;
}
