// SPDX-License-Identifier: GPL-2.0-only
/*
 * Robust unlocks that the kernel does whole, since 7.2: it clears the word and
 * the pending entry of the list, and wakes. The vDSO's unlock comes first and
 * fails where somebody waits.
 */
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>

#include "tests.h"

#define P FUTEX_PRIVATE_FLAG
#define ROBUST_UNLOCK 512U

typedef uint32_t (*try_unlock_fn)(uint32_t *word, uint32_t tid, uint64_t *pending);

static uint64_t pending;

/* A function of the vDSO by its name, NULL when there is none. */
static void *vdso_function(const char *name)
{
	const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *header = (const void *)base;
	const Elf64_Shdr *section;
	const Elf64_Sym *symbol;
	unsigned int s, i;

	if (!base)
		return NULL;
	section = (const void *)(base + header->e_shoff);
	for (s = 0; s < header->e_shnum; s++) {
		if (section[s].sh_type != SHT_DYNSYM)
			continue;
		symbol = (const void *)(base + section[s].sh_offset);
		for (i = 0; i < section[s].sh_size / sizeof(*symbol); i++)
			if (!strcmp(base + section[section[s].sh_link].sh_offset + symbol[i].st_name, name))
				return (void *)(uintptr_t)(base + symbol[i].st_value);
	}
	return NULL;
}

static long run_try_unlock(struct call *c)
{
	try_unlock_fn try_unlock;
	void *function = vdso_function("__vdso_futex_robust_list64_try_unlock");

	memcpy(&try_unlock, &function, sizeof(try_unlock));
	return (long)try_unlock(c->data, (uint32_t)c->actor->tid, &pending);
}

static bool has_robust_unlock(struct stage *s)
{
	s->unsupported = !vdso_function("__vdso_futex_robust_list64_try_unlock");
	return !s->unsupported;
}

/* @op with the address of the pending entry where requeues have their second word. */
static struct raw_args unlock(uint32_t *word, unsigned int op, unsigned int flags)
{
	return raw_futex(word, op | ROBUST_UNLOCK | flags, 1, NULL, (uint32_t *)&pending, ~0U);
}

static void unlock_is_whole(struct stage *s, const uint32_t *word)
{
	if (*word)
		stage_fail(s, "the word was not cleared");
	if (pending)
		stage_fail(s, "the pending entry was not cleared");
}

static void run_unlock(struct stage *s, unsigned int op, unsigned int flags)
{
	struct actor *owner, *waiter;
	struct call *wait, *wake;
	uint32_t *word;

	if (!has_robust_unlock(s))
		return;
	owner = stage_thread(s, "owner");
	waiter = stage_thread(s, "waiter");
	word = stage_word(s);
	/* Nobody waits: the vDSO does it, without a system call. */
	*word = (uint32_t)owner->tid;
	pending = (uintptr_t)word;
	stage_returns(s, stage_post_run(s, owner, "try_unlock", run_try_unlock, word), owner->tid);
	unlock_is_whole(s, word);

	*word = (uint32_t)owner->tid | FUTEX_WAITERS;
	pending = (uintptr_t)word;
	wait = stage_wait(s, waiter, "wait", raw_wait(word, flags, *word, NULL));
	stage_returns(s, stage_post_run(s, owner, "try_unlock", run_try_unlock, word),
		      (long)((uint32_t)owner->tid | FUTEX_WAITERS));
	wake = stage_call(s, owner, "robust_unlock", unlock(word, op, flags), 1);
	stage_woken(s, wait, wake, "woken", 0);
	unlock_is_whole(s, word);
}

static void robust_unlock(struct stage *s)
{
	run_unlock(s, FUTEX_WAKE, P);
}

static void robust_unlock_shared(struct stage *s)
{
	run_unlock(s, FUTEX_WAKE, 0);
}

static void robust_unlock_bitset(struct stage *s)
{
	run_unlock(s, FUTEX_WAKE_BITSET, P);
}

static void robust_unlock_pi(struct stage *s)
{
	struct actor *owner, *waiter;
	struct call *wait, *wake;
	uint32_t *word;

	if (!has_robust_unlock(s))
		return;
	owner = stage_thread(s, "owner");
	waiter = stage_thread(s, "waiter");
	word = stage_word(s);
	stage_call(s, owner, "lock_pi", raw_futex(word, FUTEX_LOCK_PI | P, 0, NULL, NULL, 0), 0);
	wait = stage_wait(s, waiter, "lock_pi", raw_futex(word, FUTEX_LOCK_PI | P, 0, NULL, NULL, 0));
	pending = (uintptr_t)word;
	wake = stage_call(s, owner, "robust_unlock_pi", unlock(word, FUTEX_UNLOCK_PI, P), 0);
	stage_woken(s, wait, wake, "woken", 0);
	if (pending)
		stage_fail(s, "the pending entry was not cleared");
	stage_call(s, waiter, "unlock_pi", raw_futex(word, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0), 0);
}

const struct test tests_robust[] = {
	{ "robust_unlock", robust_unlock, "vDSO unlock, then FUTEX_WAKE with FUTEX_ROBUST_UNLOCK" },
	{ "robust_unlock_shared", robust_unlock_shared, "the same on a shared word" },
	{ "robust_unlock_bitset", robust_unlock_bitset, "the same with FUTEX_WAKE_BITSET" },
	{ "robust_unlock_pi", robust_unlock_pi, "FUTEX_UNLOCK_PI with FUTEX_ROBUST_UNLOCK" },
	{ 0 }
};
