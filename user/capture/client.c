// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests are built and attributes taken apart by libnl; the reading is our
 * own, because libnl's checks of sequence numbers and acks are made for
 * request and answer, and here both come mixed with a stream of data.
 */
#include "client.h"

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

/* Netlink dies of a full socket only when the reader is slow: two seconds of a busy machine fit. */
#define SOCKET_BYTES (64 << 20)
/* Larger than any message the module makes; a larger one is counted as truncated. */
#define BUFFER_BYTES (1 << 20)
#define REQUEST_BYTES 16384
#define ANSWER_MS 30000

struct lsp_client {
	lsp_client_data_fn data;
	void *arg;
	struct nl_sock *sock;
	int fd;
	uint16_t family;
	uint64_t *buffer;		/* BUFFER_BYTES, for reading */
	uint64_t *aligned;		/* BUFFER_BYTES, for runs that stand askew in it */

	uint32_t awaited;		/* sequence number of the command under way, 0 none */
	int answer;			/* its result, once awaited is 0 again */
	struct lsp_client_report *status;	/* where its STATUS goes */
	char refusal[256];

	bool ended;
	struct lsp_client_report end;
	struct lsp_client_faults faults;
};

int lsp_client_create(lsp_client_data_fn data, void *arg, struct lsp_client **ret)
{
	struct lsp_client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->data = data;
	c->arg = arg;
	c->fd = -1;
	c->buffer = malloc(BUFFER_BYTES);
	c->aligned = malloc(BUFFER_BYTES);
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

	/* Without the right to force it the socket is small and START is refused anyway. */
	if (setsockopt(c->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	/* Missing before 4.12 and then only the sentences are lost. */
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

/* ---- messages ---- */

static const uint8_t attr_bytes[LOCKSPAN_A_MAX + 1] = {
	[LOCKSPAN_A_VERSION] = 4,
	[LOCKSPAN_A_BLOCK_RATE_NS] = 8,
	[LOCKSPAN_A_MUTEX_FRACTION] = 4,
	[LOCKSPAN_A_MIN_DELAY_NS] = 8,
	[LOCKSPAN_A_STATE] = 4,
	[LOCKSPAN_A_OWNER_PID] = 4,
	[LOCKSPAN_A_START_NS] = 8,
	[LOCKSPAN_A_STOP_NS] = 8,
	[LOCKSPAN_A_OPEN_SPANS] = 8,
	[LOCKSPAN_A_MEMORY_BYTES] = 8,
	[LOCKSPAN_A_PROBE_MISSED] = 8,
	[LOCKSPAN_A_CPU] = 4,
	[LOCKSPAN_A_SEQ] = 8,
};

/* Unknown attributes are passed over; a known one of another size than agreed is an error. */
static bool attr_sound(const struct nlattr *a)
{
	int type = nla_type(a);

	return type > LOCKSPAN_A_MAX || !attr_bytes[type] || nla_len(a) == attr_bytes[type];
}

static void string_copy(char *to, size_t bytes, const struct nlattr *a)
{
	size_t n = (size_t)nla_len(a);

	if (n >= bytes)
		n = bytes - 1;
	memcpy(to, nla_data(a), n);
	to[n] = '\0';
}

static int probe_read(struct lsp_client_report *r, const struct nlattr *nest)
{
	struct lsp_client_probe *probe = &r->probes[r->nprobes];
	struct nlattr *a;
	int left;

	if (r->nprobes == LSP_CLIENT_PROBES)
		return 0;
	nla_for_each_nested(a, nest, left) {
		if (!attr_sound(a))
			return -EBADMSG;
		switch (nla_type(a)) {
		case LOCKSPAN_A_PROBE_NAME:
			string_copy(probe->name, sizeof(probe->name), a);
			break;
		case LOCKSPAN_A_PROBE_SYMBOL:
			string_copy(probe->symbol, sizeof(probe->symbol), a);
			break;
		case LOCKSPAN_A_PROBE_MISSED:
			probe->missed = nla_get_u64(a);
			break;
		}
	}
	r->nprobes++;
	return 0;
}

static int counters_read(struct lsp_client_report *r, const struct nlattr *a)
{
	size_t bytes = (size_t)nla_len(a);

	if (bytes % sizeof(r->counters[0]))
		return -EBADMSG;
	/* A newer module has more of them, an older one fewer. */
	if (bytes > sizeof(r->counters))
		bytes = sizeof(r->counters);
	memcpy(r->counters, nla_data(a), bytes);
	return 0;
}

static int report_attr_read(struct lsp_client_report *r, const struct nlattr *a)
{
	switch (nla_type(a)) {
	case LOCKSPAN_A_VERSION:
		r->version = nla_get_u32(a);
		break;
	case LOCKSPAN_A_STATE:
		r->state = nla_get_u32(a);
		break;
	case LOCKSPAN_A_OWNER_PID:
		r->owner_pid = nla_get_u32(a);
		break;
	case LOCKSPAN_A_MUTEX_FRACTION:
		r->mutex_fraction = nla_get_u32(a);
		break;
	case LOCKSPAN_A_BLOCK_RATE_NS:
		r->block_rate_ns = nla_get_u64(a);
		break;
	case LOCKSPAN_A_MIN_DELAY_NS:
		r->min_delay_ns = nla_get_u64(a);
		break;
	case LOCKSPAN_A_START_NS:
		r->start_ns = nla_get_u64(a);
		break;
	case LOCKSPAN_A_STOP_NS:
		r->stop_ns = nla_get_u64(a);
		break;
	case LOCKSPAN_A_OPEN_SPANS:
		r->open_spans = nla_get_u64(a);
		break;
	case LOCKSPAN_A_MEMORY_BYTES:
		r->memory_bytes = nla_get_u64(a);
		break;
	case LOCKSPAN_A_COUNTERS:
		return counters_read(r, a);
	case LOCKSPAN_A_PROBE:
		return probe_read(r, a);
	}
	return 0;
}

static int report_read(struct lsp_client_report *ret, struct nlattr *attrs, int bytes)
{
	struct nlattr *a;
	int left, err;

	memset(ret, 0, sizeof(*ret));
	nla_for_each_attr(a, attrs, bytes, left) {
		if (!attr_sound(a))
			return -EBADMSG;
		err = report_attr_read(ret, a);
		if (err)
			return err;
	}
	return left ? -EBADMSG : 0;
}

static int data_read(struct lsp_client *c, struct nlattr *attrs, int bytes)
{
	const struct nlattr *cpu = NULL, *seq = NULL, *records = NULL;
	struct nlattr *a;
	const void *run;
	int left, err;

	nla_for_each_attr(a, attrs, bytes, left) {
		if (!attr_sound(a))
			return -EBADMSG;
		if (nla_type(a) == LOCKSPAN_A_CPU)
			cpu = a;
		else if (nla_type(a) == LOCKSPAN_A_SEQ)
			seq = a;
		else if (nla_type(a) == LOCKSPAN_A_RECORDS)
			records = a;
	}
	if (left || !cpu || !seq || !records || (size_t)nla_len(records) > BUFFER_BYTES)
		return -EBADMSG;

	/* Attributes are aligned to four bytes only. */
	run = nla_data(records);
	if ((uintptr_t)run % 8)
		run = memcpy(c->aligned, run, (size_t)nla_len(records));
	err = c->data(c->arg, nla_get_u32(cpu), nla_get_u64(seq), run, (size_t)nla_len(records));
	return err == -EBADMSG ? 0 : err;	/* damaged runs are counted where they are read */
}

static int family_read(struct lsp_client *c, struct nlmsghdr *msg)
{
	struct genlmsghdr *genl = nlmsg_data(msg);
	struct nlattr *attrs;
	int bytes, err;

	if (!nlmsg_valid_hdr(msg, GENL_HDRLEN))
		return -EBADMSG;
	attrs = (void *)((char *)genl + GENL_HDRLEN);
	bytes = nlmsg_datalen(msg) - GENL_HDRLEN;

	switch (genl->cmd) {
	case LOCKSPAN_CMD_DATA:
		return data_read(c, attrs, bytes);
	case LOCKSPAN_CMD_END:
		err = report_read(&c->end, attrs, bytes);
		c->ended = !err;
		return err;
	case LOCKSPAN_CMD_STATUS:
		if (c->status && msg->nlmsg_seq == c->awaited)
			return report_read(c->status, attrs, bytes);
	}
	return 0;
}

/* The answer to a command: its errno and, behind it, perhaps a sentence. */
static int answer_read(struct lsp_client *c, struct nlmsghdr *msg)
{
	struct nlmsgerr *e = nlmsg_data(msg);
	size_t offset = sizeof(*e);
	struct nlattr *a;
	int left;

	if (!nlmsg_valid_hdr(msg, sizeof(*e)))
		return -EBADMSG;
	if (!c->awaited || msg->nlmsg_seq != c->awaited)
		return e->error ? -EBADMSG : 0;
	c->awaited = 0;
	c->answer = e->error > 0 ? -EBADMSG : e->error;

	if (!(msg->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len > sizeof(e->msg))
		offset += NLMSG_ALIGN(e->msg.nlmsg_len - sizeof(e->msg));
	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS) || (size_t)nlmsg_datalen(msg) < offset)
		return 0;
	nla_for_each_attr(a, (struct nlattr *)((char *)e + offset),
			  nlmsg_datalen(msg) - (int)offset, left)
		if (nla_type(a) == NLMSGERR_ATTR_MSG)
			string_copy(c->refusal, sizeof(c->refusal), a);
	return 0;
}

static int message_read(struct lsp_client *c, struct nlmsghdr *msg)
{
	if (msg->nlmsg_type == NLMSG_ERROR)
		return answer_read(c, msg);
	if (msg->nlmsg_type == c->family)
		return family_read(c, msg);
	return msg->nlmsg_type < NLMSG_MIN_TYPE ? 0 : -EBADMSG;
}

/* Number of messages taken, or the handler's error. What is malformed is counted and passed over. */
static int messages_read(struct lsp_client *c, void *messages, int bytes)
{
	struct nlmsghdr *msg = messages;
	int n = 0, err;

	while (nlmsg_ok(msg, bytes)) {
		err = message_read(c, msg);
		if (err == -EBADMSG)
			c->faults.refused++;
		else if (err)
			return err;
		n++;
		msg = nlmsg_next(msg, &bytes);
	}
	if (bytes > 0)
		c->faults.refused++;
	return n;
}

int lsp_client_feed(struct lsp_client *c, uint16_t family, uint32_t from, const void *messages,
		    size_t bytes)
{
	uint64_t refused = c->faults.refused;
	int n;

	if (bytes > BUFFER_BYTES)
		return -EMSGSIZE;
	c->family = family;
	memcpy(c->buffer, messages, bytes);
	if (from)
		c->faults.refused++;
	else if ((n = messages_read(c, c->buffer, (int)bytes)) < 0)
		return n;
	return c->faults.refused == refused ? 0 : -EBADMSG;
}

/* ---- the socket ---- */

/* One datagram. 1, 0 for none there, or -errno. */
static int datagram_read(struct lsp_client *c)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = c->buffer, .iov_len = BUFFER_BYTES };
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
		/* What did not fit is either still with the module or missing by its numbers. */
		c->faults.socket_full++;
		return 1;
	}
	if (msg.msg_flags & MSG_TRUNC) {
		c->faults.truncated++;
		return 1;
	}
	/* Any process may send to our port: only the kernel's word counts. */
	if (msg.msg_namelen != sizeof(from) || from.nl_family != AF_NETLINK || from.nl_pid) {
		c->faults.refused++;
		return 1;
	}
	n = messages_read(c, c->buffer, (int)n);
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

int lsp_client_drain(struct lsp_client *c, int silence_ms)
{
	int err;

	while (!c->ended) {
		err = readable_wait(c, now_ms() + silence_ms);
		if (err)
			return err;
		err = lsp_client_read(c, 64);
		if (err < 0)
			return err;
	}
	return 0;
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

/* Sends @msg and frees it, then reads until its answer has come. */
static int request_run(struct lsp_client *c, struct nl_msg *msg)
{
	int64_t deadline = now_ms() + ANSWER_MS;
	int err;

	c->refusal[0] = '\0';
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	nl_complete_msg(c->sock, msg);
	c->awaited = nlmsg_hdr(msg)->nlmsg_seq;
	err = request_send(c, msg);
	nlmsg_free(msg);

	while (!err && c->awaited) {
		err = readable_wait(c, deadline);
		if (!err)
			err = lsp_client_read(c, 64);
		err = err < 0 ? err : 0;
	}
	if (err) {
		c->awaited = 0;
		return err;
	}
	return c->answer;
}

static int options_put(struct nl_msg *msg, const struct lsp_client_options *o)
{
	int err = nla_put_u32(msg, LOCKSPAN_A_VERSION, LOCKSPAN_VERSION);

	err |= nla_put_u64(msg, LOCKSPAN_A_BLOCK_RATE_NS, o->block_rate_ns);
	err |= nla_put_u32(msg, LOCKSPAN_A_MUTEX_FRACTION, o->mutex_fraction);
	err |= nla_put_u64(msg, LOCKSPAN_A_MIN_DELAY_NS, o->min_delay_ns);
	err |= nla_put_u32(msg, LOCKSPAN_A_STACK_MODE, o->stack_mode);
	err |= nla_put_u32(msg, LOCKSPAN_A_FLAGS, o->flags);
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

int lsp_client_start(struct lsp_client *c, const struct lsp_client_options *o)
{
	struct nl_msg *msg = request_create(c, LOCKSPAN_CMD_START);
	int err;

	if (!msg)
		return -ENOMEM;
	err = options_put(msg, o);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	c->ended = false;
	err = request_run(c, msg);
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

	return msg ? request_run(c, msg) : -ENOMEM;
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

int lsp_client_resend(struct lsp_client *c, uint64_t stack_id)
{
	struct nl_msg *msg = request_create(c, LOCKSPAN_CMD_RESEND);
	int err;

	if (!msg)
		return -ENOMEM;
	nla_put_u64(msg, LOCKSPAN_A_STACK_ID, stack_id);
	nl_complete_msg(c->sock, msg);
	/* libnl asks for an ack of its own accord; nobody would wait for it. */
	nlmsg_hdr(msg)->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	err = request_send(c, msg);
	nlmsg_free(msg);
	return err;
}
