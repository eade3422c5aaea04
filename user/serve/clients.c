// SPDX-License-Identifier: GPL-2.0-only
#include "clients.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static void address_set(struct lsp_serve_client *client, const struct sockaddr *address)
{
	if (address && address->sa_family == AF_INET)
		memcpy(client->address, &((const struct sockaddr_in *)address)->sin_addr, 4);
	else if (address && address->sa_family == AF_INET6)
		/* A client that has one address of a network has all of them. */
		memcpy(client->address, &((const struct sockaddr_in6 *)address)->sin6_addr, 8);
}

static size_t count(const struct lsp_serve_clients *c, const struct lsp_serve_client *like)
{
	size_t n = 0;

	for (const struct lsp_serve_client *i = c->first; i; i = i->next)
		n += !i->cut && (!like || !memcmp(i->address, like->address, sizeof(i->address)));
	return n;
}

/* The library closes it when it finds that nothing more can be read. */
static void cut(struct lsp_serve_client *client)
{
	client->cut = true;
	shutdown(client->fd, SHUT_RDWR);
}

static struct lsp_serve_client *least_entitled(const struct lsp_serve_clients *c, const struct lsp_serve_client *newest)
{
	struct lsp_serve_client *worst = NULL;
	size_t most = 0, n;

	for (struct lsp_serve_client *i = c->first; i; i = i->next) {
		if (i->cut || i == newest || i->state != LSP_CLIENT_ASKING)
			continue;
		n = count(c, i);
		if (!worst || n > most || (n == most && i->since_ns < worst->since_ns)) {
			worst = i;
			most = n;
		}
	}
	return worst;
}

struct lsp_serve_client *lsp_serve_client_add(struct lsp_serve_clients *c, int fd,
					      const struct sockaddr *address, uint64_t now_ns)
{
	struct lsp_serve_client *client = calloc(1, sizeof(*client)), *out;

	if (!client)
		return NULL;
	client->fd = fd;
	client->since_ns = now_ns;
	address_set(client, address);
	client->next = c->first;
	c->first = client;
	if (count(c, NULL) > c->max) {
		out = least_entitled(c, client);
		cut(out ? out : client);
	}
	return client;
}

void lsp_serve_client_remove(struct lsp_serve_clients *c, struct lsp_serve_client *client)
{
	struct lsp_serve_client **at = &c->first;

	if (!client)
		return;
	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	free(client);
}

void lsp_serve_client_set(struct lsp_serve_client *client, enum lsp_client_state state, uint64_t now_ns)
{
	if (!client)
		return;
	client->state = state;
	client->since_ns = now_ns;
}

uint64_t lsp_serve_clients_check(struct lsp_serve_clients *c, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX, end_ns;

	for (struct lsp_serve_client *i = c->first; i; i = i->next) {
		if (i->cut || i->state == LSP_CLIENT_SERVED)
			continue;
		end_ns = i->since_ns + (i->state == LSP_CLIENT_ASKING ? c->ask_ns : c->answer_ns);
		if (end_ns <= now_ns)
			cut(i);
		else if (end_ns < next_ns)
			next_ns = end_ns;
	}
	return next_ns;
}
