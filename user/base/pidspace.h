/* SPDX-License-Identifier: GPL-2.0-only */
/* Tells whether the process numbers in /proc are those that the kernel's reports have. */
#ifndef LSP_BASE_PIDSPACE_H
#define LSP_BASE_PIDSPACE_H

#include <stdbool.h>

/*
 * Whether @proc ("/proc") numbers its processes otherwise than the initial pid namespace, whose
 * numbers the kernel's reports have. False if @proc has no processes.
 */
bool lsp_pidspace_is_foreign(const char *proc);

#endif
