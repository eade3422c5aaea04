// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mutexes of POSIX. A try comes first: where it succeeds, nobody waited, and no
 * clock is read. Kinds that answer a try by something else than EBUSY (robust,
 * error-checking, protected) have answered as the lock itself would.
 */
#include "hook.h"

LSP_HOOK int pthread_mutex_lock(pthread_mutex_t *m)
{
	int ret = lsp_reals()->pthread_mutex_trylock(m);

	if (__builtin_expect(ret == EBUSY, 0))
		LSP_HOOK_WAIT(ret, m, lsp_hook_mutex_kind(m), ETIMEDOUT, lsp_real.pthread_mutex_lock(m));
	else if (lsp_queue_any(m) && !ret)
		lsp_acquired(m);
	return ret;
}

LSP_HOOK int pthread_mutex_trylock(pthread_mutex_t *m)
{
	int ret = lsp_reals()->pthread_mutex_trylock(m);

	if (lsp_queue_any(m) && !ret)
		lsp_acquired(m);
	return ret;
}

LSP_HOOK int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *until)
{
	int ret = lsp_reals()->pthread_mutex_trylock(m);

	if (__builtin_expect(ret == EBUSY, 0))
		LSP_HOOK_WAIT(ret, m, lsp_hook_mutex_kind(m), ETIMEDOUT, lsp_real.pthread_mutex_timedlock(m, until));
	else if (lsp_queue_any(m) && !ret)
		lsp_acquired(m);
	return ret;
}

LSP_HOOK int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock,
				     const struct timespec *until)
{
	int ret;

	/* A clock that is none is refused first; a time that is none only where it comes to waiting. */
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return lsp_reals()->pthread_mutex_clocklock(m, clock, until);
	ret = lsp_reals()->pthread_mutex_trylock(m);

	if (__builtin_expect(ret == EBUSY, 0))
		LSP_HOOK_WAIT(ret, m, lsp_hook_mutex_kind(m), ETIMEDOUT,
			      lsp_real.pthread_mutex_clocklock(m, clock, until));
	else if (lsp_queue_any(m) && !ret)
		lsp_acquired(m);
	return ret;
}

LSP_HOOK int pthread_mutex_unlock(pthread_mutex_t *m)
{
	int ret;

	if (!lsp_queue_any(m) || !lsp_hook_mutex_goes(m))
		return lsp_reals()->pthread_mutex_unlock(m);
	LSP_HOOK_RELEASE(ret, m, true, lsp_reals()->pthread_mutex_unlock(m));
	return ret;
}
