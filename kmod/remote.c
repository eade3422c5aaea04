// SPDX-License-Identifier: GPL-2.0-only
#include "remote.h"

#include <linux/delay.h>
#include <linux/mm.h>

#include "compat.h"
#include "widen.h"

#define LOCK_TRIES 64
/* How many naps all copies of a session may take together. A nap lasts half a millisecond or more. */
#define NAPS 2000

static u32 naps_left;

void lsp_remote_init(void)
{
	naps_left = NAPS;
}

bool lsp_remote_lock(struct mm_struct *mm)
{
	int tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (!lsp_widen_value(LSP_WIDEN_LOCKED) && mmap_read_trylock(mm))
			return true;
		usleep_range(50, 100);
	}
	return false;
}

/* Gets one page, with a reference, if it is in memory. Returns 1, 0 (not now), or -errno. */
static long page_get(struct mm_struct *mm, u64 address, struct page **page)
{
	long got;

	if (lsp_widen_value(LSP_WIDEN_LOCKED) || !mmap_read_trylock(mm))
		return 0;
	got = lsp_user_page_get(mm, address, page);
	mmap_read_unlock(mm);
	return got;
}

u32 lsp_remote_copy(struct mm_struct *mm, u64 address, void *to, u32 bytes)
{
	u32 done = 0, n;
	struct page *page;
	long got;

	while (done < bytes) {
		n = min_t(u32, bytes - done, PAGE_SIZE - offset_in_page(address + done));
		got = page_get(mm, address + done, &page);
		if (got == 1) {
			memcpy(to + done, page_address(page) + offset_in_page(address + done), n);
			put_page(page);
			done += n;
		} else if (got || !naps_left) {
			break;
		} else {
			naps_left--;
			usleep_range(500, 1000);
		}
	}
	return done;
}
