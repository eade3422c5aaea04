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

int lsp_streams_feed(struct lsp_streams *s, uint32_t cpu, uint64_t seq, const void *run,
		     size_t bytes, int (*record)(void *arg, const struct lockspan_rec *rec),
		     void *arg)
{
	const struct lockspan_rec *rec;
	uint64_t *next, n = 0;
	int err, bad = 0;
	size_t at = 0;

	err = stream_at(s, cpu, &next);
	if (!err && seq < *next)
		err = -EBADMSG;
	if (err) {
		s->bad_runs++;
		return err;
	}
	if (seq > *next) {
		s->gaps++;
		s->lost += seq - *next;
	}

	while (!err && (rec = lsp_rec_any(run, bytes, &at, &bad))) {
		n++;
		if (rec->type > LOCKSPAN_REC_MAP && rec->type != LSP_REC_LOCK)
			s->unknown++;
		else if (rec->type != LOCKSPAN_REC_PAD)
			err = record(arg, rec);
	}
	/* After damage the rest of the run shows up as a gap before the next one. */
	*next = seq + n;
	s->records += n;
	if (bad)
		s->bad_runs++;
	return err ? err : bad;
}
