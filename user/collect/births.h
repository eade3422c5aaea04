/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where locks were initialised, as the userspace recorder saw it, and the names of locks after that place. Its own records
 * find the lock by key. The kernel's side of the same run finds it by process and
 * address: the futex words that it saw lie within the lock.
 */
#ifndef LSP_COLLECT_BIRTHS_H
#define LSP_COLLECT_BIRTHS_H

#include <stddef.h>
#include <stdint.h>

#include "../capture/span.h"

struct lsp_birth {
	uint64_t key;		/* 0: another collector has reported it */
	uint64_t uaddr;
	uint64_t stack;
	uint32_t tgid;
	uint32_t stack_tgid;
	uint32_t object_bytes;
	const char *name;	/* NULL: not known, or two locks at this place have different names */
};

struct lsp_births {
	struct lsp_birth *births;
	size_t n;
	size_t room;
	char **names;		/* copies that belong to the set */
	size_t nnames;
	size_t names_room;
};

/* All zero is an empty set. */
void lsp_births_uninit(struct lsp_births *b);

/* Each returns 0 or -ENOMEM. */
int lsp_births_add(struct lsp_births *b, const struct lsp_rec_lock *rec);
int lsp_births_add_named(struct lsp_births *b, const struct lsp_birth *birth);

/* Called when all births have been added and named, before the first name is asked for. */
void lsp_births_sort(struct lsp_births *b);

/* The name of the lock that has the word @uaddr in process @tgid, or that has @key. NULL: not known. */
const char *lsp_births_name(const struct lsp_births *b, uint64_t key, uint32_t tgid, uint64_t uaddr);

#endif
