// SPDX-License-Identifier: GPL-2.0-only
/*
 * A cancelled thread is unwound through the hook that it waits in, and the hook's clean-up runs.
 * The compiler wants two functions of libgcc_s for that. A dependency would load that library
 * into every program, so they are looked up when somebody unwinds: the C library has loaded
 * it by then, as it has for its own frames.
 */
#define HIDE_EXPORTS
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <unwind.h>

#include "real.h"

static void *find(const char *name)
{
	void *library = lsp_reals()->dlopen("libgcc_s.so.1", RTLD_LAZY | RTLD_NOLOAD);

	return library ? dlsym(library, name) : NULL;
}

_Unwind_Reason_Code __gcc_personality_v0(int version, _Unwind_Action actions,
					 _Unwind_Exception_Class class,
					 struct _Unwind_Exception *exception,
					 struct _Unwind_Context *context);

_Unwind_Reason_Code __gcc_personality_v0(int version, _Unwind_Action actions,
					 _Unwind_Exception_Class class,
					 struct _Unwind_Exception *exception,
					 struct _Unwind_Context *context)
{
	static _Unwind_Personality_Fn real;
	_Unwind_Personality_Fn fn = __atomic_load_n(&real, __ATOMIC_RELAXED);

	if (!fn) {
		fn = (_Unwind_Personality_Fn)find("__gcc_personality_v0");
		__atomic_store_n(&real, fn, __ATOMIC_RELAXED);
	}
	/* Without it the wait ends with its thread. */
	return fn ? fn(version, actions, class, exception, context) : _URC_CONTINUE_UNWIND;
}

void _Unwind_Resume(struct _Unwind_Exception *exception)
{
	void (*fn)(struct _Unwind_Exception *) =
		(void (*)(struct _Unwind_Exception *))find("_Unwind_Resume");

	if (fn)
		fn(exception);
	abort();
}
