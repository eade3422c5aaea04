/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known about a recording when it is over. */
#ifndef LSP_CMD_RECORD_RESULT_H
#define LSP_CMD_RECORD_RESULT_H

#include <stdint.h>

#include "../capture/client.h"
#include "../collect/collector.h"
#include "../results/losses.h"
#include "../results/profiles.h"

struct lsp_deadlocks;
struct lsp_userfile_result;

struct lsp_record_result {
	int64_t wall_ns;	/* the time of the beginning */
	uint64_t start_ns;
	uint64_t stop_ns;
	uint32_t stack_mode;	/* the mode that the module agreed to */
	int exit_status;	/* the command's; -1: there is none, or it still runs */
	const struct lsp_userfile_result *user;	/* of the userspace recorder; NULL: this is the kernel's side */
	char *const *pid_commands;	/* commands of the processes that were given; NULL: not known */
	const struct lsp_client_report *end;	/* NULL: it did not come */
	const struct lsp_client_faults *faults;
	const struct lsp_collector *collector;
	const struct lsp_profiles_summary *summary;
	const struct lsp_losses *losses;	/* and notes */
	const struct lsp_deadlocks *deadlocks;	/* NULL: nobody looked */
};

#endif
