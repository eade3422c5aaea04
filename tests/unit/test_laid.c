// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a mapping that stays in sight under one that was laid over it,
 * or vanishes beside it; content that is taken for another one's; a list that
 * is out of order or longer than its room. Held against a byte for byte model.
 * sources: kmod/core/laid.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../kmod/core/laid.h"

#define PLACES 64
#define LIST_MAX 16

static uint32_t draw_state = 1;

static uint32_t draw(uint32_t below)
{
	draw_state = draw_state * 1664525 + 1013904223;
	return (draw_state >> 8) % below;
}

static uint32_t draw_list(struct lsp_laid *list)
{
	uint32_t n = 0;
	uint64_t at = draw(6);

	while (n < LIST_MAX && at < PLACES - 8) {
		list[n].start = at;
		list[n].end = at + 1 + draw(6);
		list[n].what = draw(3);
		at = list[n].end + draw(3);
		n++;
	}
	return n;
}

/* One number a place: what is seen there, -1 nothing. */
static void model_put(int *model, const struct lsp_laid *list, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint64_t at = list[i].start; at < list[i].end; at++)
			model[at] = (int)list[i].what;
}

static void lists_are_laid_over_each_other(void **state)
{
	struct lsp_laid below[LIST_MAX], above[LIST_MAX], over[LSP_LAID_ROOM(LIST_MAX, LIST_MAX)], range;
	int want[PLACES], got[PLACES];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint32_t nbelow = draw_list(below), nabove = draw(4) ? draw_list(above) : 0, n;
		bool all;

		memset(want, -1, sizeof(want));
		memset(got, -1, sizeof(got));
		model_put(want, below, nbelow);
		model_put(want, above, nabove);
		n = lsp_laid_over(below, nbelow, above, nabove, over, LSP_LAID_ROOM(nbelow, nabove));
		for (uint32_t i = 0; i < n; i++) {
			assert_true(over[i].start < over[i].end && over[i].end <= PLACES);
			assert_true(!i || over[i - 1].end <= over[i].start);
			/* Neighbours of one content are one. */
			assert_true(!i || over[i - 1].end < over[i].start || over[i - 1].what != over[i].what);
		}
		model_put(got, over, n);
		assert_memory_equal(want, got, sizeof(want));

		range.start = draw(PLACES - 8);
		range.end = range.start + 1 + draw(6);
		range.what = draw(3);
		all = true;
		for (uint64_t at = range.start; at < range.end; at++)
			all &= want[at] == (int)range.what;
		assert_int_equal(lsp_laid_covers(over, n, &range), all);
	}
}

static void there_is_no_room(void **state)
{
	const struct lsp_laid below[] = { { 1, 9, 1 } }, above[] = { { 3, 4, 2 } };
	struct lsp_laid over[3] = { { 0, 0, 0 }, { 0, 0, 0 }, { 77, 77, 77 } };

	(void)state;
	assert_int_equal(lsp_laid_over(below, 1, above, 1, over, 2), 2);
	assert_true(over[0].start == 1 && over[0].end == 3 && over[1].end == 4);
	assert_true(over[2].start == 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_laid_over_each_other),
		cmocka_unit_test(there_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
