// SPDX-License-Identifier: GPL-2.0-only
#include "real.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct lsp_real lsp_real;

/*
 * The condition variables come in two versions, of which the older, which a
 * search without version may give, has another layout.
 */
static void *find(const char *name)
{
	void *found = NULL;

	/* A search that fails would allocate, and an allocator's own lock may be what led here. */
	if (!strncmp(name, "pthread_cond_", 13) && strcmp(name, "pthread_cond_clockwait"))
		found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
	/* The older one runs a text file by the shell, which the newer leaves to posix_spawnp(). */
	if (!strncmp(name, "posix_spawn", 11))
		found = dlvsym(RTLD_NEXT, name, "GLIBC_2.15");
	return found ? found : dlsym(RTLD_NEXT, name);
}

void lsp_real_resolve(void)
{
	static const char *const names[] = {
#define NAME(name, type, arguments) #name,
		LSP_REALS(NAME)
#undef NAME
	};
	static const size_t places[] = {
#define PLACE(name, type, arguments) offsetof(struct lsp_real, name),
		LSP_REALS(PLACE)
#undef PLACE
	};

	static __thread bool resolving __attribute__((tls_model("initial-exec")));

	/* The mutexes, of which an allocator has need, are the first to be there. */
	if (resolving)
		return;
	resolving = true;
	/*
	 * Several threads may do it at once, with the same result; the last one
	 * (dlmopen, which is everywhere) tells that the others are there.
	 */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		void *found = find(names[i]);

		__atomic_store_n((void **)((char *)&lsp_real + places[i]), found, __ATOMIC_RELEASE);
	}
	resolving = false;
}
