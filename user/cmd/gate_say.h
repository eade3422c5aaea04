/* SPDX-License-Identifier: GPL-2.0-only */
/* What lockspan gate has found, and its words for it. */
#ifndef LSP_CMD_GATE_SAY_H
#define LSP_CMD_GATE_SAY_H

#include "gate_runs.h"

struct lsp_gate_judgement {
	const struct lsp_gate_options *options;
	const char *lock;		/* that alone was judged, or NULL */
	unsigned int classes;		/* that were; 0 with a lock */
	struct lsp_gate_runs *runs[2];	/* before, after */
	struct lsp_gate_result result;
	bool has_semaphores;		/* they were judged apart */
	struct lsp_gate_result semaphores;
	bool has_worst;			/* where most has been added; delays are per what is compared */
	struct lsp_gate_place worst;
	const char *blamed;		/* who made the new runs wait there; NULL: not known */
	double blamed_share;
	const char *near[2];		/* path of the run next to the median, of each side */
};

/* "run", "second", "contention" by enum lsp_gate_per. */
extern const char *const lsp_gate_per_names[3];

void lsp_gate_text(FILE *to, const struct lsp_gate_judgement *g);
struct json_object *lsp_gate_json(const struct lsp_gate_judgement *g);

#endif
