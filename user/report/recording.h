/* SPDX-License-Identifier: GPL-2.0-only */
/* Collects what a report is made of: the profiles of one or more recordings, and their facts. */
#ifndef LSP_REPORT_RECORDING_H
#define LSP_REPORT_RECORDING_H

#include "../profile/pprof.h"
#include "facts.h"

enum lsp_part {
	LSP_PART_BLOCK,
	LSP_PART_MUTEX,
	LSP_PART_EXT,
	LSP_PART_COUNT
};

/* All zero is empty. A part that is missing is NULL. */
struct lsp_recording {
	struct lsp_profile *parts[LSP_PART_COUNT];
	struct lsp_facts facts;
};

void lsp_recording_uninit(struct lsp_recording *r);

/*
 * Tells which part a profile is: by its sample types, then by what its samples or comments say,
 * then by the functions at the leaves (...Unlock), last by @name, the name of the file. Returns
 * -EINVAL if its sample types are of no part, or if it is a difference of two profiles. Then @why
 * gets a clause that says what it is.
 */
int lsp_recording_part(const struct lsp_profile *p, const char *name, char *why, size_t why_bytes);

/* "block", "mutex", "contention". */
const char *lsp_part_name(enum lsp_part part);

/* Takes over @p, and adds it to the part. Returns 0 or -errno. */
int lsp_recording_add(struct lsp_recording *r, enum lsp_part part, struct lsp_profile *p);

/* Returns the column of the part's sample type @name, or -1. */
int lsp_part_column(const struct lsp_profile *p, const char *name);

/* Returns the sample's text label @key, "" if it has none. */
const char *lsp_sample_text(const struct lsp_profile_sample *s, const char *key);

/* Whether the sample of a mutex profile stands for waits that were given up, and for no release. */
bool lsp_sample_given_up(const struct lsp_profile_sample *s);

#endif
