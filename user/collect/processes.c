// SPDX-License-Identifier: GPL-2.0-only
#include "processes.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Reading /proc/PID/maps costs up to half a millisecond. */
#define READ_EVERY_NS 100000000ULL

void lsp_processes_uninit(struct lsp_processes *p)
{
	free(p->processes);
	lsp_index_uninit(&p->index);
	memset(p, 0, sizeof(*p));
}

static bool process_equal(const void *arg, uint32_t place, const void *key)
{
	const struct lsp_processes *p = arg;

	return p->processes[place].tgid == *(const uint32_t *)key;
}

struct lsp_process *lsp_processes_at(struct lsp_processes *p, uint32_t tgid)
{
	uint64_t hash = lsp_hash(&tgid, sizeof(tgid), 0);
	uint32_t place = lsp_index_find(&p->index, hash, process_equal, p, &tgid);
	struct lsp_process *process;

	if (place != LSP_INDEX_NONE)
		return &p->processes[place];
	if (lsp_array_grow(&p->processes, &p->room, p->n, sizeof(*p->processes)) ||
	    lsp_index_add(&p->index, hash, (uint32_t)p->n))
		return NULL;
	process = &p->processes[p->n++];
	memset(process, 0, sizeof(*process));
	process->tgid = tgid;
	return process;
}

bool lsp_process_read(struct lsp_process *process, struct lsp_resolver *r)
{
	struct timespec t;
	uint64_t now_ns;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	if (process->read_ns && now_ns - process->read_ns < READ_EVERY_NS)
		return false;
	process->read_ns = now_ns;
	return !lsp_resolver_map_proc(r, process->tgid, 0);
}
