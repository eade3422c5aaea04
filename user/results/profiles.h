/* SPDX-License-Identifier: GPL-2.0-only */
/* Makes the three profiles of a recording, with their labels and comments, from a collector's rows. */
#ifndef LSP_RESULTS_PROFILES_H
#define LSP_RESULTS_PROFILES_H

#include <stdbool.h>
#include <stdint.h>

#include "../capture/client.h"
#include "../collect/collector.h"
#include "../profile/pprof.h"
#include "unblamed.h"

struct lsp_losses;

struct lsp_profiles {
	struct lsp_profile *block;
	struct lsp_profile *mutex;
	struct lsp_profile *ext;
};

/* What the comments of the profiles say beside the rows. */
struct lsp_profiles_facts {
	int64_t time_ns;			/* wall-clock time of the beginning */
	struct lsp_rates rates;
	const struct lsp_client_report *end;	/* exact counters; NULL: the END did not come */
	const struct lsp_losses *losses;	/* NULL with @session */
	/*
	 * For profiles that are read during the recording: a label of every sample. When the
	 * counters begin again at 0, it has another value. Then every sample has a pid, and the
	 * comments leave out what is not final. NULL: this is not so.
	 */
	const char *session;
};

/* Sums over all rows of one kind. */
struct lsp_profiles_sum {
	struct lsp_estimate estimate;
	uint64_t ends[LSP_END_COUNT];	/* kept events, by how their stack ended */
	uint64_t hidden;		/* inner frames of libraries that were cut off, summed over the events */
};

struct lsp_profiles_summary {
	struct lsp_profiles_sum block;
	struct lsp_profiles_sum mutex;		/* the releases that are in the mutex profile */
	struct lsp_profiles_sum other;		/* releases that nobody is blamed for */
	struct lsp_estimate unblamed[LSP_UNBLAMED_COUNT];	/* the same by the reason */
	struct lsp_profiles_sum open;
	struct lsp_estimate given_up;		/* waits for locks that were given up; also in the mutex profile */
	double handoff_ns;
};

/*
 * The totals of the block profile when every event is kept and none is lost. Waits of unknown
 * length (ERROR) are not in it.
 */
struct lsp_profiles_exact {
	uint64_t contentions;
	uint64_t delay_ns;
};
struct lsp_profiles_exact lsp_profiles_exact(const struct lsp_client_report *end);

void lsp_profiles_summary(const struct lsp_collector *c, struct lsp_profiles_summary *ret);

/* Builds all three. Returns 0 or -errno; then @ret is empty. */
int lsp_profiles_create(const struct lsp_collector *c, const struct lsp_profiles_facts *facts,
			struct lsp_profiles *ret);
void lsp_profiles_destroy(struct lsp_profiles *p);

/* Returns the location of a resolved frame, as lsp_profile_location_add() does. */
int64_t lsp_profiles_frame(struct lsp_profile *p, const struct lsp_frame *f);

#endif
