/* SPDX-License-Identifier: GPL-2.0-only */
/* The functions that stand behind the hooks: glibc's, or another preloaded library's. */
#ifndef LSP_PRELOAD_REAL_H
#define LSP_PRELOAD_REAL_H

#include <pthread.h>
#include <semaphore.h>
#include <spawn.h>
#include <threads.h>
#include <time.h>

#define LSP_REALS(X) \
	X(pthread_mutex_lock, int, (pthread_mutex_t *)) \
	X(pthread_mutex_trylock, int, (pthread_mutex_t *)) \
	X(pthread_mutex_timedlock, int, (pthread_mutex_t *, const struct timespec *)) \
	X(pthread_mutex_clocklock, int, (pthread_mutex_t *, clockid_t, const struct timespec *)) \
	X(pthread_mutex_unlock, int, (pthread_mutex_t *)) \
	X(pthread_mutex_init, int, (pthread_mutex_t *, const pthread_mutexattr_t *)) \
	X(pthread_mutex_destroy, int, (pthread_mutex_t *)) \
	X(pthread_rwlock_init, int, (pthread_rwlock_t *restrict, const pthread_rwlockattr_t *restrict)) \
	X(pthread_rwlock_destroy, int, (pthread_rwlock_t *)) \
	X(pthread_cond_init, int, (pthread_cond_t *restrict, const pthread_condattr_t *restrict)) \
	X(pthread_cond_destroy, int, (pthread_cond_t *)) \
	X(sem_init, int, (sem_t *, int, unsigned int)) \
	X(sem_destroy, int, (sem_t *)) \
	X(pthread_barrier_init, int, (pthread_barrier_t *restrict, \
				      const pthread_barrierattr_t *restrict, unsigned int)) \
	X(pthread_barrier_destroy, int, (pthread_barrier_t *)) \
	X(pthread_rwlock_rdlock, int, (pthread_rwlock_t *)) \
	X(pthread_rwlock_wrlock, int, (pthread_rwlock_t *)) \
	X(pthread_rwlock_tryrdlock, int, (pthread_rwlock_t *)) \
	X(pthread_rwlock_trywrlock, int, (pthread_rwlock_t *)) \
	X(pthread_rwlock_timedrdlock, int, (pthread_rwlock_t *, const struct timespec *)) \
	X(pthread_rwlock_timedwrlock, int, (pthread_rwlock_t *, const struct timespec *)) \
	X(pthread_rwlock_clockrdlock, int, (pthread_rwlock_t *, clockid_t, const struct timespec *)) \
	X(pthread_rwlock_clockwrlock, int, (pthread_rwlock_t *, clockid_t, const struct timespec *)) \
	X(pthread_rwlock_unlock, int, (pthread_rwlock_t *)) \
	X(pthread_cond_wait, int, (pthread_cond_t *, pthread_mutex_t *)) \
	X(pthread_cond_timedwait, int, (pthread_cond_t *, pthread_mutex_t *, const struct timespec *)) \
	X(pthread_cond_clockwait, int, (pthread_cond_t *, pthread_mutex_t *, clockid_t, \
					const struct timespec *)) \
	X(sem_wait, int, (sem_t *)) \
	X(sem_trywait, int, (sem_t *)) \
	X(sem_timedwait, int, (sem_t *, const struct timespec *)) \
	X(sem_clockwait, int, (sem_t *, clockid_t, const struct timespec *)) \
	X(pthread_barrier_wait, int, (pthread_barrier_t *)) \
	X(pthread_join, int, (pthread_t, void **)) \
	X(pthread_tryjoin_np, int, (pthread_t, void **)) \
	X(pthread_timedjoin_np, int, (pthread_t, void **, const struct timespec *)) \
	X(pthread_clockjoin_np, int, (pthread_t, void **, clockid_t, const struct timespec *)) \
	X(mtx_init, int, (mtx_t *, int)) \
	X(mtx_destroy, void, (mtx_t *)) \
	X(cnd_init, int, (cnd_t *)) \
	X(cnd_destroy, void, (cnd_t *)) \
	X(mtx_lock, int, (mtx_t *)) \
	X(mtx_trylock, int, (mtx_t *)) \
	X(mtx_timedlock, int, (mtx_t *restrict, const struct timespec *restrict)) \
	X(mtx_unlock, int, (mtx_t *)) \
	X(cnd_wait, int, (cnd_t *, mtx_t *)) \
	X(cnd_timedwait, int, (cnd_t *restrict, mtx_t *restrict, const struct timespec *restrict)) \
	X(thrd_join, int, (thrd_t, int *)) \
	X(prctl, int, (int, ...)) \
	X(pthread_once, int, (pthread_once_t *, void (*)(void))) \
	X(call_once, void, (once_flag *, void (*)(void))) \
	X(execve, int, (const char *, char *const *, char *const *)) \
	X(execvpe, int, (const char *, char *const *, char *const *)) \
	X(fexecve, int, (int, char *const *, char *const *)) \
	X(posix_spawn, int, (pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, \
			     char *const *, char *const *)) \
	X(posix_spawnp, int, (pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, \
			      char *const *, char *const *)) \
	X(dlopen, void *, (const char *, int)) \
	X(dlmopen, void *, (long, const char *, int))

/* Looked up at the first use of any, which may be before any constructor has run. */
struct lsp_real {
#define LSP_REAL_FIELD(name, type, arguments) type (*name) arguments;
	LSP_REALS(LSP_REAL_FIELD)
#undef LSP_REAL_FIELD
};
extern struct lsp_real lsp_real;

/* What a hook calls before it uses any of them. */
void lsp_real_resolve(void);
static inline const struct lsp_real *lsp_reals(void)
{
	if (__builtin_expect(!lsp_real.dlmopen, 0))
		lsp_real_resolve();
	return &lsp_real;
}

#endif
