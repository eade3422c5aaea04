/* SPDX-License-Identifier: GPL-2.0-only */
/* Collects what a report is made of: the profiles of one or more recordings, and their facts. */
#ifndef LSP_REPORT_RECORDING_H
#define LSP_REPORT_RECORDING_H

#include "../base/intern.h"
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
	const char *only;	/* rows and shapes are those of the locks of this name; NULL: of all */
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

/* Whether a sample belongs to what is asked for, and whether any sample or open wait does. */
bool lsp_recording_takes(const struct lsp_recording *r, const struct lsp_profile_sample *s);
bool lsp_recording_has_any(const struct lsp_recording *r);

/* Whether the sample of a mutex profile stands for waits that were given up, and for no release. */
bool lsp_sample_given_up(const struct lsp_profile_sample *s);

/*
 * What the locks of a recording are used for, so that locks stand before what else is waited for: by the
 * label `role` of their releases, where there is none by the class. Here in the order of a report.
 */
enum lsp_use {
	LSP_USE_LOCK,		/* also what has no class, as in profiles of other makers */
	LSP_USE_UNKNOWN,	/* too few releases tell */
	LSP_USE_HANDOVER,	/* a queue, a signal, a pool */
	LSP_USE_END,		/* joins and barriers */
};

struct lsp_use_lock {
	enum lsp_use use;
	double hold_ns;		/* of the releases that told so */
};

struct lsp_uses {
	struct lsp_intern names;
	struct lsp_use_lock *locks;	/* by the name's number */
	size_t room;
};

/* 0 or -ENOMEM. */
int lsp_uses_create(const struct lsp_recording *r, struct lsp_uses *ret);
void lsp_uses_destroy(struct lsp_uses *u);

/* The use of the locks called @lock, whose waits are of class @sync. */
enum lsp_use lsp_uses_of(const struct lsp_uses *u, const char *lock, const char *sync);

/* Whether a release is somebody's blame: by its key's role, in older files by its class. */
bool lsp_use_is_blamed(const struct lsp_profile_sample *s);

#endif
