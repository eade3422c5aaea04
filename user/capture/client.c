// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds requests and takes attributes apart with libnl. Reads the socket itself, because libnl
 * checks sequence numbers and acknowledgements for one request and one answer, and here both are
 * mixed with a stream of data.
 */
#include "client_private.h"
#include "rehearsal.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A full socket loses messages. This size holds what a busy machine sends in two seconds. */
#define SOCKET_BYTES (64 << 20)
#define REQUEST_BYTES 16384
/* How often a command is sent before it counts as unanswered. */
#define SENDINGS_MAX 100
/* How often a module that is silent is asked whether it still works at the session's end. */
#define ASKINGS_MAX 30

int lsp_client_create(lsp_client_data_fn data, void *arg, struct lsp_client **ret)
{
	struct lsp_client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->data = data;
	c->arg = arg;
	c->fd = -1;
	c->buffer = malloc(LSP_CLIENT_BUFFER_BYTES);
	c->aligned = malloc(LSP_CLIENT_BUFFER_BYTES);
	if (!c->buffer || !c->aligned) {
		lsp_client_destroy(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

void lsp_client_destroy(struct lsp_client *c)
{
	if (!c)
		return;
	if (c->sock)
		nl_socket_free(c->sock);
	free(c->aligned);
	free(c->buffer);
	free(c);
}

static int errno_of_libnl(int nlerr)
{
	switch (-nlerr) {
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_PROTO_MISMATCH:
	case NLE_AF_NOSUPPORT:
		return -EPROTONOSUPPORT;
	}
	return -EIO;
}

int lsp_client_connect(struct lsp_client *c)
{
	int one = 1, bytes = SOCKET_BYTES;
	int err;

	c->sock = nl_socket_alloc();
	if (!c->sock)
		return -ENOMEM;
	err = genl_connect(c->sock);
	if (err < 0)
		return errno_of_libnl(err);
	err = genl_ctrl_resolve(c->sock, LOCKSPAN_GENL_NAME);
	if (err < 0)
		return errno_of_libnl(err);
	c->family = (uint16_t)err;
	c->fd = nl_socket_get_fd(c->sock);

	/*
	 * Without CAP_NET_ADMIN the socket stays small. That does no harm, because START is refused
	 * then, too.
	 */
	if (setsockopt(c->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	/*
	 * A kernel before 4.12 lacks these options. There only the sentences of refusals are lost.
	 */
	setsockopt(c->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(c->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	return 0;
}

const char *lsp_client_refusal(const struct lsp_client *c)
{
	return c->refusal;
}

int lsp_client_fd(const struct lsp_client *c)
{
	return c->fd;
}

const struct lsp_client_report *lsp_client_end(const struct lsp_client *c)
{
	return c->ended ? &c->end : NULL;
}

const struct lsp_client_faults *lsp_client_faults(const struct lsp_client *c)
{
	return &c->faults;
}

/* Any process may send to this port, so only what comes from the kernel counts. */
static int datagram_take(struct lsp_client *c, uint32_t from, void *messages, int bytes)
{
	if (from) {
		c->faults.refused++;
		return 0;
	}
	return lsp_client_messages_read(c, messages, bytes);
}

int lsp_client_feed(struct lsp_client *c, uint16_t family, uint32_t from, void *messages,
		    size_t bytes)
{
	uint64_t refused = c->faults.refused;
	int n;

	if (bytes > LSP_CLIENT_BUFFER_BYTES)
		return -EMSGSIZE;
	c->family = family;
	n = datagram_take(c, from, messages, (int)bytes);
	if (n < 0)
		return n;
	return c->faults.refused == refused ? 0 : -EBADMSG;
}

/* ---- the socket ---- */

/* Reads one datagram. Returns 1, 0 if there is none, or -errno. */
static int datagram_read(struct lsp_client *c)
{
	struct sockaddr_nl from = { 0 };
	/*
	 * Netlink aligns messages to four bytes. With this offset the records of a DATA message are
	 * aligned to eight.
	 */
	char *to = (char *)c->buffer + 4;
	struct iovec iov = { .iov_base = to, .iov_len = LSP_CLIENT_BUFFER_BYTES - 8 };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &iov, .msg_iovlen = 1,
	};
	ssize_t n = recvmsg(c->fd, &msg, MSG_DONTWAIT);

	if (n < 0) {
		if (errno == EAGAIN)
			return 0;
		if (errno == EINTR)
			return 1;
		if (errno != ENOBUFS)
			return -errno;
		/*
		 * What had no room in the socket is either still in the module, or missing, which
		 * the records' numbers show.
		 */
		c->faults.socket_full++;
		return 1;
	}
	if (msg.msg_flags & MSG_TRUNC) {
		c->faults.truncated++;
		return 1;
	}
	n = datagram_take(c, from.nl_pid, to, (int)n);
	return n < 0 ? (int)n : 1;
}

int lsp_client_read(struct lsp_client *c, int max)
{
	int n, err;

	for (n = 0; n < max; n++) {
		err = datagram_read(c);
		if (err < 0)
			return err;
		if (!err)
			break;
	}
	return n;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Waits until there is something to read. -ETIMEDOUT when the time is up. */
static int readable_wait(struct lsp_client *c, int64_t deadline_ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int64_t left = deadline_ms - now_ms();
	int n;

	if (left <= 0)
		return -ETIMEDOUT;
	n = poll(&p, 1, (int)left);
	if (n < 0 && errno != EINTR)
		return -errno;
	return n ? 0 : -ETIMEDOUT;
}

/* ---- commands ---- */

static struct nl_msg *request_create(struct lsp_client *c, uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc_size(REQUEST_BYTES);

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, c->family, 0, NLM_F_REQUEST, cmd,
				LOCKSPAN_GENL_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int request_send(struct lsp_client *c, struct nl_msg *msg)
{
	const struct nlmsghdr *hdr = nlmsg_hdr(msg);

	for (;;) {
		if (send(c->fd, hdr, hdr->nlmsg_len, 0) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

/*
 * The module carries a command out while it is being sent, however long that takes. After that, the
 * answer is in the socket, or it was lost because data had filled the socket. A full socket takes
 * nothing more until it has been read to its end. So an empty socket without the answer shows that
 * the answer was lost.
 */
static int answer_await(struct lsp_client *c, bool or_end)
{
	int n;

	while (c->awaited && !(or_end && c->ended)) {
		n = lsp_client_read(c, 1);
		if (n < 0)
			return n;
		if (!n)
			return -EAGAIN;
	}
	c->awaited = 0;
	return 0;
}

/*
 * Sends @msg, again if its answer was lost, and frees it. *@sent gets how often it was sent. With
 * @or_end the END of the session counts as an answer, too.
 */
static int request_repeat(struct lsp_client *c, struct nl_msg *msg, bool or_end, int *sent)
{
	int err;

	c->refusal[0] = '\0';
	c->answer = 0;
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	nl_complete_msg(c->sock, msg);
	for (*sent = 1; ; ++*sent) {
		c->awaited = nlmsg_hdr(msg)->nlmsg_seq;
		err = request_send(c, msg);
		if (!err)
			err = answer_await(c, or_end);
		if (err != -EAGAIN || *sent == SENDINGS_MAX)
			break;
	}
	nlmsg_free(msg);
	c->awaited = 0;
	if (err)
		return err == -EAGAIN ? -ETIMEDOUT : err;
	return c->answer;
}

/* For commands that do no harm when the module gets them twice. */
static int request_run(struct lsp_client *c, struct nl_msg *msg)
{
	int sent;

	return request_repeat(c, msg, false, &sent);
}

static int options_put(struct nl_msg *msg, const struct lsp_client_options *o)
{
	int err = nla_put_u32(msg, LOCKSPAN_A_VERSION, LOCKSPAN_VERSION);

	err |= nla_put_u64(msg, LOCKSPAN_A_BLOCK_RATE_NS, o->rates.block_rate_ns);
	err |= nla_put_u32(msg, LOCKSPAN_A_MUTEX_FRACTION, o->rates.mutex_fraction);
	err |= nla_put_u64(msg, LOCKSPAN_A_MIN_DELAY_NS, o->rates.min_delay_ns);
	err |= nla_put_u32(msg, LOCKSPAN_A_STACK_MODE, o->stack_mode);
	err |= nla_put_u32(msg, LOCKSPAN_A_FLAGS,
			   o->flags | LOCKSPAN_F_REHEARSED | (o->both ? LOCKSPAN_F_BOTH : 0) |
			   (o->why ? LOCKSPAN_F_WHY : 0));
	for (size_t i = 0; i < o->ntgids; i++)
		err |= nla_put_u32(msg, LOCKSPAN_A_TGID, o->tgids[i]);
	if (o->cgroup)
		err |= nla_put_u64(msg, LOCKSPAN_A_CGROUP, o->cgroup);
	if (o->ops)
		err |= nla_put_u32(msg, LOCKSPAN_A_OPS, o->ops);
	if (o->ring_bytes)
		err |= nla_put_u32(msg, LOCKSPAN_A_RING_BYTES, o->ring_bytes);
	return err ? -EMSGSIZE : 0;
}

/* The module learns from one private wait of its owner where a key keeps its parts. */
static void calibration_wait(void)
{
	static uint32_t word;
	struct timespec timeout = { .tv_nsec = 1000000 };

	syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &timeout, NULL, 0);
}

/* A change of nothing, which only the owner is granted. */
static bool session_is_ours(struct lsp_client *c)
{
	struct nl_msg *msg = request_create(c, LOCKSPAN_CMD_SET);

	return msg && !request_run(c, msg);
}

int lsp_client_start(struct lsp_client *c, const struct lsp_client_options *o)
{
	struct nl_msg *msg = request_create(c, LOCKSPAN_CMD_START);
	struct lsp_rehearsal rehearsal;
	int sent, err;

	if (!msg)
		return -ENOMEM;
	err = options_put(msg, o);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	c->ended = false;
	c->stopped = false;
	err = lsp_rehearsal_begin(&rehearsal, c->fd);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	err = request_repeat(c, msg, false, &sent);
	lsp_rehearsal_end(&rehearsal);
	/*
	 * Data that came before the answer may have left no room for it. Then the first START has
	 * begun the session, and this client may change it.
	 */
	if (err == -EBUSY && sent > 1)
		err = session_is_ours(c) ? 0 : err;
	if (!err)
		calibration_wait();
	return err;
}

int lsp_client_rates_set(struct lsp_client *c, uint64_t block_rate_ns, uint32_t mutex_fraction)
{
	struct nl_msg *msg = request_create(c, LOCKSPAN_CMD_SET);

	if (!msg)
		return -ENOMEM;
	nla_put_u64(msg, LOCKSPAN_A_BLOCK_RATE_NS, block_rate_ns);
	nla_put_u32(msg, LOCKSPAN_A_MUTEX_FRACTION, mutex_fraction);
	return request_run(c, msg);
}

int lsp_client_tgid_add(struct lsp_client *c, uint32_t tgid)
{
	struct nl_msg *msg = request_create(c, LOCKSPAN_CMD_SET);

	if (!msg)
		return -ENOMEM;
	nla_put_u32(msg, LOCKSPAN_A_TGID, tgid);
	return request_run(c, msg);
}

int lsp_client_stop(struct lsp_client *c)
{
	struct nl_msg *msg = request_create(c, LOCKSPAN_CMD_STOP);
	int sent, err;

	c->stopped = true;
	if (!msg)
		return -ENOMEM;
	err = request_repeat(c, msg, true, &sent);
	/* The first STOP was carried out, and only its answer was lost. */
	return err == -ENODEV && sent > 1 ? 0 : err;
}

int lsp_client_status(struct lsp_client *c, struct lsp_client_report *ret)
{
	struct nl_msg *msg = request_create(c, LOCKSPAN_CMD_STATUS);
	int err;

	if (!msg)
		return -ENOMEM;
	memset(ret, 0, sizeof(*ret));
	nla_put_u32(msg, LOCKSPAN_A_VERSION, LOCKSPAN_VERSION);
	c->status = ret;
	err = request_run(c, msg);
	c->status = NULL;
	return err;
}

/* Takes over @msg. */
static int request_post(struct lsp_client *c, struct nl_msg *msg)
{
	int err;

	nl_complete_msg(c->sock, msg);
	nlmsg_hdr(msg)->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	err = request_send(c, msg);
	nlmsg_free(msg);
	return err;
}

int lsp_client_resend(struct lsp_client *c, uint64_t stack_id)
{
	struct nl_msg *msg = request_create(c, LOCKSPAN_CMD_RESEND);

	if (!msg)
		return -ENOMEM;
	nla_put_u64(msg, LOCKSPAN_A_STACK_ID, stack_id);
	return request_post(c, msg);
}

int lsp_client_deepen(struct lsp_client *c, uint32_t tgid)
{
	struct nl_msg *msg = request_create(c, LOCKSPAN_CMD_RESEND);

	if (!msg)
		return -ENOMEM;
	nla_put_u32(msg, LOCKSPAN_A_TGID, tgid);
	return request_post(c, msg);
}

int lsp_client_teach(struct lsp_client *c, uint32_t generation, const struct lockspan_rule *rules,
		     size_t n)
{
	struct nl_msg *msg;

	if (n > LSP_CLIENT_RULES)
		return -EMSGSIZE;
	if (c->stopped || c->ended)
		return -ENODEV;
	msg = request_create(c, LOCKSPAN_CMD_TEACH);
	if (!msg)
		return -ENOMEM;
	nla_put_u32(msg, LOCKSPAN_A_GENERATION, generation);
	nla_put(msg, LOCKSPAN_A_RULES, (int)(n * sizeof(*rules)), rules);
	return request_post(c, msg);
}

int lsp_client_drain(struct lsp_client *c, int silence_ms)
{
	struct lsp_client_report status;
	int err, asked = 0;

	while (!c->ended) {
		err = readable_wait(c, now_ms() + silence_ms);
		if (!err) {
			err = lsp_client_read(c, 64);
			asked = 0;
		} else if (err == -ETIMEDOUT && asked++ < ASKINGS_MAX) {
			/* On a busy machine it takes long to remove the probes. */
			err = lsp_client_status(c, &status);
			if (!err && !c->ended && status.state == LOCKSPAN_STATE_IDLE)
				err = -ETIMEDOUT;
		}
		if (err < 0)
			return err;
	}
	return 0;
}
