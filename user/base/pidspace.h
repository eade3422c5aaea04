/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose process numbers /proc knows. */
#ifndef LSP_BASE_PIDSPACE_H
#define LSP_BASE_PIDSPACE_H

#include <stdbool.h>

/*
 * Whether the processes in @proc ("/proc") have other numbers than those of the initial pid
 * namespace, which the kernel's own reports bear. Without anything there: false.
 */
bool lsp_pidspace_is_foreign(const char *proc);

#endif
