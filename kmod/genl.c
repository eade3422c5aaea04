// SPDX-License-Identifier: GPL-2.0-only
#include "genl.h"

#include <linux/log2.h>
#include <linux/netlink.h>
#include <linux/sizes.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "compat.h"
#include "counter.h"
#include "rates.h"
#include "session.h"
#include "uapi/lockspan.h"
#include "ustack.h"

#define RING_BYTES_DEFAULT SZ_4M
#define RING_BYTES_MIN SZ_64K
#define RING_BYTES_MAX SZ_64M
#define TGIDS_MAX 256

static struct genl_family family;

static const struct nla_policy policy[LOCKSPAN_A_MAX + 1] = {
	[LOCKSPAN_A_VERSION] = { .type = NLA_U32 },
	[LOCKSPAN_A_BLOCK_RATE_NS] = { .type = NLA_U64 },
	[LOCKSPAN_A_MUTEX_FRACTION] = { .type = NLA_U32 },
	[LOCKSPAN_A_MIN_DELAY_NS] = { .type = NLA_U64 },
	[LOCKSPAN_A_STACK_MODE] = { .type = NLA_U32 },
	[LOCKSPAN_A_FLAGS] = { .type = NLA_U32 },
	[LOCKSPAN_A_TGID] = { .type = NLA_U32 },
	[LOCKSPAN_A_CGROUP] = { .type = NLA_U64 },
	[LOCKSPAN_A_OPS] = { .type = NLA_U32 },
	[LOCKSPAN_A_RING_BYTES] = { .type = NLA_U32 },
	[LOCKSPAN_A_STACK_ID] = { .type = NLA_U64 },
	[LOCKSPAN_A_GENERATION] = { .type = NLA_U32 },
	[LOCKSPAN_A_RULES] = { .type = NLA_BINARY },
};

#define ATTR(name) BIT_ULL(LOCKSPAN_A_##name)
#define RATE_ATTRS (ATTR(BLOCK_RATE_NS) | ATTR(MUTEX_FRACTION) | ATTR(MIN_DELAY_NS) | ATTR(TGID))
#define START_ATTRS (ATTR(VERSION) | RATE_ATTRS | ATTR(STACK_MODE) | ATTR(FLAGS) | \
		     ATTR(CGROUP) | ATTR(OPS) | ATTR(RING_BYTES))

static const char no_memory[] = "not enough memory for the request";

static int refuse(struct genl_info *info, int error, const char *why)
{
	if (info->extack)
		info->extack->_msg = why;
	return error;
}

/*
 * A sentence with numbers in it. There are several buffers, because the ack is sent after this
 * function returns.
 */
static const char *sentence(const char *format, u32 a, u32 b)
{
	static char text[8][112];
	static atomic_t next;
	char *to = text[(u32)atomic_inc_return(&next) % ARRAY_SIZE(text)];

	snprintf(to, sizeof(text[0]), format, a, b);
	return to;
}

/*
 * Every request is checked for privilege, for unknown attributes, and for the reader's version if
 * it gives one.
 */
static int request_check(struct sk_buff *skb, struct genl_info *info, u64 allowed, bool versioned)
{
	const struct nlattr *version = info->attrs[LOCKSPAN_A_VERSION];
	int a;

	if (!netlink_capable(skb, CAP_SYS_ADMIN))
		return refuse(info, -EPERM, "lockspan needs CAP_SYS_ADMIN: run as root");
	for (a = 1; a <= LOCKSPAN_A_MAX; a++)
		if (info->attrs[a] && !(allowed & BIT_ULL(a)))
			return refuse(info, -EINVAL,
				      sentence("attribute %u is not for command %u", a, info->genlhdr->cmd));
	if (!versioned)
		return 0;
	if (!version)
		return refuse(info, -EPROTO, sentence("no version given; the module speaks version %u",
						      LOCKSPAN_VERSION, 0));
	if (nla_get_u32(version) != LOCKSPAN_VERSION)
		return refuse(info, -EPROTO,
			      sentence("the module speaks version %u, the reader version %u",
				       LOCKSPAN_VERSION, nla_get_u32(version)));
	return 0;
}

static u64 attr_u64(struct genl_info *info, int a, u64 absent)
{
	return info->attrs[a] ? nla_get_u64(info->attrs[a]) : absent;
}

static u32 attr_u32(struct genl_info *info, int a, u32 absent)
{
	return info->attrs[a] ? nla_get_u32(info->attrs[a]) : absent;
}

/* Reads the repeated TGID attributes. Of these info->attrs has only the last one. */
static int tgids_read(struct genl_info *info, u32 *to, u32 *n)
{
	struct nlattr *a;
	int rest;

	*n = 0;
	nlmsg_for_each_attr(a, info->nlhdr, GENL_HDRLEN, rest) {
		if (nla_type(a) != LOCKSPAN_A_TGID)
			continue;
		if (*n == TGIDS_MAX)
			return refuse(info, -E2BIG, sentence("more than %u processes", TGIDS_MAX, 0));
		to[(*n)++] = nla_get_u32(a);
	}
	return 0;
}

static int options_read(struct genl_info *info, struct lsp_session_options *o)
{
	struct lsp_tables_options *t = &o->tables;
	u32 flags = attr_u32(info, LOCKSPAN_A_FLAGS, 0);

	o->block_rate_ns = attr_u64(info, LOCKSPAN_A_BLOCK_RATE_NS, 1);
	o->mutex_fraction = attr_u32(info, LOCKSPAN_A_MUTEX_FRACTION, 1);
	o->rehearsed = flags & LOCKSPAN_F_REHEARSED;
	t->stack_mode = attr_u32(info, LOCKSPAN_A_STACK_MODE, LOCKSPAN_STACK_RAW);
	t->ring_bytes = attr_u32(info, LOCKSPAN_A_RING_BYTES, RING_BYTES_DEFAULT);
	t->stack_both = flags & LOCKSPAN_F_BOTH;
	t->why = flags & LOCKSPAN_F_WHY;
	t->filter.all = flags & LOCKSPAN_F_ALL;
	t->filter.children = flags & LOCKSPAN_F_CHILDREN;
	t->filter.cgroup = attr_u64(info, LOCKSPAN_A_CGROUP, 0);
	t->filter.ops = attr_u32(info, LOCKSPAN_A_OPS, 0);
	t->filter.min_delay_ns = attr_u64(info, LOCKSPAN_A_MIN_DELAY_NS, 0);
	t->filter.owner = current->tgid;

	if (flags & ~LOCKSPAN_F_MASK)
		return refuse(info, -EINVAL, sentence("unknown flags 0x%x", flags & ~LOCKSPAN_F_MASK, 0));
	if (t->filter.ops >> LOCKSPAN_OP_COUNT)
		return refuse(info, -EINVAL, sentence("unknown operations in 0x%x", t->filter.ops, 0));
	if (!lsp_ustack_supported(t->stack_mode))
		return refuse(info, -EOPNOTSUPP, sentence("stack mode %u is not supported", t->stack_mode, 0));
	if (t->ring_bytes < RING_BYTES_MIN || t->ring_bytes > RING_BYTES_MAX ||
	    !is_power_of_2(t->ring_bytes))
		return refuse(info, -EINVAL, sentence("ring size must be a power of two from %u to %u bytes",
						      RING_BYTES_MIN, RING_BYTES_MAX));
	if (!t->filter.all && !t->ntgids && !t->filter.cgroup)
		return refuse(info, -EINVAL, "nothing to observe: give processes, a cgroup or the flag for all");
	return 0;
}

/* Returns the requester's socket. It is open, because the requester has not returned from sending yet. */
static struct file *sender_file(struct sk_buff *skb)
{
	const struct sock *sk = NETLINK_CB(skb).sk;

	return sk && sk->sk_socket ? sk->sk_socket->file : NULL;
}

static int start_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct file *socket = sender_file(skb);
	struct lsp_session_options o = { 0 };
	const char *why = NULL;
	u32 *tgids;
	int ret;

	ret = request_check(skb, info, START_ATTRS, true);
	if (ret)
		return ret;
	if (!socket)
		return refuse(info, -EINVAL, "a session's owner is a process with a socket of its own");
	tgids = kmalloc_array(TGIDS_MAX, sizeof(*tgids), GFP_KERNEL);
	if (!tgids)
		return refuse(info, -ENOMEM, no_memory);
	ret = tgids_read(info, tgids, &o.tables.ntgids);
	if (ret)
		goto out_tgids;
	o.tables.tgids = tgids;
	ret = options_read(info, &o);
	if (ret)
		goto out_tgids;
	ret = lsp_session_start(&o, info->snd_portid, socket, &why);
	if (ret)
		refuse(info, ret, why);
out_tgids:
	kfree(tgids);
	return ret;
}

static int set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct lsp_session_changes c = {
		.block_rate = info->attrs[LOCKSPAN_A_BLOCK_RATE_NS],
		.mutex = info->attrs[LOCKSPAN_A_MUTEX_FRACTION],
		.min_delay = info->attrs[LOCKSPAN_A_MIN_DELAY_NS],
		.block_rate_ns = attr_u64(info, LOCKSPAN_A_BLOCK_RATE_NS, 0),
		.mutex_fraction = attr_u32(info, LOCKSPAN_A_MUTEX_FRACTION, 0),
		.min_delay_ns = attr_u64(info, LOCKSPAN_A_MIN_DELAY_NS, 0),
	};
	const char *why = NULL;
	u32 *tgids;
	int ret;

	ret = request_check(skb, info, RATE_ATTRS, false);
	if (ret)
		return ret;
	tgids = kmalloc_array(TGIDS_MAX, sizeof(*tgids), GFP_KERNEL);
	if (!tgids)
		return refuse(info, -ENOMEM, no_memory);
	ret = tgids_read(info, tgids, &c.ntgids);
	if (ret)
		goto out_tgids;
	c.tgids = tgids;
	ret = lsp_session_set(info->snd_portid, &c, &why);
	if (ret)
		refuse(info, ret, why);
out_tgids:
	kfree(tgids);
	return ret;
}

static int stop_doit(struct sk_buff *skb, struct genl_info *info)
{
	const char *why = NULL;
	int ret;

	ret = request_check(skb, info, 0, false);
	if (ret)
		return ret;
	ret = lsp_session_stop(info->snd_portid, &why);
	return ret ? refuse(info, ret, why) : 0;
}

static int resend_doit(struct sk_buff *skb, struct genl_info *info)
{
	const char *why = NULL;
	int ret;

	ret = request_check(skb, info, ATTR(STACK_ID) | ATTR(TGID), false);
	if (ret)
		return ret;
	if (!info->attrs[LOCKSPAN_A_STACK_ID] && !info->attrs[LOCKSPAN_A_TGID])
		return refuse(info, -EINVAL, "no stack named");
	if (info->attrs[LOCKSPAN_A_STACK_ID])
		ret = lsp_session_forget_stack(info->snd_portid,
					       nla_get_u64(info->attrs[LOCKSPAN_A_STACK_ID]), &why);
	if (!ret && info->attrs[LOCKSPAN_A_TGID])
		ret = lsp_session_deepen(info->snd_portid, nla_get_u32(info->attrs[LOCKSPAN_A_TGID]),
					 &why);
	return ret ? refuse(info, ret, why) : 0;
}

static int teach_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *rules = info->attrs[LOCKSPAN_A_RULES];
	const char *why = NULL;
	int ret;

	ret = request_check(skb, info, ATTR(GENERATION) | ATTR(RULES), false);
	if (ret)
		return ret;
	if (!rules || !info->attrs[LOCKSPAN_A_GENERATION] ||
	    nla_len(rules) % sizeof(struct lockspan_rule))
		return refuse(info, -EINVAL, "rules come whole, with their generation");
	ret = lsp_session_teach(info->snd_portid, nla_get_u32(info->attrs[LOCKSPAN_A_GENERATION]),
				nla_data(rules), nla_len(rules), &why);
	return ret ? refuse(info, ret, why) : 0;
}

static int counters_put(struct sk_buff *msg)
{
	u64 counters[LOCKSPAN_C_COUNT];

	lsp_counters_read(counters);
	return nla_put(msg, LOCKSPAN_A_COUNTERS, sizeof(counters), counters);
}

static int probes_put(struct sk_buff *msg)
{
	struct lsp_probe_state p;
	struct nlattr *nest;
	unsigned int i;

	for (i = 0; lsp_session_probe_state(i, &p); i++) {
		nest = nla_nest_start(msg, LOCKSPAN_A_PROBE);
		if (!nest)
			return -EMSGSIZE;
		if (nla_put_string(msg, LOCKSPAN_A_PROBE_NAME, p.name) ||
		    nla_put_string(msg, LOCKSPAN_A_PROBE_SYMBOL, p.symbol ?: "") ||
		    nla_put_u64_64bit(msg, LOCKSPAN_A_PROBE_MISSED, p.missed, LOCKSPAN_A_PAD)) {
			nla_nest_cancel(msg, nest);
			return -EMSGSIZE;
		}
		nla_nest_end(msg, nest);
	}
	return 0;
}

static int status_put(struct sk_buff *msg, const struct lsp_session_status *s)
{
	return nla_put_u32(msg, LOCKSPAN_A_VERSION, LOCKSPAN_VERSION) ||
	       nla_put_u32(msg, LOCKSPAN_A_STATE, s->state) ||
	       nla_put_u32(msg, LOCKSPAN_A_OWNER_PID, s->owner_pid) ||
	       nla_put_u64_64bit(msg, LOCKSPAN_A_START_NS, s->start_ns, LOCKSPAN_A_PAD) ||
	       nla_put_u64_64bit(msg, LOCKSPAN_A_BLOCK_RATE_NS, lsp_rate_block_ns(), LOCKSPAN_A_PAD) ||
	       nla_put_u32(msg, LOCKSPAN_A_MUTEX_FRACTION, lsp_rate_mutex()) ||
	       nla_put_u64_64bit(msg, LOCKSPAN_A_OPEN_SPANS, s->open_spans, LOCKSPAN_A_PAD) ||
	       nla_put_u64_64bit(msg, LOCKSPAN_A_MEMORY_BYTES, s->memory_bytes, LOCKSPAN_A_PAD) ||
	       counters_put(msg) || probes_put(msg) ? -EMSGSIZE : 0;
}

static int status_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct lsp_session_status s;
	struct sk_buff *msg;
	void *head;
	int ret;

	ret = request_check(skb, info, ATTR(VERSION), true);
	if (ret)
		return ret;
	lsp_session_status(&s);
	msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return refuse(info, -ENOMEM, no_memory);
	head = genlmsg_put_reply(msg, info, &family, 0, LOCKSPAN_CMD_STATUS);
	if (!head || status_put(msg, &s)) {
		nlmsg_free(msg);
		return refuse(info, -EMSGSIZE, "the status does not fit into one message");
	}
	genlmsg_end(msg, head);
	return genlmsg_reply(msg, info);
}

static const struct genl_small_ops genl_ops[] = {
	{ .cmd = LOCKSPAN_CMD_START, .doit = start_doit },
	{ .cmd = LOCKSPAN_CMD_SET, .doit = set_doit },
	{ .cmd = LOCKSPAN_CMD_STOP, .doit = stop_doit },
	{ .cmd = LOCKSPAN_CMD_RESEND, .doit = resend_doit },
	{ .cmd = LOCKSPAN_CMD_STATUS, .doit = status_doit },
	{ .cmd = LOCKSPAN_CMD_TEACH, .doit = teach_doit },
};

/*
 * The family exists only in the initial network namespace, because netnsok stays false. Requests
 * are served in parallel. Otherwise a slow request would make the requests of every other family of
 * the machine wait.
 */
static struct genl_family family = {
	.name = LOCKSPAN_GENL_NAME,
	.version = LOCKSPAN_GENL_VERSION,
	.maxattr = LOCKSPAN_A_MAX,
	.policy = policy,
	.small_ops = genl_ops,
	.n_small_ops = ARRAY_SIZE(genl_ops),
	.module = THIS_MODULE,
	.parallel_ops = true,
	LSP_GENL_RESV_START_OP
};

int lsp_genl_data_send(u32 portid, u32 cpu, u64 seq, const void *run, u32 bytes)
{
	struct sk_buff *msg;
	void *head;

	msg = genlmsg_new(bytes + 128, GFP_KERNEL);
	if (!msg)
		return -EAGAIN;
	head = genlmsg_put(msg, 0, 0, &family, 0, LOCKSPAN_CMD_DATA);
	if (!head || nla_put_u32(msg, LOCKSPAN_A_CPU, cpu) ||
	    nla_put_u64_64bit(msg, LOCKSPAN_A_SEQ, seq, LOCKSPAN_A_PAD) ||
	    nla_put_64bit(msg, LOCKSPAN_A_RECORDS, bytes, run, LOCKSPAN_A_PAD)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, head);
	return genlmsg_unicast(&init_net, msg, portid);
}

int lsp_genl_end_send(u32 portid, u64 start_ns, u64 stop_ns)
{
	struct sk_buff *msg;
	void *head;

	msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return -EAGAIN;
	head = genlmsg_put(msg, 0, 0, &family, 0, LOCKSPAN_CMD_END);
	if (!head || nla_put_u64_64bit(msg, LOCKSPAN_A_STOP_NS, stop_ns, LOCKSPAN_A_PAD) ||
	    nla_put_u64_64bit(msg, LOCKSPAN_A_START_NS, start_ns, LOCKSPAN_A_PAD) ||
	    counters_put(msg) || probes_put(msg)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, head);
	return genlmsg_unicast(&init_net, msg, portid);
}

int lsp_genl_armed_send(u32 portid)
{
	struct sk_buff *msg = genlmsg_new(0, GFP_KERNEL);
	void *head;

	if (!msg)
		return -ENOMEM;
	head = genlmsg_put(msg, 0, 0, &family, 0, LOCKSPAN_CMD_ARMED);
	if (!head) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, head);
	return genlmsg_unicast(&init_net, msg, portid);
}

int lsp_genl_init(void)
{
	return genl_register_family(&family);
}

void lsp_genl_uninit(void)
{
	genl_unregister_family(&family);
}
