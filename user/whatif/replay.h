/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replays what threads did with their locks, as recorded or with a change: the threads arrive, queue, are woken and
 * release as the C library's locks have it, and the time between their own steps is kept.
 */
#ifndef LSP_WHATIF_REPLAY_H
#define LSP_WHATIF_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LSP_WHATIF_NONE UINT32_MAX

/* A thread takes a lock, or releases it. */
struct lsp_whatif_op {
	uint64_t delay_ns;	/* the thread's own time since its step before: since it got that lock, or released it */
	uint32_t lock;
	uint32_t site;		/* of the release, also in the op that takes the lock */
	uint32_t latency_ns;	/* from being woken to running; NONE: it was not woken */
	bool release;
};

/* What a thread did from taking a first lock until it had none any more. */
struct lsp_whatif_round {
	size_t first;		/* op */
	size_t n;
};

struct lsp_whatif_thread {
	uint64_t start_ns;	/* its first arrival, since the first of all */
	size_t first;		/* round */
	size_t n;
};

struct lsp_whatif_program {
	struct lsp_whatif_op *ops;
	size_t nops, ops_room;
	struct lsp_whatif_round *rounds;
	size_t nrounds, rounds_room;
	struct lsp_whatif_thread *threads;
	size_t nthreads;
	bool *fair;		/* by lock: a release gives it to the first waiter, as PI mutexes do */
	size_t nlocks;
	uint32_t *latencies;	/* as they were recorded */
	size_t nlatencies, latencies_room;
};

void lsp_whatif_program_uninit(struct lsp_whatif_program *p);

struct lsp_whatif_change {
	const bool *sites;	/* whose holds change, by number; NULL: those of all sites */
	const bool *locks;	/* of which locks, by number; NULL: of all */
	double shorten;		/* by which part of their length: 0 to 1 */
	uint32_t split;		/* into how many locks the lock split_lock is split; 0 and 1: not */
	uint32_t split_lock;
};

struct lsp_whatif_outcome {
	double waiting_ns;
	uint64_t end_ns;	/* when the last thread was done, since the first arrival */
	uint64_t waits;
	bool stuck;		/* threads were left that waited for each other */
};

/*
 * Replays the program with a change, or unchanged (@c NULL). @seed 0 keeps each thread's rounds as they were; any
 * other number draws each from the rounds near it. Returns 0 or -ENOMEM.
 */
int lsp_whatif_replay(const struct lsp_whatif_program *p, const struct lsp_whatif_change *c, uint64_t seed,
		      struct lsp_whatif_outcome *ret);

#endif
