// SPDX-License-Identifier: GPL-2.0-only
/* The recorder comes into a process: before the program runs, and again in a child that was forked. */
#include <errno.h>

#include "../blocking.h"
#include "../chunk.h"
#include "../copy.h"
#include "../mappings.h"
#include "../queue.h"
#include "../thread.h"
#include "real.h"

static void process_new(uint32_t tgid)
{
	lsp_queue_process_new(tgid);
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

static __attribute__((constructor)) void begin(void)
{
	struct lsp_userfile_head *head;
	int saved = errno;

	head = lsp_chunk_file();
	if (head) {
		lsp_thread_start(head, lsp_blocking_left_all, process_new);
		lsp_chunk_come();
		/* Looked up now: what executes programs may do so where nothing can be looked up. */
		lsp_reals();
		lsp_copy_begin();
		mappings_read();
	}
	errno = saved;
}
