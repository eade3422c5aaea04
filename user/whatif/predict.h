/* SPDX-License-Identifier: GPL-2.0-only */
/* Predicts what a change would gain, and how sure that is, from replays of what was recorded. */
#ifndef LSP_WHATIF_PREDICT_H
#define LSP_WHATIF_PREDICT_H

#include "replay.h"
#include "rounds.h"

/* A number and the bounds of its 95 % interval. */
struct lsp_whatif_range {
	double value, low, high;
};

struct lsp_whatif_answer {
	const char *refused;		/* why there is no prediction; NULL: there is one */
	double mean_waiting;		/* threads that wait at once for the lock that is changed, as recorded */
	double before_ns;		/* waiting for all locks, as recorded */
	double replayed;		/* waiting when nothing is changed, as a factor of that */
	struct lsp_whatif_range after_ns;
	struct lsp_whatif_range throughput;	/* as a factor */
	double duration_ns;		/* from the first wait to the last, as recorded */
	double after_duration_ns;
	unsigned int replays;
};

struct lsp_whatif {
	struct lsp_whatif_program program;
	struct lsp_whatif_lock *locks;
	double waiting_ns;		/* of all locks */
	double elsewhere_ns;		/* what the same threads waited for what is no lock */
	uint64_t first_ns, last_ns;
	double sum_ns, sum_squares, end_ns, end_squares;	/* of the unchanged replays */
	unsigned int replays;
	bool stuck;
};

/* @elsewhere_ns as above. Returns 0 or -ENOMEM. @fair has a place for each lock, and is copied. */
int lsp_whatif_create(const struct lsp_whatif_recorded *r, const bool *fair, double elsewhere_ns, struct lsp_whatif *ret);
void lsp_whatif_destroy(struct lsp_whatif *w);

/* Returns 0 or -ENOMEM. */
int lsp_whatif_predict(struct lsp_whatif *w, const struct lsp_whatif_change *c, struct lsp_whatif_answer *ret);

#endif
