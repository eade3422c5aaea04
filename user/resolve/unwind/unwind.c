/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walks captured stacks with the compact tables. A rule is looked up once per (set of mappings,
 * address), and then comes from a cache, because stacks repeat themselves. Where there is no rule,
 * the walk guesses, by the frame pointer or by call sites, and marks the frame as guessed.
 */
#include "unwind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "callsite.h"
#include "cfi.h"
#include "../code/code.h"
#include "../elf/debugfile.h"
#include "dwfl.h"
#include "snapshot.h"

#define CACHE_ENTRIES 8192	/* a power of two */

#define RBP LOCKSPAN_REG_RBP
#define RSP LOCKSPAN_REG_RSP
#define RIP LOCKSPAN_REG_RIP

/* Where rt_sigreturn finds the registers: above its rsp, in the order of the kernel's struct. */
#define SIGCONTEXT_BYTES 40
static const uint8_t sigcontext_regs[LOCKSPAN_REGS] = {
	8, 9, 10, 11, 12, 13, 14, 15, 5, 4, RBP, 3, 1, 0, 2, RSP, RIP,
};

struct cache_entry {
	uint64_t pc;
	uint32_t serial;	/* serial number of the set; 0: free */
	struct lsp_map *map;
	const struct lsp_cfi_rule *rule;
};

struct lsp_unwinder {
	struct lsp_maps *maps;
	struct lsp_unwind_counts counts;
	struct cache_entry cache[CACHE_ENTRIES];
	struct lsp_walk walk;
	struct lsp_snapshot snap;
};

struct frame {
	uint64_t regs[LOCKSPAN_REGS];
	uint32_t valid;		/* one bit for each register that is known */
	bool exact;		/* rip is the next instruction itself, not a return address behind a call */
	bool guessed;
	bool chained;		/* rbp was read from a chain of frame pointers */
	bool pointed;		/* the whole frame was found by a frame pointer */
};

/* The result of a step: go on, or how the walk ended. */
enum step { STEP_ON, STEP_OVER, STEP_END };

static const struct lsp_cfi_rule no_rule;

int lsp_unwinder_create(struct lsp_maps *maps, struct lsp_unwinder **ret)
{
	struct lsp_unwinder *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->maps = maps;
	*ret = u;
	return 0;
}

void lsp_unwinder_destroy(struct lsp_unwinder *u)
{
	free(u);
}

const struct lsp_unwind_counts *lsp_unwinder_counts(const struct lsp_unwinder *u)
{
	return &u->counts;
}

/* ---- rules ---- */

static const struct cache_entry *rule_find(struct lsp_unwinder *u, struct lsp_mapset *set,
					   uint64_t pc)
{
	uint64_t hash = (pc ^ (uint64_t)set->serial << 40) * 0x9e3779b97f4a7c15ULL;
	struct cache_entry *c = &u->cache[hash >> 51 & (CACHE_ENTRIES - 1)];
	const struct lsp_cfi *cfi;
	struct lsp_elf *elf;

	if (c->serial == set->serial && c->pc == pc) {
		u->counts.cached++;
		return c;
	}
	c->serial = set->serial;
	c->pc = pc;
	c->rule = &no_rule;
	c->map = lsp_mapset_lookup(set, pc);
	elf = c->map && c->map->exec ? lsp_map_elf(u->maps, set, c->map) : NULL;
	cfi = elf ? lsp_cfi_of(elf) : NULL;
	if (cfi)
		c->rule = lsp_cfi_lookup(cfi, pc - c->map->bias);
	return c;
}

/* ---- memory ---- */

static bool known(const struct frame *f, unsigned int reg)
{
	return f->valid >> reg & 1;
}

static enum lsp_end end_of_read(const struct lsp_unwinder *u, enum lsp_snapshot_read got,
				uint64_t addr)
{
	/* a word that was left out is no pointer, so the rule that needed it was wrong */
	return got == LSP_SNAPSHOT_OUTSIDE && addr >= u->snap.start ? LSP_END_TRUNCATED : LSP_END_BAD;
}

static enum step end_at(struct lsp_unwinder *u, enum lsp_end end)
{
	u->walk.end = end;
	return STEP_END;
}

/* ---- steps by rule ---- */

static bool cfa_find(struct lsp_unwinder *u, const struct frame *f, const struct lsp_cfi_rule *r,
		     uint64_t *cfa, enum lsp_end *end)
{
	enum lsp_snapshot_read got;
	uint64_t addr;

	*end = LSP_END_BAD;
	if (!known(f, r->cfa_reg))
		return false;
	if (r->cfa_kind == LSP_CFA_PLT) {
		*cfa = f->regs[RSP] + 8;
		if ((f->regs[RIP] & 15) >= (uint64_t)r->cfa_off)
			*cfa += 8;
		return true;
	}
	addr = f->regs[r->cfa_reg] + (uint64_t)(int64_t)r->cfa_off;
	*cfa = addr;
	if (r->cfa_kind != LSP_CFA_DEREF)
		return true;
	got = lsp_snapshot_word(&u->snap, addr, cfa);
	*end = end_of_read(u, got, addr);
	return got == LSP_SNAPSHOT_OK;
}

static uint64_t slot_addr(const struct frame *f, const struct lsp_cfi_rule *r, unsigned int kind,
			  int16_t offset, uint64_t cfa)
{
	return (kind == LSP_SLOT_CFA ? cfa : f->regs[r->cfa_reg]) + (uint64_t)(int64_t)offset;
}

/* The kernel has stored every register of the interrupted code at rsp. */
static enum step step_signal(struct lsp_unwinder *u, struct frame *f)
{
	uint64_t base = f->regs[RSP] + SIGCONTEXT_BYTES, word;
	struct frame out = { .exact = true };
	size_t i;

	for (i = 0; i < LOCKSPAN_REGS; i++) {
		enum lsp_snapshot_read got = lsp_snapshot_word(&u->snap, base + 8 * i, &word);
		unsigned int reg = sigcontext_regs[i];

		if (got != LSP_SNAPSHOT_OK && (reg == RIP || reg == RSP))
			return end_at(u, end_of_read(u, got, base + 8 * i));
		out.regs[reg] = word;
		out.valid |= (uint32_t)(got == LSP_SNAPSHOT_OK) << reg;
	}
	*f = out;
	return STEP_ON;
}

static enum step step_rule(struct lsp_unwinder *u, struct frame *f, const struct lsp_cfi_rule *r)
{
	unsigned int ra_kind = LSP_CFI_RA(r), rbp_kind = LSP_CFI_RBP(r);
	enum lsp_snapshot_read got;
	uint64_t cfa, addr, ra;
	enum lsp_end end;

	if (r->cfa_kind == LSP_CFA_COMPLEX)
		return STEP_OVER;
	if (ra_kind == LSP_SLOT_UNDEFINED)
		return end_at(u, LSP_END_COMPLETE);
	if ((r->flags & LSP_CFI_SIGNAL) && r->cfa_kind == LSP_CFA_DEREF)
		return step_signal(u, f);
	/* only libdwfl follows the other registers through the frames */
	if (r->cfa_reg != RSP && r->cfa_reg != RBP && !known(f, r->cfa_reg))
		return STEP_OVER;
	if (!cfa_find(u, f, r, &cfa, &end))
		return end_at(u, end);
	if (cfa <= f->regs[RSP] || ra_kind == LSP_SLOT_SAME)
		return end_at(u, LSP_END_BAD);
	addr = slot_addr(f, r, ra_kind, r->ra_off, cfa);
	got = lsp_snapshot_word(&u->snap, addr, &ra);
	if (got != LSP_SNAPSHOT_OK)
		return end_at(u, end_of_read(u, got, addr));
	addr = slot_addr(f, r, rbp_kind, r->rbp_off, cfa);
	/* changes the frame in place, because this is done for every frame */
	f->valid = 1U << RIP | 1U << RSP | (rbp_kind == LSP_SLOT_SAME ? f->valid & 1U << RBP : 0);
	f->exact = r->flags & LSP_CFI_SIGNAL;
	f->guessed = f->chained = f->pointed = false;
	if (rbp_kind != LSP_SLOT_SAME && rbp_kind != LSP_SLOT_UNDEFINED) {
		got = lsp_snapshot_word(&u->snap, addr, &f->regs[RBP]);
		f->valid |= (uint32_t)(got == LSP_SNAPSHOT_OK) << RBP;
	}
	f->regs[RIP] = ra;
	f->regs[RSP] = cfa;
	return STEP_ON;
}

/* ---- guesses ---- */

static bool is_code(struct lsp_mapset *set, uint64_t pc)
{
	struct lsp_map *map = lsp_mapset_lookup(set, pc);

	return map && map->exec;
}

/* Goes to the caller by the frame pointer. Returns false if it points to no frame. */
static bool pointer_frame(struct lsp_unwinder *u, struct lsp_mapset *set, const struct frame *f,
			  struct frame *out, enum lsp_snapshot_read *got)
{
	uint64_t rbp = f->regs[RBP], saved, ra;
	enum lsp_snapshot_read got_rbp;

	*got = LSP_SNAPSHOT_DROPPED;
	if (!known(f, RBP) || rbp < f->regs[RSP] || (rbp & 7) || rbp > UINT64_MAX - 16)
		return false;
	got_rbp = lsp_snapshot_word(&u->snap, rbp, &saved);
	*got = lsp_snapshot_word(&u->snap, rbp + 8, &ra);
	if (*got != LSP_SNAPSHOT_OK || !is_code(set, ra - 1))
		return false;
	*out = (struct frame){ .guessed = true, .chained = true, .pointed = true };
	out->regs[RIP] = ra;
	out->regs[RSP] = rbp + 16;
	out->regs[RBP] = saved;
	out->valid = 1U << RIP | 1U << RSP | (uint32_t)(got_rbp == LSP_SNAPSHOT_OK) << RBP;
	return true;
}

/* Makes the next frame from the return address at @addr. */
static void callsite_frame(struct lsp_unwinder *u, const struct lsp_callee *callee,
			   const struct frame *f, uint64_t addr, uint64_t ra, struct frame *out)
{
	unsigned int depth = callee->start ? lsp_code_rbp_depth(callee->elf, callee->start) : 0;
	enum lsp_snapshot_read got;

	*out = (struct frame){ .guessed = true };
	out->regs[RIP] = ra;
	out->regs[RSP] = addr + 8;
	out->valid = 1U << RIP | 1U << RSP;
	if (depth) {
		got = lsp_snapshot_word(&u->snap, addr - 8 * (uint64_t)depth, &out->regs[RBP]);
		out->valid |= (uint32_t)(got == LSP_SNAPSHOT_OK) << RBP;
		out->chained = true;
	} else {
		out->chained = f->chained;
		out->regs[RBP] = f->regs[RBP];
		out->valid |= f->valid & 1U << RBP;
	}
}

/* Steps from a frame without a rule. @map is NULL or executable. */
static enum step step_guess(struct lsp_unwinder *u, struct lsp_mapset *set, struct frame *f,
			    struct lsp_map *map, uint64_t pc)
{
	struct lsp_elf *elf = lsp_map_elf(u->maps, set, map);
	struct frame pointer, site;
	struct lsp_callee callee;
	enum lsp_snapshot_read got;
	bool by_pointer, by_site;
	uint64_t addr, ra;

	if (elf && lsp_code_is_sigreturn(elf, f->regs[RIP] - map->bias)) {
		u->walk.steps[u->walk.n - 1].pc = f->regs[RIP];
		return step_signal(u, f);
	}
	if (elf && !f->exact && u->walk.n > 1 &&
	    lsp_code_is_outermost(elf, f->regs[RIP] - map->bias))
		return end_at(u, LSP_END_COMPLETE);
	if (!elf && map && lsp_callsite_of_python(u->maps, set, map, &u->snap, f->regs[RSP], &ra)) {
		f->regs[RIP] = ra;
		f->regs[RSP] += 16;
		f->guessed = true;
		f->exact = false;
		return STEP_ON;
	}
	by_pointer = pointer_frame(u, set, f, &pointer, &got);
	by_pointer = by_pointer && lsp_callsite_plausible(u->maps, set, pointer.regs[RIP]);
	by_site = elf && lsp_callsite_init(&callee, u->maps, set, map, pc);
	if (by_site && by_pointer &&
	    (f->pointed || lsp_callsite_calls(&callee, pointer.regs[RIP]) ||
	     (callee.start && lsp_code_sets_frame(elf, callee.start))))
		by_site = false;
	by_site = by_site && lsp_callsite_find(&callee, &u->snap, f->regs[RSP], &addr, &ra);
	/*
	 * takes the nearer one, because a call site beyond the frame pointer's would leave that
	 * frame out
	 */
	if (by_site && (!by_pointer || addr + 8 < pointer.regs[RSP])) {
		callsite_frame(u, &callee, f, addr, ra, &site);
		*f = site;
		return STEP_ON;
	}
	if (by_pointer) {
		*f = pointer;
		return STEP_ON;
	}
	if (f->chained && known(f, RBP) && !f->regs[RBP])
		return end_at(u, LSP_END_COMPLETE);
	return end_at(u, got == LSP_SNAPSHOT_OUTSIDE ? LSP_END_TRUNCATED : LSP_END_NO_CFI);
}

/* ---- walks ---- */

/* Returns false when the walk has reached its limit. */
static bool step_push(struct lsp_unwinder *u, uint64_t pc, struct lsp_map *map, bool guessed,
		      bool interrupted)
{
	struct lsp_walk *w = &u->walk;

	if (w->n == LSP_WALK_MAX) {
		w->end = LSP_END_TRUNCATED;
		return false;
	}
	w->steps[w->n++] = (struct lsp_step){
		.pc = pc, .map = map, .guessed = guessed, .interrupted = interrupted,
	};
	u->counts.frames++;
	u->counts.guessed += guessed;
	return true;
}

/* How libdwfl's walk ended, by our own rule for its last frame. */
static void judge(struct lsp_unwinder *u, struct lsp_mapset *set, bool outside)
{
	struct lsp_walk *w = &u->walk;
	const struct cache_entry *c = NULL;
	size_t i;

	for (i = 0; i < w->n; i++) {
		w->steps[i].guessed = c && c->rule->cfa_kind == LSP_CFA_NONE;
		c = rule_find(u, set, w->steps[i].pc);
	}
	if (c && c->rule->cfa_kind != LSP_CFA_NONE && LSP_CFI_RA(c->rule) == LSP_SLOT_UNDEFINED)
		w->end = LSP_END_COMPLETE;
	else if (outside || w->n == LSP_WALK_MAX)
		w->end = LSP_END_TRUNCATED;
	else if (c && !c->map)
		w->end = LSP_END_NO_MAP;
	else
		w->end = c && c->rule->cfa_kind == LSP_CFA_NONE ? LSP_END_NO_CFI : LSP_END_BAD;
}

/* Walks the whole stack by libdwfl. If that finds no more than the tables, their result stays. */
static void hand_over(struct lsp_unwinder *u, struct lsp_mapset *set,
		      const struct lockspan_stack *stack)
{
	size_t n = u->walk.n;
	bool outside;

	u->counts.handed_over++;
	u->walk.end = LSP_END_NO_CFI;
	if (lsp_dwfl_walk(u->maps, set, stack, &u->snap, &u->walk, &outside))
		u->walk.n = u->walk.n < n ? n : u->walk.n;
	else
		judge(u, set, outside);
}

/*
 * Whether a chain of frames leads to no code. No code is in the first page, so there no mapping is
 * missing.
 */
static enum lsp_end outside_end(const struct cache_entry *c, uint64_t pc)
{
	return c->map || pc + 1 < 4096 ? LSP_END_BAD : LSP_END_NO_MAP;
}

static void walk_registers(struct lsp_unwinder *u, struct lsp_mapset *set,
			   const struct lockspan_stack *stack)
{
	struct frame f = { .valid = (1U << LOCKSPAN_REGS) - 1 };
	enum step step = STEP_ON;

	memcpy(f.regs, stack->regs, sizeof(f.regs));
	while (step == STEP_ON) {
		/* the return address of a call may already belong to the next function */
		uint64_t pc = f.exact ? f.regs[RIP] : f.regs[RIP] - 1;
		const struct cache_entry *c = rule_find(u, set, pc);

		if (!c->map || !c->map->exec) {
			u->walk.end = outside_end(c, pc);
			if (!u->walk.n)
				step_push(u, pc, c->map, false, false);
			return;
		}
		/* nothing called a trampoline: it is at its first instruction, before it is nothing */
		if (!step_push(u, c->rule->flags & LSP_CFI_SIGNAL ? f.regs[RIP] : pc, c->map, f.guessed,
			       f.exact))
			return;
		step = c->rule->cfa_kind == LSP_CFA_NONE ?
			step_guess(u, set, &f, c->map, pc) : step_rule(u, &f, c->rule);
	}
	if (step == STEP_OVER)
		hand_over(u, set, stack);
}

/* Takes the return addresses that the module found by frame pointers. */
static void walk_chain(struct lsp_unwinder *u, struct lsp_mapset *set,
		       const struct lockspan_stack *stack)
{
	const uint8_t *payload = (const uint8_t *)(stack + 1);
	const struct cache_entry *c = rule_find(u, set, stack->regs[RIP] - 1);
	size_t i, n = stack->payload_bytes / 8;
	uint64_t ra;

	step_push(u, stack->regs[RIP] - 1, c->map, false, false);
	u->walk.end = LSP_END_BAD;
	for (i = 0; i < n; i++) {
		memcpy(&ra, payload + 8 * i, 8);
		c = rule_find(u, set, ra - 1);
		if (!c->map || !c->map->exec)
			return;
		if (!step_push(u, ra - 1, c->map, true, false))
			return;
	}
	if (c->rule->cfa_kind != LSP_CFA_NONE && LSP_CFI_RA(c->rule) == LSP_SLOT_UNDEFINED)
		u->walk.end = LSP_END_COMPLETE;
	else if (stack->rec.flags & (LOCKSPAN_STACK_CUT | LOCKSPAN_STACK_FULL))
		u->walk.end = LSP_END_TRUNCATED;
}

/*
 * Takes the addresses that the module found by the rules it was taught. They are exact, and go to
 * the end of the stack.
 */
static void walk_learned(struct lsp_unwinder *u, struct lsp_mapset *set,
			 const struct lockspan_stack *stack)
{
	const uint8_t *payload = (const uint8_t *)(stack + 1);
	size_t i, n = stack->payload_bytes / 8;
	const struct cache_entry *c = NULL;
	uint64_t ip;

	u->walk.end = LSP_END_BAD;
	if (stack->rec.flags & LOCKSPAN_STACK_PAIRED && n)
		n--;
	for (i = 0; i < n; i++) {
		memcpy(&ip, payload + 8 * i, 8);
		c = rule_find(u, set, ip - 1);
		if (!c->map || !c->map->exec) {
			u->walk.end = outside_end(c, ip - 1);
			return;
		}
		if (!step_push(u, ip - 1, c->map, false, false))
			return;
	}
	if (c && c->rule->cfa_kind != LSP_CFA_NONE && LSP_CFI_RA(c->rule) == LSP_SLOT_UNDEFINED)
		u->walk.end = LSP_END_COMPLETE;
	else if (stack->rec.flags & LOCKSPAN_STACK_CUT)
		u->walk.end = LSP_END_TRUNCATED;
}

/* Walks a 32-bit process by its frame pointers of four bytes. There are no tables for it. */
static void walk_compat(struct lsp_unwinder *u, struct lsp_mapset *set,
			const struct lockspan_stack *stack)
{
	const uint8_t *payload = (const uint8_t *)(stack + 1);
	uint64_t sp = stack->regs[RSP], bp = stack->regs[RBP];
	uint32_t frame[2];

	step_push(u, stack->regs[RIP] - 1, lsp_mapset_lookup(set, stack->regs[RIP] - 1), false,
		  false);
	u->walk.end = LSP_END_NO_CFI;
	if (stack->mode != LOCKSPAN_STACK_RAW)
		return;
	while (bp >= sp && bp - stack->regs[RSP] < stack->payload_bytes) {
		struct lsp_map *map;

		if (stack->payload_bytes - (bp - stack->regs[RSP]) < sizeof(frame)) {
			u->walk.end = LSP_END_TRUNCATED;
			return;
		}
		memcpy(frame, payload + (bp - stack->regs[RSP]), sizeof(frame));
		map = lsp_mapset_lookup(set, (uint64_t)frame[1] - 1);
		if (!map || !map->exec || !step_push(u, (uint64_t)frame[1] - 1, map, true, false))
			return;
		sp = bp + sizeof(frame);
		bp = frame[0];
	}
}

/* Prepares the walk. Returns false if there is nothing to walk. */
static bool walk_begin(struct lsp_unwinder *u, struct lsp_mapset *set,
		       const struct lockspan_stack *stack)
{
	u->counts.stacks++;
	u->walk.n = 0;
	u->walk.end = LSP_END_NONE;
	if (stack->mode == LOCKSPAN_STACK_NONE || stack->mode >= __LOCKSPAN_STACK_LAST)
		return false;
	if (!set) {
		step_push(u, stack->regs[RIP] - 1, NULL, false, false);
		u->walk.end = LSP_END_NO_MAP;
		return false;
	}
	lsp_snapshot_init(&u->snap, stack);
	return true;
}

const struct lsp_walk *lsp_unwind(struct lsp_unwinder *u, struct lsp_mapset *set,
				  const struct lockspan_stack *stack)
{
	if (!walk_begin(u, set, stack))
		return &u->walk;
	if (stack->rec.flags & LOCKSPAN_STACK_COMPAT)
		walk_compat(u, set, stack);
	else if (stack->mode == LOCKSPAN_STACK_FP)
		walk_chain(u, set, stack);
	else if (stack->mode == LOCKSPAN_STACK_WALK)
		walk_learned(u, set, stack);
	else
		walk_registers(u, set, stack);
	return &u->walk;
}

const struct lsp_walk *lsp_unwind_dwfl(struct lsp_unwinder *u, struct lsp_mapset *set,
				       const struct lockspan_stack *stack)
{
	if (walk_begin(u, set, stack))
		hand_over(u, set, stack);
	return &u->walk;
}

/* ---- rules for the module ---- */

/*
 * Whether the code is in a file and cannot be written to. The rules of code that is written at run
 * time can change.
 */
static bool map_is_files(const struct lsp_map *map)
{
	return map && map->exec && !map->write && map->path[0] == '/' && map->path[1] != '/';
}

/* Looks for the rule that the module's walk lacked: that of its last address. */
static size_t rule_wanted(struct lsp_unwinder *u, struct lsp_mapset *set, const struct lockspan_stack *stack,
			  struct lockspan_rule *ret)
{
	const struct cache_entry *c;
	uint64_t ip;

	if (!(stack->rec.flags & LOCKSPAN_STACK_CUT) || stack->payload_bytes < 8)
		return 0;
	memcpy(&ip, (const uint8_t *)(stack + 1) + stack->payload_bytes - 8, 8);
	c = rule_find(u, set, ip - 1);
	return map_is_files(c->map) && lsp_cfi_rule_plain(c->rule, ip - 1, ret);
}

size_t lsp_unwind_rules(struct lsp_unwinder *u, struct lsp_mapset *set,
			const struct lockspan_stack *stack, struct lockspan_rule *rules, size_t max)
{
	uint64_t handed_over = u->counts.handed_over;
	const struct lsp_walk *w;
	size_t i, n = 0;

	if (!set || !max || stack->rec.flags & LOCKSPAN_STACK_COMPAT)
		return 0;
	if (stack->mode == LOCKSPAN_STACK_WALK)
		return rule_wanted(u, set, stack, rules);
	if (stack->mode != LOCKSPAN_STACK_RAW && stack->mode != LOCKSPAN_STACK_SPARSE)
		return 0;
	w = lsp_unwind(u, set, stack);
	if (u->counts.handed_over != handed_over)
		return 0;
	for (i = 0; i < w->n && n < max; i++) {
		const struct lsp_step *step = &w->steps[i];

		if (!step->guessed && !step->interrupted && map_is_files(step->map) &&
		    lsp_cfi_rule_plain(rule_find(u, set, step->pc)->rule, step->pc, &rules[n]))
			n++;
	}
	return n;
}
