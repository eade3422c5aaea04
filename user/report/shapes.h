/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds the shapes of all locks of a recording. */
#ifndef LSP_REPORT_SHAPES_H
#define LSP_REPORT_SHAPES_H

#include <stdbool.h>
#include <stddef.h>

#include "../base/intern.h"
#include "recording.h"
#include "shape.h"

struct lsp_shapes {
	struct lsp_shape *shapes;	/* the lock with the longest waiting first */
	size_t n;
	bool judged;			/* false: numbers are missing, see lacks */
	const char *lacks;
	bool several;			/* the recordings are of more programs than one */

	struct lsp_shape_lock *locks;
	size_t nlocks, locks_room;
	struct lsp_shape_releaser *releasers;	/* numbers of all locks */
	size_t nreleasers, releasers_room;
	struct lsp_intern names, sites, keys;
};

/* Strings belong to the recording. 0 or -ENOMEM. */
int lsp_shapes_create(const struct lsp_recording *r, struct lsp_shapes *ret);
void lsp_shapes_destroy(struct lsp_shapes *s);

#endif
