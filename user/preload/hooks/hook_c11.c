// SPDX-License-Identifier: GPL-2.0-only
/* C11's mutexes: the C library calls its own inside for them, past the hooks of POSIX. */
#include "hook.h"

LSP_HOOK int mtx_lock(mtx_t *m)
{
	int ret = lsp_reals()->mtx_trylock(m);

	if (__builtin_expect(ret == thrd_busy, 0))
		LSP_HOOK_WAIT(ret, m, LSP_FOR_LOCK, thrd_timedout, lsp_real.mtx_lock(m));
	else if (lsp_queue_any(m) && ret == thrd_success)
		lsp_acquired(m);
	return ret;
}

LSP_HOOK int mtx_trylock(mtx_t *m)
{
	int ret = lsp_reals()->mtx_trylock(m);

	if (lsp_queue_any(m) && ret == thrd_success)
		lsp_acquired(m);
	return ret;
}

LSP_HOOK int mtx_timedlock(mtx_t *restrict m, const struct timespec *restrict until)
{
	int ret = lsp_reals()->mtx_trylock(m);

	if (__builtin_expect(ret == thrd_busy, 0))
		LSP_HOOK_WAIT(ret, m, LSP_FOR_LOCK, thrd_timedout, lsp_real.mtx_timedlock(m, until));
	else if (lsp_queue_any(m) && ret == thrd_success)
		lsp_acquired(m);
	return ret;
}

LSP_HOOK int mtx_unlock(mtx_t *m)
{
	int ret;

	if (!lsp_queue_any(m) || !lsp_hook_mutex_goes(m))
		return lsp_reals()->mtx_unlock(m);
	LSP_HOOK_RELEASE(ret, m, true, lsp_reals()->mtx_unlock(m));
	return ret;
}
