// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system call, the buffer and the layout of a sample. A sampler belongs to a CPU, not to a
 * thread. Samplers that threads inherit begin their period anew in each thread on each CPU, so a
 * thread that runs for less than a period would never be sampled.
 */
#include "ring.h"

#include <asm/perf_regs.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../kmod/uapi/lockspan.h"

/* The buffer holds five seconds of samples. */
#define RING_BYTES (4U << 20)
#define STACK_BYTES 8192

/* The DWARF number of each register, in the order in which the kernel delivers them. */
static const struct {
	unsigned int kernel;
	unsigned int dwarf;
} reg_order[] = {
	{ PERF_REG_X86_AX, 0 }, { PERF_REG_X86_BX, 3 }, { PERF_REG_X86_CX, 2 },
	{ PERF_REG_X86_DX, 1 }, { PERF_REG_X86_SI, 4 }, { PERF_REG_X86_DI, 5 },
	{ PERF_REG_X86_BP, 6 }, { PERF_REG_X86_SP, 7 }, { PERF_REG_X86_IP, 16 },
	{ PERF_REG_X86_R8, 8 }, { PERF_REG_X86_R9, 9 }, { PERF_REG_X86_R10, 10 },
	{ PERF_REG_X86_R11, 11 }, { PERF_REG_X86_R12, 12 }, { PERF_REG_X86_R13, 13 },
	{ PERF_REG_X86_R14, 14 }, { PERF_REG_X86_R15, 15 },
};

static uint64_t reg_mask(void)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < sizeof(reg_order) / sizeof(reg_order[0]); i++)
		mask |= 1ULL << reg_order[i].kernel;
	return mask;
}

int lsp_cpu_ring_open(struct lsp_cpu_ring *r, int cpu, int cgroup)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = LSP_CPU_PERIOD_NS,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
		.sample_regs_user = reg_mask(), .sample_stack_user = STACK_BYTES,
		.disabled = 1, .mmap = 1, .mmap2 = 1, .comm = 1, .comm_exec = 1, .task = 1,
	};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int err;

	r->pages = NULL;
	r->fd = (int)syscall(SYS_perf_event_open, &attr, cgroup, cpu, -1,
			     PERF_FLAG_FD_CLOEXEC | (cgroup >= 0 ? PERF_FLAG_PID_CGROUP : 0));
	if (r->fd < 0)
		return -errno;
	r->pages = mmap(NULL, page + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (r->pages != MAP_FAILED)
		return 0;
	err = -errno;
	r->pages = NULL;
	close(r->fd);
	r->fd = -1;
	return err;
}

void lsp_cpu_ring_close(struct lsp_cpu_ring *r)
{
	if (r->pages)
		munmap(r->pages, (size_t)sysconf(_SC_PAGESIZE) + RING_BYTES);
	if (r->fd >= 0)
		close(r->fd);
	r->pages = NULL;
	r->fd = -1;
}

int lsp_cpu_ring_enable(const struct lsp_cpu_ring *r)
{
	return ioctl(r->fd, PERF_EVENT_IOC_ENABLE, 0) ? -errno : 0;
}

int lsp_cpu_ring_disable(const struct lsp_cpu_ring *r)
{
	return ioctl(r->fd, PERF_EVENT_IOC_DISABLE, 0) ? -errno : 0;
}

int lsp_cpu_ring_take(struct lsp_cpu_ring *r, uint8_t **data, size_t *bytes)
{
	struct perf_event_mmap_page *head = r->pages;
	const uint8_t *ring;
	uint64_t from, to;
	uint8_t *grown;

	ring = (const uint8_t *)r->pages + sysconf(_SC_PAGESIZE);
	/* Pairs with the barrier of the kernel before it moves the head. */
	to = __atomic_load_n(&head->data_head, __ATOMIC_ACQUIRE);
	from = head->data_tail;
	if (from == to)
		return 0;
	grown = realloc(*data, *bytes + (size_t)(to - from));
	if (!grown)
		return -ENOMEM;
	*data = grown;
	while (from < to) {
		size_t at = (size_t)(from % RING_BYTES), n = RING_BYTES - at;

		if (n > to - from)
			n = (size_t)(to - from);
		memcpy(*data + *bytes, ring + at, n);
		*bytes += n;
		from += n;
	}
	/* The kernel must not write here before it has been read. */
	__atomic_store_n(&head->data_tail, to, __ATOMIC_RELEASE);
	return 0;
}

int lsp_cpu_sample_read(const struct perf_event_header *h, uint64_t *regs,
			struct lsp_cpu_sample *ret)
{
	const size_t nregs = sizeof(reg_order) / sizeof(reg_order[0]);
	const uint64_t *at = (const uint64_t *)(h + 1);
	const uint64_t *end = (const uint64_t *)((const uint8_t *)h + h->size);
	uint64_t size;

	*ret = (struct lsp_cpu_sample){ .regs = regs };
	if (end - at < 3)
		return -EBADMSG;
	memcpy(&ret->tgid, at, 4);
	memcpy(&ret->tid, (const uint8_t *)at + 4, 4);
	ret->abi = at[1];
	at += 2;
	if (ret->abi) {
		if ((size_t)(end - at) < nregs + 1)
			return -EBADMSG;
		for (size_t i = 0; i < nregs; i++)
			regs[reg_order[i].dwarf] = at[i];
		at += nregs;
	}
	if (at == end)
		return -EBADMSG;
	size = *at++;
	if (!size)
		return 0;
	if ((uint64_t)(end - at) < size / 8 + 1)
		return -EBADMSG;
	ret->stack = at;
	ret->stack_bytes = at[size / 8] < size ? at[size / 8] : size;
	return 0;
}
