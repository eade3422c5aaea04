/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known when a recording is over. */
#ifndef LSP_CMD_RECORD_RESULT_H
#define LSP_CMD_RECORD_RESULT_H

#include <stdint.h>

#include "../capture/client.h"
#include "../collect/collector.h"
#include "../results/losses.h"
#include "../results/profiles.h"

struct lsp_userfile_result;

struct lsp_record_result {
	int64_t wall_ns;	/* of the beginning */
	uint64_t start_ns;
	uint64_t stop_ns;
	uint32_t stack_mode;	/* that the module agreed to */
	int exit_status;	/* the command's, -1 none or still running */
	const struct lsp_userfile_result *user;	/* of the userspace recorder; NULL: the kernel's side */
	char *const *pid_commands;	/* of the options' pids, when it began; NULL: none are known */
	const struct lsp_client_report *end;	/* NULL: did not come */
	const struct lsp_client_faults *faults;
	const struct lsp_collector *collector;
	const struct lsp_profiles_summary *summary;
	const struct lsp_losses *losses;	/* and notes */
};

#endif
