// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function's first call, which the dynamic linker binds: the function is
 * chosen by code of the library (LIBRARY), which notes who called it. Prints two
 * return addresses: in the dynamic linker (with its path) and in the program.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unwind.h>

#define CALLERS_MAX 16

struct callers {
	void *at[CALLERS_MAX];
	int n;
};

extern struct callers callers;
int bound_late(int n);

#ifdef LIBRARY
struct callers callers;

static _Unwind_Reason_Code note(struct _Unwind_Context *context, void *arg)
{
	(void)arg;
	if (callers.n < CALLERS_MAX)
		callers.at[callers.n++] = (void *)_Unwind_GetIP(context);
	return _URC_NO_REASON;
}

static int chosen(int n) { return n + 1; }

__attribute__((noinline)) static int (*choose(void))(int)
{
	_Unwind_Backtrace(note, NULL);
	return chosen;
}

int bound_late(int) __attribute__((ifunc("choose")));
#else
int main(int argc, char **argv)
{
	int n = bound_late(argc), i;
	Dl_info linker, own;

	(void)argv;
	for (i = 0; i + 1 < callers.n; i++)
		if (dladdr(callers.at[i], &linker) && strstr(linker.dli_fname, "/ld-") &&
		    dladdr(callers.at[i + 1], &own) && !strstr(own.dli_fname, "/ld-"))
			printf("%lx %lx %s\n", (unsigned long)(callers.at[i + 1] - own.dli_fbase),
			       (unsigned long)(callers.at[i] - linker.dli_fbase), linker.dli_fname);
	return n == 0;
}
#endif
