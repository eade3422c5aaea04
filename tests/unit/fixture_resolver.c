// SPDX-License-Identifier: GPL-2.0-only
/* The resolver, played for the collector's test: see fixture_resolver.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fixture_resolver.h"

struct lsp_resolver {
	int unused;
};

bool all_mapped;
uint32_t mapped_tgid;
int stacks_resolved;
bool locks_in_variables;
bool locks_native;
bool sites_by_rip;
static struct lsp_resolver resolver;
static const struct lsp_object object = {
	.path = "/bin/prog (deleted)", .build_id = "aa", .start = 0x1000, .end = 0x2000, .symbolised = true,
};

int lsp_resolver_create(const struct lsp_resolver_options *o, struct lsp_resolver **ret)
{
	(void)o;
	*ret = &resolver;
	return 0;
}

void lsp_resolver_destroy(struct lsp_resolver *r)
{
	(void)r;
}

int lsp_resolver_map(struct lsp_resolver *r, const struct lockspan_map *map, const char *path)
{
	(void)r;
	assert_string_equal(path, "/bin/prog");
	mapped_tgid = map->tgid;
	return 0;
}

int lsp_resolver_remap(struct lsp_resolver *r, const struct lockspan_remap *remap, const char *path)
{
	return lsp_resolver_map(r, &remap->map, path);
}

int lsp_resolver_map_proc(struct lsp_resolver *r, uint32_t tgid, uint32_t generation)
{
	(void)r, (void)tgid, (void)generation;
	fail_msg("/proc was asked for processes of a replay");
	return -ESRCH;
}

bool lsp_resolver_mapped(const struct lsp_resolver *r, uint32_t tgid, uint32_t generation)
{
	(void)r, (void)generation;
	return all_mapped || tgid == mapped_tgid;
}

size_t lsp_resolver_rules(struct lsp_resolver *r, const struct lockspan_stack *stack,
			  struct lockspan_rule *rules, size_t max)
{
	(void)r;
	if (!max || stack->mode != LOCKSPAN_STACK_SPARSE)
		return 0;
	rules[0] = (struct lockspan_rule){ .pc = stack->regs[LOCKSPAN_REG_RIP] - 1 };
	return 1;
}

/* All stacks come from one function, or from one for each distance within their class. */
static const struct lsp_line *line_of(uint64_t rip)
{
	static const struct lsp_line lines[] = {
#define LINE(name) { .function = name, .linkage = name, .file = "/src/p.c", .line = 3 }
		LINE("locker"), LINE("site1"), LINE("site2"), LINE("site3"), LINE("site4"), LINE("site5"),
	};

	return &lines[sites_by_rip && (rip & 7) < 6 ? rip & 7 : 0];
}

int lsp_resolver_stack(struct lsp_resolver *r, const struct lockspan_stack *stack,
		       enum lsp_side side, struct lsp_trace *ret)
{
	uint64_t rip = stack->regs[LOCKSPAN_REG_RIP];

	(void)side;
	stacks_resolved++;
	memset(ret, 0, sizeof(*ret));
	ret->frames = calloc(1, sizeof(*ret->frames));
	ret->nframes = 1;
	ret->frames[0] = (struct lsp_frame){
		.pc = rip, .object = &object, .lines = line_of(rip), .nlines = 1,
	};
	ret->sync = (enum lsp_sync)((rip - 0x1000) / 16);
	ret->native = locks_native;
	ret->end = lsp_resolver_mapped(r, stack->tgid, 0) ? LSP_END_COMPLETE : LSP_END_NO_MAP;
	if (rip & 8)
		ret->end = LSP_END_TRUNCATED;
	return 0;
}

size_t lsp_resolver_changed(const struct lsp_resolver *r)
{
	(void)r;
	return 2;
}

size_t lsp_resolver_unopened(const struct lsp_resolver *r)
{
	(void)r;
	return 1;
}

/* All locks of the fixture lie in variables, or none. */
bool lsp_resolver_lock_is_named(struct lsp_resolver *r, uint32_t tgid, uint32_t generation,
				uint64_t uaddr)
{
	(void)r, (void)tgid, (void)uaddr;
	return locks_in_variables && generation != LSP_GENERATION_UNKNOWN;
}

const char *lsp_resolver_birth(struct lsp_resolver *r, const struct lsp_trace *trace)
{
	static char names[8][64];
	static unsigned int at;
	char *name = names[at++ % 8];

	(void)r;
	if (!trace->nframes)
		return NULL;
	snprintf(name, 64, "init@%llx", (unsigned long long)trace->frames[0].pc);
	return name;
}

/* Like the name of a heap lock: depends on the trace that it is named by. */
const char *lsp_resolver_lock(struct lsp_resolver *r, uint32_t tgid, uint32_t generation,
			      uint64_t uaddr, enum lsp_sync sync, const struct lsp_trace *trace)
{
	static char name[64];

	(void)r, (void)sync;
	if (lsp_resolver_lock_is_named(r, tgid, generation, uaddr)) {
		snprintf(name, sizeof(name), "variable of %u", generation);
		return name;
	}
	snprintf(name, sizeof(name), "%u:%llx@%llx", tgid, (unsigned long long)uaddr,
		 trace->nframes ? (unsigned long long)trace->frames[0].pc : 0);
	return name;
}
