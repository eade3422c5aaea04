/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a recording's processes spend their CPU time: samples of the kernel's
 * cpu-clock with registers and a piece of the user stack, unwound and named by
 * the same resolver as contention, as a profile in the form of Go's CPU
 * profile. Needs no module. All functions are for one thread.
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
	const uint32_t *pids;	/* with what they fork from now on */
	size_t npids;
	int cgroup;		/* instead: fd of a control group's folder, -1 none */
	bool all;		/* every process; the others are ignored then */
	struct lsp_resolver_options resolver;
};

struct lsp_cpu_totals {
	uint64_t samples;	/* that came */
	uint64_t lost;		/* for which the buffer had no room */
	uint64_t kernel;	/* of threads without user space */
};

/*
 * Opens and starts the samplers. 0 or -errno: -EACCES or -EPERM where
 * perf_event_open is refused, -ENOSYS or -ENOENT where there is none.
 */
int lsp_cpu_create(const struct lsp_cpu_options *o, struct lsp_cpu **ret);
void lsp_cpu_destroy(struct lsp_cpu *c);

/* Takes and names what has come; to be called a few times a second. 0 or -errno. */
int lsp_cpu_drain(struct lsp_cpu *c);

/* Stops the samplers, and takes the rest. 0 or -errno. */
int lsp_cpu_stop(struct lsp_cpu *c);

void lsp_cpu_totals(const struct lsp_cpu *c, struct lsp_cpu_totals *ret);

/* samples/count and cpu/nanoseconds so far; belongs to @c. */
struct lsp_profile *lsp_cpu_profile(struct lsp_cpu *c);

#endif
