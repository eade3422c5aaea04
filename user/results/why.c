// SPDX-License-Identifier: GPL-2.0-only
#include "why.h"

#include <stdio.h>

#define NAME_OF(id, name) name,

static const char *const why_names[] = { LOCKSPAN_WHYS(NAME_OF) };

/* From the headers of the kernel's contract, see the Makefile. */
static const char *const calls[] = {
#include "calls.inc"
};

static const char *const calls_compat[] = {
#include "calls_compat.inc"
};

static const char *call_text(const char *const *names, size_t n, unsigned int call, char *to, size_t bytes)
{
	if (call < n && names[call])
		return names[call];
	snprintf(to, bytes, "system call %u", call);
	return to;
}

const char *lsp_why_cause(const struct lsp_collector *c, uint64_t what, char *to, size_t bytes)
{
	unsigned int call = what & ((1U << LOCKSPAN_WHY_CALL_BITS) - 1);
	uint64_t why = what >> LOCKSPAN_WHY_CALL_BITS;
	const char *lock;

	if (what >= LOCKSPAN_WHY_KEYS) {
		lock = lsp_collector_lock(c, what);
		snprintf(to, bytes, LSP_WHY_LOCK "%s", lock ? lock : "?");
		return to;
	}
	if ((why == LOCKSPAN_WHY_CALL || why == LOCKSPAN_WHY_CALL_COMPAT) && call == LOCKSPAN_WHY_CALL_LAST)
		return "other system calls";
	if (why == LOCKSPAN_WHY_CALL)
		return call_text(calls, sizeof(calls) / sizeof(calls[0]), call, to, bytes);
	if (why == LOCKSPAN_WHY_CALL_COMPAT)
		return call_text(calls_compat, sizeof(calls_compat) / sizeof(calls_compat[0]), call, to, bytes);
	return why_names[why < LOCKSPAN_WHY_COUNT ? why : LOCKSPAN_WHY_UNKNOWN];
}
