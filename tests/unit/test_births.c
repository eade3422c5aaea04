// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: user/collect/births.c user/base/index.c
 *
 * Names of locks by where they were initialised. Would catch: a word that gets
 * the name of the lock before it, of another process, or of the lock that lay
 * there earlier; a name that is given although two would be right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../../user/collect/births.h"

static void named_add(struct lsp_births *b, uint32_t tgid, uint64_t uaddr, const char *name)
{
	assert_int_equal(lsp_births_add_named(b, &(struct lsp_birth){
		.tgid = tgid, .uaddr = uaddr, .object_bytes = 40, .name = name }), 0);
}

static void name_is(const struct lsp_births *b, uint64_t key, uint32_t tgid, uint64_t uaddr, const char *want)
{
	const char *got = lsp_births_name(b, key, tgid, uaddr);

	if (want && (!got || strcmp(got, want)))
		fail_msg("%u:%llx is %s, not %s", tgid, (unsigned long long)uaddr, got ? got : "nothing", want);
	if (!want && got)
		fail_msg("%u:%llx is %s", tgid, (unsigned long long)uaddr, got);
}

static void test_told(void **state)
{
	struct lsp_births b = { 0 };

	(void)state;
	named_add(&b, 7, 0x2000, "two");
	named_add(&b, 7, 0x1000, "one");
	named_add(&b, 8, 0x1000, "eight");
	named_add(&b, 7, 0x3000, "old");
	named_add(&b, 7, 0x3000, "new");
	named_add(&b, 7, 0x4000, "same");
	named_add(&b, 7, 0x4000, "same");
	lsp_births_sort(&b);
	name_is(&b, 1, 7, 0x1000, "one");
	name_is(&b, 1, 7, 0x1027, "one");
	name_is(&b, 1, 7, 0x1028, NULL);
	name_is(&b, 1, 7, 0xfff, NULL);
	name_is(&b, 1, 7, 0x2008, "two");
	name_is(&b, 1, 8, 0x1004, "eight");
	name_is(&b, 1, 9, 0x1000, NULL);
	name_is(&b, 1, 7, 0x3000, NULL);
	name_is(&b, 1, 7, 0x4000, "same");
	lsp_births_uninit(&b);
	name_is(&b, 1, 7, 0x1000, NULL);
}

/* The recorder's own keys tell two locks at one address apart. */
static void test_own(void **state)
{
	struct lsp_births b = { 0 };
	struct lsp_rec_lock rec = { .key = 21, .uaddr = 0x1000, .tgid = 7, .object_bytes = 40 };

	(void)state;
	assert_int_equal(lsp_births_add(&b, &rec), 0);
	rec.key = 22;
	assert_int_equal(lsp_births_add(&b, &rec), 0);
	b.births[0].name = "first";
	b.births[1].name = "second";
	lsp_births_sort(&b);
	name_is(&b, 21, 7, 0x1000, "first");
	name_is(&b, 22, 7, 0x1000, "second");
	name_is(&b, 23, 7, 0x1000, NULL);
	lsp_births_uninit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
