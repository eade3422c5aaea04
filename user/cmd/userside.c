// SPDX-License-Identifier: GPL-2.0-only
#include "userside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "../capture/spanfile.h"
#include "../capture/userfile.h"
#include "cmd.h"
#include "folder.h"
#include "record_files.h"
#include "say.h"

#ifndef LSP_PREFIX
#define LSP_PREFIX "/usr/local"
#endif
#define LIBRARY "liblockspan-user.so"
/*
 * The size of the file. It takes addresses, not disk: what is not written takes no room. Not every
 * file system allows files of this size.
 */
#define FILE_BYTES (16ULL << 30)
#define FILE_LEAST_BYTES (1ULL << 20)

/* The library is beside the program in the build tree, or where it is installed. */
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

/* In the list of LD_PRELOAD a space or a colon ends a name. */
static bool library_good(const char *library)
{
	if (!strpbrk(library, " :"))
		return true;
	lsp_say("cannot preload '%s': LD_PRELOAD has no way to name a path with a space or a colon; install lockspan elsewhere",
		library);
	return false;
}

/*
 * A program whose address sanitizer is a library of its own refuses to start if another library is
 * loaded first. The sanitizer has an option against that. Our library does not allocate, so it does
 * no harm there.
 */
static bool sanitizer_calm(void)
{
	const char *others = getenv("ASAN_OPTIONS");
	char *options;
	bool good;

	if (asprintf(&options, "%s%sverify_asan_link_order=0", others ? others : "", others && *others ? ":" : "") < 0)
		return false;
	good = !setenv("ASAN_OPTIONS", options, 1);
	free(options);
	return good;
}

static bool environment_set(const struct lsp_userside *u, const char *library, const uint64_t run[2])
{
	const char *others = getenv("LD_PRELOAD");
	char *list = NULL, *file = NULL, path[64];
	bool good;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), u->file);
	good = asprintf(&list, "%s%s%s", library, others && *others ? ":" : "", others ? others : "") >= 0 &&
	       asprintf(&file, LSP_USERFILE_ENV_FORMAT, (unsigned long long)run[0],
			(unsigned long long)run[1], path) >= 0;
	good = good && !setenv("LD_PRELOAD", list, 1) && !setenv(LSP_USERFILE_ENV, file, 1) &&
	       sanitizer_calm();
	if (!good)
		lsp_say("%s", lsp_say_errno(ENOMEM));
	free(list);
	free(file);
	return good;
}

static bool file_create(struct lsp_userside *u, const uint64_t run[2])
{
	const struct lsp_userfile_head head = {
		.run = { run[0], run[1] }, .block_rate_ns = u->options.rates.block_rate_ns,
		.mutex_fraction = u->options.rates.mutex_fraction, .stack_bytes = u->options.user_stack_bytes,
	};
	uint64_t bytes = FILE_BYTES;

	do {
		u->file = lsp_userfile_create(u->unfinished, bytes, &head);
		bytes /= 2;
	} while ((u->file == -EFBIG || u->file == -ENOSPC || u->file == -EINVAL) && bytes >= FILE_LEAST_BYTES);
	if (u->file < 0)
		lsp_say("cannot make a file for the events in %s: %s", u->unfinished, lsp_say_errno(-u->file));
	return u->file >= 0;
}

bool lsp_userside_begin(struct lsp_userside *u, const struct lsp_record_options *options,
			const char *unfinished)
{
	char library[PATH_MAX];
	uint64_t run[2];
	struct timespec t;
	int err;

	if (!library_find(library)) {
		lsp_say("cannot find " LIBRARY "; build it with make, or install lockspan");
		return false;
	}
	if (!library_good(library))
		return false;
	snprintf(u->unfinished, sizeof(u->unfinished), "%s", unfinished);
	u->options = *options;
	u->options.unfinished = u->unfinished;
	err = lsp_folder_make(u->unfinished);
	if (err) {
		lsp_say("cannot write to %s: %s", u->unfinished, lsp_say_errno(-err));
		return false;
	}
	if (getrandom(run, sizeof(run), 0) != sizeof(run)) {
		lsp_say("cannot draw a number: %s", lsp_say_errno(errno));
		return false;
	}
	if (!file_create(u, run))
		return false;
	u->begun = true;
	err = lsp_handout_begin(&u->handout, u->file, run);
	if (err)
		lsp_say("processes that give up rights will not be recorded: %s", lsp_say_errno(-err));
	clock_gettime(CLOCK_REALTIME, &t);
	u->wall_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	clock_gettime(CLOCK_MONOTONIC, &t);
	u->start_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	return environment_set(u, library, run);
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
		lsp_say("cannot write %s: %s", path, lsp_say_errno(-err));
		return NULL;
	}
	uname(&host);
	lsp_spanfile_add_header(spans, &(struct lsp_spanfile_header){
		.release = LSP_RELEASE, .contract = LOCKSPAN_VERSION, .kernel = host.release,
		.command = (const char *const *)u->options.command, .wall_ns = u->wall_ns,
		.start_ns = u->start_ns, .rates = u->options.rates });
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
		lsp_say("cannot write the span file: %s", lsp_say_errno(-err));
	return !err;
}

/*
 * The kernel gives a lease for writing only to a process that is alone with the file, and mappings
 * of the file count.
 */
static bool file_is_shared(int file)
{
	bool shared = fcntl(file, F_SETLEASE, F_WRLCK) && errno == EAGAIN;

	fcntl(file, F_SETLEASE, F_UNLCK);
	return shared;
}

/* What the records cannot tell: the recorder's own losses. */
static void losses_add(struct lsp_losses *to, const struct lsp_userfile_result *file, char *unseen)
{
	static const struct lsp_loss own[LSP_USERFILE_LOSSES] = {
		[LSP_USERFILE_BUSY] = { "user_busy", 0, "event", "found the thread at work on another one", false },
		[LSP_USERFILE_ROOM] = { "user_room", 0, "event", "found no room on the disk or in the recorder's file", false },
		[LSP_USERFILE_SPACE] = { "user_space", 0, "event",
					 "found no room for a mapping in the process (ulimit -v)", false },
	};

	for (int i = 0; i < LSP_USERFILE_LOSSES; i++) {
		struct lsp_loss loss = own[i];

		loss.count = file->lost[i];
		lsp_losses_add(to, &loss);
	}
	snprintf(unseen, LSP_LOSS_TEXT, "did not load the recorder (%s): statically linked, privileged, or started "
		 "without LD_PRELOAD in the environment? lockspan record sees such programs",
		 *file->unseen_name ? file->unseen_name : "its name is not known");
	lsp_losses_add(to, &(struct lsp_loss){ "unseen_programs", file->unseen, "executed program", unseen, false });
	lsp_losses_add(to, &(struct lsp_loss){
		"unplaced", file->waits_unplaced, "wait",
		"found no place in the recorder's ledger: nobody is charged with their time", false });
	lsp_losses_add(to, &(struct lsp_loss){
		"shared", file->waits_shared, "wait",
		"for locks that processes can share (robust mutexes are such): nobody is charged with the time that ended by another process's release", true });
}

static bool result_write(struct lsp_userside *u, struct lsp_collector *collector,
			 const struct lsp_userfile_result *file, const struct lsp_client_report *end,
			 int exit_status)
{
	static const struct lsp_client_faults faults;
	struct lsp_profiles_summary summary;
	struct lsp_losses losses;
	char unseen[LSP_LOSS_TEXT];
	struct lsp_record_result result = {
		.wall_ns = u->wall_ns, .start_ns = u->start_ns, .stop_ns = end->stop_ns,
		.stack_mode = LOCKSPAN_STACK_RAW, .exit_status = exit_status, .end = end,
		.faults = &faults, .collector = collector, .summary = &summary, .losses = &losses,
		.user = file,
	};
	bool good;

	lsp_profiles_summary(collector, &summary);
	lsp_losses_find(&(struct lsp_losses_source){ .collector = collector, .end = end,
						     .copied_bytes = u->options.user_stack_bytes }, &losses);
	losses_add(&losses, file, unseen);
	u->written &= lsp_record_files_write(&u->options, &result);
	u->loaded = file->processes;
	if (!u->loaded) {
		lsp_say("nothing was recorded: the recorder was never loaded: a statically linked or privileged program?");
		return false;
	}
	good = lsp_record_outcome_say(&result, u->written ? u->options.directory : NULL);
	if (u->runs_on)
		lsp_say("processes of the command run on: what they wait from now on is not recorded");
	return good;
}

/* ---- where locks were initialised ---- */

struct births {
	struct lsp_collector *from;
	struct lsp_collector *to;
	uint64_t seq;
};

/* This reading needs no waits and releases. */
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
		.resolver = { .begun_ns = (uint64_t)u->wall_ns, .debuginfod = u->options.debuginfod }, .late_names = true, .keep_stacks = true, .own_names = true,
	};
	struct lsp_userfile_result file;
	struct births b = { .to = kernel };
	int err = lsp_collector_create(&options, &b.from);

	if (!err)
		err = lsp_userfile_replay(u->file, 0, births_feed, &b, &file);
	if (!err)
		err = lsp_collector_finish(b.from);
	if (!err)
		err = lsp_collector_births(b.from, birth_hand_over, &b);
	if (err)
		lsp_say("reading where locks were initialised: %s", lsp_say_errno(-err));
	lsp_collector_destroy(b.from);
	return !err;
}

bool lsp_userside_end(struct lsp_userside *u, int exit_status)
{
	struct lsp_spanfile_writer *spans = spans_begin(u);
	/* Beside the kernel's side, which meets the same files, nothing is said twice. */
	struct lsp_collector_options options = {
		.resolver = { .begun_ns = (uint64_t)u->wall_ns, .debuginfod = u->options.debuginfod, .all_frames = u->options.all_frames,
			      .warn = u->options.with_user ? NULL : lsp_say_warning },
		.spans = spans, .late_names = true, .keep_stacks = true, .own_names = true,
	};
	struct lsp_client_report end = {
		.version = LOCKSPAN_VERSION, .rates = u->options.rates, .start_ns = u->start_ns,
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
		err = lsp_userfile_replay(u->file, end.stop_ns, data_feed, collector, &file);
	if (!err)
		err = lsp_collector_finish(collector);
	u->runs_on = file_is_shared(u->file);
	/* The file has been read. The disk space that it takes is needed for the profiles. */
	lsp_userside_uninit(u);
	if (!err) {
		memcpy(end.counters, file.counters, sizeof(end.counters));
		u->written &= spans_end(spans, &end);
		good = result_write(u, collector, &file, &end, exit_status);
	} else {
		u->written = false;
		lsp_say("reading what was recorded: %s", lsp_say_errno(-err));
		lsp_spanfile_close(spans);
	}
	lsp_collector_destroy(collector);
	return good && u->written;
}

void lsp_userside_uninit(struct lsp_userside *u)
{
	lsp_handout_end(&u->handout);
	if (u->begun)
		close(u->file);
	u->begun = false;
}
