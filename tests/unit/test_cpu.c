// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samples of the CPU as the kernel lays them out, and whose they are. Would
 * catch: registers under another's number, a stack of the wrong length, a read
 * past a short record, a child that is not followed when its records come
 * out of order, a stranger that is, mappings of the program before exec.
 *
 * sources: user/cpu/ring.c user/cpu/maps.c user/base/index.c
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/cpu/maps.h"
#include "../../user/cpu/ring.h"

/* The resolver: processes have gone, so it gets what was reported. */
static struct lockspan_map given[8];
static size_t ngiven;

int lsp_resolver_map(struct lsp_resolver *r, const struct lockspan_map *map, const char *path)
{
	(void)r;
	assert_string_equal(path, "/bin/prog");
	assert_true(ngiven < 8);
	given[ngiven++] = *map;
	return 0;
}

int lsp_resolver_map_proc(struct lsp_resolver *r, uint32_t tgid, uint32_t generation)
{
	(void)r, (void)tgid, (void)generation;
	return -ESRCH;
}

struct sample {
	struct perf_event_header h;
	uint32_t pid, tid;
	uint64_t abi;
	uint64_t regs[LOCKSPAN_REGS];
	uint64_t size;
	uint64_t stack[4];
	uint64_t dynamic;
};

static void sample_init(struct sample *s)
{
	*s = (struct sample){
		.h = { .type = PERF_RECORD_SAMPLE, .size = sizeof(*s) },
		.pid = 10, .tid = 11, .abi = PERF_SAMPLE_REGS_ABI_64, .size = 32, .dynamic = 24,
		.stack = { 1, 2, 3, 4 },
	};
	/* The kernel's order: ax bx cx dx si di bp sp ip r8 ... r15. */
	for (size_t i = 0; i < LOCKSPAN_REGS; i++)
		s->regs[i] = 100 + i;
}

static void test_sample(void **state)
{
	static const unsigned int dwarf[LOCKSPAN_REGS] = {
		0, 3, 2, 1, 4, 5, 6, 7, 16, 8, 9, 10, 11, 12, 13, 14, 15,
	};
	uint64_t regs[LOCKSPAN_REGS];
	struct lsp_cpu_sample got;
	struct sample s;

	(void)state;
	sample_init(&s);
	assert_int_equal(lsp_cpu_sample_read(&s.h, regs, &got), 0);
	assert_int_equal(got.tgid, 10);
	assert_int_equal(got.tid, 11);
	for (size_t i = 0; i < LOCKSPAN_REGS; i++)
		assert_int_equal(regs[dwarf[i]], 100 + i);
	assert_int_equal(got.stack_bytes, 24);
	assert_memory_equal(got.stack, s.stack, 24);
	for (s.h.size = sizeof(s.h); s.h.size < sizeof(s); s.h.size = (uint16_t)(s.h.size + 8))
		assert_int_equal(lsp_cpu_sample_read(&s.h, regs, &got), -EBADMSG);
	s.h.size = sizeof(s);
	s.dynamic = 1000;
	assert_int_equal(lsp_cpu_sample_read(&s.h, regs, &got), 0);
	assert_int_equal(got.stack_bytes, 32);
	s.size = UINT64_MAX;
	assert_int_equal(lsp_cpu_sample_read(&s.h, regs, &got), -EBADMSG);
}

/* A kernel thread's: no registers, no stack. */
static void test_sample_kernel(void **state)
{
	struct { struct perf_event_header h; uint32_t pid, tid; uint64_t abi, size; } s = {
		.h = { .type = PERF_RECORD_SAMPLE, .size = sizeof(s) }, .pid = 2, .tid = 2,
	};
	uint64_t regs[LOCKSPAN_REGS];
	struct lsp_cpu_sample got;

	(void)state;
	assert_int_equal(lsp_cpu_sample_read(&s.h, regs, &got), 0);
	assert_int_equal(got.abi, 0);
	assert_int_equal(got.stack_bytes, 0);
}

struct task { struct perf_event_header h; uint32_t pid, ppid, tid, ptid; uint64_t time; };

static struct task fork_of(uint32_t parent, uint32_t child)
{
	return (struct task){
		.h = { .type = PERF_RECORD_FORK, .size = sizeof(struct task) }, .pid = child, .ppid = parent,
	};
}

static void map_record(struct lsp_cpu_maps *m, uint32_t pid, uint64_t addr)
{
	struct {
		struct perf_event_header h;
		uint32_t pid, tid;
		uint64_t addr, len, pgoff;
		uint32_t maj, min;
		uint64_t ino, generation;
		uint32_t prot, flags;
		char filename[16];
	} r = {
		.h = { .type = PERF_RECORD_MMAP2, .size = sizeof(r) }, .pid = pid,
		.addr = addr, .len = 0x1000, .filename = "/bin/prog",
	};

	assert_int_equal(lsp_cpu_maps_record(m, &r.h), 0);
}

static void test_processes(void **state)
{
	struct task late = fork_of(20, 30), early = fork_of(10, 20), stranger = fork_of(50, 60);
	struct task exec = { .h = { .type = PERF_RECORD_COMM, .size = sizeof(exec),
				    .misc = PERF_RECORD_MISC_COMM_EXEC }, .pid = 20 };
	struct lsp_cpu_maps *m;

	(void)state;
	assert_int_equal(lsp_cpu_maps_create(NULL, &m), 0);
	assert_int_equal(lsp_cpu_maps_want(m, 10), 0);
	map_record(m, 10, 0x1000);
	map_record(m, 50, 0x1000);
	assert_int_equal(lsp_cpu_maps_fork(m, &late.h), 0);
	assert_int_equal(lsp_cpu_maps_fork(m, &early.h), 1);
	assert_int_equal(lsp_cpu_maps_fork(m, &late.h), 1);
	assert_int_equal(lsp_cpu_maps_fork(m, &late.h), 0);
	assert_int_equal(lsp_cpu_maps_fork(m, &stranger.h), 0);
	assert_true(lsp_cpu_maps_wanted(m, 30));
	assert_false(lsp_cpu_maps_wanted(m, 50));
	assert_false(lsp_cpu_maps_wanted(m, 60));

	/* The grandchild has its grandparent's mappings; the child is another program by now. */
	assert_int_equal(lsp_cpu_maps_record(m, &exec.h), 0);
	map_record(m, 20, 0x5000);
	map_record(m, 20, 0x7000);
	ngiven = 0;
	assert_int_equal(lsp_cpu_maps_generation(m, 30), 1);
	assert_int_equal(ngiven, 1);
	assert_int_equal(given[0].start, 0x1000);
	assert_int_equal(given[0].rec.flags, LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST);
	ngiven = 0;
	assert_int_equal(lsp_cpu_maps_generation(m, 20), 1);
	assert_int_equal(ngiven, 2);
	assert_int_equal(given[0].start, 0x5000);
	assert_int_equal(given[0].rec.flags, LOCKSPAN_MAP_FIRST);
	assert_int_equal(given[1].rec.flags, LOCKSPAN_MAP_LAST);
	/* Nothing new: the same generation. */
	assert_int_equal(lsp_cpu_maps_generation(m, 20), 1);
	assert_int_equal(ngiven, 2);
	map_record(m, 20, 0x5800);
	assert_int_equal(lsp_cpu_maps_generation(m, 20), 2);
	assert_int_equal(ngiven, 4);
	assert_int_equal(given[2].start, 0x7000);
	assert_int_equal(given[3].start, 0x5800);
	lsp_cpu_maps_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_sample_kernel),
		cmocka_unit_test(test_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
