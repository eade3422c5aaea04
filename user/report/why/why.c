// SPDX-License-Identifier: GPL-2.0-only
#include "why.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/index.h"

/* Causes with a field of their own in JSON, and words of their own. All others are sleep. */
static const struct {
	const char *text;
	const char *field;
	const char *words;
} states[] = {
	{ "running", "running_ns", "running" },
	{ "runnable", "runnable_ns", "waiting for a processor" },
	{ "others", "others_ns", "before it had the lock" },
	{ "unknown", "unknown_ns", "unknown" },
};
#define STATES (sizeof(states) / sizeof(states[0]))

/* What a cause begins with that is a wait for a lock; its name follows. */
static const char lock_prefix[] = "lock ";

int lsp_causes_add(struct lsp_causes *c, const char *text, double ns)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!strcmp(c->causes[i].text, text)) {
			c->causes[i].ns += ns;
			return 0;
		}
	}
	if (lsp_array_grow(&c->causes, &c->room, c->n, sizeof(*c->causes)))
		return -ENOMEM;
	c->causes[c->n++] = (struct lsp_cause){ .text = text, .ns = ns };
	return 0;
}

void lsp_causes_uninit(struct lsp_causes *c)
{
	free(c->causes);
	memset(c, 0, sizeof(*c));
}

double lsp_causes_share(const struct lsp_causes *c, const char *text)
{
	double all = 0, part = 0;

	for (size_t i = 0; i < c->n; i++) {
		all += c->causes[i].ns;
		if (!strcmp(c->causes[i].text, text))
			part = c->causes[i].ns;
	}
	return all > 0 ? part / all : 0;
}

static size_t state_of(const char *text)
{
	size_t i;

	for (i = 0; i < STATES; i++)
		if (!strcmp(text, states[i].text))
			break;
	return i;
}

static const char *lock_of(const char *text)
{
	size_t n = sizeof(lock_prefix) - 1;

	return strncmp(text, lock_prefix, n) ? NULL : text + n;
}

static const char *const io_calls[] = {
	"read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev", "pwritev2", "fsync",
	"fdatasync", "sync", "syncfs", "sync_file_range", "msync", "open", "openat", "openat2", "creat", "close", "stat",
	"newfstatat", "statx", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat",
	"rmdir", "truncate", "ftruncate", "fallocate", "getdents64", "sendfile", "splice", "copy_file_range", "connect",
	"accept", "accept4", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "io_getevents",
	"io_uring_enter", "ioctl",
};

enum lsp_cause_kind lsp_cause_kind(const char *text)
{
	if (!strcmp(text, "runnable"))
		return LSP_CAUSE_NO_CPU;
	if (!strcmp(text, "page_fault"))
		return LSP_CAUSE_FAULT;
	if (lock_of(text))
		return LSP_CAUSE_LOCK;
	for (size_t i = 0; i < sizeof(io_calls) / sizeof(io_calls[0]); i++)
		if (!strcmp(text, io_calls[i]))
			return LSP_CAUSE_IO;
	return LSP_CAUSE_OTHER;
}

/* The largest first. */
static int by_ns(const void *a, const void *b)
{
	const struct lsp_cause *const *x = a, *const *y = b;

	if ((*x)->ns != (*y)->ns)
		return (*x)->ns < (*y)->ns ? 1 : -1;
	return strcmp((*x)->text, (*y)->text);
}

static const struct lsp_cause **causes_sorted(const struct lsp_causes *c)
{
	const struct lsp_cause **sorted = malloc((c->n + 1) * sizeof(struct lsp_cause *));

	for (size_t i = 0; sorted && i < c->n; i++)
		sorted[i] = &c->causes[i];
	if (sorted)
		qsort(sorted, c->n, sizeof(struct lsp_cause *), by_ns);
	return sorted;
}

static void asleep_add(struct json_object *list, const char *key, const char *value, struct json_object *ns)
{
	struct json_object *one = json_object_new_object();

	json_object_object_add(one, key, json_object_new_string(value));
	json_object_object_add(one, "ns", ns);
	json_object_array_add(list, one);
}

struct json_object *lsp_causes_json(const struct lsp_causes *c, struct json_object *(*number)(double value))
{
	struct json_object *o, *blocked, *locks;
	const struct lsp_cause **sorted = c->n ? causes_sorted(c) : NULL;
	double state_ns[STATES] = { 0 };

	if (!sorted)
		return NULL;
	o = json_object_new_object();
	blocked = json_object_new_array();
	locks = json_object_new_array();
	for (size_t i = 0; i < c->n; i++) {
		const char *text = sorted[i]->text, *lock = lock_of(text);
		size_t state = state_of(text);

		if (state < STATES)
			state_ns[state] += sorted[i]->ns;
		else if (lock)
			asleep_add(locks, "lock", lock, number(sorted[i]->ns));
		else
			asleep_add(blocked, "cause", text, number(sorted[i]->ns));
	}
	for (size_t i = 0; i < STATES; i++)
		json_object_object_add(o, states[i].field, number(state_ns[i]));
	json_object_object_add(o, "blocked", blocked);
	json_object_object_add(o, "locks", locks);
	free(sorted);
	return o;
}

void lsp_cause_write(FILE *to, const char *text, void (*name)(FILE *to, const char *text))
{
	const char *lock = lock_of(text);
	size_t state = state_of(text);

	if (state < STATES) {
		fputs(states[state].words, to);
	} else if (lock) {
		fputs("waiting for ", to);
		name(to, lock);
	} else if (!strcmp(text, "page_fault")) {
		fputs("asleep in a page fault", to);
	} else {
		fputs("asleep in ", to);
		name(to, text);
	}
}

bool lsp_causes_text(FILE *to, const struct lsp_causes *c, double least, void (*name)(FILE *to, const char *text))
{
	const struct lsp_cause **sorted = c->n ? causes_sorted(c) : NULL;
	double all = 0;
	bool any = false;

	for (size_t i = 0; i < c->n; i++)
		all += c->causes[i].ns;
	for (size_t i = 0; sorted && all > 0 && i < c->n && sorted[i]->ns >= least * all; i++) {
		fprintf(to, "%s%.1f%% ", any ? ", " : "", 100 * sorted[i]->ns / all);
		lsp_cause_write(to, sorted[i]->text, name);
		any = true;
	}
	free(sorted);
	return any;
}
