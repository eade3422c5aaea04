/* SPDX-License-Identifier: GPL-2.0-only */
/* A collector that is fed single records, as the module would send them. */
#ifndef TESTS_UNIT_FIXTURE_COLLECTOR_H
#define TESTS_UNIT_FIXTURE_COLLECTOR_H

#include <stdint.h>

#include "../../user/collect/collector.h"
#include "../../user/results/profiles.h"

struct feeder {
	struct lsp_collector *c;
	uint64_t seq;
};

/*
 * Makes a collector with a resolver that is played (fixture_resolver.h) and has all mappings; and destroys it.
 */
void begin(struct feeder *f);
void finish(struct feeder *f, struct lsp_profiles_summary *s);

void feed(struct feeder *f, const void *record);
void feed_stack(struct feeder *f, uint32_t tgid, uint64_t id, uint64_t rip);
void feed_stack_of(struct feeder *f, uint32_t tgid, uint32_t generation, uint64_t id, uint64_t rip);

/* Feeds a wait of thread 1, and a release by thread 2, of process 1. Both were kept for certain. */
struct lockspan_span span(uint64_t stack, uint64_t key, uint64_t wait_ns);
struct lockspan_release release(uint64_t stack, uint64_t key, uint64_t hold_ns);

#endif
