/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words that belong to threads: a parking lock lets each thread sleep on a word
 * of its own, so that no word is the lock. Finds such words among waits, and
 * the virtual keys that stand for the locks.
 */
#ifndef LSP_COLLECT_PARKED_H
#define LSP_COLLECT_PARKED_H

#include "charges.h"
#include "evidence.h"
#include "waits.h"

struct lsp_word {
	uint64_t key;
	bool lock;		/* known to be the lock itself, so that it is no thread's; to be set */
	bool parked;		/* at each time one thread's */
	bool joined;		/* and virtual keys stand in its place */
};

/* One virtual key. */
struct lsp_virtual {
	uint32_t set;		/* of sites, by one of them; as many as there are sites: not known */
	uint32_t words;		/* 1, or 2 for any more */
	uint32_t number;	/* within its set, from 1, by how long was waited for it */
	uint64_t key;		/* of its first word */
	double wait_ns;
	uint64_t first_ns;
	uint32_t first;		/* of its waits */
	struct lsp_given given;
	struct lsp_evidence evidence;
};

/* The virtual keys of one site together. */
struct lsp_virtual_set {
	uint32_t site;		/* where most was waited */
	double site_ns;
	float classes[LSP_SYNC_COUNT];	/* waits of each class; set by the owner */
	struct lsp_evidence evidence;
	bool joined;
};

struct lsp_parked {
	struct lsp_word *words;		/* ascending by key */
	size_t nwords;
	struct lsp_wait *waits;		/* on parked words, in order of enq_ns; their groups are virtual keys */
	size_t n;
	struct lsp_virtual *virtuals;
	uint32_t nvirtuals;
	struct lsp_virtual_set *sets;	/* by site; those that do not stand for a set are empty */
	uint32_t *parents;		/* of the sites (pairs.h) */
	uint32_t nsites;
};

/* All zero is empty. */
void lsp_parked_uninit(struct lsp_parked *p);

/* The words of @waits; sets the waits' groups to their places. 0 or -ENOMEM. */
int lsp_parked_words(struct lsp_parked *p, struct lsp_wait *waits, size_t n);
struct lsp_word *lsp_parked_word(const struct lsp_parked *p, uint64_t key);

/*
 * Finds which of the words, except locks, are parked, and copies their @waits (grouped by word) to
 * @p, with virtual keys, charges and evidence. @nsites: sites are numbers below it. 0 or -ENOMEM.
 */
int lsp_parked_find(struct lsp_parked *p, const struct lsp_wait *waits, size_t n, uint32_t nsites);

#endif
