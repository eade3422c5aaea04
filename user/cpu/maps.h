/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mappings of sampled processes, as /proc has them while they live, and as
 * the kernel reported them for one that has ended before it was looked at.
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

/* From now on this process counts, and what it forks; others are passed over unless all are wanted. */
int lsp_cpu_maps_want(struct lsp_cpu_maps *m, uint32_t tgid);
void lsp_cpu_maps_want_all(struct lsp_cpu_maps *m);
bool lsp_cpu_maps_wanted(const struct lsp_cpu_maps *m, uint32_t tgid);

/*
 * A PERF_RECORD_FORK: 1 when a process has become wanted by it, else 0 or
 * -ENOMEM. Records of several CPUs are not in order: to be repeated until none has.
 */
int lsp_cpu_maps_fork(struct lsp_cpu_maps *m, const struct perf_event_header *h);

/* A PERF_RECORD_MMAP2 or _COMM; others change nothing. 0 or -ENOMEM. */
int lsp_cpu_maps_record(struct lsp_cpu_maps *m, const struct perf_event_header *h);

/* Gives the resolver what @tgid has mapped now. Its generation for a stack, or -errno. */
int64_t lsp_cpu_maps_generation(struct lsp_cpu_maps *m, uint32_t tgid);

#endif
