/* SPDX-License-Identifier: GPL-2.0-only */
/* Why the holds of a row were long: what its holders did, from the label "why" of a mutex profile. */
#ifndef LSP_REPORT_WHY_WHY_H
#define LSP_REPORT_WHY_WHY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct json_object;

struct lsp_cause {
	const char *text;	/* as the label says it; belongs to the profile */
	double ns;
};

/* All zero is empty. */
struct lsp_causes {
	struct lsp_cause *causes;
	size_t n;
	size_t room;
};

/* What kind a cause is, as far as it makes a shape. */
enum lsp_cause_kind {
	LSP_CAUSE_NO_CPU,	/* no processor */
	LSP_CAUSE_IO,		/* asleep in a system call that reads, writes or waits for a disk */
	LSP_CAUSE_LOCK,		/* waiting for another lock */
	LSP_CAUSE_FAULT,	/* asleep in a page fault */
	LSP_CAUSE_OTHER,
};
enum lsp_cause_kind lsp_cause_kind(const char *text);

/* Writes a cause as it stands behind a share. @name writes a lock's name. */
void lsp_cause_write(FILE *to, const char *text, void (*name)(FILE *to, const char *text));

/* @text must live as long as @c. 0 or -ENOMEM. */
int lsp_causes_add(struct lsp_causes *c, const char *text, double ns);
void lsp_causes_uninit(struct lsp_causes *c);

/* The cause's share of all, from 0 to 1. */
double lsp_causes_share(const struct lsp_causes *c, const char *text);

/* As report --json has it; @number makes a value. NULL: nobody knows. */
struct json_object *lsp_causes_json(const struct lsp_causes *c, struct json_object *(*number)(double value));

/*
 * What stands behind "held long because": the causes that have at least @least of all, the largest
 * first. Writes nothing and returns false if nobody knows. @name writes a lock's name.
 */
bool lsp_causes_text(FILE *to, const struct lsp_causes *c, double least, void (*name)(FILE *to, const char *text));

#endif
