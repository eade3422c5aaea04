/* SPDX-License-Identifier: GPL-2.0-only */
/* What a recording's profiles lack, and why. All that report losses use this one list. */
#ifndef LSP_RESULTS_LOSSES_H
#define LSP_RESULTS_LOSSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../capture/client.h"
#include "../collect/collector.h"

struct lsp_loss {
	const char *name;	/* in record.json and in comments */
	uint64_t count;
	const char *what;	/* what was lost, in the singular: "wait"; NULL: @words are the whole sentence */
	const char *words;	/* what happened to it: "found no room ..." */
	bool note;		/* is reported, but cannot be avoided and does not make the recording partial */
};

#define LSP_LOSSES_MAX 40
#define LSP_LOSS_TEXT 256	/* how many bytes a sentence takes at most */

struct lsp_losses {
	struct lsp_loss losses[LSP_LOSSES_MAX];
	size_t n;
	bool partial;		/* at least one of them is no note */
};

struct lsp_losses_source {
	const struct lsp_collector *collector;	/* a collector that has finished, or what it has so far */
	const struct lsp_client_report *end;	/* NULL: it did not come, which is itself a loss */
	const struct lsp_client_faults *faults;
	bool foreign_pids;			/* processes could not be looked up in /proc */
	bool no_stacks;				/* no stacks were asked for */
	uint32_t copied_bytes;			/* what --stack-bytes has copied of each stack, or 0 */
};

/* Finds all losses whose count is above 0. The recording is partial if one of them is no note. */
void lsp_losses_find(const struct lsp_losses_source *s, struct lsp_losses *ret);

/* Adds a loss that only the caller knows. It is ignored if @loss->count is 0. */
void lsp_losses_add(struct lsp_losses *l, const struct lsp_loss *loss);

/* Writes a loss as a sentence without a full stop: "1 wait found no room ...". */
void lsp_loss_text(const struct lsp_loss *l, char *to, size_t bytes);

#endif
