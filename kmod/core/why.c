// SPDX-License-Identifier: GPL-2.0-only
#include "why.h"

void lsp_why_begin(struct lsp_why_history *h, u64 from_ns)
{
	u32 i;

	h->woken_ns = 0;
	h->last_ns = from_ns;
	h->from_ns = from_ns;
	h->next = h->absence;
	h->next->out_ns = ~0ULL;
	h->first = h->absence;
	h->full = h->absence + LSP_WHY_BLOCK_ABSENCES;
	h->blocks = 0;
	h->ratio = 0;
	for (i = 0; i < LSP_WHY_BLOCKS; i++)
		h->order[i] = (u8)i;
	h->known = true;
}

static inline void block_add(struct lsp_why_block *b, u64 what, u64 ns)
{
	const u64 *has = b->what;
	u32 i;

	/* Written out, because each absence passes this, and a loop is twice as dear. */
	_Static_assert(LSP_WHY_BLOCK_SUMS == 4, "the places below");
	i = has[0] == what ? 0 : has[1] == what ? 1 : has[2] == what ? 2 : has[3] == what ? 3 : LSP_WHY_BLOCK_SUMS;
	if (i < LSP_WHY_BLOCK_SUMS) {
		b->ns[i] += ns;
		return;
	}
	if (has[LSP_WHY_BLOCK_SUMS - 1] != LSP_WHY_FREE) {
		b->unknown_ns += ns;
		return;
	}
	for (i = 0; has[i] != LSP_WHY_FREE;)
		i++;
	b->what[i] = what;
	b->ns[i] = ns;
}

/* Finds what the thread did for most of its sleep. */
static void block_judge(struct lsp_why_block *b)
{
	u32 i, most = 0;

	for (i = 1; i < LSP_WHY_BLOCK_SUMS && b->what[i] != LSP_WHY_FREE; i++)
		if (b->ns[i] > b->ns[most])
			most = i;
	b->most = b->what[most];
}

/* Adds the block that follows to @to. */
static void block_join(struct lsp_why_block *to, const struct lsp_why_block *from)
{
	u32 i;

	to->running_ns += from->running_ns;
	to->runnable_ns += from->runnable_ns;
	to->unknown_ns += from->unknown_ns;
	for (i = 0; i < LSP_WHY_BLOCK_SUMS && from->what[i] != LSP_WHY_FREE; i++)
		block_add(to, from->what[i], from->ns[i]);
	if (to->most != from->most)
		block_judge(to);
}

/*
 * Makes one block of neighbours where it is no longer than @ratio / 256 of the time since then, or with 0 of the two
 * oldest ones. A border between two kinds of sleep is worth more, because a hold may have begun there. The places that
 * become free follow those of the blocks.
 */
static void blocks_join(struct lsp_why_history *h, u64 ratio)
{
	struct lsp_why_block *last = NULL, *next;
	u8 gone[LSP_WHY_BLOCKS];
	u32 i, left = 0, free = 0;
	u64 to_ns, least;

	for (i = 0; i < h->blocks; i++) {
		to_ns = i + 1 < h->blocks ? h->block[h->order[i + 1]].from_ns : h->from_ns;
		next = &h->block[h->order[i]];
		least = last && last->most == next->most ? ratio : ratio / 64;
		if (last && (ratio ? (to_ns - last->from_ns) << 8 <= least * (h->last_ns - to_ns + 1) : i == 1)) {
			block_join(last, next);
			gone[free++] = h->order[i];
		} else {
			h->order[left++] = h->order[i];
			last = next;
		}
	}
	h->blocks = (u8)left;
	while (free)
		h->order[left++] = gone[--free];
}

/* Makes room for some blocks at once, because it is dear to look at all of them. Begins near where it ended before. */
static void blocks_thin(struct lsp_why_history *h)
{
	static const u64 ratios[] = { 64, 128, 512, 4096, 1 << 16, 0 };
	const u32 last = sizeof(ratios) / sizeof(ratios[0]) - 1;
	u32 i = h->ratio;

	for (; i < last && h->blocks > LSP_WHY_BLOCKS - LSP_WHY_BLOCKS_FREED; i++)
		blocks_join(h, ratios[i]);
	if (h->blocks == LSP_WHY_BLOCKS)
		blocks_join(h, ratios[last]);
	h->ratio = i > 2 ? (u8)(i - 2) : 0;
}

static struct lsp_why_block *block_new(struct lsp_why_history *h)
{
	struct lsp_why_block *b;
	u32 i;

	if (h->blocks == LSP_WHY_BLOCKS)
		blocks_thin(h);
	b = &h->block[h->order[h->blocks++]];
	b->from_ns = h->from_ns;
	b->unknown_ns = 0;
	b->most = LSP_WHY_FREE;
	for (i = 0; i < LSP_WHY_BLOCK_SUMS; i++)
		b->what[i] = LSP_WHY_FREE;
	return b;
}

/* The end of the run of absences of one kind that begins with @a; *@what: the kind. Those without a sleep are of any kind. */
static const struct lsp_why_absence *run_end(const struct lsp_why_absence *a, const struct lsp_why_absence *end, u64 *what)
{
	*what = LSP_WHY_WHAT(RUNNABLE);
	for (; a < end; a++) {
		if (a->what == LSP_WHY_WHAT(RUNNABLE) || a->what == *what)
			continue;
		if (*what != LSP_WHY_WHAT(RUNNABLE))
			break;
		*what = a->what;
	}
	return a;
}

/* Takes the absences from @a to @end, which are the oldest, into a block. @what: the only kind of sleep, or LSP_WHY_FREE. */
static inline __attribute__((always_inline)) void block_sum(struct lsp_why_history *h, const struct lsp_why_absence *a,
							    const struct lsp_why_absence *end, u64 what,
							    struct lsp_why_times *times)
{
	u64 from_ns = h->from_ns, running_ns = 0, runnable_ns = 0, asleep_ns = 0, ns;
	struct lsp_why_block *b = block_new(h);

	for (; a < end; a++) {
		running_ns += a->out_ns - from_ns;
		runnable_ns += a->in_ns - a->woken_ns;
		from_ns = a->in_ns;
		ns = a->woken_ns - a->out_ns;
		if (a->what == LSP_WHY_WHAT(RUNNABLE)) {
			runnable_ns += ns;
		} else if (what != LSP_WHY_FREE) {
			asleep_ns += ns;
		} else {
			block_add(b, a->what, ns);
			lsp_why_times_add(times, a->what, ns);
		}
	}
	if (what == LSP_WHY_FREE) {
		block_judge(b);
	} else if (what != LSP_WHY_WHAT(RUNNABLE)) {
		b->what[0] = what;
		b->ns[0] = asleep_ns;
		b->most = what;
		lsp_why_times_add(times, what, asleep_ns);
	}
	b->running_ns = running_ns;
	b->runnable_ns = runnable_ns;
	times->state_ns[LOCKSPAN_WHY_RUNNING] += running_ns;
	times->state_ns[LOCKSPAN_WHY_RUNNABLE] += runnable_ns;
	h->from_ns = from_ns;
}

/* Takes a block's absences from @a on. If they are few runs of one kind each, each is a block: a hold may begin with it. */
static void oldest_sum(struct lsp_why_history *h, const struct lsp_why_absence *a, struct lsp_why_times *times)
{
	const struct lsp_why_absence *end = a + LSP_WHY_BLOCK_ABSENCES, *border[LSP_WHY_BLOCK_RUNS + 1] = { a };
	u64 what[LSP_WHY_BLOCK_RUNS];
	u32 i, runs = 0;

	while (runs < LSP_WHY_BLOCK_RUNS && border[runs] < end) {
		border[runs + 1] = run_end(border[runs], end, &what[runs]);
		runs++;
	}
	if (border[runs] < end) {
		block_sum(h, a, end, LSP_WHY_FREE, times);
		return;
	}
	for (i = 0; i < runs; i++)
		block_sum(h, border[i], border[i + 1], what[i], times);
}

void lsp_why_turn(struct lsp_why_history *h, struct lsp_why_times *times)
{
	struct lsp_why_absence *end = h->absence + LSP_WHY_ABSENCES;

	if (h->next == end)
		h->next = h->absence;
	h->full = h->next + LSP_WHY_BLOCK_ABSENCES;
	if (h->next != h->first)
		return;
	oldest_sum(h, h->first, times);
	h->first = h->full == end ? h->absence : h->full;
}

static void absence_end(struct lsp_why_times *times, const struct lsp_why_absence *a, u64 woken_ns, u64 in_ns)
{
	lsp_why_times_add(times, a->what, woken_ns - a->out_ns);
	times->state_ns[LOCKSPAN_WHY_RUNNABLE] += in_ns - woken_ns;
}

void lsp_why_end(struct lsp_why_history *h, u64 end_ns, struct lsp_why_times *times)
{
	const struct lsp_why_absence *a = h->first;
	u64 from_ns = h->from_ns, woken_ns = h->woken_ns;

	while (a != h->next) {
		if (a == h->absence + LSP_WHY_ABSENCES) {
			a = h->absence;
			continue;
		}
		times->state_ns[LOCKSPAN_WHY_RUNNING] += a->out_ns - from_ns;
		absence_end(times, a, a->woken_ns, a->in_ns);
		from_ns = a->in_ns;
		a++;
	}
	if (end_ns < h->last_ns)
		end_ns = h->last_ns;
	times->state_ns[LOCKSPAN_WHY_RUNNING] += h->last_ns - from_ns;
	/* The last change was the begin of an absence that lasts, or the end of the one before. */
	if (a->out_ns == h->last_ns)
		absence_end(times, a, woken_ns - h->last_ns > end_ns - h->last_ns ? end_ns : woken_ns, end_ns);
	else
		times->state_ns[LOCKSPAN_WHY_RUNNING] += end_ns - h->last_ns;
	h->known = false;
}

/* ---- crowds ---- */

static void change_add(struct lsp_why_crowd *c, u64 change)
{
	if (c->changes < LSP_WHY_CHANGES)
		c->change[c->changes++] = change;
	else
		c->crowded = true;
}

static void crowd_begin(struct lsp_why_crowd *c, u64 cut_ns, u64 enq_ns)
{
	c->cut_ns = cut_ns;
	c->changes = 0;
	c->crowded = false;
	c->empty = enq_ns > cut_ns;
	if (c->empty)
		change_add(c, enq_ns << 1);
}

void lsp_why_crowd_come(struct lsp_why_crowd *c, const struct lsp_ledger *l, u64 t)
{
	/* Of two waiters the ledger knows when the first one came. If there are more, they came before the cut. */
	if (!lsp_why_crowd_is(c, l))
		crowd_begin(c, l->cut_ns, l->waiters == 2 ? l->base_sum - t : 0);
	change_add(c, t << 1);
}

void lsp_why_crowd_leave(struct lsp_why_crowd *c, const struct lsp_ledger *l, u64 enq_ns, u64 t, bool carried)
{
	u32 i;

	if (carried) {
		/* Where nothing was noted of the others, it came alone or before the cut. */
		if (!lsp_why_crowd_is(c, l))
			crowd_begin(c, l->cut_ns, enq_ns);
		change_add(c, t << 1 | 1);
		return;
	}
	if (!lsp_why_crowd_is(c, l))
		return;
	for (i = c->changes; i-- > 0;) {
		if (c->change[i] != enq_ns << 1)
			continue;
		for (c->changes--; i < c->changes; i++)
			c->change[i] = c->change[i + 1];
		return;
	}
}

/* ---- the charge of one release ---- */

/* Goes back through a hold. */
struct walk {
	const struct lsp_why_crowd *crowd;
	u32 changes;		/* that are not passed yet */
	u32 waiters;		/* at this time */
	u64 at_ns;
	u64 cut_ns;
	u64 found_ns;		/* in all parts */
	struct lockspan_why_part *part;
	u32 parts;
	u16 flags;
};

/* Goes back to @from_ns. Returns the time that all waiters together have waited meanwhile. */
static u64 walk_crowd(struct walk *w, u64 from_ns)
{
	u64 sum = 0, change, t;

	while (w->changes) {
		change = w->crowd->change[w->changes - 1];
		t = change >> 1;
		if (t <= from_ns)
			break;
		if (t < w->at_ns) {
			sum += w->waiters * (w->at_ns - t);
			w->at_ns = t;
		}
		w->waiters += change & 1 ? 1 : w->waiters ? -1U : 0;
		w->changes--;
	}
	sum += w->waiters * (w->at_ns - from_ns);
	w->at_ns = from_ns;
	return sum;
}

/* The part of @what among those that are sums. Of what is SUMMED none are in order of time. */
static u32 part_find(const struct walk *w, u64 what)
{
	u32 i = w->flags & LOCKSPAN_RELEASE_SUMMED ? 0 : LOCKSPAN_WHY_ORDERED;

	while (i < w->parts && w->part[i].what != what)
		i++;
	return i;
}

/* There is no room for all parts in order of time, so the later ones are summed up. The last place is for the unknown. */
static void part_sum(struct walk *w, u64 what, u64 ns)
{
	u32 i = part_find(w, what);

	if (i >= LSP_WHY_PARTS - 1 && what != LSP_WHY_WHAT(UNKNOWN)) {
		what = LSP_WHY_WHAT(UNKNOWN);
		i = part_find(w, what);
	}
	if (i == w->parts) {
		w->part[i].what = what;
		w->part[i].ns = 0;
		w->parts++;
	}
	w->part[i].ns += ns;
}

static void part_add(struct walk *w, u64 what, u64 ns)
{
	struct lockspan_why_part *part = &w->part[w->parts];

	w->found_ns += ns;
	if (w->parts >= LOCKSPAN_WHY_ORDERED) {
		part_sum(w, what, ns);
		return;
	}
	part->ns = ns;
	part->what = what;
	w->parts++;
}

/* From @from_ns on the releaser has done @what. */
static void walk_to(struct walk *w, u64 from_ns, u64 what)
{
	u64 ns;

	if (from_ns < w->cut_ns)
		from_ns = w->cut_ns;
	if (from_ns >= w->at_ns)
		return;
	ns = walk_crowd(w, from_ns);
	if (ns)
		part_add(w, what, ns);
}

/* @ns * @to / @from, rounded down, where @ns <= @from: without a product of more than 64 bits. */
static u64 scaled(u64 ns, u64 from, u64 to)
{
	while (from >> 32) {
		from >>= 1;
		ns >>= 1;
	}
	return ns * (to / from) + ns * (to % from) / from;
}

static void share_add(struct walk *w, u64 what, u64 ns, u64 all_ns, u64 walked_ns, u64 *rest_ns)
{
	u64 part_ns = scaled(ns, all_ns, walked_ns);

	if (!part_ns)
		return;
	part_sum(w, what, part_ns);
	*rest_ns -= part_ns;
}

/* Of a block it is only known what its absences came to: every moment of it is taken to be like the whole. */
static void walk_block(struct walk *w, const struct lsp_why_block *b, u64 key)
{
	u64 from_ns = b->from_ns > w->cut_ns ? b->from_ns : w->cut_ns, all, rest, ns;
	u32 i, sums;

	if (from_ns >= w->at_ns)
		return;
	w->flags |= LOCKSPAN_RELEASE_SUMMED;
	ns = walk_crowd(w, from_ns);
	all = b->running_ns + b->runnable_ns + b->unknown_ns;
	for (i = 0; i < LSP_WHY_BLOCK_SUMS && b->what[i] != LSP_WHY_FREE; i++)
		all += b->ns[i];
	sums = i;
	rest = ns;
	w->found_ns += ns;
	if (all) {
		share_add(w, LSP_WHY_WHAT(RUNNING), b->running_ns, all, ns, &rest);
		share_add(w, LSP_WHY_WHAT(RUNNABLE), b->runnable_ns, all, ns, &rest);
		for (i = 0; i < sums; i++)
			share_add(w, b->what[i] == key ? LSP_WHY_WHAT(OTHERS) : b->what[i], b->ns[i], all, ns, &rest);
	}
	if (rest)
		part_sum(w, LSP_WHY_WHAT(UNKNOWN), rest);
}

static void walk_history(struct walk *w, const struct lsp_why_history *h, u64 key)
{
	const struct lsp_why_absence *a = h->next;
	u32 b;

	while (a != h->first) {
		if (a == h->absence)
			a += LSP_WHY_ABSENCES;
		a--;
		walk_to(w, a->in_ns, LSP_WHY_WHAT(RUNNING));
		if (w->at_ns <= w->cut_ns)
			return;
		if (a->what == key) {
			walk_to(w, 0, LSP_WHY_WHAT(OTHERS));
			return;
		}
		walk_to(w, a->woken_ns, LSP_WHY_WHAT(RUNNABLE));
		walk_to(w, a->out_ns, a->what);
		if (w->at_ns <= w->cut_ns)
			return;
	}
	walk_to(w, h->from_ns, LSP_WHY_WHAT(RUNNING));
	for (b = h->blocks; b-- > 0 && w->at_ns > w->cut_ns;)
		walk_block(w, &h->block[h->order[b]], key);
}

/* The parts come to @charge_ns exactly: what has been found is a share of it, if it is not just that. */
static void walk_fit(struct walk *w, u64 charge_ns)
{
	u64 left = charge_ns;
	u32 i, largest = 0;

	if (!w->parts)
		part_add(w, LSP_WHY_WHAT(UNKNOWN), 1);
	for (i = 0; i < w->parts; i++) {
		w->part[i].ns = scaled(w->part[i].ns, w->found_ns, charge_ns);
		left -= w->part[i].ns;
		if (w->part[i].ns > w->part[largest].ns)
			largest = i;
	}
	w->part[largest].ns += left;
}

/* Nobody knows how many waiters there were when: all moments since the first one came count the same. */
static void walk_even(struct walk *w, const struct lsp_why_crowd *c)
{
	w->flags |= LOCKSPAN_RELEASE_EVEN;
	if (c->empty && c->change[0] >> 1 > w->cut_ns)
		w->cut_ns = c->change[0] >> 1;
	w->changes = 0;
	w->waiters = 1;
}

u32 lsp_why_split(const struct lsp_why_history *h, u64 running_ns, const struct lsp_why_crowd *c,
		  const struct lsp_why_hold *hold, struct lockspan_why_part *to, u16 *flags)
{
	struct walk w = {
		.crowd = c, .changes = c ? c->changes : 0, .waiters = hold->waiters, .at_ns = hold->now_ns,
		.cut_ns = hold->cut_ns, .part = to,
	};

	if (c && c->crowded)
		walk_even(&w, c);
	if (h)
		walk_history(&w, h, hold->key);
	else
		walk_to(&w, running_ns, LSP_WHY_WHAT(RUNNING));
	walk_to(&w, 0, LSP_WHY_WHAT(UNKNOWN));
	if (w.found_ns != hold->charge_ns)
		walk_fit(&w, hold->charge_ns);
	*flags = w.flags;
	return w.parts;
}

/* ---- the charge of most releases ---- */

static inline __attribute__((always_inline)) struct lockspan_why_part *part_put(struct lockspan_why_part *to, u64 what,
										u64 ns)
{
	to->ns = ns;
	to->what = what;
	return to + 1;
}

/* Puts what the releaser did from @cut_ns to @at_ns, each moment once. Returns the end of the parts, or NULL: too many. */
static inline struct lockspan_why_part *pieces_put(const struct lsp_why_history *h, u64 cut_ns, u64 at_ns, u64 key,
						   struct lockspan_why_part *part)
{
	const struct lockspan_why_part *end = part + LOCKSPAN_WHY_ORDERED - 4;
	const struct lsp_why_absence *a = h->next, *first = h->first;

	while (a != first && part <= end) {
		if (a == h->absence)
			a += LSP_WHY_ABSENCES;
		a--;
		if (a->in_ns <= cut_ns)
			return part_put(part, LSP_WHY_WHAT(RUNNING), at_ns - cut_ns);
		part = part_put(part, LSP_WHY_WHAT(RUNNING), at_ns - a->in_ns);
		/*
		 * Here the thread still waited for the lock itself, or had just been woken to get it.
		 * Whatever happened up to then was not its doing.
		 */
		if (a->what == key)
			return part_put(part, LSP_WHY_WHAT(OTHERS), a->in_ns - cut_ns);
		if (a->woken_ns <= cut_ns)
			return part_put(part, LSP_WHY_WHAT(RUNNABLE), a->in_ns - cut_ns);
		if (a->woken_ns != a->in_ns)
			part = part_put(part, LSP_WHY_WHAT(RUNNABLE), a->in_ns - a->woken_ns);
		if (a->out_ns <= cut_ns)
			return part_put(part, a->what, a->woken_ns - cut_ns);
		if (a->woken_ns != a->out_ns)
			part = part_put(part, a->what, a->woken_ns - a->out_ns);
		at_ns = a->out_ns;
	}
	return NULL;
}

/* Makes each moment of the parts count once for each waiter. Returns what they come to. */
static u64 pieces_weigh(const struct lsp_why_crowd *c, u64 at_ns, u64 waiters, struct lockspan_why_part *part,
			const struct lockspan_why_part *end)
{
	const u64 *change = c->change + c->changes;
	u64 found_ns = 0, from_ns, sum, t;

	for (; part < end; part++) {
		from_ns = at_ns - part->ns;
		for (sum = 0; change > c->change && (t = change[-1] >> 1) > from_ns; change--) {
			if (t < at_ns) {
				sum += waiters * (at_ns - t);
				at_ns = t;
			}
			waiters += change[-1] & 1 ? 1 : -1ULL;
		}
		sum += waiters * (at_ns - from_ns);
		at_ns = from_ns;
		part->ns = sum;
		found_ns += sum;
	}
	return found_ns;
}

u32 lsp_why_split_short(const struct lsp_why_history *h, const struct lsp_why_crowd *c, const struct lsp_why_hold *hold,
			struct lockspan_why_part *to)
{
	struct lockspan_why_part *end = pieces_put(h, hold->cut_ns, hold->now_ns, hold->key, to), *part;
	u64 waiters = hold->waiters;

	if (!end)
		return 0;
	/* Anything else may be in the charge: what is carried, or the waiters of a lock that was released again. */
	if (c) {
		if (c->crowded || pieces_weigh(c, hold->now_ns, waiters, to, end) != hold->charge_ns)
			return 0;
	} else {
		if (waiters * (hold->now_ns - hold->cut_ns) != hold->charge_ns)
			return 0;
		for (part = to; waiters > 1 && part < end; part++)
			part->ns *= waiters;
	}
	return (u32)(end - to);
}
