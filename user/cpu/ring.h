/* SPDX-License-Identifier: GPL-2.0-only */
/* One sampler of the kernel's cpu-clock on one CPU: its buffer, and how its samples are read. */
#ifndef LSP_CPU_RING_H
#define LSP_CPU_RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Go's rate: 100 a second. */
#define LSP_CPU_PERIOD_NS 10000000U

struct lsp_cpu_ring {
	int fd;
	void *pages;
};

/*
 * Opens a stopped sampler of everything that runs on @cpu, or only of the control group with the
 * descriptor @cgroup (-1: none). Returns 0 or -errno.
 */
int lsp_cpu_ring_open(struct lsp_cpu_ring *r, int cpu, int cgroup);
void lsp_cpu_ring_close(struct lsp_cpu_ring *r);

int lsp_cpu_ring_enable(const struct lsp_cpu_ring *r);
int lsp_cpu_ring_disable(const struct lsp_cpu_ring *r);

/*
 * Appends all whole records in the buffer to *@data, which is malloc'ed and has *@bytes bytes. Each
 * record is aligned to 8 bytes. Returns 0 or -ENOMEM.
 */
int lsp_cpu_ring_take(struct lsp_cpu_ring *r, uint8_t **data, size_t *bytes);

/* What a sample has, in the order that the attributes of lsp_cpu_ring_open() set. */
struct lsp_cpu_sample {
	uint32_t tgid;
	uint32_t tid;
	uint64_t abi;		/* 0: no user space */
	const uint64_t *regs;	/* in DWARF's numbering */
	const void *stack;	/* from rsp upwards */
	uint64_t stack_bytes;
};

struct perf_event_header;

/*
 * Reads a PERF_RECORD_SAMPLE into @ret. @regs has room for LOCKSPAN_REGS registers. Returns
 * -EBADMSG if the record is too short.
 */
int lsp_cpu_sample_read(const struct perf_event_header *h, uint64_t *regs,
			struct lsp_cpu_sample *ret);

#endif
