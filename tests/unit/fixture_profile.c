// SPDX-License-Identifier: GPL-2.0-only
#include "fixture_profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define PROGRAM 0x555555554000ULL
#define LIBC 0x7ffff7c00000ULL

static void frames_create(struct fixture *f, uint64_t slide, const char *source)
{
	const struct lsp_profile_mapping program = {
		.start = PROGRAM + slide, .limit = PROGRAM + slide + 0x3000, .offset = 0x1000,
		.filename = "/opt/lab/prog", .build_id = "0123456789abcdef", .has_functions = true,
	};
	const struct lsp_profile_mapping libc = {
		.start = LIBC + slide, .limit = LIBC + slide + 0x150000, .offset = 0x26000,
		.filename = "/lib/x86_64-linux-gnu/libc.so.6", .build_id = "fedcba", .has_functions = true,
	};
	const struct lsp_profile_line lock = {
		"pthread_mutex_lock", "___pthread_mutex_lock", "/usr/src/nptl/pthread_mutex_lock.c", 93, 73,
	};
	const struct lsp_profile_line worker[2] = {
		{ "crit", "crit", source, 2, 1 },
		{ "worker(int)", "_Z6workeri", source, 7, 5 },
	};
	const struct lsp_profile_line handoff = { "[handoff]", "[handoff]", "", 0, 0 };
	int64_t prog_id, libc_id;

	prog_id = lsp_profile_mapping_add(f->p, &program);
	assert_int_equal(prog_id, 1);
	libc_id = lsp_profile_mapping_add(f->p, &libc);
	assert_int_equal(libc_id, 2);
	assert_int_equal(lsp_profile_mapping_add(f->p, &program), 1);
	f->lock = lsp_profile_location_add(f->p, libc_id, LIBC + slide + 0x8f123, &lock, 1);
	f->worker = lsp_profile_location_add(f->p, prog_id, PROGRAM + slide + 0x234, worker, 2);
	f->handoff = lsp_profile_location_add(f->p, 0, 0, &handoff, 1);
	assert_int_equal(f->lock, 1);
	assert_int_equal(f->worker, 2);
	assert_int_equal(f->handoff, 3);
}

void fixture_sample(struct fixture *f, const char *lock, double count, double delay_ns)
{
	const uint64_t stack[2] = { f->lock, f->worker };
	const struct lsp_profile_label labels[4] = {
		{ .key = "lock", .str = lock },
		{ .key = "pid", .num = 4711, .unit = "id" },
		{ .key = "kind", .str = "block" },
		{ .key = "sync", .str = "mutex" },
	};
	const double values[2] = { count, delay_ns };

	assert_int_equal(lsp_profile_sample_add(f->p, stack, 2, labels, 4, values), 0);
}

void fixture_create(struct fixture *f, uint64_t slide, const char *source)
{
	const struct lsp_profile_label label = { .key = "lock", .str = "counter_mu" };
	const double values[2] = { 1, 125e6 };

	f->p = lsp_profile_create(lsp_profile_contention_types, 2);
	assert_non_null(f->p);
	frames_create(f, slide, source);
	fixture_sample(f, "counter_mu", 10, 1e9);
	fixture_sample(f, "stats_mu", 4, 2e9);
	fixture_sample(f, "heap@worker+lock", 2.4, 3.5);
	assert_int_equal(lsp_profile_sample_add(f->p, &f->handoff, 1, &label, 1, values), 0);
	assert_int_equal(lsp_profile_sample_add(f->p, &f->worker, 1, NULL, 0, values), 0);
	assert_int_equal(lsp_profile_comment_add(f->p, "lockspan: block profile"), 0);
	lsp_profile_time_set(f->p, FIXTURE_TIME_NS, 0);
}

double fixture_sum(const struct lsp_profile *p, size_t type, const char *lock)
{
	struct lsp_profile_sample s;
	double sum = 0;
	size_t i, k;

	for (i = 0; lsp_profile_sample(p, i, &s); i++)
		for (k = 0; k <= s.nlabels; k++) {
			if (lock && (k == s.nlabels || strcmp(s.labels[k].key, "lock") ||
				     strcmp(s.labels[k].str, lock)))
				continue;
			sum += s.values[type];
			break;
		}
	return sum;
}
