// SPDX-License-Identifier: GPL-2.0-only
/* Where locks come from and when they go: for their names alone, no wait is counted here. */
#include "../birth.h"
#include "hook.h"

#define INIT(lock, call) \
	struct lsp_regs regs; \
	int ret; \
	\
	lsp_reals(); \
	LSP_REGS(&regs); \
	ret = (call); \
	if (!ret) \
		lsp_birth_note(lock, sizeof(*(lock)), &regs); \
	return ret

/* Before, because afterwards the memory may be another's. */
#define DESTROY(lock) \
	lsp_reals(); \
	lsp_birth_end(lock)

LSP_HOOK int pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *a)
{
	INIT(m, lsp_real.pthread_mutex_init(m, a));
}

LSP_HOOK int pthread_mutex_destroy(pthread_mutex_t *m)
{
	DESTROY(m);
	return lsp_real.pthread_mutex_destroy(m);
}

LSP_HOOK int pthread_rwlock_init(pthread_rwlock_t *restrict l, const pthread_rwlockattr_t *restrict a)
{
	INIT(l, lsp_real.pthread_rwlock_init(l, a));
}

LSP_HOOK int pthread_rwlock_destroy(pthread_rwlock_t *l)
{
	DESTROY(l);
	return lsp_real.pthread_rwlock_destroy(l);
}

LSP_HOOK int pthread_cond_init(pthread_cond_t *restrict c, const pthread_condattr_t *restrict a)
{
	INIT(c, lsp_real.pthread_cond_init(c, a));
}

LSP_HOOK int pthread_cond_destroy(pthread_cond_t *c)
{
	DESTROY(c);
	return lsp_real.pthread_cond_destroy(c);
}

LSP_HOOK int sem_init(sem_t *s, int shared, unsigned int value)
{
	INIT(s, lsp_real.sem_init(s, shared, value));
}

LSP_HOOK int sem_destroy(sem_t *s)
{
	DESTROY(s);
	return lsp_real.sem_destroy(s);
}

LSP_HOOK int pthread_barrier_init(pthread_barrier_t *restrict b,
				  const pthread_barrierattr_t *restrict a, unsigned int count)
{
	INIT(b, lsp_real.pthread_barrier_init(b, a, count));
}

LSP_HOOK int pthread_barrier_destroy(pthread_barrier_t *b)
{
	DESTROY(b);
	return lsp_real.pthread_barrier_destroy(b);
}

LSP_HOOK int mtx_init(mtx_t *m, int type)
{
	INIT(m, lsp_real.mtx_init(m, type));
}

LSP_HOOK void mtx_destroy(mtx_t *m)
{
	DESTROY(m);
	lsp_real.mtx_destroy(m);
}

LSP_HOOK int cnd_init(cnd_t *c)
{
	INIT(c, lsp_real.cnd_init(c));
}

LSP_HOOK void cnd_destroy(cnd_t *c)
{
	DESTROY(c);
	lsp_real.cnd_destroy(c);
}
