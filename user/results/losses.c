// SPDX-License-Identifier: GPL-2.0-only
#include "losses.h"

#include <inttypes.h>
#include <stdio.h>

#include "../base/plural.h"
#include "../capture/userfile.h"

/* Counters that are 0 unless the profiles lack something that they should have. */
static const struct {
	enum lockspan_counter counter;
	const char *what;
	const char *words;
} counters[] = {
	{ LOCKSPAN_C_LOST_SPAN_RING, "wait", "found no room in the module's ring (--ring-bytes)" },
	{ LOCKSPAN_C_LOST_RELEASE_RING, "release", "found no room in the module's ring (--ring-bytes)" },
	{ LOCKSPAN_C_LOST_LATE_RING, "release", "that came after the wait's record found no room in the module's ring (--ring-bytes)" },
	{ LOCKSPAN_C_LOST_NOSLEEP_RING, "wait", "that did not sleep found no room in the module's ring (--ring-bytes)" },
	{ LOCKSPAN_C_LOST_STACK_RING, "stack", "found no room in the module's ring (--ring-bytes)" },
	{ LOCKSPAN_C_LOST_MAP_RING, "mapping", "found no room in the module's ring (--ring-bytes)" },
	{ LOCKSPAN_C_LOST_TASK_TABLE, "wait", "found no room in the module's table of threads (max_threads)" },
	{ LOCKSPAN_C_LOST_KEY_TABLE, "wait", "found no room in the module's table of locks" },
	{ LOCKSPAN_C_LOST_OPEN_RING, "wait", "that did not end found no room in the module's ring (--ring-bytes)" },
	{ LOCKSPAN_C_LOST_MAP_LOCK, "mapping", "could not be read, because others kept it locked" },
	{ LOCKSPAN_C_LOST_REMAP, "change", "of mappings found no room in the module: code that came there may have no names" },
	{ LOCKSPAN_C_LOST_GIVEN_UP_RING, "sum", "of waits that nobody ended found no room in the module's ring (--ring-bytes)" },
	{ LOCKSPAN_C_LOST_TIMES_RING, "sum", "of what threads did found no room in the module's ring (--ring-bytes)" },
	{ LOCKSPAN_C_LOST_SEND, "record", "could not be sent by the module" },
};

void lsp_losses_add(struct lsp_losses *l, const struct lsp_loss *loss)
{
	if (!loss->count)
		return;
	l->partial |= !loss->note;
	if (l->n < LSP_LOSSES_MAX)
		l->losses[l->n++] = *loss;
}

/*
 * A wait that ends while the recording stops may have no stack, because it can no longer be read.
 * If fewer than one event in this many has no stack, that is told, but does not make the recording
 * partial.
 */
#define NO_STACK_ONE_IN 1000

/*
 * A stack that is cut lacks outer frames, but no event is lost. If at least one event in this many
 * has such a stack, that is told in these words, but does not make the recording partial. Programs
 * with machine code of their own always have such stacks.
 */
#define CUT_ONE_IN 100

static const struct {
	const char *name;
	const char *words;
} cuts[LSP_END_COUNT] = {
	[LSP_END_TRUNCATED] = { "cut_truncated",
		"came with a stack that goes on beyond the part that was looked at: see [truncated]" },
	[LSP_END_NO_CFI] = { "cut_no_cfi",
		"came with a stack that ends in code without unwind information: see [no_cfi]" },
	[LSP_END_NO_MAP] = { "cut_no_map", "came with a stack on which a guess led out of all code: see [no_map]" },
	[LSP_END_BAD] = { "cut_bad",
		"came with a stack whose frames contradict each other, and end there: see [bad]" },
};

/* How many events of the profiles, and open waits, lack something in their stacks. */
struct stacks {
	uint64_t events;
	uint64_t none;
	uint64_t no_map;
	uint64_t cut[LSP_END_COUNT];
};

static int row_stacks(void *arg, const struct lsp_row *row)
{
	struct stacks *s = arg;
	const struct lsp_trace *t = row->trace;
	bool guessed = false;

	/* The stack belongs to another thread, and is in no profile. */
	if (row->interrupt || row->worker || row->given_up)
		return 0;
	/*
	 * A thread that was about to run when the recording stopped has no stack that can be read.
	 * Its wait is in no profile.
	 */
	s->events += row->sums->estimate.kept;
	if (t->end == LSP_END_NONE && row->kind != LSP_ROW_OPEN)
		s->none += row->sums->estimate.kept;
	/*
	 * A guess may lead to an address that is no code. Unwind tables lead to code, so there the
	 * mapping has not come.
	 */
	for (size_t i = 0; i < t->nframes; i++)
		guessed |= t->frames[i].guessed;
	if (t->end == LSP_END_NO_MAP && !guessed)
		s->no_map += row->sums->estimate.kept;
	else
		s->cut[t->end] += row->sums->estimate.kept;
	return 0;
}

/*
 * A copy that was too short can be made longer by the user. But guesses after a file that could not
 * be read may also lead beyond the copy. Then the length of the stack is not known.
 */
static const char *cut_words(enum lsp_end end, uint32_t copied_bytes, const struct lsp_collector_totals *t)
{
	if (end != LSP_END_TRUNCATED || !copied_bytes)
		return cuts[end].words;
	if (t->unopened || t->changed)
		return "came with a stack that could not be followed to its end, because files that hold the rules "
		       "for it could not be read: see [truncated]";
	if (copied_bytes < LSP_USERFILE_STACK_MAX_BYTES)
		return "came with a stack longer than what is copied of it (--stack-bytes copies more): see [truncated]";
	return cuts[end].words;
}

static void cuts_add(struct lsp_losses *l, const struct stacks *s, uint32_t copied_bytes,
		     const struct lsp_collector_totals *t)
{
	for (unsigned int end = 0; end < LSP_END_COUNT; end++)
		if (cuts[end].name && s->cut[end] * CUT_ONE_IN >= s->events)
			lsp_losses_add(l, &(struct lsp_loss){
				cuts[end].name, s->cut[end], "event", cut_words(end, copied_bytes, t), true });
}

/*
 * A kernel may have the function that ends waits, and yet have it inlined into its callers, where
 * no probe is.
 */
static bool ends_unseen(const struct lsp_client_report *end)
{
	uint64_t seen = 0;

	for (unsigned int o = 0; o < LOCKSPAN_OUTCOME_COUNT; o++)
		if (o != LOCKSPAN_ERROR && o != LOCKSPAN_OPEN)
			seen += end->counters[o];
	return !seen && end->counters[LOCKSPAN_C_ERROR];
}

void lsp_losses_find(const struct lsp_losses_source *s, struct lsp_losses *ret)
{
	static const struct lsp_client_faults no_faults;
	const struct lsp_client_faults *faults = s->faults ? s->faults : &no_faults;
	struct lsp_collector_totals t;
	struct stacks stacks = { 0 };

	lsp_collector_totals(s->collector, &t);
	lsp_collector_rows(s->collector, row_stacks, &stacks);
	const struct lsp_loss own[] = {
		{ "gap_records", t.gap_records, "record", "got lost on the way from the module", false },
		{ "damaged_messages", t.damaged, "message", "came damaged from the module", false },
		{ "unfit_records", t.unfit, "record", "made no sense and had to be left out", false },
		{ "refused_messages", faults->refused, "message", "from the module could not be understood", false },
		{ "truncated_messages", faults->truncated, "message", "from the module came cut off", false },
		{ "unrecorded", t.unrecorded, "record", "found no memory here", false },
		{ "end", !s->end, NULL, "the module did not say that it had sent all", false },
		{ "ends_unseen", s->end && ends_unseen(s->end), NULL,
		  "the end of no wait was seen: this kernel is not supported, for its futex functions are not "
		  "where their names say", false },
		{ "stacks_missing", t.stacks_missing, "stack", "to which events refer did not come", false },
		{ "no_stack", s->no_stacks ? 0 : stacks.none, "event", "came without a stack: see [no stack]",
		  stacks.none * NO_STACK_ONE_IN < stacks.events },
		{ "no_map", stacks.no_map, "event", "had code on the stack whose mapping is not known: see [no_map]", false },
		{ "changed_files", t.changed, "file", "changed during the recording: code there has no names, and stacks may end there", false },
		{ "foreign_pids", s->foreign_pids, NULL,
		  "the module's process numbers are not those of this pid namespace: no process was looked at, so "
		  "just-in-time compiled code and files of other mount namespaces have no names", false },
		{ "unopened_files", t.unopened, "file", "could not be opened for want of descriptors (ulimit -n): "
		  "code there has no names, and stacks may end there", false },
	};

	ret->n = 0;
	ret->partial = false;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		lsp_losses_add(ret, &own[i]);
	cuts_add(ret, &stacks, s->copied_bytes, &t);
	for (size_t i = 0; s->end && i < sizeof(counters) / sizeof(counters[0]); i++)
		lsp_losses_add(ret, &(struct lsp_loss){
			.name = lsp_counter_name(counters[i].counter), .count = s->end->counters[counters[i].counter],
			.what = counters[i].what, .words = counters[i].words });
	if (s->end)
		lsp_losses_add(ret, &(struct lsp_loss){
			lsp_counter_name(LOCKSPAN_C_WHY_CROWDED), s->end->counters[LOCKSPAN_C_WHY_CROWDED], "change",
			"of what threads do found no room in the module's table of threads (max_threads): why some holds were long is unknown", true });
}

void lsp_loss_text(const struct lsp_loss *l, char *to, size_t bytes)
{
	if (!l->what)
		snprintf(to, bytes, "%s", l->words);
	else
		snprintf(to, bytes, "%" PRIu64 " %s%s %s", l->count, l->what, lsp_plural(l->count, "s"), l->words);
}
