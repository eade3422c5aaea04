// SPDX-License-Identifier: GPL-2.0-only
/* Read-write locks. Several readers hold one together: only the last of them hands it over. */
#include "hook.h"

static inline enum lsp_blocking_for rwlock_kind(const pthread_rwlock_t *l)
{
	return l->__data.__shared ? LSP_FOR_SHARED : LSP_FOR_LOCK;
}

#define READLOCK(lock, call) \
	int ret = lsp_reals()->pthread_rwlock_tryrdlock(lock); \
	\
	if (__builtin_expect(ret == EBUSY, 0)) \
		LSP_HOOK_WAIT(ret, lock, rwlock_kind(lock), ETIMEDOUT, call); \
	else if (lsp_queue_any(lock) && !ret) \
		lsp_acquired(lock); \
	return ret

#define WRITELOCK(lock, call) \
	int ret = lsp_reals()->pthread_rwlock_trywrlock(lock); \
	\
	if (__builtin_expect(ret == EBUSY, 0)) \
		LSP_HOOK_WAIT(ret, lock, rwlock_kind(lock), ETIMEDOUT, call); \
	else if (lsp_queue_any(lock) && !ret) \
		lsp_acquired(lock); \
	return ret

LSP_HOOK int pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
	READLOCK(l, lsp_real.pthread_rwlock_rdlock(l));
}

LSP_HOOK int pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *until)
{
	if (!lsp_hook_time_good(CLOCK_REALTIME, until))
		return lsp_reals()->pthread_rwlock_timedrdlock(l, until);
	READLOCK(l, lsp_real.pthread_rwlock_timedrdlock(l, until));
}

LSP_HOOK int pthread_rwlock_clockrdlock(pthread_rwlock_t *l, clockid_t clock,
					const struct timespec *until)
{
	if (!lsp_hook_time_good(clock, until))
		return lsp_reals()->pthread_rwlock_clockrdlock(l, clock, until);
	READLOCK(l, lsp_real.pthread_rwlock_clockrdlock(l, clock, until));
}

LSP_HOOK int pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
	WRITELOCK(l, lsp_real.pthread_rwlock_wrlock(l));
}

LSP_HOOK int pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *until)
{
	if (!lsp_hook_time_good(CLOCK_REALTIME, until))
		return lsp_reals()->pthread_rwlock_timedwrlock(l, until);
	WRITELOCK(l, lsp_real.pthread_rwlock_timedwrlock(l, until));
}

LSP_HOOK int pthread_rwlock_clockwrlock(pthread_rwlock_t *l, clockid_t clock,
					const struct timespec *until)
{
	if (!lsp_hook_time_good(clock, until))
		return lsp_reals()->pthread_rwlock_clockwrlock(l, clock, until);
	WRITELOCK(l, lsp_real.pthread_rwlock_clockwrlock(l, clock, until));
}

LSP_HOOK int pthread_rwlock_tryrdlock(pthread_rwlock_t *l)
{
	int ret = lsp_reals()->pthread_rwlock_tryrdlock(l);

	if (lsp_queue_any(l) && !ret)
		lsp_acquired(l);
	return ret;
}

LSP_HOOK int pthread_rwlock_trywrlock(pthread_rwlock_t *l)
{
	int ret = lsp_reals()->pthread_rwlock_trywrlock(l);

	if (lsp_queue_any(l) && !ret)
		lsp_acquired(l);
	return ret;
}

/* glibc counts the readers from the fourth bit on; a writer leaves the count at 0. */
static bool rwlock_goes(const pthread_rwlock_t *l)
{
	return __atomic_load_n(&l->__data.__readers, __ATOMIC_RELAXED) >> 3 <= 1;
}

LSP_HOOK int pthread_rwlock_unlock(pthread_rwlock_t *l)
{
	int ret;

	if (!lsp_queue_any(l))
		return lsp_reals()->pthread_rwlock_unlock(l);
	LSP_HOOK_RELEASE(ret, l, rwlock_goes(l), lsp_reals()->pthread_rwlock_unlock(l));
	return ret;
}
