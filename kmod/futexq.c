// SPDX-License-Identifier: GPL-2.0-only
#include "futexq.h"

#include <linux/mm.h>
#include <linux/uaccess.h>

/* The largest struct futex_q known is 144 bytes; a later one may grow. */
#define SCAN_WORDS 24

static int key_word = -1;
static int task_word = -1;

void lsp_futexq_reset(void)
{
	key_word = -1;
	task_word = -1;
}

bool lsp_futexq_unknown(void)
{
	return READ_ONCE(key_word) < 0 || READ_ONCE(task_word) < 0;
}

void lsp_futexq_learn(const void *q, u64 uaddr)
{
	u64 words[SCAN_WORDS];
	struct lsp_key_id want;
	int i;

	if (copy_from_kernel_nofault(words, q, sizeof(words)))
		return;
	lsp_futexq_private(current->mm, uaddr, &want);

	for (i = 0; i + 2 < SCAN_WORDS; i++) {
		/* The offset is 32 bits wide; what shares its word is not part of the key. */
		if (words[i] == want.word[0] && words[i + 1] == want.word[1] &&
		    (u32)words[i + 2] == (u32)want.word[2])
			WRITE_ONCE(key_word, i);
		if (words[i] == (u64)(unsigned long)current)
			WRITE_ONCE(task_word, i);
	}
}

bool lsp_futexq_key(const void *q, struct lsp_key_id *ret)
{
	int at = READ_ONCE(key_word);

	if (at < 0 || copy_from_kernel_nofault(ret, (const u64 *)q + at, sizeof(*ret)))
		return false;
	ret->word[2] = (u32)ret->word[2];
	return true;
}

unsigned long lsp_futexq_stack(const void *q)
{
	int at = READ_ONCE(task_word);
	const struct task_struct *task;
	void *stack;

	/* io_uring queues entries without a task. */
	if (at < 0 || copy_from_kernel_nofault(&task, (const u64 *)q + at, sizeof(task)) || !task ||
	    copy_from_kernel_nofault(&stack, &task->stack, sizeof(stack)))
		return 0;
	return (unsigned long)stack;
}
