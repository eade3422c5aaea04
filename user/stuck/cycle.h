/* SPDX-License-Identifier: GPL-2.0-only */
/* Deadlocks among threads that wait: who holds a lock by its own words, and which waits form a circle. */
#ifndef LSP_STUCK_CYCLE_H
#define LSP_STUCK_CYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words of a lock that are looked at, and how many of them stand before the word that is waited for. */
#define LSP_STUCK_WORDS 11
#define LSP_STUCK_BEFORE 3

/* A thread that waits for a futex, and will not stop by itself. */
struct lsp_stuck_wait {
	uint32_t tgid;
	uint32_t tid;
	uint32_t own_tid;	/* as its process numbers it, in its pid namespace */
	uint32_t owner;		/* who has the lock, in the same numbers; 0: nobody knows */
	uint64_t uaddr;
	uint64_t switches;	/* how often it has left its processor, when all this was read */
	char comm[16];
};

/* Waits of deadlocks. Those of one stand together; each waits for a lock that the next one has, the last for the first's. */
struct lsp_stuck {
	struct lsp_stuck_wait *waits;
	uint32_t *cycles;	/* by wait: the number of its deadlock, from 0 */
	size_t n;
	size_t room, cycles_room;
};

/* All zero is empty. */
void lsp_stuck_uninit(struct lsp_stuck *s);

/* Adds a wait behind the others. 0 or -ENOMEM. */
int lsp_stuck_add(struct lsp_stuck *s, const struct lsp_stuck_wait *w, uint32_t cycle);

/*
 * The thread that has the lock whose word @words[LSP_STUCK_BEFORE] is waited for; 0: it cannot be told for certain. It can
 * for a mutex of glibc's, and a rwlock of glibc's that is held for writing.
 */
uint32_t lsp_stuck_owner(const uint32_t words[LSP_STUCK_WORDS]);

/* Puts the waits that form circles into *@ret. 0 or -ENOMEM. */
int lsp_stuck_cycles(const struct lsp_stuck_wait *waits, size_t n, struct lsp_stuck *ret);

#endif
