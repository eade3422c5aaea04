// SPDX-License-Identifier: GPL-2.0-only
#include "futexq.h"

#include <linux/mm.h>
#include <linux/uaccess.h>

#include "compat.h"

/* The largest known struct futex_q has 144 bytes. The rest is room for a larger one of a later kernel. */
#define SCAN_WORDS 24

/*
 * The distance from a PI futex's rt_mutex to its key. The rt_mutex is part of struct
 * futex_pi_state. The distance is not found by observation, as private waits on PI futexes are too
 * rare. On all kernels that were tried, a pointer to the owner and a count of references lie
 * between the two. The last word of the key, which is known, shows whether this is still so.
 */
#define PI_KEY_AT (sizeof(lsp_futex_mutex) + sizeof(struct task_struct *) + sizeof(u64))
/*
 * The kernel marks in the offset of a shared key of which kind it is. Words are aligned, so these
 * bits are free.
 */
#define KEY_KINDS 3

static int key_word = -1;
static int task_word = -1;
bool lsp_futexq_all_known;

void lsp_futexq_reset(void)
{
	key_word = -1;
	task_word = -1;
	lsp_futexq_all_known = false;
}

void lsp_futexq_learn(const void *q, u64 uaddr)
{
	u64 words[SCAN_WORDS];
	struct lsp_key_id want;
	int key = key_word, task = task_word, i;

	if (copy_from_kernel_nofault(words, q, sizeof(words)))
		return;
	lsp_futexq_private(current->mm, uaddr, &want);

	/* The first match counts. Behind q lies the rest of the stack, which may hold anything. */
	for (i = SCAN_WORDS - 3; i >= 0; i--) {
		/* The offset has 32 bits. The other half of its word does not belong to the key. */
		if (words[i] == want.word[0] && words[i + 1] == want.word[1] &&
		    (u32)words[i + 2] == (u32)want.word[2])
			key = i;
		if (words[i] == (u64)(unsigned long)current)
			task = i;
	}
	WRITE_ONCE(key_word, key);
	WRITE_ONCE(task_word, task);
	WRITE_ONCE(lsp_futexq_all_known, key >= 0 && task >= 0);
}

bool lsp_futexq_key(const void *q, struct lsp_key_id *ret)
{
	int at = READ_ONCE(key_word);

	if (at < 0 || copy_from_kernel_nofault(ret, (const u64 *)q + at, sizeof(*ret)))
		return false;
	ret->word[2] = (u32)ret->word[2];
	return true;
}

bool lsp_futexq_pi_key(const void *lock, u64 uaddr, struct lsp_key_id *ret)
{
	if (copy_from_kernel_nofault(ret, lock + PI_KEY_AT, sizeof(*ret)))
		return false;
	ret->word[2] = (u32)ret->word[2];
	return ret->word[0] && ret->word[2] & KEY_KINDS &&
	       (ret->word[2] & ~(u64)KEY_KINDS) == offset_in_page(uaddr);
}

unsigned long lsp_futexq_stack(const void *q)
{
	int at = READ_ONCE(task_word);
	const struct task_struct *task;
	void *stack;

	/* A queue entry of io_uring has no task. */
	if (at < 0 || copy_from_kernel_nofault(&task, (const u64 *)q + at, sizeof(task)) || !task ||
	    copy_from_kernel_nofault(&stack, &task->stack, sizeof(stack)))
		return 0;
	return (unsigned long)stack;
}
