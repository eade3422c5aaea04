/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes samples of where a recording's processes spend their CPU time: from the kernel's cpu-clock,
 * with registers and a piece of the user stack. The samples are unwound and named by the same
 * resolver as contention, and become a profile in the form of Go's CPU profile. Needs no module.
 * All functions are for one thread.
 */
#ifndef LSP_CPU_CPU_H
#define LSP_CPU_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../profile/pprof.h"
#include "../resolve/resolve.h"

struct lsp_cpu;

struct lsp_cpu_options {
	const uint32_t *pids;	/* and what they fork from now on */
	size_t npids;
	int cgroup;		/* in place of processes: descriptor of a control group's folder; -1: none */
	bool all;		/* every process; the others are ignored then */
	struct lsp_resolver_options resolver;
};

struct lsp_cpu_totals {
	uint64_t samples;	/* that came */
	uint64_t lost;		/* samples for which the buffer had no room */
	uint64_t kernel;	/* samples of threads without user space */
};

/*
 * Opens and starts the samplers. Returns 0 or -errno: -EACCES or -EPERM if perf_event_open is
 * refused, -ENOSYS or -ENOENT if there is none.
 */
int lsp_cpu_create(const struct lsp_cpu_options *o, struct lsp_cpu **ret);
void lsp_cpu_destroy(struct lsp_cpu *c);

/*
 * Takes and resolves the samples that have come. To be called a few times a second. Returns 0 or
 * -errno.
 */
int lsp_cpu_drain(struct lsp_cpu *c);

/* Stops the samplers, and takes the remaining samples. Returns 0 or -errno. */
int lsp_cpu_stop(struct lsp_cpu *c);

void lsp_cpu_totals(const struct lsp_cpu *c, struct lsp_cpu_totals *ret);

/* Returns the profile so far (samples/count, cpu/nanoseconds), which belongs to @c. */
struct lsp_profile *lsp_cpu_profile(struct lsp_cpu *c);

#endif
