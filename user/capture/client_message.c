// SPDX-License-Identifier: GPL-2.0-only
#include "client_private.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

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

/* Unknown attributes are skipped. A known attribute of another size than agreed is an error. */
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
	/* A newer module has more counters, and an older one fewer. */
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
		r->rates.mutex_fraction = nla_get_u32(a);
		break;
	case LOCKSPAN_A_BLOCK_RATE_NS:
		r->rates.block_rate_ns = nla_get_u64(a);
		break;
	case LOCKSPAN_A_MIN_DELAY_NS:
		r->rates.min_delay_ns = nla_get_u64(a);
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
	if (left || !cpu || !seq || !records || (size_t)nla_len(records) > LSP_CLIENT_BUFFER_BYTES)
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

int lsp_client_messages_read(struct lsp_client *c, void *messages, int bytes)
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
