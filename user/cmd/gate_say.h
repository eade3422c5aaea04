/* SPDX-License-Identifier: GPL-2.0-only */
/* The result of lockspan gate, and how it is written. */
#ifndef LSP_CMD_GATE_SAY_H
#define LSP_CMD_GATE_SAY_H

#include "gate_runs.h"

struct lsp_gate_judgement {
	const struct lsp_gate_options *options;
	const char *lock;		/* the only lock that was judged, or NULL */
	unsigned int classes;		/* the classes that were judged; 0 with a lock */
	struct lsp_gate_runs *runs[2];	/* before, after */
	struct lsp_gate_result result;
	bool has_semaphores;		/* semaphores were judged apart */
	struct lsp_gate_result semaphores;
	bool has_worst;			/* where most delay was added, for each unit of what is compared */
	struct lsp_gate_place worst;
	const char *blamed;		/* the function to blame in the new runs; NULL: not known */
	double blamed_share;
	const char *near[2];		/* path of the run nearest to the median, of each side */
};

/* "run", "second", "contention" by enum lsp_gate_per. */
extern const char *const lsp_gate_per_names[3];

void lsp_gate_text(FILE *to, const struct lsp_gate_judgement *g);
struct json_object *lsp_gate_json(const struct lsp_gate_judgement *g);

#endif
