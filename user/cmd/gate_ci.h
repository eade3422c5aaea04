/* SPDX-License-Identifier: GPL-2.0-only */
/* The result of lockspan gate in the forms that CI services show: a file of JUnit's form, an annotation of GitHub's. */
#ifndef LSP_CMD_GATE_CI_H
#define LSP_CMD_GATE_CI_H

#include "gate_say.h"

/*
 * Writes the file @path: one test case, which fails with FAIL, is skipped with INCONCLUSIVE, and is an error if @g is
 * NULL, because nothing could be compared. Returns 0 or -errno.
 */
int lsp_gate_junit(const char *path, const struct lsp_gate_judgement *g);

/* Writes a workflow command, which becomes an annotation: an error, a warning or a notice. Returns 0 or -ENOMEM. */
int lsp_gate_github(FILE *to, const struct lsp_gate_judgement *g);

#endif
