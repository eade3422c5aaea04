// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a damaged, cut or foreign message that is believed or read
 * behind; data that does not reach the handler whole and aligned; a report that
 * is mixed up or overflows; a family that is missing told as something else.
 *
 * Messages are made here byte by byte, without the library that reads them.
 * sources: user/capture/client.c user/capture/client_message.c user/capture/rehearsal.c user/capture/span.c
 * libs: -lnl-genl-3 -lnl-3
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/capture/client.h"

#define FAMILY 33

/* The handler's memory. */
struct got {
	int messages;
	uint32_t cpu;
	uint64_t seq;
	size_t bytes;
	uint8_t run[4096];
	int answer;
};

static int data_take(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	struct got *g = arg;

	assert_int_equal((uintptr_t)run % 8, 0);
	assert_true(bytes <= sizeof(g->run));
	g->messages++;
	g->cpu = cpu;
	g->seq = seq;
	g->bytes = bytes;
	memcpy(g->run, run, bytes);
	return g->answer;
}

static struct lsp_client *client_new(struct got *g)
{
	struct lsp_client *c;

	memset(g, 0, sizeof(*g));
	assert_int_equal(lsp_client_create(data_take, g, &c), 0);
	return c;
}

struct message {
	uint8_t bytes[8192];
	size_t n;
};

static void put(struct message *m, const void *data, size_t bytes)
{
	assert_true(m->n + bytes + 8 <= sizeof(m->bytes));
	memcpy(m->bytes + m->n, data, bytes);
	m->n += bytes;
	while (m->n % 4)
		m->bytes[m->n++] = 0;
}

static void begin(struct message *m, uint16_t type, uint8_t cmd)
{
	struct nlmsghdr h = { .nlmsg_type = type };
	struct genlmsghdr g = { .cmd = cmd, .version = 1 };

	memset(m, 0, sizeof(*m));
	put(m, &h, sizeof(h));
	put(m, &g, sizeof(g));
}

static void attr(struct message *m, uint16_t type, const void *data, size_t bytes)
{
	struct nlattr a = { .nla_len = (uint16_t)(sizeof(a) + bytes), .nla_type = type };

	put(m, &a, sizeof(a));
	put(m, data, bytes);
}

static void attr_u32(struct message *m, uint16_t type, uint32_t v)
{
	attr(m, type, &v, sizeof(v));
}

static void attr_u64(struct message *m, uint16_t type, uint64_t v)
{
	attr(m, type, &v, sizeof(v));
}

static void end(struct message *m)
{
	uint32_t n = (uint32_t)m->n;

	memcpy(m->bytes, &n, sizeof(n));
}

/* From memory of exactly its size, so that the sanitizer sees a read behind it. */
static int feed_from(struct lsp_client *c, uint16_t family, uint32_t from, const struct message *m)
{
	uint8_t *exact = malloc(m->n);
	int ret;

	memcpy(exact, m->bytes, m->n);
	ret = lsp_client_feed(c, family, from, exact, m->n);
	free(exact);
	return ret;
}

static int feed(struct lsp_client *c, const struct message *m)
{
	return feed_from(c, FAMILY, 0, m);
}

static void data_message(struct message *m, size_t bytes)
{
	uint8_t run[4096];

	for (size_t i = 0; i < sizeof(run); i++)
		run[i] = (uint8_t)(i * 7);
	begin(m, FAMILY, LOCKSPAN_CMD_DATA);
	attr_u32(m, LOCKSPAN_A_CPU, 3);
	attr_u64(m, LOCKSPAN_A_SEQ, 0x123456789abcULL);
	attr(m, LOCKSPAN_A_RECORDS, run, bytes);
	end(m);
}

static void data_reaches_the_handler(void **state)
{
	struct message m;
	struct got g;
	struct lsp_client *c = client_new(&g);

	(void)state;
	data_message(&m, 2048);
	/* The payload stands at 4 modulo 8 in here: it must be moved. */
	assert_int_equal((m.n - 2048) % 8, 4);
	assert_int_equal(feed(c, &m), 0);
	assert_int_equal(g.messages, 1);
	assert_int_equal(g.cpu, 3);
	assert_int_equal(g.seq, 0x123456789abcULL);
	assert_int_equal(g.bytes, 2048);
	assert_int_equal(g.run[100], (uint8_t)700);
	/* And aligned as it is, when something of four bytes stands before it. */
	begin(&m, FAMILY, LOCKSPAN_CMD_DATA);
	attr(&m, LOCKSPAN_A_PAD, "", 0);
	attr_u32(&m, LOCKSPAN_A_CPU, 4);
	attr_u64(&m, LOCKSPAN_A_SEQ, 9);
	attr(&m, LOCKSPAN_A_RECORDS, "abcdefgh", 8);
	end(&m);
	assert_int_equal(feed(c, &m), 0);
	assert_memory_equal(g.run, "abcdefgh", 8);
	lsp_client_destroy(c);
}

static void handlers_word_is_heard(void **state)
{
	struct message m;
	struct got g;
	struct lsp_client *c = client_new(&g);

	(void)state;
	data_message(&m, 64);
	g.answer = -EBADMSG;	/* counted by the handler; reading goes on */
	assert_int_equal(feed(c, &m), 0);
	g.answer = -ENOMEM;
	assert_int_equal(feed(c, &m), -ENOMEM);
	lsp_client_destroy(c);
}

static void foreign_and_unknown(void **state)
{
	struct message m;
	struct got g;
	struct lsp_client *c = client_new(&g);

	(void)state;
	data_message(&m, 64);
	assert_int_equal(feed_from(c, FAMILY, 4711, &m), -EBADMSG);
	assert_int_equal(g.messages, 0);
	/* Another family's number. */
	assert_int_equal(feed_from(c, FAMILY + 1, 0, &m), -EBADMSG);
	assert_int_equal(g.messages, 0);
	assert_int_equal(lsp_client_faults(c)->refused, 2);
	/* A command from the future is passed over, and so is an attribute. */
	begin(&m, FAMILY, 99);
	end(&m);
	assert_int_equal(feed(c, &m), 0);
	begin(&m, FAMILY, LOCKSPAN_CMD_DATA);
	attr_u32(&m, LOCKSPAN_A_CPU, 1);
	attr(&m, LOCKSPAN_A_MAX + 5, "who knows", 9);
	attr_u64(&m, LOCKSPAN_A_SEQ, 1);
	attr(&m, LOCKSPAN_A_RECORDS, "abcdefgh", 8);
	end(&m);
	assert_int_equal(feed(c, &m), 0);
	assert_int_equal(g.messages, 1);
	lsp_client_destroy(c);
}

/* Each attribute missing or of another size than agreed. */
static void data_must_be_complete(void **state)
{
	static const size_t sizes[3] = { 4, 8, 8 };
	static const uint16_t types[3] = { LOCKSPAN_A_CPU, LOCKSPAN_A_SEQ, LOCKSPAN_A_RECORDS };
	struct got g;
	struct lsp_client *c = client_new(&g);

	(void)state;
	for (int broken = 0; broken < 3; broken++) {
		for (int how = 0; how < 3; how++) {
			struct message m;

			begin(&m, FAMILY, LOCKSPAN_CMD_DATA);
			for (int i = 0; i < 3; i++) {
				size_t n = sizes[i];

				if (i == broken && how == 0)
					continue;
				if (i == broken)
					n = how == 1 ? n / 2 : n * 2;
				attr(&m, types[i], "0123456789abcdef", n);
			}
			end(&m);
			/* The length of records is the handler's to judge. */
			assert_int_equal(feed(c, &m), broken == 2 && how ? 0 : -EBADMSG);
		}
	}
	assert_int_equal(g.messages, 2);
	/* And nothing that is no attribute behind them. */
	{
		struct message m;

		data_message(&m, 64);
		m.n += 2;
		end(&m);
		assert_int_equal(feed(c, &m), -EBADMSG);
	}
	assert_int_equal(g.messages, 2);
	lsp_client_destroy(c);
}

static void report_message(struct message *m, uint8_t cmd, size_t ncounters, int nprobes)
{
	uint64_t counters[200];
	struct message nest;

	for (size_t i = 0; i < 200; i++)
		counters[i] = 1000 + i;
	begin(m, FAMILY, cmd);
	attr_u32(m, LOCKSPAN_A_VERSION, 1);
	attr_u32(m, LOCKSPAN_A_STATE, LOCKSPAN_STATE_DRAINING);
	attr_u64(m, LOCKSPAN_A_STOP_NS, 777);
	attr(m, LOCKSPAN_A_COUNTERS, counters, ncounters * 8);
	for (int i = 0; i < nprobes; i++) {
		memset(&nest, 0, sizeof(nest));
		attr(&nest, LOCKSPAN_A_PROBE_NAME, "wait", 5);
		/* Not terminated, and longer than there is room for. */
		attr(&nest, LOCKSPAN_A_PROBE_SYMBOL,
		     "futex_wait_queue_with_a_name_that_does_not_want_to_come_to_an_end_at_all", 72);
		attr_u64(&nest, LOCKSPAN_A_PROBE_MISSED, (uint64_t)i);
		attr(m, LOCKSPAN_A_PROBE | NLA_F_NESTED, nest.bytes, nest.n);
	}
	end(m);
}

static void end_brings_the_counters(void **state)
{
	const struct lsp_client_report *r;
	struct message m;
	struct got g;
	struct lsp_client *c = client_new(&g);

	(void)state;
	assert_null(lsp_client_end(c));
	report_message(&m, LOCKSPAN_CMD_END, LOCKSPAN_C_COUNT, 2);
	assert_int_equal(feed(c, &m), 0);
	r = lsp_client_end(c);
	assert_non_null(r);
	assert_int_equal(r->stop_ns, 777);
	assert_int_equal(r->state, LOCKSPAN_STATE_DRAINING);
	assert_int_equal(r->counters[LOCKSPAN_C_WOKEN], 1000);
	assert_int_equal(r->counters[LOCKSPAN_C_KTHREAD], 1000 + LOCKSPAN_C_KTHREAD);
	assert_int_equal(r->nprobes, 2);
	assert_string_equal(r->probes[1].name, "wait");
	assert_int_equal(strlen(r->probes[1].symbol), LSP_CLIENT_NAME_LEN - 1);
	assert_int_equal(r->probes[1].missed, 1);
	lsp_client_destroy(c);
}

static void end_of_an_older_or_newer_module(void **state)
{
	struct message m;
	struct got g;
	struct lsp_client *c = client_new(&g);

	(void)state;
	report_message(&m, LOCKSPAN_CMD_END, 5, 0);
	assert_int_equal(feed(c, &m), 0);
	assert_int_equal(lsp_client_end(c)->counters[4], 1004);
	assert_int_equal(lsp_client_end(c)->counters[5], 0);
	report_message(&m, LOCKSPAN_CMD_END, LOCKSPAN_C_COUNT + 10, LSP_CLIENT_PROBES + 5);
	assert_int_equal(feed(c, &m), 0);
	assert_int_equal(lsp_client_end(c)->nprobes, LSP_CLIENT_PROBES);
	assert_int_equal(lsp_client_end(c)->counters[LOCKSPAN_C_COUNT - 1],
			 1000 + LOCKSPAN_C_COUNT - 1);
	lsp_client_destroy(c);
}

/* STATUS that nobody asked for must not be written anywhere. */
static void uncalled_answers_are_ignored(void **state)
{
	struct message m;
	struct got g;
	struct lsp_client *c = client_new(&g);
	struct nlmsghdr h = { .nlmsg_len = sizeof(h) + sizeof(struct nlmsgerr),
			      .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = 5 };
	struct nlmsgerr e = { .error = -EBUSY };

	(void)state;
	report_message(&m, LOCKSPAN_CMD_STATUS, 3, 1);
	assert_int_equal(feed(c, &m), 0);
	assert_null(lsp_client_end(c));
	memset(&m, 0, sizeof(m));
	put(&m, &h, sizeof(h));
	put(&m, &e, sizeof(e));
	/* The refusal of a command that does not wait, such as RESEND, is counted. */
	assert_int_equal(feed(c, &m), -EBADMSG);
	assert_string_equal(lsp_client_refusal(c), "");
	lsp_client_destroy(c);
}

/* Every cut of good messages: never a crash, a read behind, or a handler called with less than was sent. */
static void cuts_are_refused(void **state)
{
	struct message whole[2];
	struct got g;
	struct lsp_client *c = client_new(&g);

	(void)state;
	data_message(&whole[0], 256);
	report_message(&whole[1], LOCKSPAN_CMD_END, LOCKSPAN_C_COUNT, 2);
	for (int i = 0; i < 2; i++) {
		for (size_t n = 1; n < whole[i].n; n++) {
			uint8_t *exact = malloc(n);
			uint32_t length = (uint32_t)n;

			/* The message cut, and the message with a header that fits the cut. */
			memcpy(exact, whole[i].bytes, n);
			assert_int_equal(lsp_client_feed(c, FAMILY, 0, exact, n), -EBADMSG);
			if (n >= sizeof(length)) {
				memcpy(exact, &length, sizeof(length));
				lsp_client_feed(c, FAMILY, 0, exact, n);
			}
			free(exact);
			assert_true(!g.messages || g.bytes == 256);
		}
	}
	lsp_client_destroy(c);
}

/* Flipped bits and lengths of all kinds; what counts is that the sanitizer keeps silent. */
static void damage_is_survived(void **state)
{
	struct message whole[2], m;
	struct got g;
	struct lsp_client *c = client_new(&g);
	uint64_t random = 42;

	(void)state;
	data_message(&whole[0], 256);
	report_message(&whole[1], LOCKSPAN_CMD_END, LOCKSPAN_C_COUNT, 2);
	for (int i = 0; i < 2; i++) {
		for (size_t bit = 0; bit < whole[i].n * 8; bit++) {
			m = whole[i];
			m.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			feed(c, &m);
		}
		for (int round = 0; round < 20000; round++) {
			m = whole[i];
			for (int k = 0; k < 3; k++) {
				random = random * 6364136223846793005ULL + 1442695040888963407ULL;
				m.bytes[(random >> 33) % m.n] = (uint8_t)(random >> 24);
			}
			feed(c, &m);
		}
	}
	assert_true(lsp_client_faults(c)->refused > 1000);
	lsp_client_destroy(c);
}

static void several_in_one_datagram(void **state)
{
	struct message a, b;
	struct got g;
	struct lsp_client *c = client_new(&g);

	(void)state;
	data_message(&a, 64);
	b = a;
	assert_true(b.n % 4 == 0);
	memcpy(b.bytes + b.n, a.bytes, a.n);
	b.n += a.n;
	assert_int_equal(feed(c, &b), 0);
	assert_int_equal(g.messages, 2);
	lsp_client_destroy(c);
}

/* Messages for the fuzzer to begin with. */
static int seeds_write(const char *folder)
{
	static const char *const names[] = { "data", "end", "span", "stack" };
	struct {
		struct lockspan_stack s;
		uint64_t words[3];
	} stack = { .s = { .rec = { .bytes = sizeof(stack), .type = LOCKSPAN_REC_STACK }, .id = 1,
			   .mode = LOCKSPAN_STACK_SPARSE, .window_bytes = 24, .payload_bytes = 24 },
		    .words = { 5, 1, 2 } };
	struct lockspan_span span = { .rec = { .bytes = sizeof(span), .type = LOCKSPAN_REC_SPAN } };
	struct message m[4];
	char path[4096];

	data_message(&m[0], 64);
	report_message(&m[1], LOCKSPAN_CMD_END, LOCKSPAN_C_COUNT, 1);
	for (int i = 2; i < 4; i++) {
		begin(&m[i], FAMILY, LOCKSPAN_CMD_DATA);
		attr_u32(&m[i], LOCKSPAN_A_CPU, 0);
		attr_u64(&m[i], LOCKSPAN_A_SEQ, 0);
		if (i == 2)
			attr(&m[i], LOCKSPAN_A_RECORDS, &span, sizeof(span));
		else
			attr(&m[i], LOCKSPAN_A_RECORDS, &stack, sizeof(stack));
		end(&m[i]);
	}
	for (int i = 0; i < 4; i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		f = fopen(path, "w");
		if (!f || fwrite(m[i].bytes, 1, m[i].n, f) != m[i].n || fclose(f))
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_reaches_the_handler),
		cmocka_unit_test(handlers_word_is_heard),
		cmocka_unit_test(foreign_and_unknown),
		cmocka_unit_test(data_must_be_complete),
		cmocka_unit_test(end_brings_the_counters),
		cmocka_unit_test(end_of_an_older_or_newer_module),
		cmocka_unit_test(uncalled_answers_are_ignored),
		cmocka_unit_test(cuts_are_refused),
		cmocka_unit_test(damage_is_survived),
		cmocka_unit_test(several_in_one_datagram),
	};

	if (argc == 3 && !strcmp(argv[1], "--seeds"))
		return seeds_write(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
