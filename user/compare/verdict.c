// SPDX-License-Identifier: GPL-2.0-only
/* Which side to trust for this program, in words. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "../report/words.h"
#include "compare.h"

static void add(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(FILE *to, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vfprintf(to, format, list);
	va_end(list);
}

static double share(const struct lsp_compare *c, enum lsp_compare_part part)
{
	return c->total.user_wait_ns > 0 ? 100 * c->total.parts[part] / c->total.user_wait_ns : 0;
}

/* Shares of the blame that lie on the same functions: fewer are a difference. */
#define BLAME_AGREED 0.8
/* A difference of one row is spoken of if it is this share of all blame. */
#define BLAME_SPOKEN_OF 0.1

static enum lsp_compare_trust blame_trust(const struct lsp_compare *c)
{
	return lsp_compare_blame_trust(c->kernel_blame_ns, c->user_blame_ns);
}

static bool blame_differs(const struct lsp_compare *c)
{
	/* A sum beside none is told where it is worth a word. */
	return c->has_blame &&
	       lsp_compare_blame_trust(fmax(c->kernel_blame_ns, c->user_blame_ns), 0) != LSP_COMPARE_EITHER &&
	       (blame_trust(c) != LSP_COMPARE_EITHER || c->blame_agreed < BLAME_AGREED);
}

/* The side that charges less of the same waiting has not seen who held the lock. */
static void blame_add(FILE *to, const struct lsp_compare *c)
{
	char a[LSP_WORD], b[LSP_WORD];

	add(to, "The two sides agree on how long was waited, and not on who is to blame: the kernel charges %s, "
	    "the userspace side %s", lsp_words_ns(a, c->kernel_blame_ns), lsp_words_ns(b, c->user_blame_ns));
	if (c->kernel_blame_ns > 0 && c->user_blame_ns > 0)
		add(to, ", and %.0f%% of it to the same functions", 100 * c->blame_agreed);
	switch (blame_trust(c)) {
	case LSP_COMPARE_EITHER:
		add(to, ". Trust the kernel for blame: it sees which release woke whom.");
		break;
	case LSP_COMPARE_TRUST_KERNEL:
		add(to, ". Trust the kernel for blame: the userspace side takes its own work at a release, and "
		    "locks that processes share, for nobody's.");
		break;
	case LSP_COMPARE_TRUST_USER:
		add(to, ". Trust the userspace side for blame: the kernel charges only locks that it knows to be "
		    "such, and only holds that put somebody to sleep.");
	}
}

/* The row whose blame is to be spoken of: the sums may agree though rows do not. NULL: none. */
static const struct lsp_compare_blame *difference(const struct lsp_compare *c)
{
	const struct lsp_compare_blame *b = c->has_blame && c->joined ? lsp_compare_blame_most(c) : NULL;

	return b && fabs(b->kernel_ns - b->user_ns) >=
		    BLAME_SPOKEN_OF * fmax(c->kernel_blame_ns, c->user_blame_ns) ? b : NULL;
}

static void difference_add(FILE *to, const struct lsp_compare *c)
{
	const struct lsp_compare_blame *b = difference(c);
	char kernel[LSP_WORD], user[LSP_WORD];

	if (!b)
		return;
	add(to, " Blame differs most for releases of ");
	lsp_words_name(to, *b->lock ? b->lock : "?");
	add(to, " in ");
	lsp_words_name(to, *b->site ? b->site : "?");
	add(to, ": the kernel charges %s, the userspace side %s; trust the %s there.",
	    lsp_words_ns(kernel, b->kernel_ns), lsp_words_ns(user, b->user_ns),
	    lsp_compare_blame_trust(b->kernel_ns, b->user_ns) == LSP_COMPARE_TRUST_KERNEL ? "kernel" :
	    "userspace side");
}

static void choice_add(FILE *to, const struct lsp_compare *c)
{
	const struct lsp_compare_row *t = &c->total;

	if (t->user_wait_ns <= 0 && t->kernel_only_ns <= 0) {
		add(to, "Neither side saw anybody wait.");
	} else if (c->user_empty) {
		add(to, "Trust the kernel: the userspace side saw no wait at all, so this program waits "
		    "by other means than the C library's locks (statically linked, or with locks of "
		    "its own).");
	} else if (c->go) {
		add(to, "Trust the program's own profile for which goroutine waited for which lock, and the "
		    "kernel for what threads and processors did: most of a goroutine's wait is spent "
		    "parked, and the kernel sees only the threads that run goroutines.");
	} else if (c->kernel_partial && !c->user_partial) {
		add(to, "Trust the userspace side: the kernel's record is partial.");
	} else if (t->kernel_only_ns > 0.2 * t->user_wait_ns) {
		add(to, "Trust the kernel: it saw waiting, worth %.0f%% of what the userspace side has, "
		    "on futexes that lie outside the locks of the C library.",
		    100 * t->kernel_only_ns / t->user_wait_ns);
	} else if (share(c, LSP_COMPARE_SPIN) > 20) {
		add(to, "Trust the userspace side: %.0f%% of the waiting was spent without sleeping, by "
		    "spinning or by trying again, of which the kernel knows nothing.",
		    share(c, LSP_COMPARE_SPIN));
	} else if (share(c, LSP_COMPARE_SCHED_DELAY) > 20) {
		add(to, "Trust the kernel for blame: %.0f%% of the waiting came after the lock had been "
		    "released, when the waiter was late to run. The userspace side counts it as the "
		    "lock's; more processors, not a better lock, would help.",
		    share(c, LSP_COMPARE_SCHED_DELAY));
	} else if (c->joined && lsp_compare_coverage(t) < 80) {
		add(to, "Trust the userspace side for how long the calls took, and the kernel for who was to "
		    "blame: %.0f%% of the waiting passed around the sleeps, on the way in and out or "
		    "without a processor.", 100 - lsp_compare_coverage(t));
	} else if (c->joined && blame_differs(c)) {
		blame_add(to, c);
	} else if (c->joined) {
		add(to, "Either side will do%s: the kernel saw the program asleep in %.1f%% of the waiting "
		    "that the program saw.", difference(c) ? " for the waiting" : "", lsp_compare_coverage(t));
	} else {
		add(to, "The sums are set side by side, and not the events: record both sides of one run "
		    "(record --with-user) to have the difference explained.");
	}
}

char *lsp_compare_verdict(const struct lsp_compare *c)
{
	char *text = NULL;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	if (!to)
		return NULL;
	choice_add(to, c);
	difference_add(to, c);
	if (c->total.user_wait_ns > 0 && lsp_compare_unexplained(&c->total) >= 5)
		add(to, " %.1f%% of the waiting is not explained: take the difference with care.",
		    lsp_compare_unexplained(&c->total));
	if (c->noise_ns > 0)
		add(to, " One of the sides was sampled.");
	if (!isnan(c->rank) && c->rank < 0.5 && c->ranked > 2)
		add(to, " The two sides do not agree on which sites are the worst.");
	fclose(to);
	return text;
}
