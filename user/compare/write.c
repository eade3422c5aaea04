// SPDX-License-Identifier: GPL-2.0-only
/* A comparison as text and as JSON. */
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>

#include "../report/words.h"
#include "compare.h"

#define FORMAT 1

static const char *const part_words[LSP_COMPARE_COUNT] = {
	[LSP_COMPARE_KERNEL_WAIT] = "the kernel's lock wait",
	[LSP_COMPARE_SCHED_DELAY] = "sched delay: released already, waiting for a processor",
	[LSP_COMPARE_SPIN] = "calls that never slept: spinning, a fast retry",
	[LSP_COMPARE_RECORDER] = "the userspace recorder's own work: copying the stack",
	[LSP_COMPARE_ENTRY] = "before the first sleep: spinning, the way in",
	[LSP_COMPARE_REWAIT] = "between the sleeps of one wait",
	[LSP_COMPARE_RETURN] = "from running again to the return of the call",
	[LSP_COMPARE_PARKING] = "goroutines parked: no thread sleeps for them",
	[LSP_COMPARE_UNEXPLAINED] = "unexplained",
};

static void total_write(FILE *to, const struct lsp_compare *c)
{
	const struct lsp_compare_row *t = &c->total;
	char a[LSP_WORD], b[2 * LSP_WORD];

	fprintf(to, "user wait     %9s  %7s  in %s%s\n", lsp_words_ns(a, t->user_wait_ns), "100.0%",
		lsp_words_counted(b, t->user_waits, "wait"), c->joined ? "" : "; sums, not single events");
	for (int i = 0; i < LSP_COMPARE_COUNT; i++)
		if (t->parts[i] > 0 || (i == LSP_COMPARE_UNEXPLAINED && t->user_wait_ns > 0))
			fprintf(to, "              %9s  %6.1f%%  %s\n", lsp_words_ns(a, t->parts[i]),
				t->user_wait_ns > 0 ? 100 * t->parts[i] / t->user_wait_ns : 0,
				part_words[i]);
	fprintf(to, "kernel only   %9s           in %s on futexes outside the userspace side's\n",
		lsp_words_ns(a, t->kernel_only_ns), lsp_words_counted(b, t->kernel_only, "wait"));
	if (c->has_blame)
		fprintf(to, "blame         %9s           by the kernel, %s by the program, %.0f%% of it on the same functions\n",
			lsp_words_ns(a, c->kernel_blame_ns), lsp_words_ns(b, c->user_blame_ns),
			100 * c->blame_agreed);
	if (!isnan(c->kernel_handoff_ns))
		fprintf(to, "handoff       %9s           by the kernel's ledger, %s by the program's: the lock in transit\n",
			lsp_words_ns(a, c->kernel_handoff_ns), lsp_words_ns(b, c->user_handoff_ns));
	fprintf(to, "coverage         %5.1f%%           of the user wait that the kernel saw asleep\n",
		lsp_compare_coverage(t));
	if (!isnan(c->rank))
		fprintf(to, "rank agreement   %+5.2f            of the first %zu sites (Kendall's tau)\n",
			c->rank, c->ranked);
	if (c->noise_ns > 0)
		fprintf(to, "sampling noise  +-%s at 95%%\n", lsp_words_ns(a, c->noise_ns));
	if (c->kernel_partial)
		fputs("the kernel's side is partial or sampled\n", to);
	if (c->user_partial)
		fputs("the userspace side is partial or sampled\n", to);
}

/* The side whose blame to go by. */
static const char *trust_word(const struct lsp_compare_blame *b)
{
	static const char *const words[] = {
		[LSP_COMPARE_EITHER] = "either", [LSP_COMPARE_TRUST_KERNEL] = "kernel",
		[LSP_COMPARE_TRUST_USER] = "user",
	};

	return words[lsp_compare_blame_trust(b->kernel_ns, b->user_ns)];
}

static void blame_write(FILE *to, const struct lsp_compare *c, size_t top)
{
	char a[LSP_WORD], b[LSP_WORD];

	if (!c->has_blame || !c->nblame)
		return;
	fputs("\nblame by\n  kernel       user  trust   site that released  lock\n", to);
	for (size_t i = 0; i < c->nblame && i < top; i++) {
		fprintf(to, "%8s  %9s  %-6s  ", lsp_words_ns(a, c->blame[i].kernel_ns),
			lsp_words_ns(b, c->blame[i].user_ns), trust_word(&c->blame[i]));
		lsp_words_name(to, *c->blame[i].site ? c->blame[i].site : "?");
		fputs("  ", to);
		lsp_words_name(to, c->blame[i].lock);
		putc('\n', to);
	}
	if (c->nblame > top)
		fprintf(to, "%zu more\n", c->nblame - top);
}

void lsp_compare_text(FILE *to, const struct lsp_compare *c, size_t top)
{
	char *verdict = lsp_compare_verdict(c);

	total_write(to, c);
	fputs("\nuser wait  kernel wait      late      spin  in+again+out  recorder  unexpl.  kernel only  site  lock\n",
	      to);
	for (size_t i = 0; i < c->n && i < top; i++) {
		const struct lsp_compare_row *r = &c->rows[i];
		const double *p = r->parts;
		char w[8][LSP_WORD];

		fprintf(to, "%9s  %11s %9s %9s  %12s %9s %8s  %11s  ",
			lsp_words_ns(w[0], r->user_wait_ns),
			lsp_words_ns(w[1], p[LSP_COMPARE_KERNEL_WAIT]),
			lsp_words_ns(w[2], p[LSP_COMPARE_SCHED_DELAY]),
			lsp_words_ns(w[3], p[LSP_COMPARE_SPIN]),
			lsp_words_ns(w[4], p[LSP_COMPARE_ENTRY] + p[LSP_COMPARE_REWAIT] + p[LSP_COMPARE_RETURN]),
			lsp_words_ns(w[5], p[LSP_COMPARE_RECORDER]),
			lsp_words_ns(w[6], p[LSP_COMPARE_UNEXPLAINED]),
			lsp_words_ns(w[7], r->kernel_only_ns));
		lsp_words_name(to, *r->site ? r->site : "?");
		fputs("  ", to);
		lsp_words_name(to, r->lock);
		putc('\n', to);
	}
	if (c->n > top)
		fprintf(to, "%zu more\n", c->n - top);
	blame_write(to, c, top);
	fprintf(to, "\n%s\n", verdict ? verdict : "");
	free(verdict);
}

static void number(struct json_object *o, const char *key, double value)
{
	json_object_object_add(o, key, isnan(value) ? NULL :
			       json_object_new_int64((int64_t)(value + 0.5)));
}

static void ratio(struct json_object *o, const char *key, double value)
{
	json_object_object_add(o, key, isnan(value) ? NULL : json_object_new_double(value));
}

static void row_add(struct json_object *o, const struct lsp_compare_row *r)
{
	number(o, "user_wait_ns", r->user_wait_ns);
	number(o, "user_waits", r->user_waits);
	number(o, "kernel_spans", r->kernel_spans);
	for (int i = 0; i < LSP_COMPARE_COUNT; i++)
		number(o, lsp_compare_part_key((enum lsp_compare_part)i), r->parts[i]);
	number(o, "kernel_only_ns", r->kernel_only_ns);
	number(o, "kernel_only_spans", r->kernel_only);
	ratio(o, "coverage_percent", lsp_compare_coverage(r));
	ratio(o, "unexplained_percent", lsp_compare_unexplained(r));
}

struct json_object *lsp_compare_json(const struct lsp_compare *c, size_t top)
{
	struct json_object *o = json_object_new_object(), *rows = json_object_new_array();
	char *verdict = lsp_compare_verdict(c);

	number(o, "format", FORMAT);
	json_object_object_add(o, "joined", json_object_new_boolean(c->joined));
	json_object_object_add(o, "go", json_object_new_boolean(c->go));
	json_object_object_add(o, "kernel_partial", json_object_new_boolean(c->kernel_partial));
	json_object_object_add(o, "user_partial", json_object_new_boolean(c->user_partial));
	row_add(o, &c->total);
	number(o, "kernel_handoff_ns", c->kernel_handoff_ns);
	number(o, "user_handoff_ns", c->user_handoff_ns);
	number(o, "kernel_blame_ns", c->has_blame ? c->kernel_blame_ns : NAN);
	number(o, "user_blame_ns", c->has_blame ? c->user_blame_ns : NAN);
	ratio(o, "blame_agreement", c->has_blame ? c->blame_agreed : NAN);
	ratio(o, "rank_agreement", c->rank);
	number(o, "sampling_noise_ns", c->noise_ns);
	for (size_t i = 0; i < c->n && i < top; i++) {
		struct json_object *row = json_object_new_object();

		json_object_object_add(row, "site", json_object_new_string(c->rows[i].site));
		json_object_object_add(row, "lock", json_object_new_string(c->rows[i].lock));
		row_add(row, &c->rows[i]);
		json_object_array_add(rows, row);
	}
	json_object_object_add(o, "rows", rows);
	rows = json_object_new_array();
	for (size_t i = 0; i < c->nblame && i < top; i++) {
		struct json_object *row = json_object_new_object();

		json_object_object_add(row, "site", json_object_new_string(c->blame[i].site));
		json_object_object_add(row, "lock", json_object_new_string(c->blame[i].lock));
		json_object_object_add(row, "trust", json_object_new_string(trust_word(&c->blame[i])));
		number(row, "kernel_ns", c->blame[i].kernel_ns);
		number(row, "user_ns", c->blame[i].user_ns);
		json_object_array_add(rows, row);
	}
	json_object_object_add(o, "blame", rows);
	json_object_object_add(o, "verdict", json_object_new_string(verdict ? verdict : ""));
	free(verdict);
	return o;
}
