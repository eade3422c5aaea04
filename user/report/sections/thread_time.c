// SPDX-License-Identifier: GPL-2.0-only
#include "thread_time.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "../json.h"

/* What is told of: at least this share. */
#define TOLD 0.01
/* Threads wait elsewhere if one system call has this share of their time, and this many times that of futexes. */
#define ELSEWHERE 0.2
#define ELSEWHERE_TIMES 4

static const char *const uses[] = {
	[LSP_USE_LOCK] = "locks", [LSP_USE_UNKNOWN] = "too few releases to tell", [LSP_USE_HANDOVER] = "hand-overs and queues",
	[LSP_USE_END] = "joins and barriers",
};
#define USES (sizeof(uses) / sizeof(uses[0]))

/*
 * System calls in which a thread waits for what another thread or program does. In others, such as clock_nanosleep
 * and fsync, it waits for no thread.
 */
static const char *const waits[] = {
	"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6", "semop", "semtimedop", "flock",
	"fcntl", "read", "readv", "recvfrom", "recvmsg", "msgrcv", "io_uring_enter", "rt_sigtimedwait", "rt_sigsuspend",
	"pause", "accept", "accept4",
};

static double whole(const struct lsp_causes *c)
{
	double ns = 0;

	for (size_t i = 0; i < c->n; i++)
		ns += c->causes[i].ns;
	return ns;
}

static void uses_sum(const struct lsp_sections *s, double *ns)
{
	for (size_t i = 0; i < s->locks.n; i++)
		if ((size_t)s->locks.rows[i].use < USES)
			ns[s->locks.rows[i].use] += s->locks.rows[i].v[LSP_V_WAITED];
}

/* Waits that have not ended are in the time, and in no use. */
static void futexes_write(FILE *to, const struct lsp_causes *c, const struct lsp_sections *s)
{
	double ns[USES] = { 0 }, all = whole(c);
	bool any = false;

	uses_sum(s, ns);
	for (size_t i = 0; i < USES; i++) {
		if (ns[i] < TOLD / 10 * all)
			continue;
		fprintf(to, "%s%.1f%% %s", any ? ", " : "; futexes: ", 100 * ns[i] / all, uses[i]);
		any = true;
	}
}

static void elsewhere_write(FILE *to, const struct lsp_causes *c)
{
	double futexes = lsp_causes_share(c, "futex"), most = 0, share;
	const char *where = NULL;

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		share = lsp_causes_share(c, waits[i]);
		if (share > most) {
			most = share;
			where = waits[i];
		}
	}
	if (where && most >= ELSEWHERE && most >= ELSEWHERE_TIMES * futexes)
		fprintf(to, "note         the threads wait in %s for %.1f%% of their time, and for futexes for %.1f%%: "
			"what they wait for there is not in this report\n", where, 100 * most, 100 * futexes);
}

int lsp_thread_time_text(FILE *to, const struct lsp_recording *r, const struct lsp_sections *s)
{
	struct lsp_causes c;
	char a[LSP_WORD];
	int err = lsp_facts_thread_time(&r->facts, &c);

	if (!err && c.n) {
		fprintf(to, "%-13s%10s %7s  ", "thread time", lsp_words_ns(a, whole(&c)), "");
		lsp_causes_text(to, &c, TOLD, lsp_words_name);
		futexes_write(to, &c, s);
		putc('\n', to);
		elsewhere_write(to, &c);
	}
	lsp_causes_uninit(&c);
	return err;
}

struct json_object *lsp_thread_time_json(const struct lsp_recording *r, const struct lsp_sections *s)
{
	static const char *const names[USES] = {
		[LSP_USE_LOCK] = "locks_ns", [LSP_USE_UNKNOWN] = "unknown_ns", [LSP_USE_HANDOVER] = "handovers_ns",
		[LSP_USE_END] = "ends_ns",
	};
	struct json_object *o = NULL, *list, *one;
	double ns[USES] = { 0 };
	struct lsp_causes c;

	if (lsp_facts_thread_time(&r->facts, &c) || !c.n)
		return NULL;
	o = json_object_new_object();
	list = json_object_new_array();
	for (size_t i = 0; i < c.n; i++) {
		one = json_object_new_object();
		json_object_object_add(one, "what", json_object_new_string(c.causes[i].text));
		json_object_object_add(one, "ns", lsp_report_json_number(c.causes[i].ns));
		json_object_array_add(list, one);
	}
	json_object_object_add(o, "all_ns", lsp_report_json_number(whole(&c)));
	json_object_object_add(o, "parts", list);
	one = json_object_new_object();
	uses_sum(s, ns);
	for (size_t i = 0; i < USES; i++)
		json_object_object_add(one, names[i], lsp_report_json_number(ns[i]));
	json_object_object_add(o, "waited", one);
	lsp_causes_uninit(&c);
	return o;
}
