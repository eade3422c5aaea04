/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One recording, from the module's records to rows that profiles are made of:
 * joins the streams, the stacks, their resolution and the sums. It reads no
 * socket and prints nothing, so a recorded stream replays through it.
 *
 *   feed -> streams -> records -> sums by captured stack
 *        -> (tick, finish) resolve -> sums by trace and lock -> rows
 *
 * All functions return 0 or -errno and are for one thread.
 */
#ifndef LSP_COLLECT_COLLECTOR_H
#define LSP_COLLECT_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../capture/span.h"
#include "../resolve/resolve.h"
#include "reading.h"

struct lsp_collector;
struct lsp_spanfile_writer;

struct lsp_collector_options {
	struct lsp_resolver_options resolver;
	struct lsp_spanfile_writer *spans;	/* every event goes there too; NULL: nowhere */
	bool live;	/* the processes are those of this machine, now: /proc may be asked */
	/* Called with the unwind rules of stacks, for the module; NULL: rules are not taught. */
	void (*teach)(void *arg, uint32_t generation, const struct lockspan_rule *rules, size_t n);
	void *teach_arg;
	bool late_names;	/* locks are named only at the end, when it is known where they were initialised */
	bool keep_stacks;	/* stacks cannot be asked for again, so none is forgotten */
	bool own_names;		/* each process names its stacks itself */
	bool roots;	/* every event comes, with what holders did: find the roots of blame */
	bool steady;	/* rows are read again and again: none ever changes its class or shrinks */
};

int lsp_collector_create(const struct lsp_collector_options *o, struct lsp_collector **ret);
void lsp_collector_destroy(struct lsp_collector *c);

/*
 * Takes the records of one DATA message. Returns -EBADMSG if the message was damaged, which is
 * counted; the records before the damage have been used.
 */
int lsp_collector_feed(struct lsp_collector *c, uint32_t cpu, uint64_t seq, const void *run,
		       size_t bytes);

/* Called now and then. Resolves the stacks that can be resolved, while their processes still exist. */
int lsp_collector_tick(struct lsp_collector *c);

/*
 * Puts into @ids the names of stacks, at most @max, that events have referred to for half a second
 * and that have not arrived. The caller must ask the module for them again. Each name is given at
 * most once a second. Returns how many there are.
 */
size_t lsp_collector_stacks_missing(struct lsp_collector *c, uint64_t now_ns, uint64_t *ids, size_t max);

/*
 * Processes, at most @max, whose stacks were found since the last call to end
 * beyond the module's window: the module must be asked to look at more of them.
 * Each process is given once.
 */
size_t lsp_collector_deep(struct lsp_collector *c, uint32_t *tgids, size_t max);

/*
 * Where locks were initialised. The collector of the userspace side knows it, and
 * birth_add tells the collector of the kernel's side before that finishes. @fn gets
 * process, address, size and name of each lock. The name belongs to the collector.
 * 0, -errno, or what @fn returned.
 */
int lsp_collector_births(const struct lsp_collector *c,
			 int (*fn)(void *arg, uint32_t tgid, uint64_t uaddr, uint32_t bytes, const char *name),
			 void *arg);
int lsp_collector_birth_add(struct lsp_collector *c, uint32_t tgid, uint64_t uaddr, uint32_t bytes,
			    const char *name);

/* Asks to keep the stack of the wait of this thread for the word at @uaddr, which is one of a deadlock. 0 or -ENOMEM. */
int lsp_collector_watch(struct lsp_collector *c, uint32_t tgid, uint32_t tid, uint64_t uaddr);

/* Called after the last record. Resolves everything that is left. */
int lsp_collector_finish(struct lsp_collector *c);

#endif
