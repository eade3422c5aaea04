/* SPDX-License-Identifier: GPL-2.0-only */
/* Releases whose hold charge is nobody's blame, by the reason; and what all hold comes to. */
#ifndef LSP_RESULTS_UNBLAMED_H
#define LSP_RESULTS_UNBLAMED_H

#include <stddef.h>

#include "../capture/client.h"
#include "../collect/collector.h"

/* First the roles, that of a lock excepted; then what makes a lock doubtful. */
#define LSP_UNBLAMED(X)									\
	X(UNKNOWN, "unknown", "too few releases tell what the key is used for")	\
	X(POOL, "pool", "several threads can have it at once")			\
	X(SIGNAL, "signal", "who releases it is not seen to have held it")	\
	X(BARRIER, "barrier", "the last to come releases all")			\
	X(JOIN, "join", "a thread has ended")					\
	X(WEAK, "unsure", "a virtual key may be several locks")			\
	X(SAMPLED, "sampled", "what was left out may be what tells the key's use")	\
	X(CROWDED, "crowded", "there were more events than are looked at one by one")

#define LSP_ENUM_UNBLAMED(id, name, why) LSP_UNBLAMED_##id,
enum lsp_unblamed { LSP_UNBLAMED(LSP_ENUM_UNBLAMED) LSP_UNBLAMED_COUNT };

const char *lsp_unblamed_name(unsigned int reason);
const char *lsp_unblamed_why(unsigned int reason);

/* Why nobody is blamed for a MUTEX row. Only for rows for which that is so. */
enum lsp_unblamed lsp_unblamed_reason(const struct lsp_row *row);

/* "1.100 s signal, 0.020 s pool" of the hold charges @by reason, the greatest first; those below @least_ns are left out. */
void lsp_unblamed_text(const struct lsp_estimate *by, double least_ns, char *text, size_t bytes);

/*
 * How all that was waited is divided into hold, handoff and tail: by the module's ledgers, but waits that went to
 * virtual keys by the ledgers of these. If nothing was lost, hold_ns is the hold in the mutex profile and the
 * hold that nobody is blamed for, together.
 */
struct lsp_divided {
	uint64_t hold_ns;
	uint64_t handoff_ns;
	uint64_t tail_ns;
	uint64_t given_up_ns;	/* of tail_ns */
	bool redivided;		/* there are virtual keys */
};
struct lsp_divided lsp_divided_find(const struct lsp_client_report *end, const struct lsp_collector *c);

#endif
