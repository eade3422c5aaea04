/* SPDX-License-Identifier: GPL-2.0-only */
/* What holders did, in words: the label "why". collect/why.h has the sums. */
#ifndef LSP_RESULTS_WHY_H
#define LSP_RESULTS_WHY_H

#include <stddef.h>

#include "../collect/collector.h"

/* What a cause begins with that is a wait for a lock; its name follows. */
#define LSP_WHY_LOCK "lock "

/* The words for a part's @what: "running", "fsync", "lock g_mu". They are in @to, or live for ever. */
const char *lsp_why_cause(const struct lsp_collector *c, uint64_t what, char *to, size_t bytes);

#endif
