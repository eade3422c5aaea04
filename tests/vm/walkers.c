// SPDX-License-Identifier: GPL-2.0-only
/*
 * walkers STREAM: walks every snapshot of a kept stream (record --keep-stream)
 * by the compact tables and by libdwfl, and prints "SNAPSHOTS COMPLETE COMPARED
 * EQUAL OWN DWFL": those of plain unwind information alone that the tables walk to the
 * end are compared, and the last two are stacks per second of processor time, of
 * walks that have been made before. Differences are printed, after "# ".
 * sources: user/capture/streamfile.c user/capture/span.c
 * sources: user/resolve/unwind/unwind.c user/resolve/unwind/dwfl.c
 * sources: user/resolve/unwind/snapshot.c user/resolve/maps/maps.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c user/base/maptext.c
 * sources: user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c user/resolve/unwind/fde.c user/resolve/unwind/cfa.c user/resolve/code/code.c
 * sources: user/resolve/unwind/callsite.c user/resolve/code/starts.c user/resolve/elf/file.c user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c
 * sources: user/resolve/elf/debugfile.c user/resolve/elf/minidebug.c user/resolve/elf/symtab.c user/resolve/elf/gopcln.c user/resolve/elf/range.c
 * sources: user/base/arena.c
 * sources: user/base/intern.c user/base/index.c
 * libs: -ldw -lelf -lz -llzma -ldl
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../user/capture/streamfile.h"
#include "../../user/resolve/maps/maps.h"
#include "../../user/resolve/unwind/unwind.h"

#define PRINTED_MAX 4
#define TIMED_S 0.05

struct walkers {
	struct lsp_elf_cache *elves;
	struct lsp_maps *maps;
	struct lsp_unwinder *unwinder;
	struct lockspan_stack **stacks;
	size_t n;
	size_t complete, compared, equal;
};

typedef const struct lsp_walk *walk_fn(struct lsp_unwinder *u, struct lsp_mapset *set,
				       const struct lockspan_stack *stack);

static int stack_keep(struct walkers *w, const struct lockspan_rec *rec)
{
	struct lockspan_stack *copy = malloc(rec->bytes);
	struct lockspan_stack **more = reallocarray(w->stacks, w->n + 1, sizeof(*more));

	if (more)
		w->stacks = more;
	if (!copy || !more) {
		free(copy);
		return -ENOMEM;
	}
	w->stacks[w->n++] = memcpy(copy, rec, rec->bytes);
	return 0;
}

static int run_add(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	const struct lockspan_stack *stack;
	const struct lockspan_rec *rec;
	struct walkers *w = arg;
	size_t at = 0;
	int err = 0;

	(void)cpu;
	(void)seq;
	while (!err && (rec = lsp_rec_next(run, bytes, &at, &err))) {
		stack = (const struct lockspan_stack *)rec;
		if (rec->type == LOCKSPAN_REC_MAP)
			err = lsp_maps_add(w->maps, (const struct lockspan_map *)rec,
					   (const char *)rec + sizeof(struct lockspan_map));
		else if (rec->type == LOCKSPAN_REC_STACK && !(rec->flags & LOCKSPAN_STACK_COMPAT) &&
			 (stack->mode == LOCKSPAN_STACK_RAW || stack->mode == LOCKSPAN_STACK_SPARSE))
			err = stack_keep(w, rec);
	}
	return err;
}

static struct lsp_mapset *set_of(struct walkers *w, size_t i)
{
	return lsp_maps_find(w->maps, w->stacks[i]->tgid, w->stacks[i]->generation);
}

static void walk_print(const char *by, const struct lsp_walk *walk)
{
	size_t i;

	printf("# %s, end %d:", by, walk->end);
	for (i = 0; i < walk->n && i < 30; i++)
		printf(" %llx", (unsigned long long)walk->steps[i].pc);
	printf("\n");
}

/* False for what libdwfl cannot be asked: frames without unwind information. */
static bool is_plain(const struct lsp_walk *walk)
{
	size_t i;

	for (i = 0; i < walk->n && !walk->steps[i].guessed; i++)
		;
	return walk->end == LSP_END_COMPLETE && i == walk->n;
}

/* Whether libdwfl was asked. */
static bool compare(struct walkers *w, size_t i)
{
	static struct lsp_walk own;
	const struct lsp_walk *other;
	size_t k;

	own = *lsp_unwind(w->unwinder, set_of(w, i), w->stacks[i]);
	w->complete += own.end == LSP_END_COMPLETE;
	if (!is_plain(&own))
		return false;
	other = lsp_unwind_dwfl(w->unwinder, set_of(w, i), w->stacks[i]);
	w->compared++;
	for (k = 0; k < own.n && k < other->n && own.steps[k].pc == other->steps[k].pc; k++)
		;
	if (k == own.n && k == other->n && other->end == LSP_END_COMPLETE) {
		w->equal++;
	} else if (w->compared - w->equal <= PRINTED_MAX) {
		walk_print("tables", &own);
		walk_print("libdwfl", other);
	}
	return true;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double rate(struct walkers *w, walk_fn *walk)
{
	double begin = seconds(), took;
	size_t i, n = 0;

	do {
		for (i = 0; i < w->n; i++)
			walk(w->unwinder, set_of(w, i), w->stacks[i]);
		n += w->n;
		took = seconds() - begin;
	} while (n && took < TIMED_S);
	return n ? (double)n / took : 0;
}

int main(int argc, char **argv)
{
	struct lsp_client_report end;
	struct walkers w = { 0 };
	double own, dwfl;
	size_t i, all;
	int err;

	if (argc != 2) {
		fprintf(stderr, "Usage: walkers STREAM\n");
		return 2;
	}
	err = lsp_elf_cache_create(NULL, &w.elves);
	if (!err)
		err = lsp_maps_create(w.elves, &w.maps);
	if (!err)
		err = lsp_unwinder_create(w.maps, &w.unwinder);
	if (!err)
		err = lsp_streamfile_replay(argv[1], run_add, &w, &end);
	if (err) {
		fprintf(stderr, "walkers: %s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	all = w.n;
	for (i = w.n = 0; i < all; i++) {
		struct lockspan_stack *stack = w.stacks[i];
		size_t plain = w.n;

		w.stacks[plain] = stack;
		if (compare(&w, plain))
			w.n++;
		else
			free(stack);
	}
	own = rate(&w, lsp_unwind);
	dwfl = rate(&w, lsp_unwind_dwfl);
	printf("%zu %zu %zu %zu %.0f %.0f\n", all, w.complete, w.compared, w.equal, own, dwfl);
	for (i = 0; i < w.n; i++)
		free(w.stacks[i]);
	free(w.stacks);
	lsp_unwinder_destroy(w.unwinder);
	lsp_maps_destroy(w.maps);
	lsp_elf_cache_destroy(w.elves);
	return 0;
}
