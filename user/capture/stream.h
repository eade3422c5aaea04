/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The numbered streams of records, one per CPU and one of the module's worker:
 * takes runs apart and notices what is missing between them.
 */
#ifndef LSP_CAPTURE_STREAM_H
#define LSP_CAPTURE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "span.h"

/* All zero is the state at START. */
struct lsp_streams {
	uint64_t *next;		/* number expected next, by CPU; [0] the worker's */
	size_t n;
	uint64_t records;	/* records taken apart, fillers and unknown types included */
	uint64_t unknown;	/* of these, records of an unknown type */
	uint64_t unfit;		/* and records that contradict themselves, which were dropped */
	uint64_t gaps;		/* gaps in the sequence numbers */
	uint64_t lost;		/* how many numbers are missing in all gaps */
	uint64_t bad_runs;	/* runs that were damaged; the rest of each was dropped */
};

void lsp_streams_uninit(struct lsp_streams *s);

/*
 * The two ends of lsp_streams_feed(). begin: the place of the CPU's next number, -EBADMSG (counted) or
 * -ENOMEM. end: @records of a run that began with number @seq have been taken; @bad: then it was damaged.
 */
int lsp_streams_begin(struct lsp_streams *s, uint32_t cpu, uint64_t seq, uint64_t **next_ret);
void lsp_streams_end(struct lsp_streams *s, uint64_t *next, uint64_t seq, uint64_t records, int bad);

/*
 * Calls @record for each record of a run that begins with the number @seq. Its error ends the walk
 * and is returned. Of a damaged run, the records before the damage are used. A damaged run is
 * counted, and -EBADMSG is returned. The same is returned for a run of an impossible CPU number,
 * which is not used, and for a run that is older than what was seen before. This function is
 * inlined, and @record with it, because the collector spends most of its time here.
 */
static inline __attribute__((always_inline))
int lsp_streams_feed(struct lsp_streams *s, uint32_t cpu, uint64_t seq, const void *run, size_t bytes,
		     int (*record)(void *arg, const struct lockspan_rec *rec), void *arg)
{
	const struct lockspan_rec *rec;
	uint64_t *next, n = 0;
	int err, bad = 0;
	size_t at = 0;

	err = lsp_streams_begin(s, cpu, seq, &next);
	if (err)
		return err;
	while (!err && (rec = lsp_rec_any(run, bytes, &at, &bad))) {
		n++;
		if (__builtin_expect(rec->type == LOCKSPAN_REC_SPAN || rec->type == LOCKSPAN_REC_RELEASE, 1))
			err = record(arg, rec);
		else if (rec->type == LSP_REC_UNFIT)
			s->unfit++;
		else if (rec->type > LOCKSPAN_REC_MAX && rec->type != LSP_REC_LOCK)
			s->unknown++;
		else if (rec->type != LOCKSPAN_REC_PAD)
			err = record(arg, rec);
	}
	lsp_streams_end(s, next, seq, n, bad);
	return err ? err : bad;
}

#endif
