// SPDX-License-Identifier: GPL-2.0-only
#include "site.h"

#include <json-c/json.h>
#include <string.h>

/* Beginnings of names of library code between the program and the primitive. */
static const char *const wrappers[] = {
	"std::", "__gnu_cxx::", "__gthread_", "boost::", "absl::", "folly::", "tbb::",
	"pthread_mutex_", "pthread_rwlock_", "pthread_cond_", "pthread_barrier_", "pthread_spin_",
	"__pthread_", "___pthread_", "g_mutex_", "g_cond_", "g_rw_lock_", "g_rec_mutex_", "QMutex",
	"QReadWriteLock", "<std::", "<core::", "parking_lot", "lock_api::", "<lock_api::",
	"sync.(*", "internal/", "runtime.", "sync/",
};

/* Whole names: programs have functions of their own that begin like these. */
static const char *const primitives[] = {
	"pthread_create", "pthread_join", "pthread_timedjoin_np", "pthread_clockjoin_np",
	"pthread_exit", "pthread_once", "sem_wait", "sem_timedwait", "sem_clockwait", "sem_post",
	"mtx_lock", "mtx_timedlock", "mtx_trylock", "mtx_unlock", "cnd_wait", "cnd_timedwait",
	"cnd_signal", "cnd_broadcast", "thrd_join",
};

/* Rust's own crates, and what a C++ program may call its namespaces. */
static bool is_rust_library(const char *function, const char *file)
{
	if (strncmp(function, "core::", 6) && strncmp(function, "alloc::", 7))
		return false;
	return !*file || strstr(file, "/library/") || strstr(file, "/rustc");
}

static bool is_wrapper(const char *function, const char *file)
{
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++)
		if (!strncmp(function, wrappers[i], strlen(wrappers[i])))
			return true;
	for (size_t i = 0; i < sizeof(primitives) / sizeof(primitives[0]); i++)
		if (!strcmp(function, primitives[i]))
			return true;
	/* A root such as [truncated] stands for no code either. */
	return is_rust_library(function, file) || function[0] == '[';
}

static void line_take(const struct lsp_profile_line *line, struct lsp_site *ret)
{
	ret->function = line->function;
	ret->file = line->file;
	ret->line = line->line;
}

void lsp_site_find(const struct lsp_profile *p, const struct lsp_profile_sample *s,
		   struct lsp_site *ret)
{
	struct lsp_profile_location location;
	bool leaf = true;

	*ret = (struct lsp_site){ "", "", 0 };
	for (size_t i = 0; i < s->nlocations; i++) {
		if (!lsp_profile_location(p, s->locations[i], &location))
			continue;
		for (size_t k = 0; k < location.nlines; k++) {
			if (leaf)
				line_take(&location.lines[k], ret);
			else if (!is_wrapper(location.lines[k].function, location.lines[k].file)) {
				line_take(&location.lines[k], ret);
				return;
			}
			leaf = false;
		}
	}
}

const char *lsp_site_of_names(struct json_object *names)
{
	size_t n = names ? json_object_array_length(names) : 0;
	const char *leaf = "";

	for (size_t i = 0; i < n; i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(names, i));

		if (!name)
			continue;
		if (!i)
			leaf = name;
		else if (!is_wrapper(name, ""))
			return name;
	}
	return leaf;
}
