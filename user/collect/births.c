// SPDX-License-Identifier: GPL-2.0-only
#include "births.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/index.h"

void lsp_births_uninit(struct lsp_births *b)
{
	for (size_t i = 0; i < b->nnames; i++)
		free(b->names[i]);
	free(b->names);
	free(b->births);
	memset(b, 0, sizeof(*b));
}

static int add(struct lsp_births *b, const struct lsp_birth *birth)
{
	if (lsp_array_grow(&b->births, &b->room, b->n, sizeof(*b->births)))
		return -ENOMEM;
	b->births[b->n++] = *birth;
	return 0;
}

int lsp_births_add(struct lsp_births *b, const struct lsp_rec_lock *rec)
{
	return add(b, &(struct lsp_birth){
		.key = rec->key, .uaddr = rec->uaddr, .stack = rec->stack, .tgid = rec->tgid,
		.stack_tgid = rec->stack_tgid, .object_bytes = rec->object_bytes });
}

int lsp_births_add_named(struct lsp_births *b, const struct lsp_birth *birth)
{
	struct lsp_birth copy = *birth;
	char *name;

	if (lsp_array_grow(&b->names, &b->names_room, b->nnames, sizeof(*b->names)))
		return -ENOMEM;
	name = strdup(birth->name);
	if (!name)
		return -ENOMEM;
	b->names[b->nnames++] = name;
	copy.name = name;
	copy.key = 0;
	return add(b, &copy);
}

static int birth_compare(const void *a, const void *b)
{
	const struct lsp_birth *x = a, *y = b;

	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	return (x->uaddr > y->uaddr) - (x->uaddr < y->uaddr);
}

void lsp_births_sort(struct lsp_births *b)
{
	if (b->n)
		qsort(b->births, b->n, sizeof(*b->births), birth_compare);
}

/* Returns the place after the last birth of @tgid that does not lie behind @uaddr. */
static size_t place_after(const struct lsp_births *b, uint32_t tgid, uint64_t uaddr)
{
	const struct lsp_birth at = { .tgid = tgid, .uaddr = uaddr };
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (birth_compare(&b->births[mid], &at) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const char *lsp_births_name(const struct lsp_births *b, uint64_t key, uint32_t tgid, uint64_t uaddr)
{
	const char *name = NULL;
	uint64_t start = 0;

	for (size_t i = place_after(b, tgid, uaddr); i--;) {
		const struct lsp_birth *birth = &b->births[i];

		/*
		 * Only the nearest lock below the word counts. If the word lies in any lock, it
		 * lies in this one.
		 */
		if (birth->tgid != tgid || uaddr - birth->uaddr >= birth->object_bytes ||
		    (start && birth->uaddr != start))
			break;
		start = birth->uaddr;
		if (birth->key && birth->key != key)
			continue;
		/*
		 * Two locks were at this address one after the other, and it is not known which of
		 * them the word belongs to.
		 */
		if (!birth->name || (name && strcmp(name, birth->name)))
			return NULL;
		name = birth->name;
	}
	return name;
}
