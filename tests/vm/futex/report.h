/* SPDX-License-Identifier: GPL-2.0-only */
/* What happened on the stage, as JSON lines on standard output. */
#ifndef FUTEX_REPORT_H
#define FUTEX_REPORT_H

#include "stage.h"

/*
 * One line a call, then the summary. Times are CLOCK_MONOTONIC in ns.
 *
 * kind wait   enq lies in [before_ns, parked_ns] (parked_ns 0: nobody looked),
 *             run before return_ns. "spans" is how many the call must show:
 *             "signals" of outcome signal, then one of "outcome"; none without
 *             an outcome. One more, a nosleep, is allowed by extra_nosleep.
 * kind wake   the releases of the threads in "released" lie in [before_ns,
 *             return_ns]. An exit of a thread is a wake too.
 * kind summary  spans by outcome, releases as pairs, and the order in which
 *             waits returned: the same with and without a recorder wherever
 *             the test wakes one at a time.
 *
 * An outcome is nosleep when the thread made no voluntary switch in the call.
 * Returns false when the test failed.
 */
bool report_stage(const struct stage *s);

#endif
