// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a way to write a number, a time or a size that one command takes
 * and another refuses; digits that are lost on the way through a double; what is
 * no number and is taken for one.
 * sources: user/cmd/parse.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../user/cmd/parse.h"

#define S 1000000000ULL

static void numbers(void **state)
{
	static const char *const none[] = { "", "-1", "+1", " 1", "1 ", "1.5", "1e3", "0x", "ten", "18446744073709551616" };
	uint64_t n;

	(void)state;
	assert_true(lsp_text_number("0", 10, &n) && n == 0);
	assert_true(lsp_text_number("010", 10, &n) && n == 10);
	assert_true(lsp_text_number("0x10", 16, &n) && n == 16);
	assert_true(lsp_text_number("18446744073709551615", UINT64_MAX, &n) && n == UINT64_MAX);
	assert_false(lsp_text_number("11", 10, &n));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(lsp_text_number(none[i], UINT64_MAX, &n));
}

static void times(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
		uint64_t s;	/* when the unit left out is seconds; 0: the same */
	} good[] = {
		{ "0", 0, 0 }, { "500", 500, 500 * S }, { "10us", 10000, 0 }, { "1.5s", 3 * S / 2, 0 },
		{ "250ms", S / 4, 0 }, { "5m", 300 * S, 0 }, { "5min", 300 * S, 0 }, { "1h", 3600 * S, 0 },
		{ "2d", 2 * 86400 * S, 0 }, { ".5", 1, S / 2 }, { "1e3", 1000, 1000 * S }, { "1e3us", 1000000, 0 },
		{ "9223372036854775807ns", INT64_MAX, 0 }, { "9007199254740993ns", 9007199254740993, 0 },
	};
	static const char *const none[] = {
		"", "s", "-1s", "+1s", " 1s", "1 s", "1sec", "10fortnights", "1.2.3s", "inf", "nan", "0x10s",
		"9223372036854775808ns", "1e300", "300000d", "1h30m",
	};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(lsp_text_time(good[i].text, LSP_UNIT_NS, &ns));
		assert_int_equal(ns, good[i].ns);
		assert_true(lsp_text_time(good[i].text, LSP_UNIT_S, &ns));
		assert_int_equal(ns, good[i].s ? good[i].s : good[i].ns);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(lsp_text_time(none[i], LSP_UNIT_NS, &ns));
}

static void sizes(void **state)
{
	static const char *const none[] = { "", "K", "-1K", "1T", "1KK", "64 K", "1025M" };
	uint64_t n;

	(void)state;
	assert_true(lsp_text_size("65536", 1 << 30, &n) && n == 65536);
	assert_true(lsp_text_size("64K", 1 << 30, &n) && n == 65536);
	assert_true(lsp_text_size("64KiB", 1 << 30, &n) && n == 65536);
	assert_true(lsp_text_size("1.5m", 1 << 30, &n) && n == 3 << 19);
	assert_true(lsp_text_size("1G", 1 << 30, &n) && n == 1 << 30);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(lsp_text_size(none[i], 1 << 30, &n));
}

static void amounts(void **state)
{
	static const char *const none[] = { "", "%", "0", "-1", "+1", " 1", "1 %", "1us", "0x10", "inf", "nan", "1e400", "1,2", "1%%" };
	double n;

	(void)state;
	assert_true(lsp_text_amount("20", "%", &n) && n == 20);
	assert_true(lsp_text_amount("20%", "%", &n) && n == 20);
	assert_true(lsp_text_amount(".5", "", &n) && n == 0.5);
	assert_true(lsp_text_amount("1e6", "us", &n) && n == 1e6);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(lsp_text_amount(none[i], "%", &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers), cmocka_unit_test(times), cmocka_unit_test(sizes), cmocka_unit_test(amounts),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
