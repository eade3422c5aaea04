// SPDX-License-Identifier: GPL-2.0-only
/* Writes the files of a recording, and the last sentences on standard error. */
#include "record_files.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/plural.h"
#include "../capture/userfile.h"
#include "../report/words.h"
#include "deadlocks.h"
#include "record_json.h"
#include "say.h"

static bool written(int err, const char *path)
{
	if (err)
		lsp_say("cannot write %s: %s", path, lsp_say_errno(-err));
	return !err;
}

static bool profile_write(const struct lsp_record_options *o, const struct lsp_profile *p,
			  const char *name)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", o->unfinished, name);
	return written(lsp_profile_write(p, path), path);
}

static bool profiles_write(const struct lsp_record_options *o, const struct lsp_record_result *r)
{
	const struct lsp_profiles_facts facts = {
		.time_ns = r->wall_ns, .rates = o->rates, .end = r->end, .losses = r->losses,
	};
	struct lsp_profiles profiles;
	bool good = true;
	int err;

	err = lsp_profiles_create(r->collector, &facts, &profiles);
	if (err) {
		lsp_say("cannot build the profiles: %s", lsp_say_errno(-err));
		return false;
	}
	good &= profile_write(o, profiles.block, "block.pb.gz");
	good &= profile_write(o, profiles.mutex, "mutex.pb.gz");
	good &= profile_write(o, profiles.ext, "contention.ext.pb.gz");
	lsp_profiles_destroy(&profiles);
	return good;
}

bool lsp_record_losses_say(const struct lsp_losses *losses)
{
	char text[LSP_LOSS_TEXT];

	for (size_t i = 0; i < losses->n; i++) {
		lsp_loss_text(&losses->losses[i], text, sizeof(text));
		lsp_say("%s: %s", losses->losses[i].note ? "note" : "partial", text);
	}
	return !losses->partial;
}

/*
 * Missed calls of probes are counted for the whole machine, so they may not concern this recording.
 * They are reported, but do not make it partial.
 */
static void missed_say(const struct lsp_client_report *end)
{
	char times[2 * LSP_WORD];

	for (size_t i = 0; end && i < end->nprobes; i++)
		if (end->probes[i].missed)
			lsp_say("probe %s (%s) did not run %s, machine-wide", end->probes[i].name, end->probes[i].symbol,
				lsp_words_counted(times, (double)end->probes[i].missed, "time"));
}

/* A lock with less than this share of the waiting is not named. */
#define TOP_SHARE 0.01
/* Hold that nobody is blamed for is not told there either, below this share of all; the files have it. */
#define SHOWN_SHARE 0.01

struct sums {
	double waits, wait_ns, releases;
};

/*
 * If events were left out by chance, the profiles have only estimates of the sums, but the counters
 * have the sums themselves.
 */
static struct sums sums_of(const struct lsp_record_result *r)
{
	const struct lsp_profiles_summary *s = r->summary;
	struct lsp_profiles_exact exact;

	if (r->end && r->end->counters[LOCKSPAN_C_SAMPLED_OUT] + r->end->counters[LOCKSPAN_C_RELEASES_SAMPLED_OUT]) {
		exact = lsp_profiles_exact(r->end);
		return (struct sums){ (double)exact.contentions, (double)exact.delay_ns,
				      (double)r->end->counters[LOCKSPAN_C_RELEASES] };
	}
	return (struct sums){ round(s->block.estimate.count), s->block.estimate.delay_ns,
			      round(s->mutex.estimate.count + s->other.estimate.count) };
}

/* Says that the profiles are empty. That need not mean that nobody had to wait. */
static void empty_say(const struct lsp_record_result *r, const char *see)
{
	struct lsp_profiles_exact exact = { 0, 0 };
	uint64_t released = 0;
	char where[64] = "", waits[2 * LSP_WORD], releases[2 * LSP_WORD];

	if (r->end) {
		exact = lsp_profiles_exact(r->end);
		released = r->end->counters[LOCKSPAN_C_RELEASES];
	}
	if (exact.contentions || released) {
		lsp_say("%s of %.3f s together, %s; not one of them was kept%s%s",
			lsp_words_counted(waits, (double)exact.contentions, "wait"), (double)exact.delay_ns / 1e9,
			lsp_words_counted(releases, (double)released, "release"), see ? "; see " : "", see ? see : "");
		return;
	}
	if (r->user)
		snprintf(where, sizeof(where), " in the %u process%s that the recorder was in",
			 r->user->processes, lsp_plural(r->user->processes, "es"));
	lsp_say("nobody had to wait%s%s%s", where, see ? "; see " : "", see ? see : "");
}

/* To be freed; NULL: no memory. */
static char *deadlocks_text(const struct lsp_record_result *r)
{
	char *text = NULL;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	if (!to)
		return NULL;
	lsp_deadlocks_text(to, r->deadlocks, r->collector);
	fclose(to);
	return text;
}

static void summary_say(const struct lsp_record_result *r, const char *see)
{
	const struct lsp_profiles_summary *s = r->summary;
	uint64_t kept = s->block.estimate.kept + s->mutex.estimate.kept + s->other.estimate.kept;
	uint64_t whole = s->block.ends[LSP_END_COMPLETE] + s->mutex.ends[LSP_END_COMPLETE] +
			 s->other.ends[LSP_END_COMPLETE];
	char waits[2 * LSP_WORD], releases[2 * LSP_WORD], unblamed[256];
	struct lsp_estimate by[LSP_UNBLAMED_COUNT];
	struct sums sums = sums_of(r);
	double wait_ns, hold_ns;
	const char *top = lsp_collector_top(r->collector, &wait_ns);
	char *deadlocks = NULL;

	memcpy(by, s->unblamed, sizeof(by));
	if (!kept && !s->open.estimate.kept) {
		empty_say(r, see);
		return;
	}
	if (wait_ns < TOP_SHARE * (s->block.estimate.delay_ns + s->open.estimate.delay_ns))
		top = "";
	hold_ns = s->mutex.estimate.delay_ns + s->other.estimate.delay_ns;
	/* The end of a thread holds nobody up. */
	by[LSP_UNBLAMED_JOIN] = (struct lsp_estimate){ 0 };
	deadlocks = deadlocks_text(r);
	lsp_unblamed_text(by, SHOWN_SHARE * hold_ns, unblamed, sizeof(unblamed));
	lsp_say("%s of %.3f s together, %s%s%s%s%s%s; %.1f%% of stacks complete%s%s%s",
		lsp_words_counted(waits, sums.waits, "wait"), sums.wait_ns / 1e9,
		lsp_words_counted(releases, sums.releases, "release"),
		*top ? ", most on " : "", top,
		s->open.estimate.kept ? " (and waits that never ended)" : "",
		*unblamed ? ", not blamed: " : "", unblamed,
		kept ? 100.0 * (double)whole / (double)kept : 100.0, deadlocks ? deadlocks : "", see ? "; see " : "",
		see ? see : "");
	free(deadlocks);
}

bool lsp_record_files_write(const struct lsp_record_options *o, const struct lsp_record_result *r)
{
	bool good = profiles_write(o, r);
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/record.json", o->unfinished);
	return written(lsp_record_json_write(o, r, path), path) && good;
}

bool lsp_record_outcome_say(const struct lsp_record_result *r, const char *see)
{
	bool good = lsp_record_losses_say(r->losses);

	missed_say(r->end);
	summary_say(r, see);
	return good;
}

bool lsp_record_folder_begin(struct lsp_folder *f, const struct lsp_record_options *o)
{
	int err = lsp_folder_begin(f, o->directory);

	if (err == -EBUSY)
		lsp_say("cannot write to %s: another lockspan is writing there", o->directory);
	else if (err)
		lsp_say("cannot write to %s: %s", o->directory, lsp_say_errno(-err));
	return !err;
}

bool lsp_record_folder_end(struct lsp_folder *f, bool written)
{
	int err;

	if (!written) {
		lsp_folder_leave(f);
		lsp_say("the recording is not whole: what could be written is in %s, and %s is as it was",
			f->unfinished, f->path);
		return false;
	}
	err = lsp_folder_commit(f);
	if (err)
		lsp_say("cannot move the recording to %s: %s; it is in %s", f->path, lsp_say_errno(-err), f->unfinished);
	return !err;
}
