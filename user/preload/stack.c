// SPDX-License-Identifier: GPL-2.0-only
#include "stack.h"

#include <stdbool.h>
#include <string.h>

#include "copy.h"
#include "mappings.h"
#include "thread.h"

/* How many stacks are remembered as sent. Beyond that they are sent again. */
#define KNOWN 32768
#define KNOWN_PROBES 16

static uint64_t known[KNOWN];

/* Whether the stack is known. If not, it is known from now on, unless there is no place for it. */
static bool known_or_add(uint64_t id)
{
	/* What a child has inherited was sent in the name of its parent. */
	uint64_t name = (id ^ (uint64_t)lsp_thread_image() * 0x9e3779b97f4a7c15ULL) | 1;

	for (unsigned int i = 0; i < KNOWN_PROBES; i++) {
		uint64_t *slot = &known[(name + i) % KNOWN], seen = 0;

		if (__atomic_load_n(slot, __ATOMIC_RELAXED) == name)
			return true;
		if (__atomic_compare_exchange_n(slot, &seen, name, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return false;
		if (seen == name)
			return true;
	}
	return false;
}

uint64_t lsp_stack_name(const struct lsp_regs *regs, size_t bytes, uint64_t now_ns)
{
	uint32_t generation = lsp_text_generation(now_ns);
	struct lockspan_stack *stack = lsp_thread_room(sizeof(*stack) + bytes);
	uint64_t *words = (uint64_t *)(stack + 1);
	size_t got;
	uint64_t id;

	if (!stack || !generation)
		return 0;
	got = lsp_copy(lsp_thread_id(), words, regs->r[LOCKSPAN_REG_RSP], bytes);
	if (!got)
		return 0;
	id = lsp_text_fingerprint(words, got / 8,
				  regs->r[LOCKSPAN_REG_RIP] ^ generation * 0xd6e8feb86659fd93ULL);
	if (known_or_add(id))
		return id;
	memset(stack, 0, sizeof(*stack));
	stack->rec.bytes = (uint32_t)(sizeof(*stack) + got);
	stack->rec.type = LOCKSPAN_REC_STACK;
	stack->rec.flags = got == bytes ? LOCKSPAN_STACK_FULL : 0;
	stack->id = id;
	memcpy(stack->regs, regs->r, sizeof(stack->regs));
	stack->tgid = lsp_thread_process();
	stack->tid = lsp_thread_id();
	stack->generation = generation;
	stack->mode = LOCKSPAN_STACK_RAW;
	stack->window_bytes = (uint32_t)bytes;
	stack->payload_bytes = (uint32_t)got;
	lsp_thread_commit(stack->rec.bytes);
	return id;
}
