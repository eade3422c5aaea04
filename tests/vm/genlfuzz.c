// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends requests that are nearly right, wrong, or noise to every command of the
 * module, and looks at each answer:
 *
 *   genlfuzz [--family N] [--sessions] SEED MESSAGES
 *
 * --family: the family's number where its name cannot be asked for (another
 * network namespace). --sessions: now and then a START that must be granted, so
 * that what follows meets a session of one's own; its data is thrown away.
 *
 * Would catch: a request that makes the kernel warn (whoever runs this looks), one
 * that is granted to whom it may not be, an error that the contract does not
 * have, and a request that has no answer. Prints one JSON object: messages, those
 * granted by command, refused by errno, unanswered. Exit status 1 after an error
 * that is not of the contract.
 * libs: -lnl-genl-3 -lnl-3
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "../../kmod/uapi/lockspan.h"

#define COMMANDS (LOCKSPAN_CMD_MAX + 3)
#define ERRNOS 256
#define MESSAGE_BYTES 32768
#define LATE_S 5	/* an answer's way through a megabyte of data, on the slowest kernel */

static const int errors_known[] = {
	EPERM, ENOENT, ESRCH, E2BIG, EAGAIN, ENOMEM, EACCES, EBUSY, ENODEV, EINVAL, ERANGE,
	EPROTO, EOPNOTSUPP, EMSGSIZE, ENODATA,
};

static const uint8_t attr_bytes[LOCKSPAN_A_MAX + 1] = {
	[LOCKSPAN_A_VERSION] = 4, [LOCKSPAN_A_BLOCK_RATE_NS] = 8, [LOCKSPAN_A_MUTEX_FRACTION] = 4,
	[LOCKSPAN_A_MIN_DELAY_NS] = 8, [LOCKSPAN_A_STACK_MODE] = 4, [LOCKSPAN_A_FLAGS] = 4,
	[LOCKSPAN_A_TGID] = 4, [LOCKSPAN_A_CGROUP] = 8, [LOCKSPAN_A_OPS] = 4,
	[LOCKSPAN_A_RING_BYTES] = 4, [LOCKSPAN_A_STACK_ID] = 8, [LOCKSPAN_A_GENERATION] = 4,
};

/* Those that a command takes; 0 ends them. */
static const uint8_t attrs_taken[LOCKSPAN_CMD_MAX + 1][12] = {
	[LOCKSPAN_CMD_START] = { LOCKSPAN_A_VERSION, LOCKSPAN_A_BLOCK_RATE_NS, LOCKSPAN_A_MUTEX_FRACTION,
				 LOCKSPAN_A_MIN_DELAY_NS, LOCKSPAN_A_STACK_MODE, LOCKSPAN_A_FLAGS,
				 LOCKSPAN_A_TGID, LOCKSPAN_A_CGROUP, LOCKSPAN_A_OPS,
				 LOCKSPAN_A_RING_BYTES },
	[LOCKSPAN_CMD_SET] = { LOCKSPAN_A_BLOCK_RATE_NS, LOCKSPAN_A_MUTEX_FRACTION,
			       LOCKSPAN_A_MIN_DELAY_NS, LOCKSPAN_A_TGID },
	[LOCKSPAN_CMD_RESEND] = { LOCKSPAN_A_STACK_ID, LOCKSPAN_A_TGID },
	[LOCKSPAN_CMD_STATUS] = { LOCKSPAN_A_VERSION },
	[LOCKSPAN_CMD_TEACH] = { LOCKSPAN_A_GENERATION, LOCKSPAN_A_RULES },
};

static struct {
	uint64_t random;
	int socket;
	uint16_t family;
	bool sessions;
	uint32_t seq;
	uint64_t messages;
	uint64_t unanswered;
	uint64_t bytes;			/* of data that a session sent */
	uint64_t granted[COMMANDS];
	uint64_t refused[ERRNOS];
	uint8_t message[MESSAGE_BYTES + 64] __attribute__((aligned(8)));
	size_t at;
} g;

static void die(const char *what)
{
	fprintf(stderr, "genlfuzz: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* xorshift64*: the same for a seed, whatever the C library. */
static uint64_t draw(void)
{
	g.random ^= g.random >> 12;
	g.random ^= g.random << 25;
	g.random ^= g.random >> 27;
	return g.random * 0x2545f4914f6cdd1dULL;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)((draw() >> 32) % n);
}

static bool one_in(uint32_t n)
{
	return !below(n);
}

static void socket_open(void)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	struct timeval second = { .tv_sec = 1 };
	int room = 1 << 20;

	g.socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (g.socket < 0 || bind(g.socket, (struct sockaddr *)&any, sizeof(any)))
		die("socket");
	setsockopt(g.socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	setsockopt(g.socket, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
}

/* ---- messages --------------------------------------------------------------- */

static void bytes_put(const void *data, size_t bytes)
{
	if (bytes > MESSAGE_BYTES - g.at)
		bytes = MESSAGE_BYTES - g.at;
	memcpy(g.message + g.at, data, bytes);
	g.at += bytes;
}

static void noise_put(size_t bytes)
{
	while (bytes) {
		uint64_t word = draw();
		size_t n = bytes < sizeof(word) ? bytes : sizeof(word);

		bytes_put(&word, n);
		bytes -= n;
	}
}

static void attr_put(uint16_t type, const void *value, uint16_t bytes)
{
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + bytes), .nla_type = type };

	bytes_put(&a, sizeof(a));
	if (value)
		bytes_put(value, bytes);
	else
		noise_put(bytes);
	while (g.at % NLA_ALIGNTO && g.at < MESSAGE_BYTES)
		g.message[g.at++] = 0;
}

static void number_put(uint16_t type, uint64_t value)
{
	attr_put(type, &value, attr_bytes[type]);
}

/* Edges, powers of two with their neighbours, small numbers, processes there are, and anything. */
static uint64_t number(void)
{
	switch (below(6)) {
	case 0:
		return below(8);
	case 1:
		return (1ULL << below(64)) + below(3) - 1;
	case 2:
		return UINT64_MAX - below(3);
	case 3:
		return (uint64_t)getpid();
	case 4:
		return below(100000);
	}
	return draw();
}

static void rules_put(void)
{
	struct lockspan_rule rules[64];
	size_t n = one_in(8) ? 64 : below(8);

	for (size_t i = 0; i < sizeof(rules); i++)
		((uint8_t *)rules)[i] = one_in(2) ? (uint8_t)below(16) : (uint8_t)draw();
	attr_put(LOCKSPAN_A_RULES, rules, (uint16_t)(n * sizeof(rules[0]) + (one_in(6) ? below(40) : 0)));
}

static void known_attr_put(uint16_t type)
{
	if (type == LOCKSPAN_A_RULES)
		rules_put();
	else if (attr_bytes[type])
		number_put(type, number());
	else
		attr_put(type, NULL, (uint16_t)below(32));
}

/* An attribute that lies about itself, or that there is not. */
static void odd_attr_put(void)
{
	struct nlattr a = { .nla_len = (uint16_t)draw(), .nla_type = (uint16_t)draw() };

	switch (below(4)) {
	case 0:
		attr_put((uint16_t)(1 + below(LOCKSPAN_A_MAX)), NULL, (uint16_t)below(24));
		break;
	case 1:
		attr_put((uint16_t)draw(), NULL, (uint16_t)below(200));
		break;
	case 2:
		attr_put((uint16_t)((1 + below(LOCKSPAN_A_MAX)) | (one_in(2) ? NLA_F_NESTED : NLA_F_NET_BYTEORDER)),
			 NULL, (uint16_t)below(64));
		break;
	default:
		bytes_put(&a, sizeof(a));
		noise_put(below(16));
	}
}

static struct nlmsghdr *begin(uint8_t cmd)
{
	struct nlmsghdr *h = (struct nlmsghdr *)g.message;
	struct genlmsghdr genl = { .cmd = cmd, .version = LOCKSPAN_GENL_VERSION };

	memset(h, 0, sizeof(*h));
	h->nlmsg_type = g.family;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	h->nlmsg_seq = ++g.seq;
	g.at = sizeof(*h);
	bytes_put(&genl, sizeof(genl));
	return h;
}

/* A START that whoever may start is granted. */
static void start_put(void)
{
	begin(LOCKSPAN_CMD_START);
	number_put(LOCKSPAN_A_VERSION, LOCKSPAN_VERSION);
	number_put(LOCKSPAN_A_FLAGS, LOCKSPAN_F_ALL | (one_in(4) ? LOCKSPAN_F_BOTH : 0));
	number_put(LOCKSPAN_A_STACK_MODE, below(LOCKSPAN_STACK_WALK));
	number_put(LOCKSPAN_A_RING_BYTES, 65536U << below(5));
	number_put(LOCKSPAN_A_BLOCK_RATE_NS, number());
	number_put(LOCKSPAN_A_MUTEX_FRACTION, number());
}

/* Every attribute is one that the command takes; its value may be anything. */
static void fitting_put(void)
{
	static const uint8_t commands[] = { LOCKSPAN_CMD_START, LOCKSPAN_CMD_SET, LOCKSPAN_CMD_STOP,
					    LOCKSPAN_CMD_RESEND, LOCKSPAN_CMD_STATUS, LOCKSPAN_CMD_TEACH };
	uint8_t cmd = commands[below(sizeof(commands))];
	uint32_t n = one_in(20) ? below(300) : below(6), taken = 0;

	begin(cmd);
	while (attrs_taken[cmd][taken])
		taken++;
	if (taken && attrs_taken[cmd][0] == LOCKSPAN_A_VERSION && !one_in(16))
		number_put(LOCKSPAN_A_VERSION, LOCKSPAN_VERSION);
	if (cmd == LOCKSPAN_CMD_START && one_in(2))
		number_put(LOCKSPAN_A_RING_BYTES, 65536U << below(4));
	if (cmd == LOCKSPAN_CMD_TEACH && !one_in(8))
		number_put(LOCKSPAN_A_GENERATION, number());
	while (taken && n--)
		known_attr_put(attrs_taken[cmd][below(taken)]);
}

static void structured_put(void)
{
	uint32_t n = one_in(20) ? below(400) : below(6);

	begin((uint8_t)(1 + below(COMMANDS - 1)));
	if (!one_in(8))
		number_put(LOCKSPAN_A_VERSION, one_in(16) ? number() : LOCKSPAN_VERSION);
	while (n--)
		known_attr_put((uint16_t)(1 + below(LOCKSPAN_A_MAX)));
	if (one_in(3))
		odd_attr_put();
}

/* The header's own fields, last, when the length is known. */
static void header_end(void)
{
	struct nlmsghdr *h = (struct nlmsghdr *)g.message;

	h->nlmsg_len = (uint32_t)g.at;
	if (one_in(40))
		h->nlmsg_len = one_in(2) ? (uint32_t)below((uint32_t)g.at + 64) : (uint32_t)draw();
	if (one_in(40))
		h->nlmsg_flags |= (uint16_t)draw();
}

static void message_make(void)
{
	if (g.sessions && one_in(300)) {
		start_put();
		((struct nlmsghdr *)g.message)->nlmsg_len = (uint32_t)g.at;
		return;
	}
	if (one_in(10)) {
		begin((uint8_t)draw());
		noise_put(below(one_in(10) ? 8000 : 120));
	} else if (one_in(3)) {
		structured_put();
	} else {
		fitting_put();
	}
	if (one_in(2)) {
		((struct nlmsghdr *)g.message)->nlmsg_len = (uint32_t)g.at;
		return;
	}
	header_end();
	/* A bit here and there. */
	for (uint32_t n = one_in(6) ? 1 + below(4) : 0; n; n--) {
		uint32_t at = NLMSG_HDRLEN + below((uint32_t)g.at - NLMSG_HDRLEN);

		g.message[at] ^= (uint8_t)(1 << below(8));
	}
}

/* ---- answers ----------------------------------------------------------------- */

static void answer_note(const struct nlmsgerr *e)
{
	const struct genlmsghdr *genl = (const void *)(g.message + NLMSG_HDRLEN);
	int error = -e->error;

	if (!error)
		g.granted[genl->cmd < COMMANDS ? genl->cmd : 0]++;
	else
		g.refused[error > 0 && error < ERRNOS ? error : 0]++;
}

static uint64_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

/*
 * Reads until the answer to the last message is there. What a session sends comes between, without
 * end while there is load: where the socket was full the answer may be lost, and then is not waited for.
 */
static bool answer_read(void)
{
	static uint8_t buffer[1 << 17] __attribute__((aligned(8)));
	uint64_t until_s = UINT64_MAX;

	while (now_s() < until_s) {
		struct nlmsghdr *h = (struct nlmsghdr *)buffer;
		ssize_t got = recv(g.socket, buffer, sizeof(buffer), 0);
		int left = (int)got;

		if (got < 0 && errno == ENOBUFS) {
			if (until_s == UINT64_MAX)
				until_s = now_s() + LATE_S;
			continue;
		}
		if (got < 0)
			return false;
		for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
			if (h->nlmsg_type == NLMSG_ERROR && h->nlmsg_seq == g.seq) {
				answer_note(nlmsg_data(h));
				return true;
			}
			if (h->nlmsg_type == NLMSG_DONE && h->nlmsg_seq == g.seq)
				return true;
			g.bytes += h->nlmsg_len;
		}
	}
	return false;
}

/* Whether the kernel owes an answer to what was made: it does not to what is no message, or no request. */
static bool owed(void)
{
	const struct nlmsghdr *h = (const void *)g.message;

	return h->nlmsg_len >= NLMSG_HDRLEN && h->nlmsg_len <= g.at && h->nlmsg_flags & NLM_F_REQUEST &&
	       h->nlmsg_flags & NLM_F_ACK;
}

static void message_send(void)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	bool unanswered;

	g.messages++;
	if (sendto(g.socket, g.message, g.at, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		die("send");
	/*
	 * The owner's socket may have been full: its answer is lost then, as every netlink answer is, and
	 * so will be the next ones, each of which would be waited for. The session ends with its socket.
	 */
	unanswered = owed() && !answer_read();
	g.unanswered += unanswered;
	if (unanswered || one_in(g.sessions ? 200 : 1000)) {
		close(g.socket);
		socket_open();
	}
}

static int report(void)
{
	const char *sep = "";
	bool strange = false;
	unsigned int i, k;

	printf("{\"messages\":%llu,\"unanswered\":%llu,\"data_bytes\":%llu,\"granted\":{",
	       (unsigned long long)g.messages, (unsigned long long)g.unanswered,
	       (unsigned long long)g.bytes);
	for (i = 0; i < COMMANDS; i++, sep = ",")
		printf("%s\"%u\":%llu", sep, i, (unsigned long long)g.granted[i]);
	printf("},\"refused\":{");
	for (i = 0, sep = ""; i < ERRNOS; i++) {
		if (!g.refused[i])
			continue;
		printf("%s\"%u\":%llu", sep, i, (unsigned long long)g.refused[i]);
		sep = ",";
		for (k = 0; k < sizeof(errors_known) / sizeof(errors_known[0]); k++)
			if (errors_known[k] == (int)i)
				break;
		strange |= k == sizeof(errors_known) / sizeof(errors_known[0]);
	}
	printf("}}\n");
	return strange;
}

static void family_find(void)
{
	struct nl_sock *s = nl_socket_alloc();
	int family = s && !genl_connect(s) ? genl_ctrl_resolve(s, LOCKSPAN_GENL_NAME) : -1;

	if (family < 0) {
		fprintf(stderr, "genlfuzz: no family\n");
		exit(2);
	}
	g.family = (uint16_t)family;
	nl_socket_free(s);
}

int main(int argc, char **argv)
{
	unsigned long messages;
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--sessions"))
			g.sessions = true;
		else if (!strcmp(argv[i], "--family") && i + 1 < argc)
			g.family = (uint16_t)atoi(argv[++i]);
	}
	if (argc - i != 2) {
		fprintf(stderr, "Usage: genlfuzz [--family N] [--sessions] SEED MESSAGES\n");
		return 64;
	}
	g.random = strtoull(argv[i], NULL, 0) * 0x9e3779b97f4a7c15ULL + 1;
	messages = strtoul(argv[i + 1], NULL, 0);
	if (!g.family)
		family_find();
	socket_open();
	while (g.messages < messages) {
		message_make();
		message_send();
	}
	return report();
}
