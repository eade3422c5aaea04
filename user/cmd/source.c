// SPDX-License-Identifier: GPL-2.0-only
#include "source.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "../profile/pprof.h"
#include "say.h"

#define SCHEME "http://"
#define ANSWER_MAX (256UL << 20)
#define PATIENCE_S 10

/* ---- fetching ---- */

struct url {
	char host[256];
	char port[16];
	char path[1024];	/* without the profile's name and the slash before it */
};

bool lsp_source_is_url(const char *source)
{
	return !strncmp(source, SCHEME, strlen(SCHEME));
}

/* Of "http://host:port/debug/pprof", with or without "/block" behind it. */
static bool url_parse(const char *text, struct url *ret)
{
	const char *host = text + strlen(SCHEME), *slash = strchrnul(host, '/'), *colon = slash;
	const char *query = strpbrk(slash, "?#");
	size_t n;

	while (colon > host && *colon != ':' && *colon != ']')
		colon--;
	if (*colon != ':')
		colon = slash;
	n = (size_t)snprintf(ret->port, sizeof(ret->port), "%.*s", colon < slash ? (int)(slash - colon - 1) : 2,
			     colon < slash ? colon + 1 : "80");
	if (query || n >= sizeof(ret->port) || colon == host || (size_t)(colon - host) >= sizeof(ret->host) ||
	    strlen(slash) >= sizeof(ret->path))
		return false;
	/* [::1] */
	n = *host == '[' && colon[-1] == ']';
	snprintf(ret->host, sizeof(ret->host), "%.*s", (int)(colon - host - 2 * (long)n), host + n);
	strcpy(ret->path, slash);
	for (n = strlen(ret->path); n && ret->path[n - 1] == '/'; n--)
		ret->path[n - 1] = '\0';
	if (n > 6 && !strcmp(ret->path + n - 6, "/block"))
		ret->path[n - 6] = '\0';
	return *ret->port && *ret->host;
}

static int url_connect(const struct url *u, const char **why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct addrinfo *all, *a;
	int fd = -1, err = getaddrinfo(u->host, u->port, &hints, &all);

	if (err) {
		*why = gai_strerror(err);
		return -1;
	}
	for (a = all; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		if (connect(fd, a->ai_addr, a->ai_addrlen)) {
			close(fd);
			fd = -1;
		}
	}
	*why = strerror(errno);
	freeaddrinfo(all);
	return fd;
}

/* Reads all that comes until the other side closes, malloc'ed. NULL: *@why is set. */
static char *answer_read(int fd, size_t *bytes, const char **why)
{
	size_t room = 1 << 16;
	char *text = malloc(room), *grown;

	*bytes = 0;
	*why = "no memory, or too much of it";
	while (text) {
		ssize_t n = recv(fd, text + *bytes, room - *bytes, 0);

		if (!n)
			return text;
		if (n < 0) {
			*why = strerror(errno);
			break;
		}
		*bytes += (size_t)n;
		if (*bytes < room)
			continue;
		room *= 2;
		grown = room <= ANSWER_MAX ? realloc(text, room) : NULL;
		if (!grown)
			break;
		text = grown;
	}
	free(text);
	return NULL;
}

/*
 * Returns the body of the answer to GET. With HTTP/1.0 it comes in one piece, and the connection is
 * closed at its end.
 */
static char *url_get(const struct url *u, const char *name, size_t *body, size_t *bytes, const char **why)
{
	char request[sizeof(*u) + 128], *text = NULL, *end;
	int fd = url_connect(u, why), n;

	if (fd < 0)
		return NULL;
	n = snprintf(request, sizeof(request), "GET %s/%s HTTP/1.0\r\nHost: %s\r\n\r\n", u->path, name, u->host);
	if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
		*why = strerror(errno);
	else
		text = answer_read(fd, bytes, why);
	close(fd);
	if (!text)
		return NULL;
	end = memmem(text, *bytes, "\r\n\r\n", 4);
	if (!end || *bytes < 12 || strncmp(text, "HTTP/1.", 7) || strncmp(text + 8, " 200", 4)) {
		*why = "it is not served there";
		free(text);
		return NULL;
	}
	*body = (size_t)(end + 4 - text);
	*bytes -= *body;
	return text;
}

static struct lsp_profile *url_profile(const char *source, const struct url *u, const char *name)
{
	struct lsp_profile *p = NULL;
	size_t body, bytes;
	char detail[256];
	const char *why = detail;
	char *text = url_get(u, name, &body, &bytes, &why);

	if (text && lsp_profile_read_mem(text + body, bytes, &p, detail, sizeof(detail)))
		why = detail;
	if (!p)
		lsp_say("cannot take the %s profile from %s: %s", name, source, why);
	free(text);
	return p;
}

/* ---- taking ---- */

static struct lsp_profile *file_profile(const char *path)
{
	struct lsp_profile *p = NULL;
	char why[256];

	if (lsp_profile_read(path, &p, why, sizeof(why))) {
		lsp_say("%s: %s", path, why);
		return NULL;
	}
	return p;
}

static bool profile_put(struct lsp_profile *p, const char *directory, const char *base, const char *name)
{
	char path[PATH_MAX];
	struct lsp_profile *before;
	int err = 0;

	if (base) {
		snprintf(path, sizeof(path), "%s/%s.pb.gz", base, name);
		before = file_profile(path);
		err = before ? lsp_profile_subtract(p, before) : -ENOENT;
		lsp_profile_destroy(before);
	}
	snprintf(path, sizeof(path), "%s/%s.pb.gz", directory, name);
	if (!err)
		err = lsp_profile_write(p, path);
	if (err)
		lsp_say("cannot write %s: %s", path, strerror(-err));
	lsp_profile_destroy(p);
	return !err;
}

static bool url_take(const char *source, const char *directory, const char *base)
{
	static const char *const names[] = { "block", "mutex" };
	struct lsp_profile *p;
	struct url u;

	if (!url_parse(source, &u)) {
		lsp_say("%s is not an address such as http://127.0.0.1:6060/debug/pprof", source);
		return false;
	}
	for (int i = 0; i < 2; i++) {
		p = url_profile(source, &u, names[i]);
		if (!p || !profile_put(p, directory, base, names[i]))
			return false;
	}
	return true;
}

bool lsp_source_take(const char *source, const char *directory, const char *base)
{
	char path[PATH_MAX];
	struct lsp_profile *p;
	struct stat st;

	if (lsp_source_is_url(source))
		return url_take(source, directory, base);
	if (stat(source, &st) || !S_ISDIR(st.st_mode)) {
		p = file_profile(source);
		return p && profile_put(p, directory, NULL, "block");
	}
	snprintf(path, sizeof(path), "%s/mutex.pb.gz", source);
	if (!access(path, R_OK)) {
		p = file_profile(path);
		if (!p || !profile_put(p, directory, NULL, "mutex"))
			return false;
	}
	snprintf(path, sizeof(path), "%s/block.pb.gz", source);
	p = file_profile(path);
	return p && profile_put(p, directory, NULL, "block");
}
