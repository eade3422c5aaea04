// SPDX-License-Identifier: GPL-2.0-only
/*
 * Speaks the module's netlink protocol word for word, rightly or wrongly, from
 * one socket: genltool STEP..., where a step is
 *
 *   family                   prints the family's number
 *   COMMAND[,NAME=VALUE]...  start, set, stop, resend, status, teach, or a number, with
 *                            attributes: the names of the contract in lower case,
 *                            or a number with its size, 77/4=1. Prints
 *                            "COMMAND: ERRNO SENTENCE", ERRNO 0 when granted.
 *   sleep=MS                 takes data for so long
 *   pause=MS                 takes nothing for so long
 *   until=FILE               takes nothing until there is such a file
 *   room=BYTES               has its socket hold so much, not 64 MiB
 *   rates=MS/TIMES           as often, sets another pair of rates and sleeps
 *   contend=MS               two threads of its own wait for each other for so
 *                            long; prints "contend: " and their waits together
 *   wait                     takes data until standard input ends
 *   end                      takes data until END, then prints one JSON object:
 *                            sums of the records, estimates with their variance
 *                            by docs/semantics.md, and END's counters
 *
 * "version" stands for version=LOCKSPAN_VERSION, "no family" is said of a
 * family that cannot be found. Exit status 0, or 1 when a message was unsound.
 * libs: -lnl-genl-3 -lnl-3 -lpthread
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "../../kmod/uapi/lockspan.h"

#define ANSWER_MS 30000

struct attr_name {
	const char *name;
	int type;
	int bytes;
};

static const struct attr_name attr_names[] = {
	{ "version", LOCKSPAN_A_VERSION, 4 },
	{ "block_rate_ns", LOCKSPAN_A_BLOCK_RATE_NS, 8 },
	{ "mutex_fraction", LOCKSPAN_A_MUTEX_FRACTION, 4 },
	{ "min_delay_ns", LOCKSPAN_A_MIN_DELAY_NS, 8 },
	{ "stack_mode", LOCKSPAN_A_STACK_MODE, 4 },
	{ "flags", LOCKSPAN_A_FLAGS, 4 },
	{ "tgid", LOCKSPAN_A_TGID, 4 },
	{ "cgroup", LOCKSPAN_A_CGROUP, 8 },
	{ "ops", LOCKSPAN_A_OPS, 4 },
	{ "ring_bytes", LOCKSPAN_A_RING_BYTES, 4 },
	{ "stack_id", LOCKSPAN_A_STACK_ID, 8 },
	{ "state", LOCKSPAN_A_STATE, 4 },
	{ "generation", LOCKSPAN_A_GENERATION, 4 },
};

static const char *const command_names[] = {
	[LOCKSPAN_CMD_START] = "start", [LOCKSPAN_CMD_SET] = "set", [LOCKSPAN_CMD_STOP] = "stop",
	[LOCKSPAN_CMD_RESEND] = "resend", [LOCKSPAN_CMD_STATUS] = "status",
	[LOCKSPAN_CMD_TEACH] = "teach",
};

/* An estimate: its value, its variance, and what it is made of. */
struct estimate {
	uint64_t kept;
	double count;
	double count_variance;
	double delay_ns;
	double delay_variance;
};

static struct {
	struct nl_sock *socket;
	int family;
	bool ended;
	bool unsound;
	uint64_t nosleep;
	uint64_t open;
	uint64_t rates_seen;	/* changes of the rate from one span to the next */
	uint64_t last_rate_ns;
	struct estimate block;
	struct estimate mutex;
	uint64_t counters[LOCKSPAN_C_COUNT];
} g;

static void die(const char *what)
{
	fprintf(stderr, "genltool: %s\n", what);
	exit(2);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- what the module sends ------------------------------------------------- */

static void estimate_add(struct estimate *e, double p, double delay_ns)
{
	double w = 1 / p;

	e->kept++;
	e->count += w;
	e->count_variance += (1 - p) * w * w;
	e->delay_ns += w * delay_ns;
	e->delay_variance += (1 - p) * w * w * delay_ns * delay_ns;
}

static void span_take(const struct lockspan_span *s)
{
	uint64_t wait_ns = (s->wake_ns ? s->wake_ns : s->run_ns) - s->enq_ns;
	double d = wait_ns ? (double)wait_ns : 1;

	g.rates_seen += s->rate_ns != g.last_rate_ns;
	g.last_rate_ns = s->rate_ns;
	if (s->outcome == LOCKSPAN_NOSLEEP)
		g.nosleep++;
	else if (s->outcome == LOCKSPAN_OPEN)
		g.open++;
	else
		estimate_add(&g.block, d < (double)s->rate_ns ? d / (double)s->rate_ns : 1, (double)wait_ns);
}

static void records_take(const void *run, int bytes)
{
	while (bytes > 0) {
		const struct lockspan_rec *rec = run;

		if (bytes < (int)sizeof(*rec) || rec->bytes % 8 || rec->bytes < sizeof(*rec) ||
		    (int)rec->bytes > bytes) {
			g.unsound = true;
			return;
		}
		if (rec->type == LOCKSPAN_REC_SPAN) {
			span_take(run);
		} else if (rec->type == LOCKSPAN_REC_RELEASE) {
			const struct lockspan_release *r = run;

			estimate_add(&g.mutex, 1.0 / r->fraction, (double)r->hold_ns);
		}
		run = (const char *)run + rec->bytes;
		bytes -= (int)rec->bytes;
	}
}

static void message_take(struct nlmsghdr *h)
{
	struct nlattr *attrs[LOCKSPAN_A_MAX + 1], *a;

	if (genlmsg_parse(h, 0, attrs, LOCKSPAN_A_MAX, NULL) < 0) {
		g.unsound = true;
		return;
	}
	a = attrs[LOCKSPAN_A_RECORDS];
	if (a)
		records_take(nla_data(a), nla_len(a));
	if (genlmsg_hdr(h)->cmd != LOCKSPAN_CMD_END)
		return;
	g.ended = true;
	a = attrs[LOCKSPAN_A_COUNTERS];
	if (a && nla_len(a) == sizeof(g.counters))
		memcpy(g.counters, nla_data(a), sizeof(g.counters));
	else
		g.unsound = true;
}

static void answer_print(const char *name, struct nlmsghdr *h)
{
	const struct nlmsgerr *e = nlmsg_data(h);
	int skip = sizeof(*e), left;
	struct nlattr *a;

	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += (int)e->msg.nlmsg_len - (int)sizeof(e->msg);
	printf("%s: %d", name, -e->error);
	if (h->nlmsg_flags & NLM_F_ACK_TLVS)
		nlmsg_for_each_attr(a, h, skip, left)
			if (nla_type(a) == NLMSGERR_ATTR_MSG)
				printf(" %.*s", nla_len(a), (const char *)nla_data(a));
	printf("\n");
}

/* One datagram. True when it held the answer to request @seq, printed under @name. */
static bool receive(const char *name, uint32_t seq)
{
	static char buffer[1 << 17] __attribute__((aligned(8)));
	struct nlmsghdr *h = (struct nlmsghdr *)buffer;
	ssize_t got = recv(nl_socket_get_fd(g.socket), buffer, sizeof(buffer), 0);
	bool answered = false;
	int left = (int)got;

	if (got < 0 && errno == ENOBUFS)
		return false;
	if (got < 0)
		die(strerror(errno));
	for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
		if (h->nlmsg_type == g.family && !h->nlmsg_seq) {
			message_take(h);
		} else if (h->nlmsg_type == NLMSG_ERROR && name && h->nlmsg_seq == seq) {
			answer_print(name, h);
			answered = true;
		}
	}
	return answered;
}

static bool readable(uint64_t until_ms)
{
	struct pollfd p = { .fd = nl_socket_get_fd(g.socket), .events = POLLIN };
	uint64_t now = now_ms();

	return poll(&p, 1, until_ms > now ? (int)(until_ms - now) : 0) > 0;
}

static void data_take(unsigned int ms)
{
	uint64_t until_ms = now_ms() + ms;

	while (readable(until_ms))
		receive(NULL, 0);
}

/* ---- what is asked of it ---------------------------------------------------- */

static void attr_put(struct nl_msg *msg, char *text)
{
	char *value = strchr(text, '='), *size;
	int type = 0, bytes = 4;
	uint64_t n[8] = { 0 };
	size_t i;

	if (value)
		*value++ = '\0';
	for (i = 0; i < sizeof(attr_names) / sizeof(attr_names[0]); i++)
		if (!strcmp(attr_names[i].name, text)) {
			type = attr_names[i].type;
			bytes = attr_names[i].bytes;
		}
	if (!type) {
		type = (int)strtol(text, &size, 10);
		if (*size == '/')
			bytes = atoi(size + 1);
	}
	n[0] = value ? strtoull(value, NULL, 0) : LOCKSPAN_VERSION;
	if (!type || bytes < 1 || bytes > (int)sizeof(n) || nla_put(msg, type, bytes, n))
		die("no such attribute");
}

static void request(char *step)
{
	char *name = strtok(step, ","), *attr;
	struct nl_msg *msg = nlmsg_alloc();
	uint64_t until_ms = now_ms() + ANSWER_MS;
	uint32_t seq = nl_socket_use_seq(g.socket);
	int cmd = atoi(name);
	size_t i;

	for (i = 1; i < sizeof(command_names) / sizeof(command_names[0]); i++)
		if (command_names[i] && !strcmp(command_names[i], name))
			cmd = (int)i;
	if (!cmd)
		die("no such step");
	genlmsg_put(msg, NL_AUTO_PORT, seq, g.family, 0, NLM_F_REQUEST | NLM_F_ACK, (uint8_t)cmd,
		    LOCKSPAN_GENL_VERSION);
	while ((attr = strtok(NULL, ",")))
		attr_put(msg, attr);
	nlmsg_hdr(msg)->nlmsg_pid = nl_socket_get_local_port(g.socket);
	if (send(nl_socket_get_fd(g.socket), nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len, 0) < 0)
		die(strerror(errno));
	nlmsg_free(msg);
	while (readable(until_ms))
		if (receive(name, seq))
			return;
	printf("%s: %d no answer\n", name, ETIMEDOUT);
}

/* Every pair of these in turn, so that every rate meets every fraction. */
static void rates(const char *text)
{
	static const uint64_t block_ns[] = { 1, 10000, 1000000, 300000 };
	static const unsigned int fractions[] = { 1, 10, 3 };
	unsigned int ms = 10, times = 10, i;
	char step[96];

	sscanf(text, "%u/%u", &ms, &times);
	for (i = 0; i < times; i++) {
		snprintf(step, sizeof(step), "set,block_rate_ns=%" PRIu64 ",mutex_fraction=%u",
			 block_ns[i % 4], fractions[i % 3]);
		request(step);
		data_take(ms);
	}
}

static pthread_mutex_t turn_mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static int turn;
static uint64_t turns_until_ms;

/* Takes every second turn, and waits for the others. */
static void *turns_take(void *arg)
{
	int self = *(const int *)arg;
	struct rusage usage;

	pthread_mutex_lock(&turn_mu);
	while (now_ms() < turns_until_ms) {
		turn = !self;
		pthread_cond_signal(&turn_changed);
		while (turn != self && turn >= 0)
			pthread_cond_wait(&turn_changed, &turn_mu);
	}
	turn = -1;
	pthread_cond_signal(&turn_changed);
	pthread_mutex_unlock(&turn_mu);
	getrusage(RUSAGE_THREAD, &usage);
	return (void *)usage.ru_nvcsw;
}

static void contend(unsigned int ms)
{
	int self[2] = { 0, 1 }, i;
	pthread_t threads[2];
	long waits = 0;
	void *n;

	turns_until_ms = now_ms() + ms;
	for (i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, turns_take, &self[i]))
			die("no threads");
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], &n);
		waits += (long)n;
	}
	printf("contend: %ld\n", waits);
}

static void wait_for_input(void)
{
	struct pollfd fds[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = nl_socket_get_fd(g.socket), .events = POLLIN },
	};

	while (poll(fds, 2, -1) >= 0 && !fds[0].revents)
		if (fds[1].revents)
			receive(NULL, 0);
}

static void estimate_print(const char *name, const struct estimate *e)
{
	printf("\"%s\":{\"kept\":%" PRIu64 ",\"contentions\":%.0f,\"contentions_variance\":%.0f,"
	       "\"delay_ns\":%.0f,\"delay_variance\":%.0f},", name, e->kept, e->count,
	       e->count_variance, e->delay_ns, e->delay_variance);
}

static void end(void)
{
	static const char *const names[] = {
#define NAME(id, name) name,
		LOCKSPAN_COUNTERS(NAME)
	};
	uint64_t until_ms = now_ms() + ANSWER_MS;
	int i;

	while (!g.ended && readable(until_ms))
		receive(NULL, 0);
	printf("{\"ended\":%s,\"sound\":%s,\"nosleep\":%" PRIu64 ",\"open\":%" PRIu64
	       ",\"rate_changes\":%" PRIu64 ",", g.ended ? "true" : "false", g.unsound ? "false" : "true",
	       g.nosleep, g.open, g.rates_seen);
	estimate_print("block", &g.block);
	estimate_print("mutex", &g.mutex);
	printf("\"counters\":{");
	for (i = 0; i < LOCKSPAN_C_COUNT; i++)
		printf("%s\"%s\":%" PRIu64, i ? "," : "", names[i], g.counters[i]);
	printf("}}\n");
}

static void room_set(int bytes)
{
	setsockopt(nl_socket_get_fd(g.socket), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
}

static void step_take(char *step)
{
	if (!strncmp(step, "sleep=", 6))
		data_take((unsigned int)atoi(step + 6));
	else if (!strncmp(step, "rates=", 6))
		rates(step + 6);
	else if (!strncmp(step, "contend=", 8))
		contend((unsigned int)atoi(step + 8));
	else if (!strncmp(step, "pause=", 6))
		usleep((useconds_t)atoi(step + 6) * 1000);
	else if (!strncmp(step, "until=", 6))
		while (access(step + 6, F_OK))
			usleep(10000);
	else if (!strncmp(step, "room=", 5))
		room_set(atoi(step + 5));
	else if (!strcmp(step, "wait"))
		wait_for_input();
	else if (!strcmp(step, "end"))
		end();
	else if (!strcmp(step, "family"))
		printf("%d\n", g.family);
	else
		request(step);
}

int main(int argc, char **argv)
{
	int i, one = 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	g.socket = nl_socket_alloc();
	if (!g.socket || genl_connect(g.socket))
		die("no netlink socket");
	g.family = genl_ctrl_resolve(g.socket, LOCKSPAN_GENL_NAME);
	if (g.family < 0) {
		printf("no family\n");
		return 0;
	}
	setsockopt(nl_socket_get_fd(g.socket), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	room_set(64 << 20);
	for (i = 1; i < argc; i++)
		step_take(argv[i]);
	return g.unsound;
}
