/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Joins mappings, walk, names and class. If a stack occurs again with the same name and for the
 * same side, the result is taken from memory.
 */
#include "resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/core/futex_op.h"
#include "lock.h"
#include "maps/maps.h"
#include "../base/maptext.h"
#include "elf/cache.h"
#include "symbol/perfmap.h"
#include "symbol/symbol.h"
#include "symbol/tail.h"
#include "sync.h"
#include "unwind/unwind.h"

/* The register with the second argument of a system call, in the numbering of LOCKSPAN_REGS. */
#define REG_RSI 4

/* How many resolved stacks are remembered. When there are more, all are forgotten. */
#define MEMO_MAX 65536

struct memo {
	uint64_t stack;
	uint32_t tgid;
	uint32_t generation;
	uint32_t serial;	/* of the mappings it was resolved with */
	enum lsp_side side;
	bool used;
	struct lsp_trace trace;	/* owns its frames */
};

struct lsp_resolver {
	struct lsp_elf_cache *elves;
	struct lsp_maps *maps;
	struct lsp_unwinder *unwinder;
	struct lsp_symbols *symbols;
	struct lsp_perfmaps *perfmaps;
	bool foreign_pids;
	bool all_frames;
	struct memo *memos;	/* open addressing, 2 * MEMO_MAX places */
	size_t nmemos;
};

/*
 * Functions that nothing calls. A chain that has come to one of them is complete, however it was
 * found.
 */
static const char *const outermost[] = {
	"_start", "__clone", "clone", "__clone3", "clone3",
	"runtime.goexit", "runtime.goexit.abi0", "runtime.mstart", "runtime.mstart.abi0",
	"runtime.rt0_go", "runtime.rt0_go.abi0", "runtime.clone", "runtime.clone.abi0",
};

/*
 * Functions in which Go changes the stack. What seems to have called them is stale, because their
 * caller is on the other stack.
 */
static const char *const switches[] = {
	"runtime.mcall", "runtime.systemstack", "runtime.systemstack.abi0",
	"runtime.morestack", "runtime.morestack.abi0",
	"runtime.asmcgocall", "runtime.asmcgocall.abi0",
};

int lsp_resolver_create(const struct lsp_resolver_options *options, struct lsp_resolver **ret)
{
	struct lsp_elf_options elf = { 0 };
	struct lsp_resolver *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (!r)
		return -ENOMEM;
	if (options) {
		elf.debug_dir = options->debug_dir;
		elf.debuginfod = options->debuginfod;
		elf.foreign_pids = r->foreign_pids = options->foreign_pids;
		elf.begun_ns = options->begun_ns;
		elf.warn = options->warn;
		elf.warn_arg = options->warn_arg;
		r->all_frames = options->all_frames;
	}
	r->memos = calloc(2 * MEMO_MAX, sizeof(*r->memos));
	if (!r->memos)
		goto err_resolver;
	err = lsp_elf_cache_create(&elf, &r->elves);
	if (!err)
		err = lsp_maps_create(r->elves, &r->maps);
	if (!err)
		err = lsp_unwinder_create(r->maps, &r->unwinder);
	if (!err)
		err = lsp_symbols_create(&r->symbols);
	if (!err)
		err = lsp_perfmaps_create(r->symbols, &r->perfmaps);
	if (err)
		goto err_resolver;
	*ret = r;
	return 0;

err_resolver:
	lsp_resolver_destroy(r);
	return err;
}

static void memos_clear(struct lsp_resolver *r)
{
	size_t i;

	for (i = 0; i < 2 * MEMO_MAX; i++)
		if (r->memos[i].used)
			lsp_trace_uninit(&r->memos[i].trace);
	memset(r->memos, 0, 2 * MEMO_MAX * sizeof(*r->memos));
	r->nmemos = 0;
}

size_t lsp_resolver_unopened(const struct lsp_resolver *r)
{
	return lsp_elf_unopened(r->elves);
}

size_t lsp_resolver_changed(const struct lsp_resolver *r)
{
	return lsp_elf_changed(r->elves);
}

void lsp_resolver_destroy(struct lsp_resolver *r)
{
	if (!r)
		return;
	if (r->memos)
		memos_clear(r);
	free(r->memos);
	lsp_unwinder_destroy(r->unwinder);
	lsp_maps_destroy(r->maps);
	/* files before symbols: what they keep refers to these */
	lsp_elf_cache_destroy(r->elves);
	lsp_perfmaps_destroy(r->perfmaps);
	lsp_symbols_destroy(r->symbols);
	free(r);
}

int lsp_resolver_map(struct lsp_resolver *r, const struct lockspan_map *map, const char *path)
{
	return lsp_maps_add(r->maps, map, path);
}

int lsp_resolver_remap(struct lsp_resolver *r, const struct lockspan_remap *remap, const char *path)
{
	return lsp_maps_remap(r->maps, remap, path);
}

int lsp_resolver_map_proc(struct lsp_resolver *r, uint32_t tgid, uint32_t generation)
{
	char path[32], *text;
	size_t bytes;
	int err;

	if (r->foreign_pids)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%u/maps", tgid);
	err = lsp_maptext_read(path, &text, &bytes);
	if (err)
		return err == -ENOENT ? -ESRCH : err;
	/* one that has exited and was not waited for has none */
	err = bytes ? lsp_maps_add_text(r->maps, tgid, generation, text, bytes) : -ESRCH;
	free(text);
	return err;
}

bool lsp_resolver_mapped(const struct lsp_resolver *r, uint32_t tgid, uint32_t generation)
{
	return lsp_maps_whole(r->maps, tgid, generation);
}

/* ---- frames ---- */

/* Names code without a file by the list of the JIT compiler, or else by where it lies. */
static int anonymous_lines(struct lsp_resolver *r, const struct lsp_mapset *set,
			   const struct lsp_map *map, struct lsp_frame *f)
{
	const char *path = map ? map->path : "", *base = strrchr(path, '/');
	struct lsp_line line = { 0 };
	char name[320];
	int err;

	err = map && !r->foreign_pids && (!*path || path[0] != '/' || path[1] == '/') ?
		lsp_perfmaps_find(r->perfmaps, set->tgid, f->pc, &f->lines) : -ENOENT;
	if (err == -ENOENT) {
		if (map && *path)
			snprintf(name, sizeof(name), "%.255s+0x%llx", base && base[1] ? base + 1 : path,
				 (unsigned long long)(f->pc - map->start + map->offset));
		else
			snprintf(name, sizeof(name), "0x%llx", (unsigned long long)f->pc);
		line.function = line.linkage = name;
		err = lsp_symbol_line(r->symbols, &line, &f->lines);
	}
	f->nlines = 1;
	return err;
}

static int frame_fill(struct lsp_resolver *r, struct lsp_mapset *set, const struct lsp_step *step,
		      struct lsp_frame *f)
{
	struct lsp_elf *elf;

	*f = (struct lsp_frame){ .pc = step->pc, .guessed = step->guessed };
	if (!step->map)
		return anonymous_lines(r, set, NULL, f);
	f->object = lsp_map_object(r->maps, set, step->map);
	if (!f->object)
		return -ENOMEM;
	elf = lsp_map_elf(r->maps, set, step->map);
	if (!elf)
		return anonymous_lines(r, set, step->map, f);
	return lsp_symbol_lines(r->symbols, elf, step->pc - step->map->bias, &f->lines, &f->nlines);
}

/* Adds the frames that left the stack by tail calls between step @i and its caller. */
static int tails_add(struct lsp_resolver *r, struct lsp_mapset *set, const struct lsp_walk *walk,
		     size_t i, struct lsp_trace *t)
{
	struct lsp_step callee = walk->steps[i], caller;
	struct lsp_tail tails[LSP_TAIL_MAX];
	struct lsp_elf *to, *from;
	bool ambiguous;
	int j, n;

	if (i + 1 >= walk->n)
		return 0;
	caller = walk->steps[i + 1];
	to = callee.map ? lsp_map_elf(r->maps, set, callee.map) : NULL;
	from = caller.map ? lsp_map_elf(r->maps, set, caller.map) : NULL;
	if (!to || !from)
		return 0;
	n = lsp_symbol_tail_callers(r->symbols, from, caller.pc - caller.map->bias, to,
				    callee.pc - callee.map->bias, tails, &ambiguous);
	/* no guess is built upon another guess */
	if (walk->steps[i + 1].guessed && n > 0 && ambiguous)
		n = 0;
	for (j = 0; j < n; j++) {
		struct lsp_map *map = tails[j].elf == from ? caller.map : callee.map;

		t->frames[t->nframes++] = (struct lsp_frame){
			.pc = tails[j].vaddr + map->bias,
			.object = lsp_map_object(r->maps, set, map),
			.lines = tails[j].lines, .nlines = tails[j].nlines, .guessed = true,
		};
	}
	return n < 0 ? n : 0;
}

static int frames_fill(struct lsp_resolver *r, struct lsp_mapset *set, const struct lsp_walk *walk,
		       struct lsp_trace *t)
{
	size_t i;
	int err = 0;

	t->frames = calloc(walk->n * (1 + LSP_TAIL_MAX), sizeof(*t->frames));
	if (!t->frames)
		return -ENOMEM;
	for (i = 0; !err && i < walk->n; i++) {
		err = frame_fill(r, set, &walk->steps[i], &t->frames[t->nframes]);
		if (err)
			break;
		t->nframes++;
		err = tails_add(r, set, walk, i, t);
	}
	return err;
}

/*
 * Returns the operation with which the waiter waited, by the arguments of its system call. The
 * number of the call is not known. It is taken for futex(2), as nearly all calls are.
 */
static unsigned int waiter_op(const struct lockspan_stack *s, enum lsp_side side)
{
	if (side != LSP_SIDE_WAITER || (s->rec.flags & LOCKSPAN_STACK_COMPAT))
		return LOCKSPAN_OP_OTHER;
	return lsp_futex_op_of((uint32_t)s->regs[REG_RSI]);
}

static bool is_one_of(const struct lsp_frame *f, const char *const *names, size_t n)
{
	const char *function = f->lines[f->nlines - 1].function;
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(function, names[i]))
			return true;
	return false;
}

/* What the names tell about how the stack ended, and the addresses do not. */
static void end_correct(struct lsp_trace *t)
{
	size_t i;

	for (i = 0; i < t->nframes; i++)
		if (is_one_of(&t->frames[i], switches, sizeof(switches) / sizeof(*switches))) {
			t->nframes = i + 1;
			t->end = LSP_END_COMPLETE;
			return;
		}
	if (t->end != LSP_END_NO_MAP && t->nframes &&
	    is_one_of(&t->frames[t->nframes - 1], outermost, sizeof(outermost) / sizeof(*outermost)))
		t->end = LSP_END_COMPLETE;
}

static void boundary_apply(struct lsp_resolver *r, const struct lockspan_stack *stack,
			   enum lsp_side side, struct lsp_trace *t)
{
	const struct lsp_frame *at;
	size_t boundary, line;

	lsp_sync_classify(t->frames, t->nframes, side, waiter_op(stack, side), &t->sync, &boundary,
			  &line);
	if (boundary >= t->nframes || line >= t->frames[boundary].nlines)
		return;
	at = &t->frames[boundary];
	t->native = lsp_sync_is_native(at->lines[line].function, at->object && at->object->path ? at->object->path : "");
	t->site = lsp_sync_site(t->frames, t->nframes, boundary, line);
	if (r->all_frames)
		return;
	memmove(t->frames, t->frames + boundary, (t->nframes - boundary) * sizeof(*t->frames));
	t->nframes -= boundary;
	t->hidden = boundary;
	t->frames[0].lines += line;
	t->frames[0].nlines -= line;
}

static int trace_make(struct lsp_resolver *r, struct lsp_mapset *set,
		      const struct lockspan_stack *stack, enum lsp_side side, struct lsp_trace *t)
{
	const struct lsp_walk *walk = lsp_unwind(r->unwinder, set, stack);
	struct lsp_frame *fitting;
	int err;

	memset(t, 0, sizeof(*t));
	t->end = walk->end;
	t->sync = LSP_SYNC_OTHER;
	if (!walk->n)
		return 0;
	if (set && stack->mode != LOCKSPAN_STACK_FP)
		lsp_mapset_stack_add(set, stack->regs[LOCKSPAN_REG_RSP],
				     stack->regs[LOCKSPAN_REG_RSP] + stack->window_bytes);
	err = frames_fill(r, set, walk, t);
	if (err) {
		lsp_trace_uninit(t);
		return err;
	}
	end_correct(t);
	boundary_apply(r, stack, side, t);
	/* there may be tail calls between any two frames */
	fitting = realloc(t->frames, t->nframes * sizeof(*t->frames));
	t->frames = fitting ? fitting : t->frames;
	return 0;
}

/* ---- memory of what was resolved ---- */

static struct memo *memo_find(struct lsp_resolver *r, const struct lockspan_stack *s,
			      enum lsp_side side)
{
	uint64_t hash = (s->id ^ (uint64_t)s->tgid << 32 ^ s->generation) * 0x9e3779b97f4a7c15ULL;
	size_t i = (hash >> 32 ^ side) & (2 * MEMO_MAX - 1);

	while (r->memos[i].used &&
	       (r->memos[i].stack != s->id || r->memos[i].tgid != s->tgid ||
		r->memos[i].generation != s->generation || r->memos[i].side != side))
		i = (i + 1) & (2 * MEMO_MAX - 1);
	return &r->memos[i];
}

static int trace_copy(const struct lsp_trace *from, struct lsp_trace *ret)
{
	*ret = *from;
	ret->frames = NULL;
	if (!from->nframes)
		return 0;
	ret->frames = malloc(from->nframes * sizeof(*from->frames));
	if (!ret->frames)
		return -ENOMEM;
	memcpy(ret->frames, from->frames, from->nframes * sizeof(*from->frames));
	return 0;
}

int lsp_resolver_stack(struct lsp_resolver *r, const struct lockspan_stack *stack,
		       enum lsp_side side, struct lsp_trace *ret)
{
	struct lsp_mapset *set = lsp_maps_find(r->maps, stack->tgid, stack->generation);
	struct memo *m = memo_find(r, stack, side);
	struct lsp_trace trace;
	int err;

	if (m->used && set && m->serial == set->serial)
		return trace_copy(&m->trace, ret);
	err = trace_make(r, set, stack, side, &trace);
	if (err)
		return err;
	err = trace_copy(&trace, ret);
	if (err || !set) {
		lsp_trace_uninit(&trace);
		return err;
	}
	if (m->used) {
		lsp_trace_uninit(&m->trace);
	} else if (r->nmemos++ == MEMO_MAX) {
		memos_clear(r);
		r->nmemos = 1;
		m = memo_find(r, stack, side);
	}
	*m = (struct memo){
		.stack = stack->id, .tgid = stack->tgid, .generation = stack->generation,
		.serial = set->serial, .side = side, .used = true, .trace = trace,
	};
	return 0;
}

size_t lsp_resolver_rules(struct lsp_resolver *r, const struct lockspan_stack *stack,
			  struct lockspan_rule *rules, size_t max)
{
	struct lsp_mapset *set = lsp_maps_find(r->maps, stack->tgid, stack->generation);

	return set && set->whole ? lsp_unwind_rules(r->unwinder, set, stack, rules, max) : 0;
}

/* ---- locks ---- */

/* The path of everything that processes share without a file. */
static bool is_nameless(const struct lsp_map *map)
{
	return !strcmp(map->path, "/dev/zero (deleted)");
}

static void place_find(struct lsp_resolver *r, struct lsp_mapset *set, uint64_t addr,
		       struct lsp_place *place)
{
	struct lsp_map *map = lsp_maps_static(r->maps, set, addr, &place->vaddr), *program;

	if (map) {
		program = lsp_mapset_main(set);
		place->region = LSP_REGION_STATIC;
		place->elf = map->elf;
		place->path = map->path;
		place->main = program && lsp_map_elf(r->maps, set, program) == map->elf;
		return;
	}
	map = lsp_mapset_lookup(set, addr);
	place->region = LSP_REGION_HEAP;
	if (map && is_nameless(map)) {
		place->region = LSP_REGION_NAMELESS;
	} else if (map && map->path[0] == '/' && map->path[1] != '/') {
		place->region = LSP_REGION_SHARED;
		place->path = map->path;
		place->offset = addr - map->start + map->offset;
	} else if ((map && !strcmp(map->path, "[stack]")) || lsp_mapset_stack_has(set, addr)) {
		place->region = LSP_REGION_STACK;
	}
}

const char *lsp_resolver_lock(struct lsp_resolver *r, uint32_t tgid, uint32_t generation,
			      uint64_t uaddr, enum lsp_sync sync, const struct lsp_trace *trace)
{
	struct lsp_mapset *set = lsp_maps_find(r->maps, tgid, generation);
	struct lsp_place place = { .region = LSP_REGION_UNKNOWN, .path = "" };

	if (set && set->n)
		place_find(r, set, uaddr, &place);
	return lsp_lock_name(r->symbols, &place, sync, trace);
}

bool lsp_resolver_lock_is_named(struct lsp_resolver *r, uint32_t tgid, uint32_t generation,
				uint64_t uaddr)
{
	struct lsp_mapset *set = lsp_maps_find(r->maps, tgid, generation);
	struct lsp_place place = { .region = LSP_REGION_UNKNOWN, .path = "" };

	if (set && set->n)
		place_find(r, set, uaddr, &place);
	return place.region == LSP_REGION_STATIC || place.region == LSP_REGION_SHARED;
}

const char *lsp_resolver_birth(struct lsp_resolver *r, const struct lsp_trace *trace)
{
	return lsp_lock_birth_name(r->symbols, trace);
}
