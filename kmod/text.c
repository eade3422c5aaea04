// SPDX-License-Identifier: GPL-2.0-only
#include "text.h"

#include <linux/mm.h>
#include <linux/slab.h>

static u64 text_bytes;

u64 lsp_text_memory(void)
{
	return READ_ONCE(text_bytes);
}

void lsp_text_free(struct lsp_text *text)
{
	if (!text)
		return;
	WRITE_ONCE(text_bytes, text_bytes - text->bytes);
	kvfree_rcu(text, rcu);
}

static struct lsp_text *text_alloc(u32 room)
{
	size_t ranges = array_size(room, sizeof(struct lsp_range));
	size_t bytes = sizeof(struct lsp_text) + ranges + array_size(room, sizeof(struct lsp_laid));
	struct lsp_text *text = kvmalloc(bytes, GFP_KERNEL);

	if (!text)
		return NULL;
	text->bytes = bytes;
	text->laid = (void *)text->ranges + ranges;
	text->n = 0;
	return text;
}

struct lsp_text *lsp_text_make(const struct lsp_text *old, const struct lsp_change *changes, u32 n,
			       const struct lsp_laid *read, u32 nread)
{
	u32 room = min_t(u32, LSP_LAID_ROOM(old ? old->n : 0, n) + 2 * nread, LSP_TEXT_MAX), i;
	struct lsp_text *text = text_alloc(room), *over = text_alloc(room);
	const struct lsp_change *c = changes;

	if (!text || !over)
		goto err;
	if (old)
		text->n = lsp_laid_over(old->laid, old->n, NULL, 0, text->laid, room);
	for (i = 0; i < n; i++, c = c->next) {
		if (c->laid.start < c->laid.end) {
			over->n = lsp_laid_over(text->laid, text->n, &c->laid, 1, over->laid, room);
			swap(text, over);
		}
	}
	if (read) {
		over->n = lsp_laid_over(text->laid, text->n, read, nread, over->laid, room);
		swap(text, over);
	}
	kvfree(over);
	for (i = 0; i < text->n; i++)
		text->ranges[i] = (struct lsp_range){ text->laid[i].start, text->laid[i].end };
	WRITE_ONCE(text_bytes, text_bytes + text->bytes);
	return text;
err:
	kvfree(text);
	kvfree(over);
	return NULL;
}
