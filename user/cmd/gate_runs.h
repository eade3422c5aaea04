/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the recordings that lockspan gate compares. */
#ifndef LSP_CMD_GATE_RUNS_H
#define LSP_CMD_GATE_RUNS_H

#include <stdbool.h>
#include <stddef.h>

#include "../capture/span.h"
#include "../gate/verdict.h"
#include "gate_places.h"

/* Sums over the waits of one class, or for one lock. */
struct lsp_gate_sum {
	double delay_ns;
	double contentions;
};

/* How a recording was made. This must be the same for delays to be compared. */
struct lsp_gate_settings {
	double block_rate_ns;
	double mutex_fraction;
	double min_delay_ns;
	bool within;			/* made by lockspan user: a wait lasts from call to return */
};

struct lsp_gate_recording {
	char *path;
	double seconds;
	int64_t start_ns, stop_ns;	/* tell whether two recordings are the same; 0: not known */
	uint64_t kept;			/* number of waits of all classes that sampling kept */
	bool complete;			/* the recording is of a command, from its start to its end */
	struct lsp_gate_settings settings;
	struct lsp_gate_sum classes[LSP_SYNC_COUNT];
	struct lsp_gate_sum lock;	/* the lock that was asked for */
};

/* One side. */
struct lsp_gate_runs {
	struct lsp_gate_recording runs[LSP_GATE_RUNS_MAX];
	size_t n;
};

/* What a recording must be like to be used. */
struct lsp_gate_wanted {
	const char *lock;		/* NULL: no lock is asked for */
	double status;			/* the exit status of a command that ended well */
};

/*
 * Adds the recording in the folder @path, or all recordings in folders directly inside it, in the
 * order of their names. Adds what they say of @side to @places. Returns false, and says why, if one
 * cannot be read, is partial, or its command failed.
 */
bool lsp_gate_runs_add(struct lsp_gate_runs *r, const char *path, const struct lsp_gate_wanted *w,
		       struct lsp_gate_places *places, int side);
void lsp_gate_runs_uninit(struct lsp_gate_runs *r);

/* Returns false, and says which two recordings were made in different ways. */
bool lsp_gate_runs_alike(const struct lsp_gate_runs *base, const struct lsp_gate_runs *now);

/*
 * Returns false, and says which recording was given twice, as itself or as a copy. Each run counts
 * as a measurement of its own, so one that is there twice would make the interval too narrow.
 */
bool lsp_gate_runs_once(const struct lsp_gate_runs *base, const struct lsp_gate_runs *now);

/*
 * Takes what is judged: the waits of the @classes (a bit for each enum lsp_sync), or with 0 those
 * for the lock.
 */
void lsp_gate_runs_take(const struct lsp_gate_runs *r, unsigned int classes,
			struct lsp_gate_run *ret);

/* Returns the mean delay of a class in a run. */
double lsp_gate_runs_class_ns(const struct lsp_gate_runs *r, enum lsp_sync class);

#endif
