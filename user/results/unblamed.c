// SPDX-License-Identifier: GPL-2.0-only
#include "unblamed.h"

#include <stdio.h>

static const char *const names[] = {
#define NAME_OF(id, name, why) name,
	LSP_UNBLAMED(NAME_OF)
};

static const char *const whys[] = {
#define WHY_OF(id, name, why) why,
	LSP_UNBLAMED(WHY_OF)
};

const char *lsp_unblamed_name(unsigned int reason)
{
	return reason < LSP_UNBLAMED_COUNT ? names[reason] : "?";
}

const char *lsp_unblamed_why(unsigned int reason)
{
	return reason < LSP_UNBLAMED_COUNT ? whys[reason] : "?";
}

enum lsp_unblamed lsp_unblamed_reason(const struct lsp_row *row)
{
	switch (row->doubt) {
	case LSP_DOUBT_WEAK:
		return LSP_UNBLAMED_WEAK;
	case LSP_DOUBT_SAMPLED:
		return LSP_UNBLAMED_SAMPLED;
	case LSP_DOUBT_CROWDED:
		return LSP_UNBLAMED_CROWDED;
	default:
		break;
	}
	switch (row->role) {
	case LSP_ROLE_POOL:
		return LSP_UNBLAMED_POOL;
	case LSP_ROLE_SIGNAL:
		return LSP_UNBLAMED_SIGNAL;
	case LSP_ROLE_BARRIER:
		return LSP_UNBLAMED_BARRIER;
	case LSP_ROLE_JOIN:
		return LSP_UNBLAMED_JOIN;
	default:
		return LSP_UNBLAMED_UNKNOWN;
	}
}

void lsp_unblamed_text(const struct lsp_estimate *by, double least_ns, char *text, size_t bytes)
{
	bool said[LSP_UNBLAMED_COUNT] = { false };
	size_t n = 0;

	text[0] = '\0';
	for (int round = 0; round < LSP_UNBLAMED_COUNT; round++) {
		int most = -1;

		for (int i = 0; i < LSP_UNBLAMED_COUNT; i++)
			if (!said[i] && by[i].kept && by[i].delay_ns >= least_ns &&
			    (most < 0 || by[i].delay_ns > by[most].delay_ns))
				most = i;
		if (most < 0 || n >= bytes)
			return;
		said[most] = true;
		n += (size_t)snprintf(text + n, bytes - n, "%s%.3f s %s", n ? ", " : "", by[most].delay_ns / 1e9,
				      names[most]);
	}
}

static uint64_t moved(uint64_t ns, int64_t by_ns)
{
	return by_ns < 0 && (uint64_t)-by_ns > ns ? 0 : ns + (uint64_t)by_ns;
}

struct lsp_divided lsp_divided_find(const struct lsp_client_report *end, const struct lsp_collector *c)
{
	struct lsp_collector_totals t;

	lsp_collector_totals(c, &t);
	return (struct lsp_divided){
		.hold_ns = moved(end->counters[LOCKSPAN_C_HOLD_NS], t.moved_hold_ns),
		.handoff_ns = moved(end->counters[LOCKSPAN_C_HANDOFF_NS], t.moved_handoff_ns),
		/* The rest, so that all of it is what was waited. */
		.tail_ns = moved(end->counters[LOCKSPAN_C_TAIL_NS], -(t.moved_hold_ns + t.moved_handoff_ns)),
		.given_up_ns = moved(end->counters[LOCKSPAN_C_GIVEN_UP_NS], t.moved_given_up_ns),
		.redivided = t.redivided,
	};
}
