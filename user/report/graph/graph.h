/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who waits for whom, as a graph: from those who wait to the locks, and from the locks to those who had them. Several sources
 * define this: graph.c makes the graph, graph_write.c writes it.
 */
#ifndef LSP_REPORT_GRAPH_GRAPH_H
#define LSP_REPORT_GRAPH_GRAPH_H

#include <stdio.h>

#include "../recording.h"

struct json_object;

enum lsp_graph_kind {
	LSP_GRAPH_WAIT,		/* who waited -> the lock: lock wait */
	LSP_GRAPH_HOLD,		/* the lock -> who is blamed, or "[given up]": hold charge */
	LSP_GRAPH_NESTED,	/* who is blamed for another lock -> the lock that it waited for meanwhile: part of that blame */
	LSP_GRAPH_KINDS
};

/* Strings belong to the recording. */
struct lsp_graph_edge {
	enum lsp_graph_kind kind;
	const char *who;	/* a site, or a thread's name */
	const char *lock;
	const char *held;	/* NESTED: the lock that it is blamed for; else "" */
	double ns;
};

struct lsp_graph {
	struct lsp_graph_edge *edges;	/* by kind, then the largest first */
	size_t n;
	size_t room;
	double total_ns[LSP_GRAPH_KINDS];
	bool threads;		/* who is a thread */
};

/* @threads: by the names of threads, not by site. 0 or -ENOMEM. The recording must live longer. */
int lsp_graph_create(const struct lsp_recording *r, bool threads, struct lsp_graph *ret);
void lsp_graph_destroy(struct lsp_graph *g);

/* Each of them writes at most @top edges of each kind. The last one is for graphviz. */
void lsp_graph_text(FILE *to, const struct lsp_graph *g, size_t top);
struct json_object *lsp_graph_json(const struct lsp_graph *g, size_t top);
void lsp_graph_dot(FILE *to, const struct lsp_graph *g, size_t top);

#endif
