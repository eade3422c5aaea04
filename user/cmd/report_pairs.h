/* SPDX-License-Identifier: GPL-2.0-only */
/* lockspan report --by pair: whose releases end whose waits. */
#ifndef LSP_CMD_REPORT_PAIRS_H
#define LSP_CMD_REPORT_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "../report/table.h"
#include "../report/text.h"

struct lsp_report_pairs {
	char **paths;		/* folders with a spans.lspan, or such files */
	size_t npaths;
	enum lsp_sort sort;
	const char *lock;	/* only this one; NULL: all */
	bool json;
	struct lsp_report_look look;
};

/* Prints the pairs, or says why it cannot. Returns the exit status. */
int lsp_report_pairs(const struct lsp_report_pairs *p);

#endif
