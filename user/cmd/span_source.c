// SPDX-License-Identifier: GPL-2.0-only
#include "span_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/plural.h"
#include "cmd.h"
#include "say.h"

bool lsp_span_source_find(const char *recording, char *path, size_t bytes)
{
	const char *in = "/spans.lspan";
	struct stat st;

	if (stat(recording, &st) || !S_ISDIR(st.st_mode))
		in = "";
	if ((size_t)snprintf(path, bytes, "%s%s", recording, in) >= bytes) {
		lsp_say("%s: %s", recording, strerror(ENAMETOOLONG));
		return false;
	}
	if (*in && access(path, F_OK) && errno == ENOENT) {
		lsp_say("%s: there is no spans.lspan in it; lockspan record --spans writes one", recording);
		return false;
	}
	return true;
}

int lsp_span_source_fail(const char *path, int err)
{
	lsp_say("%s: %s", path, err == -EBADMSG ? "not a span file (see record --spans)" : lsp_say_errno(-err));
	return LSP_EXIT_OTHER_FAILED;
}

bool lsp_span_source_whole(const struct lsp_spanfile_state *s, const char *path)
{
	if (s->damaged)
		lsp_say("%s: passed over %" PRIu64 " damaged block%s", path, s->damaged, lsp_plural(s->damaged, "s"));
	if (s->truncated)
		lsp_say("%s: cut off or damaged after %" PRIu64 " byte%s; %" PRIu64 " %s before that could be read", path,
			s->offset, lsp_plural(s->offset, "s"), s->entries, s->entries == 1 ? "entry" : "entries");
	else if (!s->ended)
		lsp_say("%s: the recording did not end in order", path);
	return !s->damaged && !s->truncated && s->ended;
}
