// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch the same as test_ledger, in examples that are worked out by hand; times in ns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../kmod/core/ledger.h"

static void test_hold_handoff_tail(void **state)
{
	struct lsp_ledger_wait a, b, c;
	struct lsp_ledger_charge charge;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	assert_int_equal(lsp_ledger_enq(&l, &a, 0), 0);
	assert_int_equal(lsp_ledger_enq(&l, &b, 10), 0);
	charge = lsp_ledger_release(&l, &a, 100);	/* a waited 100, b 90 */
	assert_int_equal(charge.hold_ns, 190);
	assert_int_equal(charge.handoff_ns, 0);
	assert_int_equal(lsp_ledger_run(&l, &a, 130), 30);	/* b, in transit */
	assert_int_equal(lsp_ledger_enq(&l, &c, 150), 0);
	assert_int_equal(lsp_ledger_leave(&l, &b, 160, LSP_LEDGER_GONE).tail_ns, 30);	/* b since 130 */
	charge = lsp_ledger_release(&l, &c, 200);
	assert_int_equal(charge.hold_ns, 50);
	assert_int_equal(lsp_ledger_run(&l, &c, 210), 0);	/* nobody was kept waiting */
}

/* A PI mutex is given to a, another takes it in passing and keeps it: a and b wait for that one. */
static void test_stolen_on_the_way(void **state)
{
	struct lsp_ledger_wait a, b;
	struct lsp_ledger_charge charge;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	lsp_ledger_enq(&l, &a, 0);
	lsp_ledger_enq(&l, &b, 10);
	assert_int_equal(lsp_ledger_release(&l, &a, 20).hold_ns, 30);
	charge = lsp_ledger_release_again(&l, &a, 20, 220);
	assert_int_equal(charge.hold_ns, 400);
	assert_int_equal(charge.handoff_ns, 0);
	assert_int_equal(lsp_ledger_run(&l, &a, 225), 5);
	assert_int_equal(lsp_ledger_release(&l, &b, 235).hold_ns, 10);
}

/* On its way to a the mutex goes to b, whose priority has risen: nobody held it meanwhile. */
static void test_passed_on_to_another(void **state)
{
	struct lsp_ledger_wait a, b;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	lsp_ledger_enq(&l, &a, 0);
	lsp_ledger_enq(&l, &b, 10);
	assert_int_equal(lsp_ledger_release(&l, &a, 20).hold_ns, 30);
	assert_int_equal(lsp_ledger_pass_on(&l, &b, 50), 30);
	assert_int_equal(lsp_ledger_run(&l, &b, 60), 0);
	assert_int_equal(lsp_ledger_release_again(&l, &a, 20, 160).hold_ns, 140);
}

static void test_wake_all_is_one_handover(void **state)
{
	struct lsp_ledger_wait a, b, c;
	struct lsp_ledger_charge charge;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 7);
	lsp_ledger_enq(&l, &a, 0);
	lsp_ledger_enq(&l, &b, 0);
	lsp_ledger_enq(&l, &c, 0);
	charge = lsp_ledger_release(&l, &a, 10);
	assert_int_equal(charge.hold_ns, 30);
	charge = lsp_ledger_release(&l, &b, 12);	/* b and c, 2 each */
	assert_int_equal(charge.hold_ns, 0);
	assert_int_equal(charge.handoff_ns, 4);
	assert_int_equal(lsp_ledger_run(&l, &b, 20), 8);
	assert_int_equal(lsp_ledger_run(&l, &a, 25), 0);
	charge = lsp_ledger_release(&l, &c, 30);
	assert_int_equal(charge.hold_ns, 10);
}

static void test_barging_ends_handover(void **state)
{
	struct lsp_ledger_wait a, b, c;
	struct lsp_ledger_charge charge;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	lsp_ledger_enq(&l, &a, 0);
	lsp_ledger_enq(&l, &b, 0);
	lsp_ledger_release(&l, &a, 10);
	assert_int_equal(lsp_ledger_enq(&l, &c, 14), 4);	/* b waited 4 in transit */
	assert_int_equal(lsp_ledger_run(&l, &a, 15), 0);
	charge = lsp_ledger_release(&l, &b, 20);
	assert_int_equal(charge.hold_ns, 6 + 6);
	assert_int_equal(lsp_ledger_run(&l, &a, 25), 0);	/* a's hand-over is long past */
	assert_int_equal(lsp_ledger_run(&l, &b, 30), 10);
}

static void test_late_release(void **state)
{
	struct lsp_ledger_wait a, b;
	struct lsp_ledger_charge charge;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	lsp_ledger_enq(&l, &a, 0);
	lsp_ledger_enq(&l, &b, 0);
	assert_int_equal(lsp_ledger_leave(&l, &a, 10, LSP_LEDGER_GAVE_UP).tail_ns, 10);
	charge = lsp_ledger_release_late(&l, 12);
	assert_int_equal(charge.hold_ns, 12 + 10);	/* of b, and what a had waited */
	assert_int_equal(charge.carried_ns, 10);
	charge = lsp_ledger_release(&l, &b, 20);	/* held again since 12 */
	assert_int_equal(charge.hold_ns, 8);
	assert_int_equal(charge.handoff_ns, 0);
}

/* A holder's release answers for those who waited for it and left, as long as somebody is queued. */
static void test_left_is_carried(void **state)
{
	struct lsp_ledger_wait a, b;
	struct lsp_ledger_charge charge;
	struct lsp_ledger_rest rest;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	lsp_ledger_enq(&l, &a, 0);
	lsp_ledger_enq(&l, &b, 5);
	rest = lsp_ledger_leave(&l, &a, 20, LSP_LEDGER_GAVE_UP);
	assert_true(rest.carried);
	assert_int_equal(rest.tail_ns, 20);
	charge = lsp_ledger_release(&l, &b, 5000000);
	assert_int_equal(charge.hold_ns, 5000000 - 5 + 20);
	assert_int_equal(charge.carried_ns, 20);
	assert_int_equal(lsp_ledger_run(&l, &b, 5000010), 0);
	/* Once only. */
	lsp_ledger_enq(&l, &a, 5000020);
	assert_int_equal(lsp_ledger_release(&l, &a, 5000030).hold_ns, 10);
}

/* A wait that ends while the lock is in transit was nobody's fault; one whose end nobody saw is a tail. */
static void test_left_in_transit(void **state)
{
	struct lsp_ledger_wait a, b, c;
	struct lsp_ledger_rest rest;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	lsp_ledger_enq(&l, &a, 0);
	lsp_ledger_enq(&l, &b, 0);
	lsp_ledger_enq(&l, &c, 0);
	lsp_ledger_release(&l, &a, 10);
	rest = lsp_ledger_leave(&l, &b, 14, LSP_LEDGER_GAVE_UP);
	assert_int_equal(rest.handoff_ns, 4);
	assert_int_equal(rest.tail_ns, 0);
	assert_false(rest.carried);
	rest = lsp_ledger_leave(&l, &c, 16, LSP_LEDGER_UNSEEN);
	assert_int_equal(rest.handoff_ns, 0);
	assert_int_equal(rest.tail_ns, 6);
	assert_false(lsp_ledger_carries(&l));
}

/* Waits alone for @first_ns, is away for @gap_ns and waits 1 ms more: what the release is charged with. */
static u64 charge_after_gap(u64 first_ns, u64 gap_ns, u64 *given_ns)
{
	struct lsp_ledger_wait a;
	struct lsp_ledger l;
	u64 t = 1000;

	lsp_ledger_init(&l, 0);
	lsp_ledger_enq(&l, &a, t);
	t += first_ns;
	lsp_ledger_leave(&l, &a, t, LSP_LEDGER_GAVE_UP);
	t += gap_ns;
	lsp_ledger_expire(&l, t);
	lsp_ledger_enq(&l, &a, t);
	*given_ns = l.given_waits ? l.given_ns : 0;
	assert_int_equal(l.given_waits, *given_ns ? 1 : 0);
	return lsp_ledger_release(&l, &a, t + 1000000).hold_ns;
}

/* Back within 50 us or a tenth of the wait, whichever is longer. */
static void test_back_in_time(void **state)
{
	u64 given_ns;

	(void)state;
	assert_int_equal(charge_after_gap(100000, 50000, &given_ns), 1100000);
	assert_int_equal(given_ns, 0);
	assert_int_equal(charge_after_gap(100000, 50001, &given_ns), 1000000);
	assert_int_equal(given_ns, 100000);
	assert_int_equal(charge_after_gap(20000000, 2000000, &given_ns), 21000000);
	assert_int_equal(given_ns, 0);
	assert_int_equal(charge_after_gap(20000000, 2000001, &given_ns), 1000000);
	assert_int_equal(given_ns, 20000000);
}

/* Without the clamp to the last event, the release would charge 2^64 - 10. */
static void test_clock_steps_back(void **state)
{
	struct lsp_ledger_wait a;
	struct lsp_ledger_charge charge;
	struct lsp_ledger l;

	(void)state;
	lsp_ledger_init(&l, 0);
	lsp_ledger_enq(&l, &a, 100);
	assert_int_equal(lsp_ledger_time(&l, 90), 100);
	charge = lsp_ledger_release(&l, &a, lsp_ledger_time(&l, 90));
	assert_int_equal(charge.hold_ns, 0);
	assert_int_equal(lsp_ledger_time(&l, 101), 101);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hold_handoff_tail),
		cmocka_unit_test(test_stolen_on_the_way),
		cmocka_unit_test(test_passed_on_to_another),
		cmocka_unit_test(test_wake_all_is_one_handover),
		cmocka_unit_test(test_barging_ends_handover),
		cmocka_unit_test(test_late_release),
		cmocka_unit_test(test_clock_steps_back),
		cmocka_unit_test(test_left_is_carried),
		cmocka_unit_test(test_left_in_transit),
		cmocka_unit_test(test_back_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
