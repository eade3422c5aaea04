// SPDX-License-Identifier: GPL-2.0-only
#include "userside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "../capture/spanfile.h"
#include "../capture/userfile.h"
#include "cmd.h"
#include "folder.h"
#include "say.h"

#ifndef LSP_PREFIX
#define LSP_PREFIX "/usr/local"
#endif
#define LIBRARY "liblockspan-user.so"
/* Addresses, not disk: what is not written takes no room. */
#define FILE_BYTES (16ULL << 30)
#define SMALL_FILE_BYTES (1ULL << 30)

/* Beside the program in the build tree, else where it is installed. */
static bool library_find(char *path)
{
	char self[PATH_MAX - 64];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash)
			*slash = '\0';
		snprintf(path, PATH_MAX, "%s/preload/" LIBRARY, self);
		if (!access(path, R_OK))
			return true;
		snprintf(path, PATH_MAX, "%s/../lib/lockspan/" LIBRARY, self);
		if (!access(path, R_OK))
			return true;
	}
	snprintf(path, PATH_MAX, LSP_PREFIX "/lib/lockspan/" LIBRARY);
	return !access(path, R_OK);
}

static bool environment_set(const char *library, const char *file)
{
	const char *others = getenv("LD_PRELOAD");
	char *list;
	bool good;

	if (asprintf(&list, "%s%s%s", library, others && *others ? ":" : "", others ? others : "") < 0)
		return false;
	good = !setenv("LD_PRELOAD", list, 1) && !setenv(LSP_USERFILE_ENV, file, 1);
	free(list);
	return good;
}

/* As the program will find it, wherever it goes. */
static bool path_absolute(char *to, const char *directory, const char *name)
{
	char full[PATH_MAX];

	if (!realpath(directory, full))
		return false;
	return snprintf(to, PATH_MAX, "%s/%s", full, name) < PATH_MAX;
}

bool lsp_userside_begin(struct lsp_userside *u, const struct lsp_record_options *options,
			const char *unfinished)
{
	char library[PATH_MAX];
	struct timespec t;
	int err;

	if (!library_find(library)) {
		lsp_say("cannot find " LIBRARY "; build it with make, or install lockspan");
		return false;
	}
	snprintf(u->unfinished, sizeof(u->unfinished), "%s", unfinished);
	u->options = *options;
	u->options.unfinished = u->unfinished;
	err = lsp_folder_make(u->unfinished);
	if (err || !path_absolute(u->file, u->unfinished, "events.tmp")) {
		lsp_say("cannot write to %s: %s", u->unfinished, strerror(err ? -err : errno));
		return false;
	}
	err = lsp_userfile_create(u->file, FILE_BYTES, options->block_rate_ns, options->mutex_fraction);
	if (err == -EFBIG || err == -ENOSPC || err == -EINVAL)
		err = lsp_userfile_create(u->file, SMALL_FILE_BYTES, options->block_rate_ns,
					  options->mutex_fraction);
	if (err) {
		lsp_say("cannot write %s: %s", u->file, strerror(-err));
		return false;
	}
	u->begun = true;
	clock_gettime(CLOCK_REALTIME, &t);
	u->wall_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	clock_gettime(CLOCK_MONOTONIC, &t);
	u->start_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	if (!environment_set(library, u->file)) {
		lsp_say("no memory");
		return false;
	}
	return true;
}

static int data_feed(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	return lsp_collector_feed(arg, cpu, seq, run, bytes);
}

static struct lsp_spanfile_writer *spans_begin(const struct lsp_userside *u)
{
	struct lsp_spanfile_writer *spans;
	struct utsname host = { .release = "" };
	char path[PATH_MAX + 32];
	int err;

	if (!u->options.spans)
		return NULL;
	snprintf(path, sizeof(path), "%s/spans.lspan", u->unfinished);
	err = lsp_spanfile_create(path, &spans);
	if (err) {
		lsp_say("cannot write %s: %s", path, strerror(-err));
		return NULL;
	}
	uname(&host);
	lsp_spanfile_add_header(spans, &(struct lsp_spanfile_header){
		.release = LSP_RELEASE, .contract = LOCKSPAN_VERSION, .kernel = host.release,
		.command = (const char *const *)u->options.command, .wall_ns = u->wall_ns,
		.start_ns = u->start_ns, .block_rate_ns = u->options.block_rate_ns,
		.mutex_fraction = u->options.mutex_fraction });
	return spans;
}

static bool spans_end(struct lsp_spanfile_writer *spans, const struct lsp_client_report *end)
{
	struct lsp_spanfile_counter counters[LOCKSPAN_C_COUNT];
	int err;

	for (unsigned int i = 0; spans && i < LOCKSPAN_C_COUNT; i++)
		counters[i] = (struct lsp_spanfile_counter){
			.name = lsp_counter_name(i), .value = end->counters[i],
		};
	if (spans)
		lsp_spanfile_add_end(spans, &(struct lsp_spanfile_end){
			.stop_ns = end->stop_ns, .counters = counters, .ncounters = LOCKSPAN_C_COUNT });
	err = lsp_spanfile_close(spans);
	if (err)
		lsp_say("cannot write the span file: %s", strerror(-err));
	return !err;
}

static bool result_write(struct lsp_userside *u, struct lsp_collector *collector,
			 const struct lsp_userfile_result *file, const struct lsp_client_report *end,
			 int exit_status)
{
	static const struct lsp_client_faults faults;
	struct lsp_profiles_summary summary;
	struct lsp_record_result result = {
		.wall_ns = u->wall_ns, .start_ns = u->start_ns, .stop_ns = end->stop_ns,
		.stack_mode = LOCKSPAN_STACK_RAW, .exit_status = exit_status, .end = end,
		.faults = &faults, .collector = collector, .summary = &summary,
	};
	bool good;

	lsp_profiles_summary(collector, &summary);
	u->written &= lsp_record_files_write(&u->options, &result);
	good = lsp_record_outcome_say(&result, u->written ? u->options.directory : NULL);
	if (!file->processes)
		lsp_say("the recorder was never loaded: a statically linked or privileged program?");
	if (file->skipped)
		lsp_say("partial: %" PRIu64 " events found a thread at work or no room", file->skipped);
	return good && file->processes && !file->skipped;
}

/* ---- where locks were initialised ---- */

struct births {
	struct lsp_collector *from;
	struct lsp_collector *to;
	uint64_t seq;
};

/* Waits and releases are not for this reading. */
static int births_feed(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	struct births *b = arg;
	const struct lockspan_rec *rec;
	size_t at = 0;
	int err = 0;

	(void)seq;
	while (!err && (rec = lsp_rec_any(run, bytes, &at, &err)))
		if (rec->type != LOCKSPAN_REC_SPAN && rec->type != LOCKSPAN_REC_RELEASE &&
		    rec->type != LSP_REC_UNFIT)
			err = lsp_collector_feed(b->from, cpu, b->seq++, rec, rec->bytes);
	return err;
}

static int birth_hand_over(void *arg, uint32_t tgid, uint64_t uaddr, uint32_t bytes, const char *name)
{
	struct births *b = arg;

	return lsp_collector_birth_add(b->to, tgid, uaddr, bytes, name);
}

bool lsp_userside_births(struct lsp_userside *u, struct lsp_collector *kernel)
{
	struct lsp_collector_options options = {
		.resolver = { .debuginfod = u->options.debuginfod }, .late_names = true, .keep_stacks = true,
	};
	struct lsp_userfile_result file;
	struct births b = { .to = kernel };
	int err = lsp_collector_create(&options, &b.from);

	if (!err)
		err = lsp_userfile_replay(u->file, births_feed, &b, &file);
	if (!err)
		err = lsp_collector_finish(b.from);
	if (!err)
		err = lsp_collector_births(b.from, birth_hand_over, &b);
	if (err)
		lsp_say("reading where locks were initialised: %s", strerror(-err));
	lsp_collector_destroy(b.from);
	return !err;
}

bool lsp_userside_end(struct lsp_userside *u, int exit_status)
{
	struct lsp_spanfile_writer *spans = spans_begin(u);
	struct lsp_collector_options options = {
		.resolver = { .debuginfod = u->options.debuginfod, .all_frames = u->options.all_frames },
		.spans = spans, .late_names = true, .keep_stacks = true,
	};
	struct lsp_client_report end = {
		.version = LOCKSPAN_VERSION, .block_rate_ns = u->options.block_rate_ns,
		.mutex_fraction = u->options.mutex_fraction, .start_ns = u->start_ns,
	};
	struct lsp_userfile_result file;
	struct lsp_collector *collector = NULL;
	struct timespec t;
	bool good = false;
	int err;

	u->written = !u->options.spans || spans;

	clock_gettime(CLOCK_MONOTONIC, &t);
	end.stop_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	err = lsp_collector_create(&options, &collector);
	if (!err)
		err = lsp_userfile_replay(u->file, data_feed, collector, &file);
	if (!err)
		err = lsp_collector_finish(collector);
	/* It has been read: the disk that it may have filled is wanted for the profiles. */
	lsp_userside_uninit(u);
	if (!err) {
		memcpy(end.counters, file.counters, sizeof(end.counters));
		u->written &= spans_end(spans, &end);
		good = result_write(u, collector, &file, &end, exit_status);
	} else {
		u->written = false;
		lsp_say("reading what was recorded: %s", strerror(-err));
		lsp_spanfile_close(spans);
	}
	lsp_collector_destroy(collector);
	return good && u->written;
}

void lsp_userside_uninit(struct lsp_userside *u)
{
	if (u->begun)
		unlink(u->file);
	u->begun = false;
}
