/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes one Dwfl for each set of mappings that needs one, and keeps it with the set. The Dwfl is
 * given the files that the maps have opened, so it searches for no file itself. Its memory is the
 * snapshot.
 */
#include "dwfl.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct walker {
	Dwfl *dwfl;
	const struct lockspan_stack *stack;
	struct lsp_snapshot *snap;
	struct lsp_mapset *set;
	struct lsp_walk *walk;
	bool outside;
};

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	struct walker *w = arg;

	(void)dwfl;
	if (*thread_arg)
		return 0;
	*thread_arg = w;
	return 1;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
	(void)dwfl;
	(void)tid;
	*thread_arg = arg;
	return true;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *result, void *arg)
{
	struct walker *w = arg;
	uint64_t word;
	enum lsp_snapshot_read got = lsp_snapshot_word(w->snap, addr, &word);

	(void)dwfl;
	if (got == LSP_SNAPSHOT_OUTSIDE && addr >= w->snap->start)
		w->outside = true;
	*result = word;
	return got == LSP_SNAPSHOT_OK;
}

static bool registers_set(Dwfl_Thread *thread, void *thread_arg)
{
	struct walker *w = thread_arg;
	Dwarf_Word regs[LOCKSPAN_REGS];
	size_t i;

	for (i = 0; i < LOCKSPAN_REGS; i++)
		regs[i] = w->stack->regs[i];
	return dwfl_thread_state_registers(thread, 0, LOCKSPAN_REGS, regs);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = memory_read,
	.set_initial_registers = registers_set,
};

/* libdwfl has nothing to search for, because every module is reported with its file. */
static int no_elf(Dwfl_Module *mod, void **arg, const char *name, Dwarf_Addr base,
		  char **file_name, Elf **elf)
{
	(void)mod, (void)arg, (void)name, (void)base, (void)file_name, (void)elf;
	return -1;
}

static int no_debuginfo(Dwfl_Module *mod, void **arg, const char *name, Dwarf_Addr base,
			const char *file_name, const char *link, GElf_Word crc, char **found)
{
	(void)mod, (void)arg, (void)name, (void)base, (void)file_name, (void)link, (void)crc;
	(void)found;
	return -1;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = no_elf,
	.find_debuginfo = no_debuginfo,
};

static void walker_free(void *arg)
{
	struct walker *w = arg;

	dwfl_end(w->dwfl);
	free(w);
}

static Elf *modules_report(Dwfl *dwfl, struct lsp_maps *maps, struct lsp_mapset *set)
{
	struct lsp_elf *last = NULL;
	Elf *any = NULL;
	uint64_t bias = 0;
	size_t i;

	for (i = 0; i < set->n; i++) {
		struct lsp_map *map = &set->maps[i];
		struct lsp_elf *e = map->exec ? lsp_map_elf(maps, set, map) : NULL;
		int fd;

		/* a file's text may be mapped in pieces */
		if (!e || e->fd < 0 || (e == last && map->bias == bias))
			continue;
		last = e;
		bias = map->bias;
		fd = dup(e->fd);
		if (fd < 0)
			continue;
		if (!dwfl_report_elf(dwfl, e->name, e->path, fd, bias, e->dynamic))
			close(fd);
		else if (e->machine == EM_X86_64)
			any = e->elf;
	}
	return any;
}

static struct walker *walker_of(struct lsp_maps *maps, struct lsp_mapset *set)
{
	struct walker *w = set->walker;
	Elf *elf;

	if (w)
		return w;
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->dwfl = dwfl_begin(&callbacks);
	if (!w->dwfl)
		goto err_walker;
	dwfl_report_begin(w->dwfl);
	elf = modules_report(w->dwfl, maps, set);
	if (dwfl_report_end(w->dwfl, NULL, NULL) || !elf ||
	    !dwfl_attach_state(w->dwfl, elf, (pid_t)set->tgid, &thread_callbacks, w))
		goto err_dwfl;
	set->walker = w;
	set->walker_free = walker_free;
	return w;

err_dwfl:
	dwfl_end(w->dwfl);
err_walker:
	free(w);
	return NULL;
}

static int frame(Dwfl_Frame *state, void *arg)
{
	struct walker *w = arg;
	struct lsp_walk *walk = w->walk;
	bool activation;
	Dwarf_Addr pc;

	if (walk->n == LSP_WALK_MAX || !dwfl_frame_pc(state, &pc, &activation))
		return DWARF_CB_ABORT;
	/* the leaf too stands behind the system call that it is in */
	if (!activation || !walk->n)
		pc--;
	walk->steps[walk->n++] = (struct lsp_step){
		.pc = pc, .map = lsp_mapset_lookup(w->set, pc),
		/* libdwfl says so of the trampoline too, which nothing called either */
		.interrupted = activation && walk->n > 1,
	};
	return DWARF_CB_OK;
}

int lsp_dwfl_walk(struct lsp_maps *maps, struct lsp_mapset *set,
		  const struct lockspan_stack *stack, struct lsp_snapshot *snap,
		  struct lsp_walk *walk, bool *outside)
{
	struct walker *w = walker_of(maps, set);

	if (!w)
		return -ENOENT;
	w->stack = stack;
	w->snap = snap;
	w->set = set;
	w->walk = walk;
	w->outside = false;
	walk->n = 0;
	dwfl_getthread_frames(w->dwfl, 1, frame, w);
	*outside = w->outside;
	return walk->n ? 0 : -ENOENT;
}
