// SPDX-License-Identifier: GPL-2.0-only
/*
 * What waits for an event: condition variables, semaphores, barriers and the
 * ends of threads. A wait on a condition variable is one wait from call to
 * return, the mutex at its end included; before it the mutex is let go.
 */
#include "hook.h"

/*
 * Lets go of @m in the table alone: the C library does it in truth, within
 * @call. The moment is that of the call; some hundred instructions early.
 */
#define CONDITION(c, m, timeout, call) \
	struct lsp_release release = { .parts.found = false }; \
	struct lsp_regs regs; \
	LSP_BLOCKING(wait); \
	int ret; \
	\
	LSP_REGS(&regs); \
	lsp_reals(); \
	if (lsp_queue_any(m)) { \
		lsp_release_begin(&release, m, true); \
		lsp_release_end(&release, m, &regs); \
	} \
	lsp_blocking_begin(&wait, c, LSP_FOR_EVENT, &regs); \
	wait.after = m; \
	ret = (call); \
	lsp_blocking_end(&wait, lsp_blocking_outcome(ret, timeout)); \
	if (lsp_queue_any(m)) \
		lsp_acquired(m); \
	return ret

LSP_HOOK int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	CONDITION(c, m, ETIMEDOUT, lsp_real.pthread_cond_wait(c, m));
}

LSP_HOOK int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m,
				    const struct timespec *until)
{
	CONDITION(c, m, ETIMEDOUT, lsp_real.pthread_cond_timedwait(c, m, until));
}

LSP_HOOK int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
				    const struct timespec *until)
{
	CONDITION(c, m, ETIMEDOUT, lsp_real.pthread_cond_clockwait(c, m, clock, until));
}

LSP_HOOK int cnd_wait(cnd_t *c, mtx_t *m)
{
	CONDITION(c, m, thrd_timedout, lsp_real.cnd_wait(c, m));
}

LSP_HOOK int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m,
			   const struct timespec *restrict until)
{
	CONDITION(c, m, thrd_timedout, lsp_real.cnd_timedwait(c, m, until));
}

/* ---- semaphores: their results are -1 and errno ---- */

/* A thread that has been cancelled ends here whether or not it would have had to wait. */
#define SEMAPHORE(s, call) \
	struct lsp_regs regs; \
	LSP_BLOCKING(wait); \
	int ret, before = errno; \
	\
	wait.recorded = false; \
	pthread_testcancel(); \
	if (!lsp_reals()->sem_trywait(s)) \
		return 0; \
	errno = before; \
	LSP_REGS(&regs); \
	lsp_blocking_begin(&wait, s, LSP_FOR_EVENT, &regs); \
	ret = (call); \
	before = errno; \
	lsp_blocking_end(&wait, !ret ? LOCKSPAN_WOKEN : before == ETIMEDOUT ? LOCKSPAN_TIMEOUT : \
		     before == EINTR ? LOCKSPAN_SIGNAL : LOCKSPAN_ERROR); \
	errno = before; \
	return ret

LSP_HOOK int sem_wait(sem_t *s)
{
	SEMAPHORE(s, lsp_real.sem_wait(s));
}

LSP_HOOK int sem_timedwait(sem_t *s, const struct timespec *until)
{
	if (!lsp_hook_time_good(CLOCK_REALTIME, until))
		return lsp_reals()->sem_timedwait(s, until);
	SEMAPHORE(s, lsp_real.sem_timedwait(s, until));
}

LSP_HOOK int sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *until)
{
	if (!lsp_hook_time_good(clock, until))
		return lsp_reals()->sem_clockwait(s, clock, until);
	SEMAPHORE(s, lsp_real.sem_clockwait(s, clock, until));
}

/* ---- barriers and ends ---- */

LSP_HOOK int pthread_barrier_wait(pthread_barrier_t *b)
{
	struct lsp_regs regs;
	struct lsp_blocking wait;
	int ret;

	lsp_reals();
	LSP_REGS(&regs);
	lsp_blocking_begin(&wait, b, LSP_FOR_EVENT, &regs);
	ret = lsp_real.pthread_barrier_wait(b);
	/* The one that came last has waited for nobody; not always, but mostly, it is this one. */
	lsp_blocking_end(&wait, ret == PTHREAD_BARRIER_SERIAL_THREAD ? LOCKSPAN_ERROR :
		     lsp_blocking_outcome(ret, ETIMEDOUT));
	return ret;
}

#define JOIN(thread, value, timeout, call) \
	int ret = lsp_reals()->pthread_tryjoin_np(thread, value); \
	\
	if (ret == EBUSY) \
		LSP_HOOK_POINT(ret, (const void *)(thread), timeout, call); \
	return ret

LSP_HOOK int pthread_join(pthread_t thread, void **value)
{
	JOIN(thread, value, ETIMEDOUT, lsp_real.pthread_join(thread, value));
}

LSP_HOOK int pthread_timedjoin_np(pthread_t thread, void **value, const struct timespec *until)
{
	JOIN(thread, value, ETIMEDOUT, lsp_real.pthread_timedjoin_np(thread, value, until));
}

LSP_HOOK int pthread_clockjoin_np(pthread_t thread, void **value, clockid_t clock,
				  const struct timespec *until)
{
	if (!lsp_hook_clock_good(clock))
		return lsp_reals()->pthread_clockjoin_np(thread, value, clock, until);
	JOIN(thread, value, ETIMEDOUT, lsp_real.pthread_clockjoin_np(thread, value, clock, until));
}

LSP_HOOK int thrd_join(thrd_t thread, int *result)
{
	int ret;

	lsp_reals();
	LSP_HOOK_POINT(ret, (const void *)thread, thrd_timedout, lsp_real.thrd_join(thread, result));
	return ret;
}

/* ---- what is done once ---- */

/* As glibc has it: 2 it is done, 1 somebody is at it. */
static bool once_waits(const int *control)
{
	return (__atomic_load_n(control, __ATOMIC_ACQUIRE) & 3) == 1;
}

LSP_HOOK int pthread_once(pthread_once_t *control, void (*fn)(void))
{
	int ret;

	if (!once_waits(control))
		return lsp_reals()->pthread_once(control, fn);
	lsp_reals();
	LSP_HOOK_POINT(ret, control, ETIMEDOUT, lsp_real.pthread_once(control, fn));
	return ret;
}

LSP_HOOK void call_once(once_flag *flag, void (*fn)(void))
{
	int ret;

	if (!once_waits((const int *)flag)) {
		lsp_reals()->call_once(flag, fn);
		return;
	}
	lsp_reals();
	LSP_HOOK_POINT(ret, flag, thrd_timedout, (lsp_real.call_once(flag, fn), 0));
}
