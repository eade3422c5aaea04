/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Delays at places where a race is possible but rare. With the delay two threads meet there each time,
 * and not once in a million times. Only the module that `make module-wide` builds for the storms has them
 * (parameter widen_us, a number for each place, 0 for none); in the usual module they are nothing.
 */
#ifndef _LSP_WIDEN_H
#define _LSP_WIDEN_H

enum lsp_widen_place {
	LSP_WIDEN_TELL,		/* a wait has been counted, and not been sent; interrupts off */
	LSP_WIDEN_MISS,		/* not a time: with N, every Nth end of a wait is missed */
	LSP_WIDEN_EXIT,		/* a thread exits: its last wait has been ended, its record is still known */
	LSP_WIDEN_FREEZE,	/* STOP's time has been taken, the probes stand */
	LSP_WIDEN_CLOSE,	/* an open wait has been closed, its stack has not been read */
	LSP_WIDEN_SEND,		/* the owner has been found alive, nothing has been sent */
	LSP_WIDEN_LOCKED,	/* not a time: 1, and others keep all mappings locked */
	LSP_WIDEN_PLACES
};

#ifdef LSP_WIDEN

#include <linux/delay.h>

extern unsigned int lsp_widen_us[LSP_WIDEN_PLACES];

static inline unsigned int lsp_widen_value(enum lsp_widen_place place)
{
	return READ_ONCE(lsp_widen_us[place]);
}

/* In any context: it does not sleep. */
static inline void lsp_widen(enum lsp_widen_place place)
{
	unsigned int us = lsp_widen_value(place);

	for (; us > 1000; us -= 1000)
		udelay(1000);
	udelay(us);
}

/* True once in as many calls as the place's number says. */
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
