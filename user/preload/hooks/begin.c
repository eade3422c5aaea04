// SPDX-License-Identifier: GPL-2.0-only
/* The recorder comes into a process: before the program runs, and again in a child that was forked. It ends with the process. */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "../blocking.h"
#include "../chunk.h"
#include "../copy.h"
#include "../mappings.h"
#include "../queue.h"
#include "../thread.h"
#include "real.h"

static void process_new(uint32_t image)
{
	lsp_queue_process_new(image);
	lsp_text_process_new();
}

/* Now, so that the first wait is not made longer by it. */
static void mappings_read(void)
{
	if (!lsp_thread_begin_spare())
		return;
	lsp_text_generation(lsp_thread_now_ns());
	lsp_thread_end();
}

/* The tables are large and hardly used: a huge page under a few words of them would be memory for nothing. */
static void tables_keep_small(void)
{
	extern __attribute__((visibility("hidden"))) char __bss_start[], _end[];
	uintptr_t from = ((uintptr_t)__bss_start + 4095) & ~4095UL;

	madvise((void *)from, ((uintptr_t)_end & ~4095UL) - from, MADV_NOHUGEPAGE);
}

static __attribute__((constructor)) void begin(void)
{
	struct lsp_userfile_head *head;
	int saved = errno;

	head = lsp_chunk_file();
	if (head) {
		tables_keep_small();
		lsp_thread_start(head, lsp_blocking_left_all, process_new);
		lsp_chunk_come();
		/* Looked up now: what executes programs may do so where nothing can be looked up. */
		lsp_reals();
		lsp_copy_begin();
		mappings_read();
	}
	errno = saved;
}

static __attribute__((destructor)) void end(void)
{
	/* Without a wait there is nothing to tell. */
	if (lsp_thread_any_waited())
		lsp_blocking_give_up_all();
}
