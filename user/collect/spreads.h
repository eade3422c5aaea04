/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long the waits for each lock were, or its hold charges: a histogram for each key, whose buckets are 1/64 of a power
 * of two wide. A length that is read from it is wrong by less than 1 %. The histograms of a name are added up at the
 * end. A name has none if an event of it may be in no histogram or in another name's, or if one was left out by sampling.
 */
#ifndef LSP_COLLECT_SPREADS_H
#define LSP_COLLECT_SPREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/index.h"
#include "../base/lengths.h"

/* From 64 ns, below which there is only one bucket, to 39 hours. */
#define LSP_SPREAD_LEAST_BITS 6
#define LSP_SPREAD_OCTAVES 41
#define LSP_SPREAD_BUCKETS 64

#define LSP_SPREAD_NOBODY 0	/* number of the histogram of what has no place, or was drawn by sampling */

struct lsp_spread {
	uint64_t key;
	uint32_t name;		/* place among the locks' names; LSP_INDEX_NONE: not known yet */
	uint32_t *octaves[LSP_SPREAD_OCTAVES];	/* NULL: no such wait */
};

struct lsp_spreads {
	struct lsp_spread *spreads;	/* that with the number NOBODY is not read */
	size_t n;
	size_t room;
	struct lsp_index index;
	uint8_t *mixed;			/* by name: it has no percentiles */
	size_t mixed_room;
};

/* 0 or -ENOMEM. All zero can be given to _uninit. */
int lsp_spreads_init(struct lsp_spreads *s);
void lsp_spreads_uninit(struct lsp_spreads *s);

/* Returns the number of the key's histogram; 0: there is no room for it. */
uint32_t lsp_spreads_at(struct lsp_spreads *s, uint64_t key);

/* The same for a lock that is known by its name alone. */
uint32_t lsp_spreads_of_name(struct lsp_spreads *s, uint32_t name);

/* The part of _add that is seldom needed. Where there is no memory, the wait is missing, and _lengths finds that. */
void lsp_spreads_add_first(struct lsp_spreads *s, uint32_t number, uint64_t wait_ns);

static inline void lsp_spreads_add(struct lsp_spreads *s, uint32_t number, uint64_t wait_ns)
{
	uint64_t ns = wait_ns < 1U << LSP_SPREAD_LEAST_BITS ? 1U << LSP_SPREAD_LEAST_BITS : wait_ns;
	unsigned int octave = 63U - LSP_SPREAD_LEAST_BITS - (unsigned int)__builtin_clzll(ns);
	uint32_t *buckets = octave < LSP_SPREAD_OCTAVES ? s->spreads[number].octaves[octave] : NULL;

	if (__builtin_expect(!buckets, 0))
		lsp_spreads_add_first(s, number, ns);
	else
		buckets[ns >> octave & (LSP_SPREAD_BUCKETS - 1)]++;
}

/* Waits of the histogram were for the lock of the name. -ENOMEM. */
int lsp_spreads_name(struct lsp_spreads *s, uint32_t number, uint32_t name);

/* Some waits of the key are for other locks, so the name that it has is not told. -ENOMEM. */
int lsp_spreads_drop(struct lsp_spreads *s, uint64_t key);

/*
 * The lengths of the @waits for the locks of a name. Returns false if they are not known. @waits is the number of records:
 * where some are not here, such as those that sampling drew and that stand for others of unknown lengths, the numbers
 * differ.
 */
bool lsp_spreads_lengths(const struct lsp_spreads *s, uint32_t name, uint64_t waits, struct lsp_lengths *ret);

#endif
