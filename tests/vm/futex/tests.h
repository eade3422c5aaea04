/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of sub-tests; each ends with an entry without a name. */
#ifndef FUTEX_TESTS_H
#define FUTEX_TESTS_H

#include "stage.h"

struct test {
	const char *name;
	void (*run)(struct stage *s);
	const char *what;
};

extern const struct test tests_wait[];
extern const struct test tests_wake[];
extern const struct test tests_requeue[];
extern const struct test tests_pi[];
extern const struct test tests_futex2[];
extern const struct test tests_death[];
extern const struct test tests_robust[];
extern const struct test tests_shared[];
extern const struct test tests_compat[];
extern const struct test tests_uring[];

#endif
