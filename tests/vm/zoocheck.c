// SPDX-License-Identifier: GPL-2.0-only
/*
 * zoocheck TRUTH SPANS: holds the waiters' and the releasers' stacks of a span
 * file against the chains of calls that a subject of tests/zoo has stated, and
 * prints "WAITS EXACT COMPLETE RELEASES EXACT COMPLETE". TRUTH has lines
 * "THREAD;leaf;...;outermost", those of releasers begin with "<"; a thread may
 * have several, THREAD "*" is any. "X*" is one or more functions that begin
 * with X, "X*?" none or more, "X*3" three. Behind the chain there may only be
 * what starts a thread. Templates' and functions' arguments do not count. The
 * first few stacks that are in no chain are printed, after "# ".
 * sources: user/capture/spanfile_read.c user/capture/spanfile_write.c
 * sources: user/capture/spanfile.pb-c.c user/capture/span.c user/resolve/symbol/plain_name.c
 * libs: -lprotobuf-c -lz
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/capture/spanfile.h"
#include "../../user/resolve/symbol/plain_name.h"

#define PRINTED_MAX 6

struct trace {
	uint32_t number;
	char **names;
	size_t n;
	char end[16];
};

/* A wait or a release. */
struct event {
	bool release;
	uint64_t stack;
	uint32_t tgid;
	char thread[LOCKSPAN_COMM_LEN + 2];	/* "<" before it for a release */
};

struct counts {
	size_t all, exact, complete;
};

struct zoo {
	char **chains;
	size_t nchains;
	struct trace *traces;
	size_t ntraces;
	struct lsp_spanfile_stack *stacks;
	size_t nstacks;
	struct event *events;
	size_t nevents;
	size_t printed;
};

/* What stands below a thread's function or main. */
static const char *const starts[] = {
	"start_thread", "clone", "clone3", "__clone", "__clone3", "_start", "_start_c",
	"__libc_start_main", "__libc_start_main@@GLIBC_2.34", "__libc_start_main_impl",
	"__libc_start_call_main", "libc_start_main_stage2", "start", "main",
};
static const char *const start_prefixes[] = {
	"libc.so.6+", "libstdc++.so.6+", "std::", "core::", "alloc::", "__rust", "execute_native_thread",
	"c-bare+", "c-headless+", "c-musl-stripped+",
};

static void *grow(void *items, size_t n, size_t size)
{
	/* room doubles at each power of two */
	if (n & (n - 1))
		return items;
	items = reallocarray(items, n ? 2 * n : 1, size);
	if (!items)
		abort();
	return items;
}

static bool begins(const char *name, const char *prefix, size_t n)
{
	return !strncmp(name, prefix, n);
}

static bool is_start(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(starts) / sizeof(*starts); i++)
		if (!strcmp(name, starts[i]))
			return true;
	for (i = 0; i < sizeof(start_prefixes) / sizeof(*start_prefixes); i++)
		if (begins(name, start_prefixes[i], strlen(start_prefixes[i])))
			return true;
	return false;
}

/* How many names from @at on the pattern of @len bytes takes; -1: it does not fit. */
static long pattern_take(const char *pattern, size_t len, char *const *at, size_t left)
{
	const char *star = memchr(pattern, '*', len);
	size_t prefix = star ? (size_t)(star - pattern) : len, n = 0;
	bool optional = star && star + 1 < pattern + len && star[1] == '?';

	if (!star)
		return left && strlen(at[0]) == len && begins(at[0], pattern, len) ? 1 : -1;
	while (n < left && begins(at[n], pattern, prefix))
		n++;
	if (star + 1 < pattern + len && isdigit((unsigned char)star[1]))
		return n >= (size_t)atoi(star + 1) ? atoi(star + 1) : -1;
	return n || optional ? (long)n : -1;
}

static bool chain_fits(const char *chain, const char *thread, const struct trace *t)
{
	size_t len = strcspn(chain, ";"), at = 0;
	bool any = *thread == '<' ? len == 2 && begins(chain, "<*", 2) : len == 1 && *chain == '*';

	if (!any && (strlen(thread) != len || !begins(chain, thread, len)))
		return false;
	for (chain += len; *chain == ';'; chain += len) {
		long taken;

		len = strcspn(++chain, ";");
		taken = pattern_take(chain, len, t->names + at, t->n - at);
		if (taken < 0)
			return false;
		at += (size_t)taken;
	}
	for (; at < t->n; at++)
		if (!is_start(t->names[at]))
			return false;
	return true;
}

static void truth_read(struct zoo *z, const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (!f) {
		perror(path);
		exit(2);
	}
	while ((n = getline(&line, &room, f)) > 0) {
		line[n - (line[n - 1] == '\n')] = '\0';
		z->chains = grow(z->chains, z->nchains, sizeof(*z->chains));
		z->chains[z->nchains++] = strdup(line);
	}
	free(line);
	fclose(f);
}

static void trace_add(struct zoo *z, const struct lsp_spanfile_trace *from)
{
	struct trace *t;
	char name[1024];
	size_t i, k;

	z->traces = grow(z->traces, z->ntraces, sizeof(*z->traces));
	t = &z->traces[z->ntraces++];
	*t = (struct trace){ .number = from->number };
	snprintf(t->end, sizeof(t->end), "%s", from->end);
	for (i = 0; i < from->nframes; i++)
		for (k = 0; k < from->frames[i].nlines; k++) {
			lsp_plain_name(from->frames[i].lines[k].function, name, sizeof(name));
			t->names = grow(t->names, t->n, sizeof(*t->names));
			t->names[t->n++] = strdup(name);
		}
}

static void event_add(struct zoo *z, bool release, uint64_t stack, uint32_t tgid, const char *comm)
{
	struct event *e;

	z->events = grow(z->events, z->nevents, sizeof(*z->events));
	e = &z->events[z->nevents++];
	*e = (struct event){ .release = release, .stack = stack, .tgid = tgid };
	snprintf(e->thread, sizeof(e->thread), "%s%.*s", release ? "<" : "", LOCKSPAN_COMM_LEN, comm);
}

static void spans_read(struct zoo *z, const char *path)
{
	struct lsp_spanfile_reader *r;
	struct lsp_spanfile_entry e;

	if (lsp_spanfile_open(path, &r)) {
		fprintf(stderr, "%s: no span file\n", path);
		exit(2);
	}
	while (lsp_spanfile_next(r, &e) == 1) {
		if (e.kind == LSP_SPANFILE_TRACE) {
			trace_add(z, &e.trace);
		} else if (e.kind == LSP_SPANFILE_STACK) {
			z->stacks = grow(z->stacks, z->nstacks, sizeof(*z->stacks));
			z->stacks[z->nstacks++] = e.stack;
		} else if (e.kind == LSP_SPANFILE_SPAN && lsp_span_is_contention(&e.span)) {
			event_add(z, false, e.span.stack, e.span.tgid, e.span.comm);
		} else if (e.kind == LSP_SPANFILE_RELEASE) {
			event_add(z, true, e.release.stack, e.release.tgid, e.release.comm);
		}
	}
	lsp_spanfile_reader_close(r);
}

static const struct trace *trace_of(const struct zoo *z, const struct event *s)
{
	static const struct trace none = { .end = "missing" };
	size_t i, k;

	for (i = z->nstacks; i-- > 0;)
		if (z->stacks[i].id == s->stack && z->stacks[i].tgid == s->tgid)
			for (k = 0; k < z->ntraces; k++)
				if (z->traces[k].number == z->stacks[i].trace)
					return &z->traces[k];
	return &none;
}

static void wrong_print(const char *thread, const struct trace *t)
{
	size_t i;

	printf("# %s (%s)", thread, t->end);
	for (i = 0; i < t->n && i < 12; i++)
		printf(";%s", t->names[i]);
	printf("%s\n", t->n > i ? ";..." : "");
}

/*
 * The C library waits for locks of its own, such as its heap's, before and after
 * the program's part of a thread: of frames that are all the library's only the
 * outermost is shown, the call that had begun the thread.
 */
static bool is_library_s(const struct trace *t)
{
	return !strcmp(t->end, "complete") && t->n == 1 && begins(t->names[0], "libc.so.6+", 10);
}

static struct counts judge(struct zoo *z, bool releases)
{
	struct counts c = { 0 };
	size_t i, k, library_s = 0;

	for (i = 0; i < z->nevents; i++) {
		const struct event *e = &z->events[i];
		const struct trace *t = trace_of(z, e);
		bool complete = !strcmp(t->end, "complete");

		if (e->release != releases)
			continue;
		for (k = 0; k < z->nchains && !chain_fits(z->chains[k], e->thread, t); k++)
			;
		if (k == z->nchains && is_library_s(t)) {
			library_s++;
			printf("# %s: the C library's own: %s\n", e->thread, t->names[0]);
			continue;
		}
		c.all++;
		c.exact += k < z->nchains;
		c.complete += complete;
		if ((k == z->nchains || !complete) && z->printed++ < PRINTED_MAX)
			wrong_print(e->thread, t);
	}
	/* They are rare: many are stacks that have lost their frames. */
	if (library_s * 100 > c.all)
		c.all += library_s;
	return c;
}

int main(int argc, char **argv)
{
	struct counts waits, releases;
	struct zoo z = { 0 };

	if (argc != 3) {
		fprintf(stderr, "Usage: zoocheck TRUTH SPANS\n");
		return 2;
	}
	truth_read(&z, argv[1]);
	spans_read(&z, argv[2]);
	waits = judge(&z, false);
	z.printed = 0;
	releases = judge(&z, true);
	printf("%zu %zu %zu %zu %zu %zu\n", waits.all, waits.exact, waits.complete,
	       releases.all, releases.exact, releases.complete);
	return 0;
}
