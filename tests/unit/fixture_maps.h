/* SPDX-License-Identifier: GPL-2.0-only */
/* The mappings of some processes, empty at the beginning of each test. */
#ifndef LSP_TESTS_FIXTURE_MAPS_H
#define LSP_TESTS_FIXTURE_MAPS_H

#include "../../user/resolve/maps/maps.h"

struct fixture {
	struct lsp_elf_cache *elves;
	struct lsp_maps *maps;
};

/* The set-up and the tear-down of a test. *state becomes a struct fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

#endif
