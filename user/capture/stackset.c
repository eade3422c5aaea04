// SPDX-License-Identifier: GPL-2.0-only
#include "stackset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t name_hash(uint32_t tgid, uint64_t id)
{
	return lsp_hash(&id, sizeof(id), tgid);
}

static bool name_equal(const void *arg, uint32_t place, const void *key)
{
	const struct lsp_stackset *s = arg;
	const struct lsp_stackset_name *name = key;

	return s->names[place].id == name->id && s->names[place].tgid == name->tgid;
}

static int stack_add(struct lsp_stackset *s, uint32_t tgid, uint64_t id, uint32_t *ret)
{
	struct lsp_stackset_stack *to;

	if (lsp_array_grow(&s->stacks, &s->room, s->n, sizeof(*s->stacks)))
		return -ENOMEM;
	to = &s->stacks[s->n];
	memset(to, 0, sizeof(*to));
	to->id = id;
	to->tgid = tgid;
	to->trace = LSP_INDEX_NONE;
	*ret = (uint32_t)s->n++;
	return 0;
}

int lsp_stackset_init(struct lsp_stackset *s)
{
	uint32_t none;

	memset(s, 0, sizeof(*s));
	if (stack_add(s, 0, 0, &none))
		return -ENOMEM;
	s->stacks[none].arrived = true;
	return 0;
}

void lsp_stackset_uninit(struct lsp_stackset *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->stacks[i].raw);
	free(s->stacks);
	free(s->names);
	lsp_index_uninit(&s->index);
	memset(s, 0, sizeof(*s));
}

static int name_add(struct lsp_stackset *s, const struct lsp_stackset_name *name)
{
	if (lsp_array_grow(&s->names, &s->names_room, s->nnames, sizeof(*s->names)) ||
	    lsp_index_add(&s->index, name_hash(name->tgid, name->id), (uint32_t)s->nnames))
		return -ENOMEM;
	s->names[s->nnames++] = *name;
	return 0;
}

/* Returns the entry of the name. It has a place for the stack, which is made if needed. */
static int name_at(struct lsp_stackset *s, uint32_t tgid, uint64_t id,
		   struct lsp_stackset_name **ret)
{
	struct lsp_stackset_name name = { .id = id, .tgid = s->by_process ? tgid : 0 };
	uint32_t at = lsp_index_find(&s->index, name_hash(name.tgid, id), name_equal, s, &name);
	int err;

	if (at == LSP_INDEX_NONE) {
		err = stack_add(s, tgid, id, &name.place);
		if (err)
			return err;
		err = name_add(s, &name);
		if (err) {
			s->n--;
			return err;
		}
		at = (uint32_t)s->nnames - 1;
	}
	*ret = &s->names[at];
	return 0;
}

int lsp_stackset_place(struct lsp_stackset *s, uint32_t tgid, uint64_t id, uint64_t now_ns,
		       uint32_t *ret)
{
	struct lsp_stackset_name *name;
	struct lsp_stackset_stack *stack;
	int err;

	if (!id) {
		*ret = LSP_STACK_NOT_TAKEN;
		return 0;
	}
	err = name_at(s, tgid, id, &name);
	if (err)
		return err;
	stack = &s->stacks[name->place];
	stack->used = true;
	if (!stack->arrived && !stack->asked_ns)
		stack->asked_ns = now_ns;
	*ret = name->place;
	return 0;
}

int lsp_stackset_put(struct lsp_stackset *s, const struct lockspan_stack *stack)
{
	struct lsp_stackset_name *name;
	struct lsp_stackset_stack *to;
	int err;

	if (!stack->id)
		return 0;
	err = name_at(s, stack->tgid, stack->id, &name);
	if (err)
		return err;
	if (s->stacks[name->place].arrived) {
		if (s->stacks[name->place].generation == stack->generation)
			return 0;
		err = stack_add(s, stack->tgid, stack->id, &name->place);
		if (err)
			return err;
	}
	to = &s->stacks[name->place];
	to->raw = malloc(stack->rec.bytes);
	if (!to->raw)
		return -ENOMEM;
	memcpy(to->raw, stack, stack->rec.bytes);
	s->raw_bytes += stack->rec.bytes;
	to->tgid = stack->tgid;
	to->generation = stack->generation;
	to->arrived = true;
	to->used = true;
	return 0;
}

void lsp_stackset_resolve(struct lsp_stackset *s, uint32_t place, uint32_t trace)
{
	struct lsp_stackset_stack *stack = &s->stacks[place];

	stack->trace = trace;
	if (!stack->raw)
		return;
	s->raw_bytes -= stack->raw->rec.bytes;
	free(stack->raw);
	stack->raw = NULL;
}

static bool stack_stays(const struct lsp_stackset_stack *s, size_t place)
{
	return place == LSP_STACK_NOT_TAKEN || s->raw || s->used || !s->arrived;
}

int lsp_stackset_compact(struct lsp_stackset *s, uint32_t *moved)
{
	struct lsp_index index = { 0 };
	size_t n = 0, nnames = 0;

	/* The new index is made first, because only that can fail. */
	for (size_t i = 0, at = 0; i < s->nnames; i++) {
		const struct lsp_stackset_name *name = &s->names[i];

		if (!stack_stays(&s->stacks[name->place], name->place))
			continue;
		if (lsp_index_add(&index, name_hash(name->tgid, name->id), (uint32_t)at++)) {
			lsp_index_uninit(&index);
			return -ENOMEM;
		}
	}
	for (size_t i = 0; i < s->n; i++) {
		moved[i] = LSP_INDEX_NONE;
		if (!stack_stays(&s->stacks[i], i))
			continue;
		moved[i] = (uint32_t)n;
		s->stacks[n] = s->stacks[i];
		s->stacks[n++].used = false;
	}
	for (size_t i = 0; i < s->nnames; i++) {
		struct lsp_stackset_name name = s->names[i];

		if (moved[name.place] == LSP_INDEX_NONE)
			continue;
		name.place = moved[name.place];
		s->names[nnames++] = name;
	}
	s->n = n;
	s->nnames = nnames;
	lsp_index_uninit(&s->index);
	s->index = index;
	return 0;
}
