// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: netlink messages, or runs of records in them, that make the
 * client or the walk read behind them, crash, leak, or hand out a record whose
 * payload is not all there. For libFuzzer; tests/fuzz/run builds and starts it.
 * corpus/client was written by build/unit/test_client --seeds.
 * sources: user/capture/client.c user/capture/client_message.c user/capture/rehearsal.c user/capture/span.c
 * sources: user/capture/stream.c user/capture/stackset.c user/base/index.c
 * libs: -lnl-genl-3 -lnl-3
 */
#include <stdlib.h>
#include <string.h>

#include "../../user/capture/client.h"
#include "../../user/capture/stackset.h"
#include "../../user/capture/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define MUST(condition) do { if (!(condition)) abort(); } while (0)
#define FAMILY 33

struct reader {
	struct lsp_streams streams;
	struct lsp_stackset stacks;
	uint64_t seen;
};

static uint64_t bytes_sum(const void *data, size_t bytes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < bytes; i++)
		sum += ((const uint8_t *)data)[i];
	return sum;
}

/* Everything that a record promises can be looked at. */
static int record_look(void *arg, const struct lockspan_rec *rec)
{
	struct reader *r = arg;
	const struct lockspan_stack *s = (const void *)rec;
	const struct lockspan_map *m = (const void *)rec;
	uint32_t place;

	r->seen += bytes_sum(rec, rec->bytes);
	if (rec->type == LOCKSPAN_REC_STACK) {
		r->seen += bytes_sum(s + 1, s->payload_bytes);
		MUST(!lsp_stackset_put(&r->stacks, s));
		MUST(!lsp_stackset_place(&r->stacks, s->tgid, s->id, 1, &place));
		MUST(r->stacks.stacks[place].arrived);
	} else if (rec->type == LOCKSPAN_REC_MAP) {
		r->seen += strlen((const char *)(m + 1));
	}
	return 0;
}

static int data_take(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	struct reader *r = arg;

	MUST((uintptr_t)run % 8 == 0);
	return lsp_streams_feed(&r->streams, cpu % 64, seq, run, bytes, record_look, r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct lsp_client *c;	/* its buffers are large: one serves all inputs */
	static struct reader r;
	const struct lsp_client_report *end;
	void *messages = malloc(bytes + 1);

	memcpy(messages, data, bytes);
	MUST(!lsp_stackset_init(&r.stacks));
	MUST(c || !lsp_client_create(data_take, &r, &c));
	lsp_client_feed(c, FAMILY, 0, messages, bytes);
	end = lsp_client_end(c);
	if (end) {
		MUST(end->nprobes <= LSP_CLIENT_PROBES);
		for (size_t i = 0; i < end->nprobes; i++)
			r.seen += strlen(end->probes[i].name) + strlen(end->probes[i].symbol);
	}
	lsp_stackset_uninit(&r.stacks);
	lsp_streams_uninit(&r.streams);
	free(messages);
	return 0;
}
