/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of what each key is used for, found when a recording is over: from the noted
 * events, and from the class where these say nothing. Only a lock's releaser is
 * blamed; why nobody is for any other key's hold is told by role and doubt.
 */
#ifndef LSP_COLLECT_ROLES_H
#define LSP_COLLECT_ROLES_H

#include "../../base/index.h"
#include "evidence.h"

/* Why nobody is blamed for the hold of what may be a lock. */
#define LSP_DOUBTS(X)			\
	X(NONE, "")			\
	X(WEAK, "weak chain")		\
	X(SAMPLED, "sampled")		\
	X(CROWDED, "too many events")
#define LSP_ENUM_DOUBT(id, name) LSP_DOUBT_##id,
enum lsp_doubt { LSP_DOUBTS(LSP_ENUM_DOUBT) LSP_DOUBT_COUNT };
const char *lsp_doubt_name(unsigned int doubt);

/* A word, or a virtual key. */
struct lsp_key_role {
	uint64_t key;		/* of a virtual key: its first word's */
	bool virtual;
	bool replaced;		/* a word that virtual keys stand for */
	enum lsp_sync sync;
	enum lsp_role role;
	enum lsp_doubt doubt;
	uint32_t name;		/* place among the collector's names of locks */
	struct lsp_evidence evidence;
};

struct lsp_roles {
	struct lsp_key_role *keys;	/* words first, ascending by key */
	size_t n;
	size_t nwords;
	bool found;
};

/* All zero is empty. */
void lsp_roles_uninit(struct lsp_roles *r);

/* The role of a word; NULL: nothing of it was noted. */
const struct lsp_key_role *lsp_roles_word(const struct lsp_roles *r, uint64_t key);

#endif
