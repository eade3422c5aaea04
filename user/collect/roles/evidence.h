/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts the release calls of a key, and finds from these counts what the key is used for (its
 * role). Also the names of the roles. A lock goes from hand
 * to hand: the thread that a release wakes makes the next release. The key is no
 * lock if those who release it do not wait for it, or if several threads have it
 * at once. docs/semantics.md has the conditions.
 */
#ifndef LSP_COLLECT_EVIDENCE_H
#define LSP_COLLECT_EVIDENCE_H

#include "../../capture/span.h"
#include "waits.h"

#define LSP_ROLES(X)			\
	X(UNKNOWN, "unknown")		\
	X(LOCK, "lock")			\
	X(POOL, "pool")			\
	X(SIGNAL, "signal")		\
	X(BARRIER, "barrier")		\
	X(JOIN, "join")

#define LSP_ENUM_ROLE(id, name) LSP_ROLE_##id,
enum lsp_role { LSP_ROLES(LSP_ENUM_ROLE) LSP_ROLE_COUNT };
const char *lsp_role_name(unsigned int role);

/* The evidence of one group of waits. The evidence of several groups can be added up. */
struct lsp_evidence {
	uint64_t waits;
	uint64_t releases;
	uint64_t own_releases;	/* by threads that wait in the group themselves */
	uint64_t calls;		/* releases by one thread at once are one call */
	uint64_t judged;	/* calls that another one came after */
	uint64_t chained;	/* of them */
	uint64_t left;		/* judged calls that left somebody queued */
	uint64_t left_chained;
	uint64_t herds;		/* judged calls that woke several and left nobody */
	uint64_t full;		/* of them those that woke all threads but one */
	uint64_t threads;	/* that wait in the group */
	uint64_t both;		/* judged calls whose woken thread had it while another passed it on */
};

/* Adds the evidence of the @n @waits to that of their groups. 0 or -ENOMEM. */
int lsp_evidence_add(struct lsp_wait *waits, size_t n, struct lsp_evidence *groups);
void lsp_evidence_merge(struct lsp_evidence *to, const struct lsp_evidence *from);

/* The share of calls that are chained, 0 to 1: of those that left a waiter, or of all where these are few. */
double lsp_evidence_chained(const struct lsp_evidence *e);

/* What keys of class @sync with this evidence are. */
enum lsp_role lsp_evidence_role(const struct lsp_evidence *e, enum lsp_sync sync);

/* The same for the virtual keys of one site, from the evidence of all of them. */
enum lsp_role lsp_evidence_parked_role(const struct lsp_evidence *e, enum lsp_sync sync);

/* Whether the waits of one site together, on words of their threads, look like those for a single lock. */
bool lsp_evidence_is_one_lock(const struct lsp_evidence *e);

/* Whether a virtual key's chain is weak; where its own evidence is little, that of @all its site's decides. */
bool lsp_evidence_is_weak(const struct lsp_evidence *e, const struct lsp_evidence *all);

#endif
