/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Delays at places where a race is possible but rare. With the delay two threads meet there each
 * time instead of once in a million times. Only the module that `make module-wide` builds for the
 * storms has the delays. Its parameter widen_us has a number of microseconds for each place, 0 for
 * none.
 */
#ifndef _LSP_WIDEN_H
#define _LSP_WIDEN_H

enum lsp_widen_place {
	LSP_WIDEN_TELL,		/* a wait was counted, and has not been sent; interrupts are off */
	LSP_WIDEN_MISS,		/* no time: with N, every Nth end of a wait is missed */
	LSP_WIDEN_EXIT,		/* a thread exits: its last wait was ended, and its record is still known */
	LSP_WIDEN_FREEZE,	/* the time of STOP was taken, and the probes are still there */
	LSP_WIDEN_CLOSE,	/* an open wait was closed, and its stack has not been read */
	LSP_WIDEN_SEND,		/* the owner was found alive, and nothing has been sent */
	LSP_WIDEN_LOCKED,	/* no time: with 1, all mappings seem to be locked by others */
	LSP_WIDEN_UNSENT,	/* no time: with N, every Nth message of records is refused by the socket for good */
	LSP_WIDEN_DEAF,		/* no time: with N, the Nth probe, from 1, seems to stand on a function that is never called */
	LSP_WIDEN_BREAK,	/* no time: with 1, kprobes are put behind the entry of a function, where ftrace has no site */
	LSP_WIDEN_PLACES
};

#ifdef LSP_WIDEN

#include <linux/delay.h>

extern unsigned int lsp_widen_us[LSP_WIDEN_PLACES];

static inline unsigned int lsp_widen_value(enum lsp_widen_place place)
{
	return READ_ONCE(lsp_widen_us[place]);
}

/* Any context; does not sleep. */
static inline void lsp_widen(enum lsp_widen_place place)
{
	unsigned int us = lsp_widen_value(place);

	for (; us > 1000; us -= 1000)
		udelay(1000);
	udelay(us);
}

/* True once in so many calls as the number of the place says. */
#define lsp_widen_every(place) ({						\
	static atomic_t calls;							\
	unsigned int n = lsp_widen_value(place);				\
	n && !((unsigned int)atomic_inc_return(&calls) % n);			\
})

#else

#define lsp_widen_value(place) 0
#define lsp_widen_every(place) false
static inline void lsp_widen(enum lsp_widen_place place)
{
}

#endif
#endif
