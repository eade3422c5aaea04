/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of `lockspan record` that --cpu asks for: takes and writes CPU samples. */
#ifndef LSP_CMD_CPU_H
#define LSP_CMD_CPU_H

#include <sys/types.h>

#include "../cpu/cpu.h"
#include "record_options.h"

/* Starts sampling what the options name, and @child (0: none). If it cannot, says why. */
bool lsp_record_cpu_begin(const struct lsp_record_options *o, pid_t child, struct lsp_cpu **ret);

/* To be called once a second. @c may be NULL. */
void lsp_record_cpu_tick(struct lsp_cpu *c);

/* Stops, and writes DIR/cpu.pb.gz. Says what failed or was lost. */
bool lsp_record_cpu_write(const struct lsp_record_options *o, struct lsp_cpu *c, int64_t wall_ns,
			  uint64_t duration_ns, uint64_t *lost_ret);

#endif
