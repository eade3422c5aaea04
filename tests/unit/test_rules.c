// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's walk by learned rules, in its own code, against the unwinder
 * that teaches them, on stacks of programs whose locks are of every kind. Would
 * catch a frame that differs, a rule taken for an address or a set of mappings
 * that it does not belong to, a walk that goes on without a rule or astray on a
 * stack that makes no sense, and rules that are taught but not sound. And of walks
 * that are remembered: one that comes to another stack than the rules do, whatever
 * lies on the stack, and one that is not remembered.
 *
 * sources: kmod/core/walk.c kmod/core/memo.c
 * sources: tests/unit/unwind/fixture.c tests/lib/capture.c user/resolve/unwind/unwind.c user/resolve/unwind/dwfl.c
 * sources: user/resolve/unwind/snapshot.c user/resolve/maps/maps.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c user/base/maptext.c
 * sources: user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c user/resolve/unwind/fde.c user/resolve/unwind/cfa.c user/resolve/code/code.c
 * sources: user/resolve/unwind/callsite.c user/resolve/code/starts.c user/resolve/elf/file.c user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c
 * sources: user/resolve/elf/debugfile.c user/resolve/elf/minidebug.c user/resolve/elf/symtab.c user/resolve/elf/gopcln.c user/resolve/elf/range.c
 * sources: user/base/arena.c
 * sources: user/base/intern.c user/base/index.c
 * libs: -ldw -lelf -lz -llzma -ldl
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/core/memo.h"
#include "../../kmod/core/walk.h"
#include "../../user/resolve/elf/symtab.h"
#include "unwind/fixture.h"

#define BITS 10
#define FRAMES 256
#define GENERATION 7

static struct lsp_walk_table *table_new(uint32_t bits)
{
	struct lsp_walk_table *t = calloc(1, sizeof(*t) + (sizeof(t->rules[0]) << bits));

	assert_non_null(t);
	t->bits = bits;
	return t;
}

/* A piece of memory that stands for a stack. */
struct memory {
	uint64_t start;
	uint64_t bytes;
	const uint8_t *data;
	size_t reads;
};

static bool memory_read(void *arg, uint64_t address, uint64_t *ret)
{
	struct memory *m = arg;

	m->reads++;
	if (address - m->start > m->bytes - 8)
		return false;
	memcpy(ret, m->data + (address - m->start), 8);
	return true;
}

static uint32_t stack_walk(const struct lsp_walk_table *t, uint32_t generation,
			   const struct lockspan_stack *s, uint64_t *ips)
{
	struct memory m = {
		.start = s->regs[LOCKSPAN_REG_RSP], .bytes = s->payload_bytes,
		.data = (const uint8_t *)(s + 1),
	};
	struct lsp_walk_frame f = {
		.ip = s->regs[LOCKSPAN_REG_RIP], .sp = s->regs[LOCKSPAN_REG_RSP],
		.bp = s->regs[LOCKSPAN_REG_RBP], .bp_known = true,
	};
	uint64_t cfas[FRAMES];
	bool whole;
	uint32_t n = lsp_walk_frames(t, generation, &f, ips, cfas, FRAMES, &whole, memory_read, &m);

	return whole ? n : 0;
}

/* ---- against the unwinder ---- */

static void learn_all(struct lsp_walk_table *t, const struct lockspan_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(lsp_walk_learn(t, GENERATION, &rules[i]), 0);
}

static void subject_check(const char *name, const char *kind, size_t least)
{
	struct lockspan_rule rules[FRAMES];
	uint64_t ips[FRAMES];
	size_t walked = 0;
	struct fixture f;

	fixture_begin(&f, name, kind, &(struct capture_options){
		.max = 80, .window_bytes = 65536, .stride = 1 });
	for (size_t i = 0; i < f.capture.n; i++) {
		const struct lockspan_stack *raw = f.capture.stacks[i].raw;
		struct lsp_mapset *set = fixture_maps(&f, i);
		struct lsp_walk_table *t = table_new(BITS);
		const struct lsp_walk *w;
		size_t n, k;
		uint32_t got;

		assert_int_equal(stack_walk(t, GENERATION, raw, ips), 0);
		n = lsp_unwind_rules(f.unwinder, set, raw, rules, FRAMES);
		/* What was left out of the snapshot changes no rule. */
		assert_int_equal(lsp_unwind_rules(f.unwinder, set, f.capture.stacks[i].sparse, rules,
						  FRAMES), n);
		learn_all(t, rules, n);
		w = lsp_unwind(f.unwinder, set, raw);
		got = stack_walk(t, GENERATION, raw, ips);
		if (w->end != LSP_END_COMPLETE || n != w->n) {
			/* Something in it is no plain rule: the module is to copy such a stack. */
			assert_int_equal(got, 0);
		} else {
			assert_int_equal(got, w->n);
			for (k = 0; k < w->n; k++)
				assert_int_equal(ips[k] - 1, w->steps[k].pc);
			walked++;
		}
		assert_int_equal(stack_walk(t, GENERATION + 1, raw, ips), 0);
		free(t);
	}
	assert_true(walked >= least);
	fixture_end(&f);
}

static void programs(void **state)
{
	static const char *const kinds[] = { "mutex", "cond", "rwlock", "sem", "barrier" };

	(void)state;
	subject_build("c", "gcc", "chains.c", "-O2");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		subject_check("c", kinds[i], 20);
	subject_check("c", "deep", 5);
	/* Their frames need what rules of this form do not say: never walked, or as the unwinder does. */
	subject_check("c", "signal", 0);
	subject_check("c", "drap", 0);
	subject_check("c", "jit", 0);
	subject_check("c", "odd", 0);
	subject_build("c-fp", "gcc", "chains.c", "-O2 -fno-omit-frame-pointer -static-pie");
	subject_check("c-fp", "mutex", 20);
	subject_build("c-O0", "gcc", "chains.c", "-O0");
	subject_check("c-O0", "cond", 20);
}

/* ---- remembered ---- */

static struct lsp_memo *memo_new(uint32_t bits)
{
	struct lsp_memo *m = calloc(1, sizeof(*m) + (sizeof(m->nodes[0]) << bits));

	assert_non_null(m);
	lsp_memo_init(m, bits);
	return m;
}

static uint64_t name_of(const uint64_t *ips, uint32_t n)
{
	uint64_t name = n;

	for (uint32_t i = 0; i < n; i++)
		name = (name ^ ips[i]) * 0x9e3779b97f4a7c15ULL;
	return name | 1;
}

/* By rules and by memory; remembers it if @learn. The latter's name, and in *@walked the former's. */
static uint64_t both_ways(struct lsp_memo *m, const struct lsp_walk_table *t, struct memory *memory,
			  struct lsp_walk_frame f, uint64_t *walked, bool learn)
{
	const struct lsp_walk_frame begin = f;
	uint64_t ips[FRAMES], cfas[FRAMES], remembered;
	uint32_t n;
	bool whole;

	remembered = lsp_memo_walk(m, GENERATION, &begin, memory_read, memory);
	assert_int_equal(lsp_memo_walk(m, GENERATION + 1, &begin, memory_read, memory), 0);
	n = lsp_walk_frames(t, GENERATION, &f, ips, cfas, FRAMES, &whole, memory_read, memory);
	n = whole ? n : 0;
	*walked = n ? name_of(ips, n) : 0;
	if (n && learn)
		lsp_memo_learn(m, t, GENERATION, begin.sp, ips, cfas, n, *walked);
	return remembered;
}

/* A stack, at another place than it was, with its @word-th word changed to @value if there is one. */
static uint64_t stack_both_ways(struct lsp_memo *m, const struct lsp_walk_table *t,
				const struct lockspan_stack *s, size_t word, uint64_t value,
				uint64_t *walked, bool learn)
{
	size_t words = s->payload_bytes / 8;
	uint64_t *data = malloc(8 * words), name;
	struct memory memory = {
		.start = s->regs[LOCKSPAN_REG_RSP], .bytes = 8 * words, .data = (uint8_t *)data,
	};
	struct lsp_walk_frame f = {
		.ip = s->regs[LOCKSPAN_REG_RIP], .sp = s->regs[LOCKSPAN_REG_RSP],
		.bp = s->regs[LOCKSPAN_REG_RBP], .bp_known = true,
	};

	assert_non_null(data);
	memcpy(data, s + 1, 8 * words);
	if (word < words)
		data[word] = value;
	name = both_ways(m, t, &memory, f, walked, learn);
	free(data);
	return name;
}

/* Whatever the room, none is taken for another; with enough, each is known. */
static void remembered_check(const char *name, const char *kind, uint32_t bits, bool all)
{
	struct lsp_walk_table *t = table_new(12);
	struct lsp_memo *m = memo_new(bits);
	struct lockspan_rule rules[FRAMES];
	uint64_t walked, value;
	size_t i, k, known = 0;
	struct fixture f;

	fixture_begin(&f, name, kind, &(struct capture_options){
		.max = 80, .window_bytes = 65536, .stride = 1 });
	for (i = 0; i < f.capture.n; i++) {
		const struct lockspan_stack *raw = f.capture.stacks[i].raw;

		learn_all(t, rules, lsp_unwind_rules(f.unwinder, fixture_maps(&f, i), raw, rules,
						     FRAMES));
		value = stack_both_ways(m, t, raw, SIZE_MAX, 0, &walked, true);
		/* Not yet seen, or rightly so. */
		assert_true(!value || value == walked);
	}
	srand(1);
	for (i = 0; i < f.capture.n; i++) {
		const struct lockspan_stack *raw = f.capture.stacks[i].raw;
		const uint64_t *words = (const uint64_t *)(raw + 1);

		value = stack_both_ways(m, t, raw, SIZE_MAX, 0, &walked, false);
		assert_true(value == walked || (!all && !value));
		known += value != 0;
		/* Any word for another of the same stack, or one byte of it changed. */
		for (k = 0; k < 400; k++) {
			value = words[(size_t)rand() % 200];
			value = k & 1 ? value : value ^ 1ULL << (rand() % 48);
			value = stack_both_ways(m, t, raw, (size_t)rand() % 200, value, &walked, false);
			assert_true(!value || value == walked);
		}
	}
	assert_true(known > (all ? 20 : 0));
	lsp_memo_forget(m, 0);
	for (i = 0; i < f.capture.n; i++)
		assert_int_equal(stack_both_ways(m, t, f.capture.stacks[i].raw, SIZE_MAX, 0, &walked,
						 false), 0);
	fixture_end(&f);
	free(m);
	free(t);
}

static void remembered(void **state)
{
	(void)state;
	subject_build("c", "gcc", "chains.c", "-O2");
	remembered_check("c", "mutex", 14, true);
	remembered_check("c", "cond", 14, true);
	remembered_check("c", "mutex", 6, false);
	remembered_check("c", "cond", 5, false);
	subject_build("c-fp", "gcc", "chains.c", "-O2 -fno-omit-frame-pointer -static-pie");
	remembered_check("c-fp", "rwlock", 14, true);
	subject_build("c-O0", "gcc", "chains.c", "-O0");
	remembered_check("c-O0", "mutex", 14, true);
}

/* ---- by hand ---- */

#define AT 0x7000000

static const struct lockspan_rule leaf = {
	.pc = 0x1000 - 1, .cfa_off = 16, .ra_off = -8,
};
static const struct lockspan_rule middle = {
	.pc = 0x2000 - 1, .cfa_off = 16, .ra_off = -8, .rbp_off = -16,
	.flags = LOCKSPAN_RULE_CFA_RBP | LOCKSPAN_RULE_RBP_SAVED,
};
static const struct lockspan_rule outer = { .pc = 0x3000 - 1, .flags = LOCKSPAN_RULE_END };

/* As far as the last walk got that wanted a rule. */
static uint32_t g_part;

/* Returns frames of a whole walk over @words from 0x1000. */
static uint32_t words_walk(const struct lsp_walk_table *t, const uint64_t *words, size_t n,
			   uint64_t rbp, size_t *reads)
{
	struct memory m = { .start = AT, .bytes = 8 * n, .data = (const uint8_t *)words };
	struct lsp_walk_frame f = { .ip = 0x1000, .sp = AT, .bp = rbp, .bp_known = true };
	uint64_t ips[16], cfas[16];
	bool whole;
	uint32_t got = lsp_walk_frames(t, GENERATION, &f, ips, cfas, 16, &whole, memory_read, &m);

	*reads = m.reads;
	/* Part of a stack ends with the address that has no rule, and its frame. */
	if (got && !whole) {
		assert_null(lsp_walk_find(t, GENERATION, ips[got - 1] - 1));
		assert_true(f.ip == ips[got - 1] && f.sp == (got > 1 ? cfas[got - 2] : AT));
		g_part = got;
		return 0;
	}
	g_part = 0;
	return got;
}

static void chains(void **state)
{
	const uint64_t words[] = { 0, 0x2000, 0, 0, 0x1234, 0x3000 };
	const uint64_t around[] = { 0, 0x1000, 0, 0x1000, 0, 0x1000 };
	struct lsp_walk_table *t = table_new(BITS);
	size_t reads;

	(void)state;
	assert_int_equal(words_walk(t, words, 6, AT + 32, &reads), 0);
	assert_int_equal(g_part, 1);
	learn_all(t, &leaf, 1);
	assert_int_equal(words_walk(t, words, 6, AT + 32, &reads), 0);
	assert_int_equal(g_part, 2);
	learn_all(t, &middle, 1);
	assert_int_equal(words_walk(t, words, 6, AT + 32, &reads), 0);
	assert_int_equal(g_part, 3);
	learn_all(t, &outer, 1);
	assert_int_equal(words_walk(t, words, 6, AT + 32, &reads), 3);
	assert_int_equal(reads, 3);
	/* rbp below the frame before: no caller lies there */
	assert_int_equal(words_walk(t, words, 6, AT - 16, &reads), 0);
	assert_int_equal(g_part, 0);
	assert_int_equal(words_walk(t, words, 6, AT, &reads), 0);
	/* the memory ends first */
	assert_int_equal(words_walk(t, words, 5, AT + 32, &reads), 0);
	assert_int_equal(words_walk(t, words, 6, UINT64_MAX - 8, &reads), 0);
	/* one that seems to call itself ends with the memory */
	assert_int_equal(words_walk(t, around, 6, AT, &reads), 0);
	assert_true(reads <= 4);
	free(t);
}

/* Two rules with which a walk that may go down the stack would come to its end. */
static void downwards(void **state)
{
	const uint64_t words[] = { 0x3000, 0x2000 };
	struct lsp_walk_table *t = table_new(BITS);
	struct lockspan_rule bare = middle;
	size_t reads;

	(void)state;
	bare.flags = LOCKSPAN_RULE_CFA_RBP;
	learn_all(t, &leaf, 1);
	learn_all(t, &bare, 1);
	learn_all(t, &outer, 1);
	assert_int_equal(words_walk(t, words, 2, AT - 8, &reads), 0);
	assert_int_equal(reads, 1);
	free(t);
}

/* Rules of another generation stand in the places that are looked at. */
static void generations(void **state)
{
	struct lsp_walk_table *t = table_new(3);
	struct lockspan_rule other = leaf;
	uint32_t g = GENERATION + 1;

	(void)state;
	other.cfa_off = 32;
	learn_all(t, &leaf, 1);
	while (lsp_walk_place(t, g, leaf.pc) != lsp_walk_place(t, GENERATION, leaf.pc))
		g++;
	assert_null(lsp_walk_find(t, g, leaf.pc));
	assert_null(lsp_walk_find(t, GENERATION, leaf.pc + 1));
	assert_int_equal(lsp_walk_learn(t, g, &other), 0);
	assert_int_equal(lsp_walk_find(t, GENERATION, leaf.pc)->cfa_off, leaf.cfa_off);
	assert_int_equal(lsp_walk_find(t, g, leaf.pc)->cfa_off, 32);
	free(t);
}

static void rbp_lost(void **state)
{
	const uint64_t words[] = { 0, 0x2000, 0, 0, 0x1234, 0x3000 };
	struct lsp_walk_table *t = table_new(BITS);
	struct lockspan_rule lost = leaf;
	size_t reads;

	(void)state;
	lost.flags = LOCKSPAN_RULE_RBP_LOST;
	learn_all(t, &lost, 1);
	learn_all(t, &middle, 1);
	learn_all(t, &outer, 1);
	assert_int_equal(words_walk(t, words, 6, AT + 32, &reads), 0);
	free(t);
}

static void refused(void **state)
{
	struct lsp_walk_table *t = table_new(BITS);
	struct lockspan_rule r = leaf;

	(void)state;
	assert_int_equal(lsp_walk_learn(t, 0, &r), -1);
	r.flags = LOCKSPAN_RULE_MASK + 1;
	assert_int_equal(lsp_walk_learn(t, GENERATION, &r), -1);
	r = leaf;
	r.reserved = 1;
	assert_int_equal(lsp_walk_learn(t, GENERATION, &r), -1);
	r = leaf;
	r.cfa_off = 0;
	assert_int_equal(lsp_walk_learn(t, GENERATION, &r), -1);
	r.cfa_off = INT32_MAX;
	assert_int_equal(lsp_walk_learn(t, GENERATION, &r), -1);
	assert_int_equal(t->used, 0);
	free(t);
}

/* As many as half of the table, then no more; those that are in are found, and no others. */
static void full(void **state)
{
	struct lsp_walk_table *t = table_new(BITS);
	struct lockspan_rule r = leaf;
	size_t taken = 0, found = 0;

	(void)state;
	for (uint64_t i = 0; i < 4096; i++) {
		r.pc = 0x55550000 + i * 37;
		r.cfa_off = (int32_t)(8 * (i + 1));
		taken += !lsp_walk_learn(t, GENERATION, &r);
	}
	assert_true(taken <= 512 && taken > 400);
	assert_int_equal(t->used, taken);
	for (uint64_t i = 0; i < 4096; i++) {
		const struct lsp_walk_rule *rule = lsp_walk_find(t, GENERATION, 0x55550000 + i * 37);

		assert_null(lsp_walk_find(t, GENERATION + 1, 0x55550000 + i * 37));
		if (!rule)
			continue;
		found++;
		assert_int_equal(rule->cfa_off, 8 * (i + 1));
	}
	assert_int_equal(found, taken);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs),
		cmocka_unit_test(remembered), cmocka_unit_test(chains),
		cmocka_unit_test(downwards), cmocka_unit_test(generations),
		cmocka_unit_test(rbp_lost), cmocka_unit_test(refused), cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, subjects_begin, subjects_end);
}
