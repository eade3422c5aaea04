/* SPDX-License-Identifier: GPL-2.0-only */
#include "fixture_symbols.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "scratch.h"

static void listen_to(void *arg, const char *sentence)
{
	struct symbols_file *f = arg;
	const size_t used = strlen(f->said);

	snprintf(f->said + used, sizeof(f->said) - used, "%s\n", sentence);
}

void symbols_file_open(struct symbols_file *f, const char *name)
{
	const struct lsp_elf_options options = {
		.debug_dir = "/nonexistent", .warn = listen_to, .warn_arg = f,
	};

	memset(f, 0, sizeof(*f));
	assert_int_equal(lsp_elf_cache_create(&options, &f->cache), 0);
	assert_int_equal(lsp_symbols_create(&f->symbols), 0);
	assert_int_equal(lsp_elf_open(f->cache, scratch_path(name), &f->elf), 0);
}

void symbols_file_close(struct symbols_file *f)
{
	lsp_elf_put(f->elf);
	/* files before symbols: what they keep refers to these */
	lsp_elf_cache_destroy(f->cache);
	lsp_symbols_destroy(f->symbols);
}
