// SPDX-License-Identifier: GPL-2.0-only
#include "export_trace.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "../base/plural.h"
#include "../export/trace.h"
#include "cmd.h"
#include "reading.h"
#include "say.h"
#include "span_source.h"

int lsp_export_timeline(const char *recording)
{
	struct lsp_export_trace told;
	char path[PATH_MAX];
	int err;

	if (!lsp_span_source_find(recording, path, sizeof(path)))
		return LSP_EXIT_OTHER_FAILED;
	err = lsp_export_trace(stdout, path, &told);
	if (err && err != -EIO)
		return lsp_span_source_fail(path, err);
	if (!lsp_reading_finish(NULL) || err)
		return LSP_EXIT_OTHER_FAILED;
	if (told.sampled)
		lsp_say("%s: the recording was sampled: the timeline has the waits and releases that were kept", path);
	if (told.unmeasured)
		lsp_say("%s: left out %" PRIu64 " wait%s whose end was not seen", path, told.unmeasured,
			lsp_plural(told.unmeasured, "s"));
	return lsp_span_source_whole(&told.state, path) ? 0 : LSP_EXIT_OTHER_PARTIAL;
}
