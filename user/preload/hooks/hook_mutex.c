// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mutexes of POSIX. A try comes first: where it succeeds, nobody waited, and no
 * clock is read. Kinds that answer a try by something else than EBUSY (robust,
 * error-checking, protected) have answered as the lock itself would.
 */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hook.h"

/*
 * A robust mutex is lost for good if its owner died and the next owner did not repair it. The lock
 * itself then answers ENOTRECOVERABLE and leaves the mutex free. glibc's try gives the same answer,
 * but leaves the mutex locked by the caller: the next lock would wait for ever. This sets it free.
 */
static __attribute__((noinline)) void mutex_lost_free(pthread_mutex_t *m)
{
	unsigned int self = (unsigned int)syscall(SYS_gettid);
	unsigned int *word = (unsigned int *)&m->__data.__lock;

	if ((__atomic_load_n(word, __ATOMIC_RELAXED) & FUTEX_TID_MASK) != self)
		return;
	__atomic_store_n(word, 0, __ATOMIC_SEQ_CST);
	/* The waiters that came meanwhile wake each other, because each finds the mutex lost. */
	syscall(SYS_futex, word, lsp_hook_mutex_kind(m) == LSP_FOR_SHARED ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE, 1);
}

/* The try that comes before a lock. */
static inline __attribute__((always_inline)) int mutex_try(pthread_mutex_t *m)
{
	int ret = lsp_reals()->pthread_mutex_trylock(m);

	if (__builtin_expect(ret != 0, 0) && ret == ENOTRECOVERABLE)
		mutex_lost_free(m);
	return ret;
}

LSP_HOOK int pthread_mutex_lock(pthread_mutex_t *m)
{
	int ret = mutex_try(m);

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
	int ret = mutex_try(m);

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
	if (!lsp_hook_clock_good(clock))
		return lsp_reals()->pthread_mutex_clocklock(m, clock, until);
	ret = mutex_try(m);
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
