// SPDX-License-Identifier: GPL-2.0-only
#include "fixture_maps.h"

#include <stdlib.h>

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || lsp_elf_cache_create(NULL, &f->elves) || lsp_maps_create(f->elves, &f->maps))
		return -1;
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	lsp_maps_destroy(f->maps);
	lsp_elf_cache_destroy(f->elves);
	free(f);
	return 0;
}
