// SPDX-License-Identifier: GPL-2.0-only
/* Paths are from the top of the tree, where the compiler is run. */
#include "page_files.h"

#include <string.h>

#define EMBED(symbol, path) \
	extern const char symbol##_start[], symbol##_end[]; \
	__asm__(".pushsection .rodata\n" \
		#symbol "_start:\n.incbin \"user/report/html/" path "\"\n" \
		#symbol "_end:\n.byte 0\n.popsection\n")

EMBED(lsp_page_html, "page.html");
EMBED(lsp_page_css, "page.css");
EMBED(lsp_page_js, "page.js");
EMBED(lsp_page_d3, "d3.min.js");
EMBED(lsp_page_d3_licence, "d3.LICENSE");
EMBED(lsp_page_flame, "d3-flamegraph.min.js");
EMBED(lsp_page_flame_css, "d3-flamegraph.css");
EMBED(lsp_page_flame_licence, "d3-flamegraph.LICENSE");

static const struct lsp_page_file files[] = {
	{ "page.html", lsp_page_html_start, lsp_page_html_end },
	{ "page.css", lsp_page_css_start, lsp_page_css_end },
	{ "page.js", lsp_page_js_start, lsp_page_js_end },
	{ "d3.min.js", lsp_page_d3_start, lsp_page_d3_end },
	{ "d3.LICENSE", lsp_page_d3_licence_start, lsp_page_d3_licence_end },
	{ "d3-flamegraph.min.js", lsp_page_flame_start, lsp_page_flame_end },
	{ "d3-flamegraph.css", lsp_page_flame_css_start, lsp_page_flame_css_end },
	{ "d3-flamegraph.LICENSE", lsp_page_flame_licence_start, lsp_page_flame_licence_end },
};

const struct lsp_page_file *lsp_page_file(const char *name, size_t name_bytes)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strlen(files[i].name) == name_bytes && !memcmp(files[i].name, name, name_bytes))
			return &files[i];
	return NULL;
}
