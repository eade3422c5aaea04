/* SPDX-License-Identifier: GPL-2.0-only */
/* Returns the files of user/report/html, which are parts of the program. */
#ifndef LSP_REPORT_PAGE_FILES_H
#define LSP_REPORT_PAGE_FILES_H

#include <stddef.h>

struct lsp_page_file {
	const char *name;
	const char *start;
	const char *end;
};

/* NULL: there is none of that name. */
const struct lsp_page_file *lsp_page_file(const char *name, size_t name_bytes);

#endif
