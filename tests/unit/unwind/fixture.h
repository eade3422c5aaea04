/* SPDX-License-Identifier: GPL-2.0-only */
/* Takes stacks of the programs of this directory, and answers what the tests of walks ask of them. */
#ifndef TESTS_UNIT_UNWIND_FIXTURE_H
#define TESTS_UNIT_UNWIND_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "../../../user/resolve/maps/maps.h"
#include "../../../user/resolve/unwind/unwind.h"
#include "../../lib/capture.h"

#define SUBJECTS "tests/unit/unwind/"

/* The directory where subjects are built. subjects_begin() makes it, and subjects_end() removes it. */
extern char subjects_dir[];
int subjects_begin(void **state);
int subjects_end(void **state);

struct fixture {
	struct lsp_elf_cache *elves;
	struct lsp_maps *maps;
	struct lsp_unwinder *unwinder;
	struct capture capture;
	const char *last_maps;		/* the text of which the set was made */
	size_t last_bytes;
};

/* Whether there is such a program. */
bool have(const char *program);

/* Compiles @source of this directory to subjects_dir/@name. */
void subject_build(const char *name, const char *compiler, const char *source, const char *flags);

/*
 * Runs the subject @name until @o->max stacks have been taken. The subject cannot tell when there are enough,
 * because how often its threads meet depends on the machine.
 */
void fixture_begin(struct fixture *f, const char *name, const char *kind,
		   const struct capture_options *o);
void fixture_end(struct fixture *f);

/* Returns the mappings as they were when stack number @i was taken. */
struct lsp_mapset *fixture_maps(struct fixture *f, size_t i);

/* Returns the function of a step, by the symbol table alone. *@own: the function is the subject's own. */
const char *step_name(struct fixture *f, struct lsp_mapset *set, const struct lsp_step *step,
		      bool *own);

/* Whether @name is one of @words, which are separated by spaces. */
bool in_words(const char *words, const char *name);

/* Returns how often a function is in a walk. */
size_t walk_count(struct fixture *f, struct lsp_mapset *set, const struct lsp_walk *w,
		  const char *name);

void walk_print(struct fixture *f, struct lsp_mapset *set, const struct lsp_walk *w);

#endif
