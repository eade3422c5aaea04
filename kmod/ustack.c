// SPDX-License-Identifier: GPL-2.0-only
#include "ustack.h"

#include <linux/percpu.h>
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "core/sparse.h"
#include "counter.h"
#include "maps.h"
#include "remote.h"
#include "ring.h"
#include "uwalk.h"
#include "uwindow.h"

#define RAW_WINDOW_BYTES 8192
#define FP_FRAMES 128
/* Nothing is mapped below this address (vm.mmap_min_addr), so smaller words are numbers. */
#define LOWEST_TEXT 65536
#define RAW_MAX_BYTES (sizeof(struct lockspan_stack) + RAW_WINDOW_BYTES)
/* Of a deep stack only few words are kept. Of a small one it may be all of them. */
#define SPARSE_MAX_BYTES (sizeof(struct lockspan_stack) + 8 * LOCKSPAN_SPARSE_WORDS + \
			  8 * LSP_SPARSE_BITMAP_WORDS(LSP_UWINDOW_DEEP_BYTES / 8))

/*
 * Fingerprints of stacks whose record is in a ring. A cache line has a set of four. A new
 * fingerprint may push out an old one, whose stack is then sent once more.
 */
#define KNOWN_BITS 14
#define KNOWN_WAYS 4

u32 lsp_ustack_mode;
static bool stack_both;
static bool overflowed;		/* a deep stack had more words to keep than a record has room for */
static u64 *known;
static u64 *sleeping_window;	/* used by the worker for tasks that sleep */
static DEFINE_PER_CPU(u64, stack_count);

bool lsp_ustack_supported(u32 mode)
{
	return mode < LOCKSPAN_STACK_WALK;
}

void lsp_ustack_uninit(void)
{
	lsp_uwalk_uninit();
	lsp_uwindow_uninit();
	kfree(sleeping_window);
	sleeping_window = NULL;
	vfree(known);
	known = NULL;
}

int lsp_ustack_init(u32 mode, bool both)
{
	lsp_ustack_mode = mode;
	stack_both = both;
	overflowed = false;
	if (mode != LOCKSPAN_STACK_SPARSE)
		return 0;
	known = vzalloc(sizeof(*known) << KNOWN_BITS);
	sleeping_window = kmalloc(LSP_UWINDOW_DEEP_BYTES, GFP_KERNEL);
	if (!known || !sleeping_window || lsp_uwindow_init() || lsp_uwalk_init())
		goto err_all;
	return 0;

err_all:
	lsp_ustack_uninit();
	return -ENOMEM;
}

u64 lsp_ustack_memory(void)
{
	return known ? (sizeof(*known) << KNOWN_BITS) +
		       lsp_uwalk_memory() + lsp_uwindow_memory() + LSP_UWINDOW_DEEP_BYTES : 0;
}

static u64 *known_set(u64 print)
{
	/* All bits of a fingerprint are equally random, so the low ones will do. */
	return &known[(print << 2) & ((1 << KNOWN_BITS) - 1)];
}

static bool known_has(u64 print)
{
	u64 *set = known_set(print);
	int i;

	for (i = 0; i < KNOWN_WAYS; i++)
		if (READ_ONCE(set[i]) == print)
			return true;
	return false;
}

static void known_add(u64 print)
{
	u64 *set = known_set(print);
	int i;

	for (i = 0; i < KNOWN_WAYS; i++)
		if (!READ_ONCE(set[i]))
			break;
	/* In a race a fingerprint may get lost. Then its record is sent twice, and nothing worse happens. */
	WRITE_ONCE(set[i < KNOWN_WAYS ? i : (print >> 60) & (KNOWN_WAYS - 1)], print);
}

void lsp_ustack_forget(u64 id)
{
	u64 *set;
	int i;

	if (!known || !id)
		return;
	set = known_set(id);
	for (i = 0; i < KNOWN_WAYS; i++)
		if (READ_ONCE(set[i]) == id)
			WRITE_ONCE(set[i], 0);
	lsp_uwalk_forget(id);
}

void lsp_ustack_forget_all(void)
{
	u32 i;

	if (!known)
		return;
	for (i = 0; i < 1 << KNOWN_BITS; i++)
		WRITE_ONCE(known[i], 0);
	lsp_uwalk_forget(0);
}

static void registers_read(u64 *to, const struct pt_regs *regs)
{
	/* The order is DWARF's, which is not the kernel's. */
	to[0] = regs->ax;
	to[1] = regs->dx;
	to[2] = regs->cx;
	to[3] = regs->bx;
	to[4] = regs->si;
	to[5] = regs->di;
	to[6] = regs->bp;
	to[7] = regs->sp;
	to[8] = regs->r8;
	to[9] = regs->r9;
	to[10] = regs->r10;
	to[11] = regs->r11;
	to[12] = regs->r12;
	to[13] = regs->r13;
	to[14] = regs->r14;
	to[15] = regs->r15;
	to[16] = regs->ip;
}

static void stack_begin(struct lockspan_stack *s, struct task_struct *task,
			const struct pt_regs *regs, const struct lsp_maps_view *view, u32 mode)
{
	s->rec.type = LOCKSPAN_REC_STACK;
	s->rec.flags = user_64bit_mode((struct pt_regs *)regs) ? 0 : LOCKSPAN_STACK_COMPAT;
	registers_read(s->regs, regs);
	s->tgid = view->tgid;
	s->tid = task->pid;
	s->generation = view->generation;
	s->mode = mode;
	if (mode != lsp_ustack_mode && mode != LOCKSPAN_STACK_WALK)
		s->rec.flags |= LOCKSPAN_STACK_FALLBACK;
	s->window_bytes = 0;
	s->payload_bytes = 0;
}

/* Clears the padding, and returns the length of the record. */
static u32 stack_end(struct lockspan_stack *s)
{
	u32 padded = ALIGN(s->payload_bytes, 8);

	memset((u8 *)(s + 1) + s->payload_bytes, 0, padded - s->payload_bytes);
	s->rec.bytes = sizeof(*s) + padded;
	return s->rec.bytes;
}

static void raw_copy(struct lockspan_stack *s)
{
	u32 done = lsp_uwindow_copy(s + 1, s->regs[LOCKSPAN_REG_RSP], RAW_WINDOW_BYTES);

	s->window_bytes = done;
	s->payload_bytes = done;
	s->rec.flags |= done < RAW_WINDOW_BYTES ? LOCKSPAN_STACK_CUT : LOCKSPAN_STACK_FULL;
}

/*
 * Returns the stack's fingerprint. @spare has room for all words, and may be @window.
 *
 * While the mappings of the process have not been read, every word that could be a user address
 * counts as a pointer into text. These are more words than needed, but only a tenth of the stack,
 * and the stack gets its name from them as usual. The alternative is to send whole stacks. When the
 * recording of running processes begins, the whole stacks of all contending threads would fill the
 * rings before the worker can run.
 */
static u64 sparse_fill(struct lockspan_stack *s, const struct lsp_text *text, const u64 *window,
		       u64 *spare, u32 bytes, u32 window_bytes)
{
	u64 *bitmap = (u64 *)(s + 1);
	u32 words = bytes / 8, bits = LSP_SPARSE_BITMAP_WORDS(words);
	u64 sp = s->regs[LOCKSPAN_REG_RSP];
	/* Pointers into the window are left out. They are kept anyway, and they must not influence the name. */
	const struct lsp_range any[] = { { LOWEST_TEXT, sp }, { sp + words * 8, TASK_SIZE_MAX } };
	u64 print = lsp_print_fold(lsp_print_begin(s->generation), s->regs[LOCKSPAN_REG_RIP]);
	u32 kept, sent;

	/* Without a generation only the tgid tells the stack from one of another process. */
	if (!s->generation)
		print = lsp_print_fold(print, s->tgid);
	kept = lsp_sparse_filter(window, words, sp, text ? text->ranges : any,
				 text ? text->n : ARRAY_SIZE(any), bitmap,
				 words > LOCKSPAN_SPARSE_WORDS ? spare : bitmap + bits, &print);
	sent = min_t(u32, kept, LOCKSPAN_SPARSE_WORDS);
	if (words > LOCKSPAN_SPARSE_WORDS)
		memcpy(bitmap + bits, spare, 8 * sent);
	if (unlikely(sent < kept) && !READ_ONCE(overflowed))
		WRITE_ONCE(overflowed, true);
	s->window_bytes = words * 8;
	s->payload_bytes = 8 * (bits + sent);
	s->rec.flags |= bytes < window_bytes && sent == kept ? LOCKSPAN_STACK_CUT : LOCKSPAN_STACK_FULL;
	return lsp_print_end(print);
}

static u32 window_size(const struct lsp_maps_view *view)
{
	return view->deep ? LSP_UWINDOW_DEEP_BYTES : LSP_UWINDOW_BYTES;
}

/*
 * Copies the stack into @s. If the window has the same words as the last one, and that one's record
 * is known, the last name is returned and nothing is copied.
 */
static u64 sparse_copy(struct lockspan_stack *s, const struct pt_regs *regs, const struct lsp_maps_view *view)
{
	struct lsp_uwindow w;
	u64 id;

	lsp_uwindow_take(&w, regs, view->generation, view->text, view->deep);
	if (w.same_id && known_has(w.same_id))
		return w.same_id;
	id = sparse_fill(s, view->text, w.words, w.spare, w.bytes, window_size(view));
	lsp_uwindow_named(id);
	return id;
}

/* Whether the word looks like a return address. The frame pointer that led to it may have been any number. */
static bool is_text(u64 word, const struct lsp_text *text)
{
	u64 bits, kept, print = 0;

	if (!text)
		return word >= LOWEST_TEXT && word < TASK_SIZE_MAX;
	/* The window's address is chosen so that the word does not point into the window. */
	return lsp_sparse_filter(&word, 1, word + 1, text->ranges, text->n, &bits, &kept, &print);
}

static void fp_walk(struct lockspan_stack *s, const struct lsp_text *text)
{
	u64 *to = (u64 *)(s + 1);
	u64 frame[2], bp = s->regs[LOCKSPAN_REG_RBP], sp = s->regs[LOCKSPAN_REG_RSP];
	u32 n = 0;

	while (n < FP_FRAMES && bp >= sp && !(bp & 7)) {
		if (!lsp_user_page_present(bp) ||
		    copy_from_user_nofault(frame, (const void __user *)bp, sizeof(frame))) {
			s->rec.flags |= LOCKSPAN_STACK_CUT;
			break;
		}
		if (!is_text(frame[1], text))
			break;
		to[n++] = frame[1];
		sp = bp + sizeof(frame);
		bp = frame[0];
	}
	s->payload_bytes = n * sizeof(*to);
}

/* A name for a stack without a fingerprint: a number that this CPU counts. */
static u64 count_id(void)
{
	return ((u64)(smp_processor_id() + 1) << 40) | this_cpu_inc_return(stack_count);
}

/* ---- by learned rules ---- */

/* In an interrupt the user memory may be another process's. A 32-bit stack has words of another size. */
static bool walk_allowed(const struct pt_regs *regs)
{
	return !lsp_context_is_interrupt() && user_64bit_mode((struct pt_regs *)regs);
}

static u64 walk_print(const struct lsp_uwalk *w, u64 pair)
{
	/* The complement keeps names of walks apart from those of snapshots. */
	u64 print = lsp_print_fold(lsp_print_begin(~(u64)w->generation), pair);
	u32 i;

	for (i = 0; i < w->n; i++)
		print = lsp_print_fold(print, w->room[i]);
	return lsp_print_end(print);
}

/*
 * For the test mode that takes each stack in both ways. If the walk is remembered under a name
 * other than its own, a walk that no stack can have is sent. Then the comparison with the snapshot
 * fails.
 */
static void walk_verify(struct lsp_uwalk *w, const struct pt_regs *regs, u64 *print)
{
	u64 remembered = lsp_uwalk_remembered(regs, w->generation);

	if (!remembered || remembered == walk_print(w, 0))
		return;
	w->n = 1;
	*print = lsp_print_fold(*print, w->n) | (1ULL << 63);
}

/*
 * Sends the walk, unless its record is known already. @pair: the name of the snapshot that belongs
 * to it, or 0. @cut: the walk is incomplete. Returns false if the ring had no room.
 */
static bool walk_send(const struct lsp_uwalk *walk, const struct pt_regs *regs,
		      const struct lsp_maps_view *view, u64 print, u64 pair, bool cut)
{
	struct lockspan_stack *s;

	if (known_has(print))
		return true;
	s = lsp_ring_reserve(sizeof(*s) + (walk->n + 1) * sizeof(u64));
	if (!s)
		return false;
	stack_begin(s, current, regs, view, LOCKSPAN_STACK_WALK);
	s->id = print;
	memcpy(s + 1, walk->room, walk->n * sizeof(u64));
	s->window_bytes = walk->window_bytes;
	s->payload_bytes = walk->n * sizeof(u64);
	if (cut)
		s->rec.flags |= LOCKSPAN_STACK_CUT;
	if (pair) {
		s->rec.flags |= LOCKSPAN_STACK_PAIRED;
		((u64 *)(s + 1))[walk->n] = pair;
		s->payload_bytes += sizeof(u64);
	}
	lsp_ring_commit(stack_end(s));
	known_add(print);
	/*
	 * The reader is called only for a new incomplete walk: the missing rule may be one that
	 * cannot be taught, and then a call at each wait would be in vain.
	 */
	if (cut)
		lsp_ring_hurry();
	return true;
}

/*
 * Sends a walk that ended at an address without a rule, if it leads further than any snapshot can.
 * It shows the collector which rule is missing.
 */
static u64 walk_part(const struct lsp_uwalk *walk, const struct pt_regs *regs, const struct lsp_maps_view *view)
{
	/* A snapshot with the largest number of words covers at least the bytes of these words. */
	u32 snapshot_bytes = READ_ONCE(overflowed) ? LOCKSPAN_SPARSE_WORDS * 8 : LSP_UWINDOW_DEEP_BYTES;
	u64 print;

	if (!view->deep || walk->window_bytes < snapshot_bytes)
		return 0;
	print = walk_print(walk, LOCKSPAN_STACK_CUT);
	return walk_send(walk, regs, view, print, 0, true) ? print : 0;
}

/*
 * Walks the current stack by learned rules. Returns its name, or 0 if that is not possible. @pair:
 * the name of its snapshot, or 0.
 */
static u64 walk_take(const struct lsp_maps_view *view, u64 pair)
{
	const struct pt_regs *regs = task_pt_regs(current);
	struct lsp_uwalk walk = { .room = lsp_uwindow_walk_room(), .generation = view->generation };
	u64 print;

	if (!walk_allowed(regs) || !view->generation)
		return 0;
	if (!lsp_uwalk_current(&walk, regs))
		return pair ? 0 : walk_part(&walk, regs, view);
	print = walk_print(&walk, pair);
	if (pair)
		walk_verify(&walk, regs, &print);
	if (!walk_send(&walk, regs, view, print, pair, false))
		return 0;
	lsp_uwalk_remember(&walk, regs, pair ? walk_print(&walk, 0) : print);
	return print;
}

/* ---- the current task's stack, in whichever way works ---- */

/* Copies the stack in @mode, whatever rules have been learned. */
static u64 copy_take(const struct lsp_maps_view *view, u32 mode)
{
	struct lockspan_stack *s;

	s = lsp_ring_reserve(mode == LOCKSPAN_STACK_SPARSE ? SPARSE_MAX_BYTES : RAW_MAX_BYTES);
	if (!s) {
		lsp_count(LOCKSPAN_C_LOST_STACK_RING);
		return 0;
	}
	lsp_count(LOCKSPAN_C_STACKS_COPIED);
	stack_begin(s, current, task_pt_regs(current), view, mode);
	if (mode == LOCKSPAN_STACK_SPARSE) {
		s->id = sparse_copy(s, task_pt_regs(current), view);
		if (known_has(s->id))
			return s->id;
		/*
		 * The name becomes known only when the record is in the ring, because no event may
		 * have a name without a stack.
		 */
		lsp_ring_commit(stack_end(s));
		known_add(s->id);
		/*
		 * The reader is called: until it has taught the rules of this stack, each such
		 * event has to copy its stack.
		 */
		lsp_ring_hurry();
		return s->id;
	}
	s->id = count_id();
	if (mode == LOCKSPAN_STACK_FP)
		fp_walk(s, view->text);
	else
		raw_copy(s);
	lsp_ring_commit(stack_end(s));
	return s->id;
}

/* Recognises a stack that was walked before. Nearly all events end here. */
static u64 remembered_take(void)
{
	const struct pt_regs *regs = task_pt_regs(current);
	u32 generation = lsp_maps_generation();
	u64 id;

	if (!generation || !walk_allowed(regs))
		return 0;
	id = lsp_uwalk_remembered(regs, generation);
	if (id)
		lsp_count(LOCKSPAN_C_STACKS_LEARNED);
	return id;
}

static noinline u64 take_anew(u32 mode)
{
	struct lsp_maps_view view;
	u64 id = 0;

	lsp_maps_current(&view);
	if (mode == LOCKSPAN_STACK_SPARSE && !stack_both)
		id = walk_take(&view, 0);
	if (id)
		lsp_count(LOCKSPAN_C_STACKS_LEARNED);
	else
		id = copy_take(&view, mode);
	if (stack_both && id && walk_take(&view, id))
		lsp_count(LOCKSPAN_C_STACKS_LEARNED);
	return id;
}

u64 lsp_ustack_take(void)
{
	u32 mode = lsp_ustack_mode;
	u64 id = 0;

	/* The registers of a worker are those that its creator had when it made the worker. */
	if (unlikely(!current->mm || current->flags & LSP_TASK_WORKER))
		return 0;
	if (likely(mode == LOCKSPAN_STACK_SPARSE && !stack_both))
		id = remembered_take();
	return likely(id) ? id : take_anew(mode);
}

/* Whether @task still is in the sleep in which it was when its switches were counted as @nvcsw. */
static bool task_sleeps(struct task_struct *task, unsigned long nvcsw)
{
	return READ_ONCE(task->nvcsw) - nvcsw <= 1 && !lsp_task_on_cpu(task);
}

/* Fills @s from the memory of another task. Its name becomes a fingerprint, or is made of @count. */
static void sleeping_fill(struct lockspan_stack *s, struct mm_struct *mm,
			  const struct lsp_maps_view *view, u64 count)
{
	u64 sp = s->regs[LOCKSPAN_REG_RSP];
	u32 done;

	if (s->mode == LOCKSPAN_STACK_SPARSE) {
		done = lsp_remote_copy(mm, sp, sleeping_window, window_size(view));
		s->id = sparse_fill(s, view->text, sleeping_window, sleeping_window, done, window_size(view));
		return;
	}
	done = lsp_remote_copy(mm, sp, s + 1, RAW_WINDOW_BYTES);
	s->payload_bytes = done;
	s->window_bytes = done;
	s->rec.flags |= done < RAW_WINDOW_BYTES ? LOCKSPAN_STACK_CUT : LOCKSPAN_STACK_FULL;
	s->id = ((u64)0x7fffff << 40) | count;
}

u64 lsp_ustack_sleeping(struct task_struct *task, const struct pt_regs *regs, unsigned long nvcsw)
{
	static u64 count;
	struct lockspan_stack *s;
	struct lsp_maps_view view;
	struct mm_struct *mm;
	u64 id = 0;
	bool sparse;

	if (lsp_ustack_mode == LOCKSPAN_STACK_NONE)
		return 0;
	mm = get_task_mm(task);
	if (!mm)
		return 0;
	/* Only the worker frees a text, and this is the worker. So the view stays valid with preemption on. */
	preempt_disable();
	lsp_maps_of(mm, task->tgid, &view);
	preempt_enable();
	s = lsp_ring_worker_reserve(SPARSE_MAX_BYTES);
	if (!s) {
		lsp_count(LOCKSPAN_C_LOST_STACK_RING);
		goto out_mm;
	}
	if (!task_sleeps(task, nvcsw))
		goto out_mm;

	sparse = lsp_ustack_mode == LOCKSPAN_STACK_SPARSE;
	stack_begin(s, task, regs, &view,
		    sparse ? LOCKSPAN_STACK_SPARSE : LOCKSPAN_STACK_RAW);
	sleeping_fill(s, mm, &view, ++count);
	/* If the task ran while its stack was read, the words are not the stack of its wait. */
	if (!task_sleeps(task, nvcsw))
		goto out_mm;
	id = s->id;
	if (!sparse || !known_has(id)) {
		lsp_ring_worker_commit(stack_end(s));
		if (sparse)
			known_add(id);
	}
out_mm:
	mmput(mm);
	return id;
}
