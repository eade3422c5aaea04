// SPDX-License-Identifier: GPL-2.0-only
#include "report_pairs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../compare/endings.h"
#include "cmd.h"
#include "load.h"
#include "reading.h"
#include "say.h"

/* Adds one recording. Its profiles, where it has them, tell what the locks are used for. */
static bool recording_add(const struct lsp_report_pairs *p, const char *path, struct lsp_endings *e,
			  struct lsp_recording *r, bool *partial)
{
	char file[PATH_MAX];
	struct stat st;
	int err;

	if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
		if ((size_t)snprintf(file, sizeof(file), "%s/spans.lspan", path) >= sizeof(file)) {
			lsp_say("%s: %s", path, strerror(ENAMETOOLONG));
			return false;
		}
		if (access(file, F_OK)) {
			lsp_say("%s: --by pair needs single events, and there is no spans.lspan in it; lockspan record --spans writes one",
				path);
			return false;
		}
		if (!lsp_load(r, path, partial))
			*partial = true;
		path = file;
	}
	err = lsp_endings_add(e, path, p->lock);
	if (err == -ENODATA)
		lsp_say("%s: --by pair needs all events, and this recording is a sample", path);
	else if (err == -EOPNOTSUPP)
		lsp_say("%s: --by pair is for recordings by the module; the library within the program does not record whose release ends a wait",
			path);
	else if (err)
		lsp_say("%s: %s", path, err == -EBADMSG ? "not a span file (see record --spans)" : lsp_say_errno(-err));
	return !err;
}

static bool pairs_write(const struct lsp_report_pairs *p, struct lsp_endings *e, const struct lsp_recording *r)
{
	struct lsp_uses uses;
	int err = lsp_uses_create(r, &uses);

	if (!err) {
		err = lsp_endings_finish(e, &uses, p->sort);
		lsp_uses_destroy(&uses);
	}
	if (err) {
		lsp_say("%s", lsp_say_errno(-err));
		return false;
	}
	if (p->json)
		return lsp_reading_finish(lsp_endings_json(e, p->look.top));
	lsp_endings_text(stdout, e, &p->look);
	return lsp_reading_finish(NULL);
}

int lsp_report_pairs(const struct lsp_report_pairs *p)
{
	struct lsp_recording r = { 0 };
	struct lsp_endings e;
	bool partial = false;
	size_t added = 0;
	int status = 0;

	lsp_endings_init(&e);
	for (size_t i = 0; i < p->npaths; i++)
		added += recording_add(p, p->paths[i], &e, &r, &partial);
	if (added && p->lock && !e.waits) {
		lsp_say("--lock %s: nothing was waited for such a lock; --by lock shows the names", p->lock);
		status = LSP_EXIT_USAGE;
	} else if (!added || !pairs_write(p, &e, &r)) {
		status = LSP_EXIT_OTHER_FAILED;
	} else if (partial || e.partial || added < p->npaths) {
		if (e.partial)
			lsp_say("not all events are there, so pairs may be missing");
		status = LSP_EXIT_OTHER_PARTIAL;
	}
	lsp_endings_uninit(&e);
	lsp_recording_uninit(&r);
	return status;
}
