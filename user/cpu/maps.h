/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Knows which processes are sampled, those that they fork included. Keeps the mappings of these
 * processes: from /proc while they live, and from the kernel's
 * reports if a process has ended before it was looked at.
 */
#ifndef LSP_CPU_MAPS_H
#define LSP_CPU_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "../resolve/resolve.h"

struct lsp_cpu_maps;
struct perf_event_header;

int lsp_cpu_maps_create(struct lsp_resolver *r, struct lsp_cpu_maps **ret);
void lsp_cpu_maps_destroy(struct lsp_cpu_maps *m);

/*
 * From now on this process is sampled, and what it forks. Others are ignored, unless all are
 * wanted.
 */
int lsp_cpu_maps_want(struct lsp_cpu_maps *m, uint32_t tgid);
void lsp_cpu_maps_want_all(struct lsp_cpu_maps *m);
bool lsp_cpu_maps_wanted(const struct lsp_cpu_maps *m, uint32_t tgid);

/*
 * Takes a PERF_RECORD_FORK. Returns 1 if this makes a new process wanted, else 0, or -ENOMEM.
 * Records of several CPUs are not in order, so this is repeated until no process is new.
 */
int lsp_cpu_maps_fork(struct lsp_cpu_maps *m, const struct perf_event_header *h);

/* Takes a PERF_RECORD_MMAP2 or _COMM; other records change nothing. Returns 0 or -ENOMEM. */
int lsp_cpu_maps_record(struct lsp_cpu_maps *m, const struct perf_event_header *h);

/* Gives the resolver what @tgid has mapped now. Returns its generation for a stack, or -errno. */
int64_t lsp_cpu_maps_generation(struct lsp_cpu_maps *m, uint32_t tgid);

#endif
