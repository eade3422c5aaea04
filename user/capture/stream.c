// SPDX-License-Identifier: GPL-2.0-only
#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CPUS 65536

void lsp_streams_uninit(struct lsp_streams *s)
{
	free(s->next);
	memset(s, 0, sizeof(*s));
}

/* The place of a CPU's number, made if need be. */
static int stream_at(struct lsp_streams *s, uint32_t cpu, uint64_t **ret)
{
	size_t place = cpu == LOCKSPAN_CPU_WORKER ? 0 : (size_t)cpu + 1;
	uint64_t *next;

	if (place > MAX_CPUS)
		return -EBADMSG;
	if (place >= s->n) {
		next = reallocarray(s->next, place + 1, sizeof(*next));
		if (!next)
			return -ENOMEM;
		memset(next + s->n, 0, (place + 1 - s->n) * sizeof(*next));
		s->next = next;
		s->n = place + 1;
	}
	*ret = &s->next[place];
	return 0;
}

int lsp_streams_begin(struct lsp_streams *s, uint32_t cpu, uint64_t seq, uint64_t **next_ret)
{
	int err = stream_at(s, cpu, next_ret);

	if (!err && seq < **next_ret)
		err = -EBADMSG;
	if (err) {
		s->bad_runs++;
		return err;
	}
	if (seq > **next_ret) {
		s->gaps++;
		s->lost += seq - **next_ret;
	}
	return 0;
}

void lsp_streams_end(struct lsp_streams *s, uint64_t *next, uint64_t seq, uint64_t records, int bad)
{
	/* The rest of a damaged run counts as a gap when the next run comes. */
	*next = seq + records;
	s->records += records;
	if (bad)
		s->bad_runs++;
}
