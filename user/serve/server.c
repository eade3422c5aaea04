// SPDX-License-Identifier: GPL-2.0-only
#include "server.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clients.h"

#define CONNECTIONS_MAX 64
/*
 * How many connections the library allows. It goes on counting a connection that we have shut down
 * until it notices that.
 */
#define CONNECTIONS_BEFORE 128
/* How many deltas can be under way. Each of them keeps a profile. */
#define DELTAS_MAX 16
#define IDLE_SECONDS 30
/*
 * Time allowed for a whole request, and for a whole answer. A client that sends or reads slowly is
 * never idle, so an idle limit would not stop it.
 */
#define ASK_NS 10000000000ULL
#define ANSWER_NS 120000000000ULL
/* How soon it is noticed that a client has hung up during its delta. */
#define LOOK_NS 500000000ULL
#define FINISH_NS 1000000000ULL

/* A connection's request, from its first line to its answer. */
struct exchange {
	struct lsp_server *server;
	struct MHD_Connection *connection;
	struct exchange *next;		/* the next request that waits for the end of its delta */
	struct lsp_serve_request request;
	struct lsp_profile *base;
	int64_t base_wall_ns;
	uint64_t due_ns;
	bool waiting;
	bool gone;
	bool reset;
};

struct lsp_server {
	struct MHD_Daemon *daemon;
	struct lsp_server_source source;
	struct lsp_serve_clients clients;
	struct exchange *waiting;
	size_t nwaiting;
	size_t nexchanges;
	unsigned int port;
	bool hosts_any;			/* the server is to be reached from other machines, by any name */
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- connections ---- */

static struct lsp_serve_client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info;

	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

static void connection_notify(void *arg, struct MHD_Connection *connection, void **context,
			      enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *fd, *address;
	struct lsp_server *s = arg;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		lsp_serve_client_remove(&s->clients, *context);
		*context = NULL;
		return;
	}
	fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	address = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	*context = lsp_serve_client_add(&s->clients, fd->connect_fd, address ? address->client_addr : NULL,
					now_ns(CLOCK_MONOTONIC));
}

/* "/block%00" is not /block: a byte that would end the string early is left as it is written. */
static size_t unescape(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg, (void)connection;
	return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

/* ---- answers ---- */

static enum MHD_Result answer(struct MHD_Connection *connection, struct lsp_serve_response *r)
{
	struct MHD_Response *response;
	enum MHD_Result ret;

	response = MHD_create_response_from_buffer(r->bytes, r->body ? r->body : "",
						   r->body ? MHD_RESPMEM_MUST_FREE :
						   MHD_RESPMEM_PERSISTENT);
	if (!response) {
		lsp_serve_response_uninit(r);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->type);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (*r->disposition)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION,
					r->disposition);
	if (r->go_error)
		MHD_add_response_header(response, "X-Go-Pprof", "1");
	if (r->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (r->location)
		MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, r->location);
	lsp_serve_client_set(client_of(connection), LSP_CLIENT_ANSWERED, now_ns(CLOCK_MONOTONIC));
	ret = MHD_queue_response(connection, r->status, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result answer_error(struct MHD_Connection *connection, unsigned int status,
				    const char *text)
{
	struct lsp_serve_response r;

	lsp_serve_error(&r, status, text);
	return answer(connection, &r);
}

static int profile_now(struct lsp_server *s, enum lsp_serve_kind kind, struct lsp_profile **ret,
		       int64_t *wall_ns)
{
	int err = s->source.profile(s->source.arg, kind, ret);

	*wall_ns = (int64_t)now_ns(CLOCK_REALTIME);
	if (!err)
		lsp_profile_time_set(*ret, *wall_ns, 0);
	return err;
}

static enum MHD_Result answer_profile(struct exchange *x)
{
	struct lsp_serve_response r;
	struct lsp_profile *p;
	int64_t wall_ns;

	if (profile_now(x->server, x->request.kind, &p, &wall_ns))
		return answer_error(x->connection, 500, "the profile could not be built");
	if (x->request.page == LSP_SERVE_TEXT)
		lsp_serve_text(&r, p, x->request.kind);
	else
		lsp_serve_profile(&r, p, x->request.kind, false);
	lsp_profile_destroy(p);
	return answer(x->connection, &r);
}

/* ---- deltas ---- */

static void waiting_remove(struct exchange *x)
{
	struct exchange **at = &x->server->waiting;

	if (!x->waiting)
		return;
	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	x->server->nwaiting--;
	x->waiting = false;
}

static enum MHD_Result delta_begin(struct exchange *x)
{
	struct lsp_server *s = x->server;

	if (s->nwaiting >= DELTAS_MAX)
		return answer_error(x->connection, 503, "too many deltas are being taken");
	if (profile_now(s, x->request.kind, &x->base, &x->base_wall_ns))
		return answer_error(x->connection, 500, "the profile could not be built");
	x->due_ns = now_ns(CLOCK_MONOTONIC) + x->request.seconds * 1000000000ULL;
	x->waiting = true;
	x->next = s->waiting;
	s->waiting = x;
	s->nwaiting++;
	MHD_suspend_connection(x->connection);
	return MHD_YES;
}

static enum MHD_Result delta_end(struct exchange *x)
{
	struct lsp_serve_response r;
	struct lsp_profile *p;
	int64_t wall_ns;
	int err;

	if (x->gone)
		return MHD_NO;
	if (x->reset)
		return answer_error(x->connection, 503, "the counters have begun anew; ask again");
	if (profile_now(x->server, x->request.kind, &p, &wall_ns))
		return answer_error(x->connection, 500, "the profile could not be built");
	err = lsp_profile_subtract(p, x->base);
	lsp_profile_time_set(p, wall_ns, wall_ns - x->base_wall_ns);
	if (err)
		lsp_serve_error(&r, 500, "the difference could not be built");
	else
		lsp_serve_profile(&r, p, x->request.kind, true);
	lsp_profile_destroy(p);
	return answer(x->connection, &r);
}

static bool hung_up(const struct exchange *x)
{
	const union MHD_ConnectionInfo *info;
	char byte;

	info = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	return info && !recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

static void deltas_wake(struct lsp_server *s)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC);
	struct exchange *next;

	for (struct exchange *x = s->waiting; x; x = next) {
		next = x->next;
		x->gone = hung_up(x);
		if (!x->gone && !x->reset && now < x->due_ns)
			continue;
		waiting_remove(x);
		MHD_resume_connection(x->connection);
	}
}

/* ---- requests ---- */

static enum MHD_Result request_answer(struct exchange *x)
{
	const struct lsp_server_source *source = &x->server->source;
	struct lsp_serve_numbers numbers;
	struct lsp_serve_response r;

	switch (x->request.page) {
	case LSP_SERVE_PROFILE:
	case LSP_SERVE_TEXT:
		return answer_profile(x);
	case LSP_SERVE_DELTA:
		return x->base ? delta_end(x) : delta_begin(x);
	case LSP_SERVE_INDEX:
		source->numbers(source->arg, &numbers);
		lsp_serve_index(&r, &numbers);
		break;
	case LSP_SERVE_METRICS:
		lsp_serve_metrics(&r, source->metrics, source->arg);
		break;
	case LSP_SERVE_CMDLINE:
		lsp_serve_cmdline(&r, source->command_line);
		break;
	case LSP_SERVE_REDIRECT:
		lsp_serve_redirect(&r, "/debug/pprof/");
		break;
	default:
		lsp_serve_error(&r, x->request.status, x->request.text);
	}
	return answer(x->connection, &r);
}

/*
 * Called when the header has come, with each piece of a body, and at the end; and again after a
 * resume.
 */
static enum MHD_Result request_handle(void *arg, struct MHD_Connection *connection,
				      const char *path, const char *method, const char *version,
				      const char *body, size_t *body_bytes, void **state)
{
	struct exchange *x = *state;

	(void)version, (void)body;
	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			return MHD_NO;
		x->server = arg;
		x->connection = connection;
		lsp_serve_request_parse(method, path,
			MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "seconds"),
			MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "debug"),
			&x->request);
		if (!x->server->hosts_any)
			lsp_serve_request_host_check(&x->request,
				MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							    MHD_HTTP_HEADER_HOST));
		*state = x;
		x->server->nexchanges++;
		return MHD_YES;
	}
	if (*body_bytes) {
		*body_bytes = 0;
		return MHD_YES;
	}
	lsp_serve_client_set(client_of(connection), LSP_CLIENT_SERVED, now_ns(CLOCK_MONOTONIC));
	return request_answer(x);
}

static void request_done(void *arg, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *state;

	(void)arg, (void)code;
	lsp_serve_client_set(client_of(connection), LSP_CLIENT_ASKING, now_ns(CLOCK_MONOTONIC));
	if (!x)
		return;
	waiting_remove(x);
	x->server->nexchanges--;
	lsp_profile_destroy(x->base);
	free(x);
	*state = NULL;
}

/* ---- the server ---- */

static bool address_is_local(const struct sockaddr *address)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;

	if (address->sa_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return address->sa_family != AF_INET6 || IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static int listen_at(const struct sockaddr *address, socklen_t bytes, unsigned int *port)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	struct sockaddr_storage have = { 0 };
	socklen_t have_bytes = sizeof(have);
	int err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address, bytes) || listen(fd, CONNECTIONS_MAX) ||
	    getsockname(fd, (struct sockaddr *)&have, &have_bytes)) {
		err = -errno;
		close(fd);
		return err;
	}
	*port = ntohs(have.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&have)->sin6_port :
		      ((struct sockaddr_in *)&have)->sin_port);
	return fd;
}

int lsp_server_create(const struct sockaddr *address, socklen_t bytes,
		      const struct lsp_server_source *source, struct lsp_server **ret)
{
	struct lsp_server *s = calloc(1, sizeof(*s));
	int fd;

	if (!s)
		return -ENOMEM;
	s->source = *source;
	s->clients = (struct lsp_serve_clients){
		.max = CONNECTIONS_MAX, .ask_ns = source->ask_ns ? source->ask_ns : ASK_NS, .answer_ns = ANSWER_NS,
	};
	s->hosts_any = !address_is_local(address);
	fd = listen_at(address, bytes, &s->port);
	if (fd < 0) {
		free(s);
		return fd;
	}
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
				     request_handle, s,
				     MHD_OPTION_LISTEN_SOCKET, fd,
				     MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_BEFORE,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_SECONDS,
				     MHD_OPTION_NOTIFY_COMPLETED, request_done, NULL,
				     MHD_OPTION_NOTIFY_CONNECTION, connection_notify, s,
				     MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
				     MHD_OPTION_END);
	if (!s->daemon) {
		close(fd);
		free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

/* Deltas under way end now. There is some time to send them, but not unlimited time. */
static void deltas_finish(struct lsp_server *s)
{
	struct pollfd fd = { .fd = lsp_server_fd(s), .events = POLLIN };
	uint64_t until_ns = now_ns(CLOCK_MONOTONIC) + FINISH_NS;

	for (struct exchange *x = s->waiting; x; x = x->next)
		x->due_ns = 0;
	deltas_wake(s);
	do {
		MHD_run(s->daemon);
		poll(&fd, 1, 10);
	} while (s->nexchanges && now_ns(CLOCK_MONOTONIC) < until_ns);
}

void lsp_server_destroy(struct lsp_server *s)
{
	if (!s)
		return;
	/* The daemon must not be stopped while a connection is suspended. */
	if (s->waiting)
		deltas_finish(s);
	MHD_stop_daemon(s->daemon);
	free(s);
}

unsigned int lsp_server_port(const struct lsp_server *s)
{
	return s->port;
}

size_t lsp_server_exchanges(const struct lsp_server *s)
{
	return s->nexchanges;
}

int lsp_server_fd(const struct lsp_server *s)
{
	return MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

uint64_t lsp_server_due_ns(struct lsp_server *s)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC), due;
	MHD_UNSIGNED_LONG_LONG ms;

	due = lsp_serve_clients_check(&s->clients, now);
	if (s->waiting && now + LOOK_NS < due)
		due = now + LOOK_NS;
	for (const struct exchange *x = s->waiting; x; x = x->next)
		if (x->due_ns < due)
			due = x->due_ns;
	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES && ms < 3600000 &&
	    now + ms * 1000000 < due)
		due = now + ms * 1000000;
	return due;
}

void lsp_server_run(struct lsp_server *s)
{
	deltas_wake(s);
	lsp_serve_clients_check(&s->clients, now_ns(CLOCK_MONOTONIC));
	MHD_run(s->daemon);
}

void lsp_server_reset(struct lsp_server *s)
{
	for (struct exchange *x = s->waiting; x; x = x->next)
		x->reset = true;
	lsp_server_run(s);
}
