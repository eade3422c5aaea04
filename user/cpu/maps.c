// SPDX-License-Identifier: GPL-2.0-only
#include "maps.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../base/index.h"

struct mapping {
	struct lockspan_map map;
	char *path;
};

struct process {
	struct process *next;
	uint32_t tgid;
	uint32_t generation;	/* generation that the resolver has; 0: none */
	bool changed;		/* since */
	struct mapping *maps;
	size_t n;
	size_t room;
};

struct lsp_cpu_maps {
	struct lsp_resolver *resolver;
	struct process *processes;	/* the wanted ones */
	bool all;
};

/* Layouts of the records, behind their header. */
struct record_mmap2 {
	struct perf_event_header h;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint32_t maj, min;
	uint64_t ino, ino_generation;
	uint32_t prot, flags;
	char filename[];
};

struct record_task {
	struct perf_event_header h;
	uint32_t pid, ppid_or_tid;
};

int lsp_cpu_maps_create(struct lsp_resolver *r, struct lsp_cpu_maps **ret)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	(*ret)->resolver = r;
	return 0;
}

static void process_clear(struct process *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->maps[i].path);
	p->n = 0;
	p->changed = true;
}

void lsp_cpu_maps_destroy(struct lsp_cpu_maps *m)
{
	struct process *p, *next;

	for (p = m ? m->processes : NULL; p; p = next) {
		next = p->next;
		process_clear(p);
		free(p->maps);
		free(p);
	}
	free(m);
}

static struct process *process_find(const struct lsp_cpu_maps *m, uint32_t tgid)
{
	struct process *p;

	for (p = m->processes; p; p = p->next)
		if (p->tgid == tgid)
			return p;
	return NULL;
}

static struct process *process_get(struct lsp_cpu_maps *m, uint32_t tgid)
{
	struct process *p = process_find(m, tgid);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->tgid = tgid;
	p->changed = true;
	p->next = m->processes;
	m->processes = p;
	return p;
}

static int process_add(struct process *p, const struct lockspan_map *map, const char *path)
{
	size_t i, left = 0;
	char *copy;

	/* What was mapped there before is gone. */
	for (i = 0; i < p->n; i++) {
		if (p->maps[i].map.start < map->end && map->start < p->maps[i].map.end)
			free(p->maps[i].path);
		else
			p->maps[left++] = p->maps[i];
	}
	p->n = left;
	p->changed = true;
	if (lsp_array_grow(&p->maps, &p->room, p->n, sizeof(*p->maps)))
		return -ENOMEM;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	p->maps[p->n++] = (struct mapping){ .map = *map, .path = copy };
	p->maps[p->n - 1].map.tgid = p->tgid;
	return 0;
}

static int record_map(struct lsp_cpu_maps *m, const struct record_mmap2 *r)
{
	struct lockspan_map map = {
		.start = r->addr, .end = r->addr + r->len, .offset = r->pgoff, .ino = r->ino,
		.dev_major = r->maj, .dev_minor = r->min,
	};
	struct process *p;

	if (r->h.size <= sizeof(*r) || !memchr(r->filename, 0, r->h.size - sizeof(*r)))
		return 0;
	p = process_get(m, r->pid);
	if (!p)
		return -ENOMEM;
	if (r->prot & PROT_WRITE)
		map.rec.flags = LOCKSPAN_MAP_WRITE;
	return process_add(p, &map, strcmp(r->filename, "//anon") ? r->filename : "");
}

int lsp_cpu_maps_want(struct lsp_cpu_maps *m, uint32_t tgid)
{
	return process_get(m, tgid) ? 0 : -ENOMEM;
}

void lsp_cpu_maps_want_all(struct lsp_cpu_maps *m)
{
	m->all = true;
}

bool lsp_cpu_maps_wanted(const struct lsp_cpu_maps *m, uint32_t tgid)
{
	return m->all || process_find(m, tgid);
}

int lsp_cpu_maps_fork(struct lsp_cpu_maps *m, const struct perf_event_header *h)
{
	const struct record_task *r = (const struct record_task *)h;
	struct process *parent, *child;
	int err = 0;

	if (h->type != PERF_RECORD_FORK || h->size < sizeof(*r) || r->pid == r->ppid_or_tid)
		return 0;
	parent = process_find(m, r->ppid_or_tid);
	if (!parent || process_find(m, r->pid))
		return 0;
	child = process_get(m, r->pid);
	if (!child)
		return -ENOMEM;
	for (size_t i = 0; !err && i < parent->n; i++)
		err = process_add(child, &parent->maps[i].map, parent->maps[i].path);
	return err ? err : 1;
}

int lsp_cpu_maps_record(struct lsp_cpu_maps *m, const struct perf_event_header *h)
{
	const struct record_task *task = (const struct record_task *)h;
	struct process *p;

	if (h->size < sizeof(*task) || !lsp_cpu_maps_wanted(m, task->pid))
		return 0;
	switch (h->type) {
	case PERF_RECORD_MMAP2:
		return record_map(m, (const struct record_mmap2 *)h);
	case PERF_RECORD_COMM:
		if (!(h->misc & PERF_RECORD_MISC_COMM_EXEC))
			return 0;
		p = process_get(m, task->pid);
		if (!p)
			return -ENOMEM;
		process_clear(p);
		return 0;
	}
	return 0;
}

/* The process has ended, so what the kernel reported counts. */
static int process_give(struct lsp_cpu_maps *m, struct process *p)
{
	int err = 0;

	for (size_t i = 0; !err && i < p->n; i++) {
		struct lockspan_map map = p->maps[i].map;

		map.generation = p->generation;
		map.rec.flags &= LOCKSPAN_MAP_WRITE;
		if (!i)
			map.rec.flags |= LOCKSPAN_MAP_FIRST;
		if (i + 1 == p->n)
			map.rec.flags |= LOCKSPAN_MAP_LAST;
		err = lsp_resolver_map(m->resolver, &map, p->maps[i].path);
	}
	return err;
}

int64_t lsp_cpu_maps_generation(struct lsp_cpu_maps *m, uint32_t tgid)
{
	struct process *p = process_get(m, tgid);
	int err;

	if (!p)
		return -ENOMEM;
	if (!p->changed)
		return p->generation;
	p->generation++;
	p->changed = false;
	err = lsp_resolver_map_proc(m->resolver, tgid, p->generation);
	if (err == -ESRCH)
		err = process_give(m, p);
	return err ? err : (int64_t)p->generation;
}
