// SPDX-License-Identifier: GPL-2.0-only
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../base/plural.h"

#define LINE_START "\r\033[K"
#define TOP_MAX 60
#define TOP_SHARE 0.01

void lsp_progress_init(struct lsp_progress *p)
{
	p->shown = isatty(STDERR_FILENO);
}

void lsp_progress_text(const struct lsp_progress *p, const char *text)
{
	if (!p->shown)
		return;
	fprintf(stderr, LINE_START "%s", text);
	fflush(stderr);
}

/* Names come from the recorded program, so their control characters must not reach the terminal. */
static void name_copy(char *to, size_t bytes, const char *name)
{
	size_t i;

	for (i = 0; name[i] && i < bytes - 1; i++)
		to[i] = (unsigned char)name[i] < 0x20 || name[i] == 0x7f ? '?' : name[i];
	to[i] = '\0';
}

void lsp_progress_events(const struct lsp_recorder *from, uint64_t *events, uint64_t *lost)
{
	struct lsp_collector_totals t;
	struct lsp_client_report r;

	lsp_collector_totals(from->collector, &t);
	*events = t.spans + t.releases;
	*lost = t.gap_records;
	/* Only the module knows what was not kept. */
	if (!lsp_client_status(from->client, &r)) {
		*events = r.counters[LOCKSPAN_C_KEPT] + r.counters[LOCKSPAN_C_SAMPLED_OUT] +
			  r.counters[LOCKSPAN_C_RELEASES];
		*lost += r.counters[LOCKSPAN_C_LOST_SPAN_RING] +
			 r.counters[LOCKSPAN_C_LOST_RELEASE_RING] +
			 r.counters[LOCKSPAN_C_LOST_TASK_TABLE] +
			 r.counters[LOCKSPAN_C_LOST_KEY_TABLE] + r.counters[LOCKSPAN_C_LOST_SEND];
	}
}

void lsp_progress_show(const struct lsp_progress *p, const struct lsp_recorder *from)
{
	const struct lsp_collector *c = from->collector;
	const struct lsp_estimate *outcomes = lsp_collector_outcomes(c);
	struct lsp_collector_totals t;
	uint64_t events, lost;
	char top[TOP_MAX + 1], line[256];
	double wait_ns, all_ns = 0;
	int n;

	if (!p->shown)
		return;
	lsp_collector_totals(c, &t);
	name_copy(top, sizeof(top), lsp_collector_top(c, &wait_ns));
	lsp_progress_events(from, &events, &lost);
	n = snprintf(line, sizeof(line), "%.0f s  %" PRIu64 " event%s  %" PRIu64 " kept  %" PRIu64 " lost",
		     (double)(lsp_clock_ns(CLOCK_MONOTONIC) - from->start_ns) / 1e9, events,
		     lsp_plural(events, "s"), t.spans + t.releases, lost);
	for (int i = 0; i < LOCKSPAN_OUTCOME_COUNT; i++)
		all_ns += outcomes[i].delay_ns;
	/* A lock with hardly any of the waiting is not named. */
	if (*top && wait_ns >= TOP_SHARE * all_ns && n > 0 && (size_t)n < sizeof(line))
		snprintf(line + n, sizeof(line) - (size_t)n, "  top %s %.3f s", top, wait_ns / 1e9);
	lsp_progress_text(p, line);
}
