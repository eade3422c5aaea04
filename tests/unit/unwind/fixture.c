// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../user/resolve/elf/debugfile.h"
#include "../../../user/resolve/elf/symtab.h"

char subjects_dir[] = "/tmp/test_unwind.XXXXXX";

int subjects_begin(void **state)
{
	(void)state;
	return mkdtemp(subjects_dir) ? 0 : -1;
}

int subjects_end(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", subjects_dir);
	return system(command);
}

bool have(const char *program)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", program);
	return system(command) == 0;
}

void subject_build(const char *name, const char *compiler, const char *source, const char *flags)
{
	char command[1024];

	snprintf(command, sizeof(command), "%s %s -w -o %s/%s %s%s -pthread", compiler, flags,
		 subjects_dir, name, SUBJECTS, source);
	assert_int_equal(system(command), 0);
}

void fixture_begin(struct fixture *f, const char *name, const char *kind,
		   const struct capture_options *o)
{
	char path[128], rounds[] = "1000000";
	char *argv[] = { path, (char *)kind, rounds, NULL };

	snprintf(path, sizeof(path), "%s/%s", subjects_dir, name);
	memset(f, 0, sizeof(*f));
	assert_int_equal(capture_run(argv, o, &f->capture), 0);
	assert_true(f->capture.n > 0);
	assert_int_equal(lsp_elf_cache_create(NULL, &f->elves), 0);
	assert_int_equal(lsp_maps_create(f->elves, &f->maps), 0);
	assert_int_equal(lsp_unwinder_create(f->maps, &f->unwinder), 0);
}

void fixture_end(struct fixture *f)
{
	lsp_unwinder_destroy(f->unwinder);
	lsp_maps_destroy(f->maps);
	lsp_elf_cache_destroy(f->elves);
	capture_free(&f->capture);
}

struct lsp_mapset *fixture_maps(struct fixture *f, size_t i)
{
	const struct captured *c = &f->capture.stacks[i];

	/* a set that has changed empties the cache of rules */
	if (f->last_bytes != c->maps_bytes || memcmp(f->last_maps, c->maps, c->maps_bytes))
		assert_int_equal(lsp_maps_add_text(f->maps, c->raw->tgid, 1, c->maps,
						   c->maps_bytes), 0);
	f->last_maps = c->maps;
	f->last_bytes = c->maps_bytes;
	return lsp_maps_find(f->maps, c->raw->tgid, 1);
}

const char *step_name(struct fixture *f, struct lsp_mapset *set, const struct lsp_step *step,
		      bool *own)
{
	static struct lsp_symtab *tables[64];
	static struct lsp_elf_cache *tables_of;
	struct lsp_symtab_symbol symbol;
	struct lsp_elf *e = step->map ? lsp_map_elf(f->maps, set, step->map) : NULL;
	uint32_t type;
	Elf *elf;
	size_t i;

	*own = e && !strncmp(e->path, subjects_dir, strlen(subjects_dir));
	if (tables_of != f->elves)
		for (i = 0; i < 64; i++) {
			lsp_symtab_destroy(tables[i]);
			tables[i] = NULL;
		}
	tables_of = f->elves;
	if (!e)
		return "?";
	if (!tables[e->serial & 63] && !lsp_elf_symtab_elf(e, &elf, &type))
		lsp_symtab_create(elf, type, LSP_SYMTAB_CODE, &tables[e->serial & 63]);
	if (!tables[e->serial & 63] ||
	    lsp_symtab_find(tables[e->serial & 63], step->pc - step->map->bias, &symbol))
		return "?";
	return symbol.name;
}

bool in_words(const char *words, const char *name)
{
	size_t len = strlen(name);
	const char *at = words;

	while (len && (at = strstr(at, name))) {
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return true;
		at += len;
	}
	return false;
}

size_t walk_count(struct fixture *f, struct lsp_mapset *set, const struct lsp_walk *w,
		  const char *name)
{
	size_t i, n = 0;
	bool own;

	for (i = 0; i < w->n; i++)
		n += !strcmp(step_name(f, set, &w->steps[i], &own), name);
	return n;
}

void walk_print(struct fixture *f, struct lsp_mapset *set, const struct lsp_walk *w)
{
	size_t i;
	bool own;

	for (i = 0; i < w->n && i < 40; i++)
		printf("  %c %#llx %s %s\n", w->steps[i].guessed ? '?' : ' ',
		       (unsigned long long)w->steps[i].pc,
		       w->steps[i].map ? w->steps[i].map->path : "-",
		       step_name(f, set, &w->steps[i], &own));
	printf("  end %u\n", w->end);
}
