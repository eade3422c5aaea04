// SPDX-License-Identifier: GPL-2.0-only
#include <json-c/json.h>

#include "graph.h"

#include "../json.h"
#include "../words.h"

#define FORMAT 1

static const struct {
	const char *name;
	const char *title;
} kinds[LSP_GRAPH_KINDS] = {
	[LSP_GRAPH_WAIT] = { "wait", "who waits -> lock" },
	[LSP_GRAPH_HOLD] = { "hold", "lock -> who had it meanwhile" },
	[LSP_GRAPH_NESTED] = { "nested", "who had a lock and waited -> the lock that it waited for" },
};

static const char *known(const char *name)
{
	return *name ? name : "(not known)";
}

/* Calls @fn for the edges of each kind, @top at most. Returns how many there are more. */
static size_t edges_walk(const struct lsp_graph *g, size_t top, void (*fn)(void *arg, const struct lsp_graph_edge *e), void *arg)
{
	size_t of_kind[LSP_GRAPH_KINDS] = { 0 }, left = 0;

	for (size_t i = 0; i < g->n; i++)
		if (of_kind[g->edges[i].kind]++ < top)
			fn(arg, &g->edges[i]);
		else
			left++;
	return left;
}

struct text {
	FILE *to;
	const struct lsp_graph *g;
	int kind;
};

static void edge_text(void *arg, const struct lsp_graph_edge *e)
{
	struct text *t = arg;
	char a[LSP_WORD], b[LSP_WORD];

	if (t->kind != (int)e->kind)
		fprintf(t->to, "%s%s\n", t->kind < 0 ? "" : "\n", kinds[e->kind].title);
	t->kind = (int)e->kind;
	fprintf(t->to, "%9s %6s  ", lsp_words_ns(a, e->ns), lsp_words_share(b, e->ns, t->g->total_ns[e->kind]));
	lsp_words_name(t->to, known(e->kind == LSP_GRAPH_HOLD ? e->lock : e->who));
	if (e->kind == LSP_GRAPH_NESTED) {
		fputs(" with ", t->to);
		lsp_words_name(t->to, known(e->held));
	}
	fputs(" -> ", t->to);
	lsp_words_name(t->to, known(e->kind == LSP_GRAPH_HOLD ? e->who : e->lock));
	putc('\n', t->to);
}

void lsp_graph_text(FILE *to, const struct lsp_graph *g, size_t top)
{
	struct text t = { to, g, -1 };
	char more[2 * LSP_WORD];
	size_t left = edges_walk(g, top, edge_text, &t);

	if (!g->n)
		fputs("nobody waited for a lock\n", to);
	if (left)
		fprintf(to, "%s (--top)\n", lsp_words_counted(more, (double)left, "more edge"));
}

static void edge_json(void *arg, const struct lsp_graph_edge *e)
{
	struct json_object *o = json_object_new_object();
	bool from_lock = e->kind == LSP_GRAPH_HOLD;

	json_object_object_add(o, "kind", json_object_new_string(kinds[e->kind].name));
	json_object_object_add(o, "from", json_object_new_string(from_lock ? e->lock : e->who));
	json_object_object_add(o, "to", json_object_new_string(from_lock ? e->who : e->lock));
	if (e->kind == LSP_GRAPH_NESTED)
		json_object_object_add(o, "held", json_object_new_string(e->held));
	json_object_object_add(o, "ns", lsp_report_json_number(e->ns));
	json_object_array_add(arg, o);
}

struct json_object *lsp_graph_json(const struct lsp_graph *g, size_t top)
{
	struct json_object *o = json_object_new_object(), *edges = json_object_new_array();
	size_t left = edges_walk(g, top, edge_json, edges);

	json_object_object_add(o, "format", json_object_new_int(FORMAT));
	json_object_object_add(o, "by", json_object_new_string(g->threads ? "thread" : "site"));
	json_object_object_add(o, "edges", edges);
	json_object_object_add(o, "edges_left_out", json_object_new_int64((int64_t)left));
	return o;
}

/* A name within quotes. Sites and locks may have the same name, so a letter stands before it. */
static void dot_name(FILE *to, char letter, const char *name)
{
	fprintf(to, "\"%c:", letter);
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			putc('\\', to);
		putc((unsigned char)*name < ' ' ? '?' : *name, to);
	}
	putc('"', to);
}

static void edge_dot(void *arg, const struct lsp_graph_edge *e)
{
	static const char *const looks[LSP_GRAPH_KINDS] = { "", "", ", style=dashed" };
	struct text *t = arg;
	bool from_lock = e->kind == LSP_GRAPH_HOLD;
	char a[LSP_WORD];

	fputs("\t", t->to);
	dot_name(t->to, from_lock ? 'l' : 'w', known(from_lock ? e->lock : e->who));
	fputs(" -> ", t->to);
	dot_name(t->to, from_lock ? 'w' : 'l', known(from_lock ? e->who : e->lock));
	fprintf(t->to, " [label=\"%s\"%s];\n\t", lsp_words_ns(a, e->ns), looks[e->kind]);
	dot_name(t->to, 'l', known(e->lock));
	fputs(" [shape=box];\n", t->to);
}

void lsp_graph_dot(FILE *to, const struct lsp_graph *g, size_t top)
{
	struct text t = { to, g, -1 };

	fputs("digraph waits {\n\trankdir=LR;\n", to);
	edges_walk(g, top, edge_dot, &t);
	fputs("}\n", to);
}
