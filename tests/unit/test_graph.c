// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: tests/unit/fixture_report.c user/report/ user/report/why/ user/report/roots/ user/report/graph/ user/profile/
 * sources: user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c
 * libs: -lz -lprotobuf-c -ljson-c -lm
 *
 * Who waits for whom, who is at the root, and deadlocks. Would catch: an edge that leads the wrong way or has another time;
 * a queue among the locks; roots of one recording taken for those of two; a reason why there are none that is not told;
 * a name that ends a quoted one; a deadlock that is not shown, or without its threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/report/graph/graph.h"
#include "../../user/report/roots/deadlocks.h"
#include "../../user/report/roots/roots.h"
#include "fixture_report.h"

static const char rooted[] =
	"{\"format\":1,\"roots\":["
	"{\"site\":\"flush\",\"lock\":\"log_mu\",\"root_ns\":900,\"stack\":[\"pthread_mutex_unlock\",\"flush\",\"main\"]},"
	"{\"site\":\"[handoff]\",\"lock\":\"log_mu\",\"root_ns\":100}],"
	"\"deadlocks\":[{\"threads\":["
	"{\"tid\":11,\"pid\":10,\"comm\":\"left\",\"lock\":\"b_mu\",\"site\":\"a_then_b\"},"
	"{\"tid\":12,\"pid\":10,\"comm\":\"right\",\"lock\":\"a_mu\",\"site\":\"b_then_a\"}]}]}";

static void recording_make(struct lsp_recording *r)
{
	memset(r, 0, sizeof(*r));
	fixture_events_add(r, &(struct fixture_events){
		.function = "update", .lock = "g_mu", .role = "lock", .count = 4, .ns = 1000 });
	fixture_events_add(r, &(struct fixture_events){
		.release = true, .function = "update", .lock = "g_mu", .role = "lock", .why = "lock log_mu", .count = 4, .ns = 800 });
	fixture_events_add(r, &(struct fixture_events){
		.release = true, .function = "update", .lock = "g_mu", .role = "lock", .why = "running", .count = 0, .ns = 150 });
	fixture_events_add(r, &(struct fixture_events){
		.function = "take", .leaf = "pthread_cond_wait", .lock = "queue\"", .sync = "cond", .count = 1, .ns = 50000 });
	fixture_given_up_add(r, "g_mu", 1, 50);
}

static const struct lsp_graph_edge *edge(const struct lsp_graph *g, enum lsp_graph_kind kind, const char *who, const char *lock)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->edges[i].kind == kind && !strcmp(g->edges[i].who, who) && !strcmp(g->edges[i].lock, lock))
			return &g->edges[i];
	return NULL;
}

static void edges_are_what_flows(void **state)
{
	struct lsp_recording r;
	struct lsp_graph g;
	char *text = NULL;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	(void)state;
	recording_make(&r);
	assert_int_equal(lsp_graph_create(&r, false, &g), 0);
	assert_int_equal(g.n, 4);
	assert_true(edge(&g, LSP_GRAPH_WAIT, "update", "g_mu")->ns == 1000);
	assert_true(edge(&g, LSP_GRAPH_HOLD, "update", "g_mu")->ns == 950);
	assert_true(edge(&g, LSP_GRAPH_HOLD, "[given up]", "g_mu")->ns == 50);
	assert_true(edge(&g, LSP_GRAPH_NESTED, "update", "log_mu")->ns == 800);
	assert_string_equal(edge(&g, LSP_GRAPH_NESTED, "update", "log_mu")->held, "g_mu");
	lsp_graph_text(to, &g, 1);
	lsp_graph_dot(to, &g, SIZE_MAX);
	fclose(to);
	fixture_has(text, "update with g_mu -> log_mu\n");
	fixture_has(text, "1 more edge (--top)\n");
	fixture_has(text, "\t\"w:update\" -> \"l:g_mu\" [label=\"1.00us\"];\n");
	fixture_has(text, "\t\"l:g_mu\" -> \"w:update\" [label=\"950ns\"];\n");
	fixture_has(text, "style=dashed");
	free(text);
	lsp_graph_destroy(&g);
	assert_int_equal(lsp_graph_create(&r, true, &g), 0);
	assert_non_null(edge(&g, LSP_GRAPH_WAIT, "prog", "g_mu"));
	lsp_graph_destroy(&g);
	lsp_recording_uninit(&r);
}

static void roots_are_added_up(void **state)
{
	struct lsp_recording r;
	struct lsp_root_rows roots;

	(void)state;
	recording_make(&r);
	assert_int_equal(lsp_root_rows_create(&r, &roots), 0);
	assert_non_null(roots.missing);
	fixture_record_add(&r, rooted);
	fixture_record_add(&r, rooted);
	assert_int_equal(lsp_root_rows_create(&r, &roots), 0);
	assert_null(roots.missing);
	assert_int_equal(roots.n, 2);
	assert_string_equal(roots.rows[0].site, "flush");
	assert_string_equal(roots.rows[0].lock, "log_mu");
	assert_true(roots.rows[0].ns == 1800 && roots.all_ns == 2000);
	lsp_root_rows_destroy(&roots);
	/* Of one of them they are not known, so their sum is not. */
	fixture_record_add(&r, "{\"format\":1,\"roots\":[],\"roots_missing\":\"a rate left events out\"}");
	assert_int_equal(lsp_root_rows_create(&r, &roots), 0);
	assert_string_equal(roots.missing, "a rate left events out");
	assert_int_equal(roots.n, 0);
	lsp_recording_uninit(&r);
}

static void deadlocks_are_shown(void **state)
{
	struct lsp_recording r;
	struct json_object *list;
	char *text = NULL;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	(void)state;
	recording_make(&r);
	list = lsp_deadlock_rows_json(&r);
	assert_int_equal(json_object_array_length(list), 0);
	json_object_put(list);
	fixture_record_add(&r, rooted);
	list = lsp_deadlock_rows_json(&r);
	assert_int_equal(json_object_array_length(list), 1);
	json_object_put(list);
	lsp_deadlock_rows_text(to, &r);
	fclose(to);
	fixture_has(text, "left (thread 11) waits for b_mu in a_then_b, which right (thread 12) has\n");
	fixture_has(text, "right (thread 12) waits for a_mu in b_then_a, which left (thread 11) has\n");
	free(text);
	lsp_recording_uninit(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges_are_what_flows), cmocka_unit_test(roots_are_added_up), cmocka_unit_test(deadlocks_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
