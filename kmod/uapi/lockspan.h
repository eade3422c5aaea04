/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note OR MIT */
/*
 * The contract between the lockspan module and whoever reads from it.
 * This is the only copy: module, collector and tests include this file.
 *
 * Transport
 * ---------
 * Generic netlink, family LOCKSPAN_GENL_NAME, one session at a time. Every
 * command needs CAP_SYS_ADMIN in the initial user namespace. A request with an
 * attribute or a flag that the module does not know is refused (EINVAL), and
 * each refusal carries a sentence in the extended ack.
 *
 * Version rule: START and STATUS carry LOCKSPAN_A_VERSION, the reader's
 * LOCKSPAN_VERSION. The number is raised whenever a record or an attribute
 * changes its meaning or its layout. The module refuses another number than its
 * own with EPROTO, and names its own in the text. New counters, records and
 * attributes may be added at the end without raising the number: a reader skips
 * by length what it does not know.
 *
 *  START   VERSION; optional BLOCK_RATE_NS, MUTEX_FRACTION, MIN_DELAY_NS,
 *          STACK_MODE, FLAGS, TGID (repeated), CGROUP, OPS, RING_BYTES.
 *          The sender's socket becomes the owner: it receives every DATA
 *          message and the END. When it is closed the session ends. A second
 *          START is refused with EBUSY; the text names the owner's pid.
 *  SET     Owner only, while the session records. BLOCK_RATE_NS,
 *          MUTEX_FRACTION, MIN_DELAY_NS, TGID (adds a process). Every record
 *          carries the rate that was in force when it was taken.
 *  STOP    Owner only. The request returns at once. Then the module disarms its
 *          probes, sends the waits that are still open as spans of outcome
 *          OPEN, drains its rings and sends END, the last message of the
 *          session.
 *  RESEND  Owner only. One of these attributes, or both:
 *          STACK_ID: the module forgets that it has sent the stack of this
 *          name. The next event with this stack then carries it again.
 *          TGID (only one), as STACK records name the process: its sparse
 *          stacks end beyond the window or behind absent pages. From then on
 *          the module looks at four times as much of them, and takes absent
 *          pages in the middle for zeros.
 *  TEACH   Owner only. GENERATION and RULES, an array of struct lockspan_rule:
 *          how to get from frames at these addresses to their callers, in the
 *          mappings of that generation. From then on a stack comes as a WALK
 *          record if all of its addresses have a rule. A reader that never
 *          teaches never gets a WALK record. The module may forget rules when
 *          it has too many.
 *  STATUS  Answers VERSION, STATE, OWNER_PID, START_NS, the rates, OPEN_SPANS,
 *          MEMORY_BYTES, COUNTERS and one PROBE nest for every probe.
 *
 *  DATA    Module to owner: CPU, SEQ, RECORDS. RECORDS is a run of whole
 *          records. Each starts with struct lockspan_rec, is aligned to 8 bytes,
 *          and has the byte order of the host. SEQ is the number of the first
 *          record. Within a CPU's stream each record has the next number.
 *          (LOCKSPAN_CPU_WORKER is the stream of the records that were made
 *          outside a probe.) A gap means that the socket lost a message. A
 *          record that found no room in a ring has no number, and is counted
 *          in a LOST_* counter.
 *  END     Module to owner: COUNTERS, PROBE nests, STOP_NS. Everything else
 *          has been sent before.
 *  ARMED   Module to owner, without attributes, while a START with the flag
 *          REHEARSED is worked off: the owner's threads may rehearse now.
 *
 * Order: within one CPU's stream records are in the order of time. A STACK
 * record is put into its stream before any record names the stack. But that may
 * be the stream of another CPU, so a reader may meet the name first. Before END
 * it has met both. The same holds for MAP records and the stacks that need them.
 * A stack whose record found no room is never named. A stack whose message the
 * socket lost is sent again after RESEND.
 *
 * All times are CLOCK_MONOTONIC in ns. Process and thread ids are those of the
 * initial pid namespace. No kernel address leaves the module: keys are hashed
 * with a secret that is drawn anew for every session.
 */
#ifndef _UAPI_LOCKSPAN_H
#define _UAPI_LOCKSPAN_H

#include <linux/types.h>

#define LOCKSPAN_GENL_NAME "lockspan"
#define LOCKSPAN_GENL_VERSION 1
#define LOCKSPAN_VERSION 4

#define LOCKSPAN_CPU_WORKER 0xffffffffU

enum lockspan_cmd {
	LOCKSPAN_CMD_UNSPEC,
	LOCKSPAN_CMD_START,
	LOCKSPAN_CMD_SET,
	LOCKSPAN_CMD_STOP,
	LOCKSPAN_CMD_RESEND,
	LOCKSPAN_CMD_STATUS,
	LOCKSPAN_CMD_DATA,
	LOCKSPAN_CMD_END,
	LOCKSPAN_CMD_TEACH,
	LOCKSPAN_CMD_ARMED,
	__LOCKSPAN_CMD_LAST
};
#define LOCKSPAN_CMD_MAX (__LOCKSPAN_CMD_LAST - 1)

enum lockspan_attr {
	LOCKSPAN_A_UNSPEC,
	LOCKSPAN_A_VERSION,		/* u32 */
	LOCKSPAN_A_BLOCK_RATE_NS,	/* u64; 0 off, 1 everything */
	LOCKSPAN_A_MUTEX_FRACTION,	/* u32; 0 off, 1 everything */
	LOCKSPAN_A_MIN_DELAY_NS,	/* u64; shorter lock waits are filtered */
	LOCKSPAN_A_STACK_MODE,		/* u32, enum lockspan_stack_mode */
	LOCKSPAN_A_FLAGS,		/* u32, LOCKSPAN_F_* */
	LOCKSPAN_A_TGID,		/* u32, repeated; sender's pid namespace */
	LOCKSPAN_A_CGROUP,		/* u64, inode number of the cgroup (v2) */
	LOCKSPAN_A_OPS,			/* u32, bit per enum lockspan_op; 0 all */
	LOCKSPAN_A_RING_BYTES,		/* u32 per CPU, power of two, 64 KiB..64 MiB */
	LOCKSPAN_A_STACK_ID,		/* u64 */
	LOCKSPAN_A_STATE,		/* u32, enum lockspan_state */
	LOCKSPAN_A_OWNER_PID,		/* u32 */
	LOCKSPAN_A_START_NS,		/* u64 */
	LOCKSPAN_A_STOP_NS,		/* u64 */
	LOCKSPAN_A_OPEN_SPANS,		/* u64, spans open now */
	LOCKSPAN_A_MEMORY_BYTES,	/* u64, held by the module for the session */
	LOCKSPAN_A_COUNTERS,		/* binary, u64[] indexed by enum lockspan_counter */
	LOCKSPAN_A_PROBE,		/* nest, repeated: PROBE_* */
	LOCKSPAN_A_PROBE_NAME,		/* string: what the probe is for */
	LOCKSPAN_A_PROBE_SYMBOL,	/* string: the function it stands on */
	LOCKSPAN_A_PROBE_MISSED,	/* u64, times it did not run (machine-wide) */
	LOCKSPAN_A_CPU,			/* u32 */
	LOCKSPAN_A_SEQ,			/* u64 */
	LOCKSPAN_A_RECORDS,		/* binary */
	LOCKSPAN_A_PAD,
	LOCKSPAN_A_GENERATION,		/* u32, of a process's executable mappings */
	LOCKSPAN_A_RULES,		/* binary, struct lockspan_rule[] */
	__LOCKSPAN_A_LAST
};
#define LOCKSPAN_A_MAX (__LOCKSPAN_A_LAST - 1)

#define LOCKSPAN_F_ALL		(1U << 0) /* record every process; without it TGID or CGROUP says which */
#define LOCKSPAN_F_CHILDREN	(1U << 1) /* record also what the processes of TGID fork */
#define LOCKSPAN_F_BOTH		(1U << 2) /* take both a walk and a snapshot of every stack, see LOCKSPAN_STACK_PAIRED */
/*
 * Threads of the owner rehearse from ARMED until START returns. Each turn has a FUTEX_WAIT and a FUTEX_WAKE, an
 * mmap(2), and an mremap(2) that moves a mapping. On kernels with PI futexes it also has a FUTEX_WAIT_REQUEUE_PI, a
 * FUTEX_CMP_REQUEUE_PI to a mutex that is held, and a FUTEX_UNLOCK_PI of this mutex. START fails with ENODATA if one
 * of the module's probes hears nothing of this. A rehearsal leaves no record.
 */
#define LOCKSPAN_F_REHEARSED	(1U << 3)
#define LOCKSPAN_F_WHY		(1U << 4) /* releases say what the releaser did during its hold, see struct lockspan_why_part */
#define LOCKSPAN_F_MASK		(LOCKSPAN_F_ALL | LOCKSPAN_F_CHILDREN | LOCKSPAN_F_BOTH | \
				 LOCKSPAN_F_REHEARSED | LOCKSPAN_F_WHY)

enum lockspan_state {
	LOCKSPAN_STATE_IDLE,
	LOCKSPAN_STATE_RECORDING,
	LOCKSPAN_STATE_DRAINING,	/* recording has stopped, and some records have not been read */
};

enum lockspan_stack_mode {
	LOCKSPAN_STACK_NONE,
	LOCKSPAN_STACK_RAW,		/* registers and up to 8 KiB as they are */
	LOCKSPAN_STACK_SPARSE,		/* registers and the words that are pointers */
	LOCKSPAN_STACK_FP,		/* return addresses by the frame-pointer chain */
	LOCKSPAN_STACK_WALK,		/* return addresses by learned rules; START may not ask for it */
	__LOCKSPAN_STACK_LAST
};

/* How a task came to wait. Names are in LOCKSPAN_OPS. */
#define LOCKSPAN_OPS(X)			\
	X(OTHER, "other")		\
	X(WAIT, "wait")			\
	X(WAIT_BITSET, "wait_bitset")	\
	X(WAIT_REQUEUE_PI, "wait_requeue_pi") \
	X(LOCK_PI, "lock_pi")		\
	X(LOCK_PI2, "lock_pi2")		\
	X(WAITV, "waitv")		\
	X(WAIT2, "futex2_wait")

/* How a span ended. Names are in LOCKSPAN_OUTCOMES. */
#define LOCKSPAN_OUTCOMES(X)		\
	X(WOKEN, "woken")		\
	X(TIMEOUT, "timeout")		\
	X(SIGNAL, "signal")		\
	X(REQUEUED, "requeued")		\
	X(OWNER_DIED, "owner_died")	\
	X(WOKEN_LATE, "woken_late")	\
	X(NOSLEEP, "nosleep")		\
	X(OPEN, "open")			\
	X(ERROR, "error")		\
	X(STRAY, "stray")

/*
 * Counters. They are exact for the session, whatever the rates are. *_NS are
 * sums. LOCK_WAIT_NS, HOLD_NS, HANDOFF_NS and TAIL_NS are sums over every
 * observed span, NOSLEEP and OPEN included, and HOLD + HANDOFF + TAIL =
 * LOCK_WAIT. TAIL_NS is the sum of the spans' tail_ns without the releases'
 * carried_ns, which is in HOLD_NS. The first ten counters count spans by outcome.
 * Without those of NOSLEEP, OPEN and ERROR, these counts and LOCK_WAIT_NS are
 * the exact total of the block profile.
 */
#define LOCKSPAN_COUNTERS(X)						\
	X(WOKEN, "woken")						\
	X(TIMEOUT, "timeout")						\
	X(SIGNAL, "signal")						\
	X(REQUEUED, "requeued")						\
	X(OWNER_DIED, "owner_died")					\
	X(WOKEN_LATE, "woken_late")					\
	X(NOSLEEP, "nosleep")						\
	X(OPEN, "open")							\
	X(ERROR, "error")						\
	X(STRAY, "stray")						\
	X(RELEASES, "releases")			/* waiters taken off a queue */ \
	X(NOSLEEP_RELEASED, "nosleep_released")	/* of these, those of waiters that had not slept */ \
	X(LOCK_WAIT_NS, "lock_wait_ns")					\
	X(SCHED_DELAY_NS, "sched_delay_ns")				\
	X(HOLD_NS, "hold_ns")						\
	X(HANDOFF_NS, "handoff_ns")					\
	X(TAIL_NS, "tail_ns")						\
	X(NOSLEEP_WAIT_NS, "nosleep_wait_ns")				\
	X(OPEN_WAIT_NS, "open_wait_ns")					\
	X(ERROR_WAIT_NS, "error_wait_ns")				\
	X(KEPT, "kept")				/* spans that were sent */	\
	X(SAMPLED_OUT, "sampled_out")		/* spans that the random draw left out */ \
	X(RELEASES_KEPT, "releases_kept")				\
	X(RELEASES_SAMPLED_OUT, "releases_sampled_out")			\
	X(FILTERED, "filtered")			/* waits of others, or too short */ \
	X(REWAITS, "rewaits")			/* waits of a woken thread on the same key again at once */ \
	X(LOST_SPAN_RING, "lost_span_ring")	/* no room in the ring */ \
	X(LOST_RELEASE_RING, "lost_release_ring")			\
	X(LOST_NOSLEEP_RING, "lost_nosleep_ring") /* nosleep spans: in no profile */ \
	X(LOST_LATE_RING, "lost_late_ring")				\
	X(LOST_STACK_RING, "lost_stack_ring")				\
	X(LOST_MAP_RING, "lost_map_ring")				\
	X(LOST_TASK_TABLE, "lost_task_table")	/* no room for another thread */ \
	X(LOST_KEY_TABLE, "lost_key_table")	/* no room for another key */ \
	X(LOST_SEND, "lost_send")		/* records of messages that could not be sent */ \
	X(STACK_FAULT, "stack_fault")		/* stack cut at an absent page */ \
	X(UNMATCHED_WAKE, "unmatched_wake")	/* the waiter is not observed, or waits since before START */ \
	X(SHARED_FALLBACK, "shared_fallback")	/* shared keys that were treated as private */ \
	X(REQUEUE_UNSPLIT, "requeue_unsplit")	/* requeued at a time that is not known */ \
	X(IO_URING, "io_uring")			/* waits of io_uring, left out */ \
	X(KTHREAD, "kthread")			/* waits without a user mm, left out */ \
	X(STACKS_LEARNED, "stacks_learned")	/* stacks taken by learned rules */ \
	X(STACKS_COPIED, "stacks_copied")	/* stacks taken in any other way */ \
	X(LOST_OPEN_RING, "lost_open_ring")	/* waits open at STOP, counted in OPEN: no room */ \
	X(LOST_MAP_LOCK, "lost_map_lock")	/* mappings that others kept locked to the end */ \
	X(LOST_REMAP, "lost_remap")		/* changes of mappings that were not noted */ \
	X(CARRIED_NS, "carried_ns")		/* of hold_ns: of waits that had left before */ \
	X(GIVEN_UP, "given_up")			/* waits, and their time, of tail_ns: see GIVEN_UP */ \
	X(GIVEN_UP_NS, "given_up_ns")					\
	X(LOST_GIVEN_UP_RING, "lost_given_up_ring")			\
	X(WHY_CROWDED, "why_crowded")		/* changes of threads that found no room for what they do, with F_WHY */ \
	X(WHY_SUMMED, "why_summed")		/* releases whose holder did too much to keep when */ \
	X(WHY_EVEN, "why_even")			/* releases whose waiters came and went too often to keep when */ \
	X(LOST_TIMES_RING, "lost_times_ring")

#define LOCKSPAN_ENUM_OP(id, name) LOCKSPAN_OP_##id,
enum lockspan_op { LOCKSPAN_OPS(LOCKSPAN_ENUM_OP) LOCKSPAN_OP_COUNT };
#define LOCKSPAN_ENUM_OUTCOME(id, name) LOCKSPAN_##id,
enum lockspan_outcome { LOCKSPAN_OUTCOMES(LOCKSPAN_ENUM_OUTCOME) LOCKSPAN_OUTCOME_COUNT };
#define LOCKSPAN_ENUM_COUNTER(id, name) LOCKSPAN_C_##id,
enum lockspan_counter { LOCKSPAN_COUNTERS(LOCKSPAN_ENUM_COUNTER) LOCKSPAN_C_COUNT };

enum lockspan_rec_type {
	LOCKSPAN_REC_PAD,	/* filler, skip it */
	LOCKSPAN_REC_SPAN,
	LOCKSPAN_REC_RELEASE,
	LOCKSPAN_REC_LATE,
	LOCKSPAN_REC_STACK,
	LOCKSPAN_REC_MAP,
	LOCKSPAN_REC_REMAP,
	LOCKSPAN_REC_GIVEN_UP,
	LOCKSPAN_REC_TIMES,
	__LOCKSPAN_REC_LAST
};
#define LOCKSPAN_REC_MAX (__LOCKSPAN_REC_LAST - 1)

/* First eight bytes of every record; @bytes counts them, is a multiple of 8. */
struct lockspan_rec {
	__u32 bytes;
	__u16 type;
	__u16 flags;
};

#define LOCKSPAN_COMM_LEN 16

/* flags of SPAN */
#define LOCKSPAN_SPAN_SHARED	(1U << 0) /* not a private futex */
#define LOCKSPAN_SPAN_COMPAT	(1U << 1) /* 32-bit task */
#define LOCKSPAN_SPAN_JOIN	(1U << 2) /* woken by the kernel for clear_child_tid */
#define LOCKSPAN_SPAN_REWAIT	(1U << 3) /* the thread was woken on this key just before */
#define LOCKSPAN_SPAN_UNSPLIT	(1U << 4) /* requeued at an unknown time */
#define LOCKSPAN_SPAN_RELEASED	(1U << 5) /* NOSLEEP only: a waker took the waiter off its queue */
#define LOCKSPAN_SPAN_CARRIED	(1U << 6) /* a later release answers for tail_ns, or it is given up */

/*
 * One wait. lock wait = (wake_ns ? wake_ns : run_ns) - enq_ns and sched delay
 * = wake_ns ? run_ns - wake_ns : 0. For OPEN, run_ns is the time of STOP.
 */
struct lockspan_span {
	struct lockspan_rec rec;
	__u64 id;		/* number of the span, unique in the session */
	__u64 enq_ns;
	__u64 wake_ns;		/* 0: nobody woke the waiter */
	__u64 run_ns;
	__u64 key;		/* hashed identity of the word on which the wait began */
	__u64 end_key;		/* hashed identity of the word on which it ended */
	__u64 uaddr;		/* address of the word on which it began */
	__u64 stack;		/* name of the waiter's stack, 0 none */
	__u64 rate_ns;		/* block rate in force */
	__u64 tail_ns;		/* part of the lock wait for which no release had answered when it ended */
	__u64 handoff_ns;	/* handoff time that ended with this span's enq and run, or in which it left */
	__u32 tid;
	__u32 tgid;
	__u32 waker_tid;
	__u32 waker_tgid;
	__u32 op_word;		/* second argument of the system call */
	__u16 depth;		/* waiters on the key at enq, this one included */
	__u8 op;		/* enum lockspan_op */
	__u8 outcome;		/* enum lockspan_outcome */
	char comm[LOCKSPAN_COMM_LEN];
};

/* flags of RELEASE */
#define LOCKSPAN_RELEASE_EXITING (1U << 0) /* the releaser was exiting, or becoming another program */
#define LOCKSPAN_RELEASE_JOIN	 (1U << 1) /* the kernel's wake-up for clear_child_tid */
#define LOCKSPAN_RELEASE_IRQ	 (1U << 2) /* from an interrupt: the interrupted thread is not the cause */
#define LOCKSPAN_RELEASE_LATE	 (1U << 3) /* the waiter had already given up */
#define LOCKSPAN_RELEASE_PI	 (1U << 4) /* priority-inheritance hand-over */
#define LOCKSPAN_RELEASE_WORKER	 (1U << 5) /* by a thread that runs only in the kernel, for the process: no stack */
#define LOCKSPAN_RELEASE_AGAIN	 (1U << 6) /* the waiter had been released before, but found the PI mutex taken */
#define LOCKSPAN_RELEASE_WHY	 (1U << 7) /* the parts of hold_ns follow, as many as there is room for in the record */
#define LOCKSPAN_RELEASE_SUMMED	 (1U << 8) /* WHY: some of them are shares, because the holder's history is too long */
#define LOCKSPAN_RELEASE_EVEN	 (1U << 9) /* WHY: the moments of the hold count the same, however many waited */

/* What a holder did, unless it waited for a futex. Names are in LOCKSPAN_WHYS. From CALL on the thread is asleep. */
#define LOCKSPAN_WHYS(X)		\
	X(UNKNOWN, "unknown")		/* its history is lost, or it is not observed */ \
	X(OTHERS, "others")		/* it did not hold the lock yet, because it waited for it itself */ \
	X(RUNNING, "running")		\
	X(RUNNABLE, "runnable")		/* it had no processor */ \
	X(CALL, "call")			/* asleep in a system call */ \
	X(CALL_COMPAT, "call_compat")	/* the same of the 32-bit system calls */ \
	X(FAULT, "page_fault")		/* asleep in the kernel without a system call */ \
	X(FUTEX, "futex")		/* only in TIMES: it waited for any futex */

#define LOCKSPAN_ENUM_WHY(id, name) LOCKSPAN_WHY_##id,
enum lockspan_why { LOCKSPAN_WHYS(LOCKSPAN_ENUM_WHY) LOCKSPAN_WHY_COUNT };

/*
 * A part of a release's hold_ns, sent behind the release with LOCKSPAN_F_WHY: what the releaser did while the waiters
 * waited, each moment once for each of them. The parts add up to hold_ns. A release without a hold has none, nor has
 * one that is JOIN, IRQ or WORKER. The first LOCKSPAN_WHY_ORDERED parts follow each other in time, the last moment
 * first, unless the release is SUMMED. Behind them one part stands for all moments of its kind.
 */
struct lockspan_why_part {
	__u64 ns;
	__u64 what;		/* a key as in SPAN: it waited for that futex; below LOCKSPAN_WHY_KEYS: as follows */
};

#define LOCKSPAN_WHY_ORDERED 8
#define LOCKSPAN_WHY_CALL_BITS 12	/* of @what: the number of the system call; above them enum lockspan_why */
#define LOCKSPAN_WHY_CALL_LAST ((1U << LOCKSPAN_WHY_CALL_BITS) - 1)	/* this number and all that are greater */
#define LOCKSPAN_WHY_KEYS (1U << 16)	/* no key is less */

/* A task has taken one waiter off its queue. If several releases name the same span, the last one ended it. */
struct lockspan_release {
	struct lockspan_rec rec;
	__u64 span;		/* id of the waiter's span */
	__u64 time_ns;
	__u64 hold_ns;		/* hold charge of this releaser */
	__u64 handoff_ns;	/* handoff time that ended with this release */
	__u64 key;
	__u64 uaddr;		/* the waiter's word, in the waiter's process */
	__u64 stack;		/* name of the releaser's stack, 0 none */
	__u32 fraction;		/* mutex fraction in force */
	__u32 tid;
	__u32 tgid;
	__u32 waiter_tid;
	__u32 waiter_tgid;
	__u16 waiters;		/* waiters that are left on the key */
	__u8 op;		/* enum lockspan_op of the waiter */
	__u8 reserved;
	char comm[LOCKSPAN_COMM_LEN];
	__u64 carried_ns;	/* part of hold_ns: tails of spans that are CARRIED */
};

/*
 * A span was counted, and perhaps sent, as TIMEOUT, SIGNAL or STRAY, and then a
 * release reached it: it is WOKEN_LATE. The counters have been corrected already.
 */
struct lockspan_late {
	struct lockspan_rec rec;
	__u64 span;
	__u64 time_ns;
	__u32 tid;
	__u32 old_outcome;
};

/*
 * Tails of spans that are CARRIED, on one key, for which no release will answer: nobody came back to the key in time,
 * or STOP came. Sums since the key's record before; they are exact and not sampled, and are not sent while
 * the mutex fraction is 0.
 */
struct lockspan_given_up {
	struct lockspan_rec rec;	/* flags: SPAN_SHARED */
	__u64 time_ns;
	__u64 key;
	__u64 uaddr;		/* as the last of the waits knew the word */
	__u64 wait_ns;
	__u32 waits;
	__u32 tgid;		/* of the last of the waits */
	__u32 tid;
	__u8 op;		/* enum lockspan_op */
	__u8 reserved[3];
};

/*
 * What all observed threads did in all the time that they were observed: struct lockspan_why_part follow, as many as there
 * is room for in the record. They are sums since START, and each @what is in one part of one record. Sent at STOP,
 * with LOCKSPAN_F_WHY. System calls with a number that is too large for a sum of its own have the largest number that
 * there is.
 */
struct lockspan_times {
	struct lockspan_rec rec;
};

/* flags of STACK */
#define LOCKSPAN_STACK_CUT	(1U << 0) /* an absent page ended the copy; WALK: a rule was missing */
#define LOCKSPAN_STACK_FULL	(1U << 1) /* the window ended the copy */
#define LOCKSPAN_STACK_FALLBACK	(1U << 2) /* not the mode that was asked for */
#define LOCKSPAN_STACK_COMPAT	(1U << 3) /* 32-bit task */
#define LOCKSPAN_STACK_PAIRED	(1U << 4) /* WALK: the payload's last word names the snapshot taken with it */

/* Registers of a stack, in DWARF's x86-64 numbering: 0 rax .. 15 r15, 16 rip. */
#define LOCKSPAN_REGS 17
#define LOCKSPAN_REG_RBP 6
#define LOCKSPAN_REG_RSP 7
#define LOCKSPAN_REG_RIP 16

/* Words that a SPARSE stack has at most behind its bitmap. */
#define LOCKSPAN_SPARSE_WORDS 2048

/*
 * One user stack. Names are unique in the session. @tgid and @generation name
 * the set of mappings to which it belongs. Generation 0 means that the module
 * has no room to follow this process, and sends no mappings of it.
 * RAW: the payload is payload_bytes bytes of memory from rsp upwards.
 * SPARSE: window_bytes bytes from rsp upwards were looked at. The payload begins
 *   with a bitmap of (window_bytes / 8 + 63) / 64 words, in which bit i stands
 *   for the word at rsp + 8 i. Then follow the words whose bit is set, in order.
 *   At most LOCKSPAN_SPARSE_WORDS words are sent. If more bits are set, the
 *   rest is missing.
 * FP: the payload is an array of u64 return addresses, innermost first.
 * WALK: the payload is such an array, with rip first. It is exact to the end of
 *   the stack, which is window_bytes above rsp. With CUT it is exact to its last
 *   address, which has no rule, and which lies beyond all that a snapshot shows.
 */
struct lockspan_stack {
	struct lockspan_rec rec;
	__u64 id;
	__u64 regs[LOCKSPAN_REGS];
	__u32 tgid;
	__u32 tid;
	__u32 generation;	/* of the process's executable mappings */
	__u32 mode;		/* enum lockspan_stack_mode */
	__u32 window_bytes;
	__u32 payload_bytes;
	/* payload follows, padded to 8 bytes */
};

/* flags of a rule; without the first the CFA is computed from rsp */
#define LOCKSPAN_RULE_CFA_RBP	(1U << 0)
#define LOCKSPAN_RULE_RBP_SAVED	(1U << 1) /* the caller's rbp is at CFA + rbp_off, else it is the same */
#define LOCKSPAN_RULE_RBP_LOST	(1U << 2) /* the caller's rbp cannot be found */
#define LOCKSPAN_RULE_END	(1U << 3) /* the outermost frame */
#define LOCKSPAN_RULE_MASK	15U

/* How to find the caller of a frame: its return address is at CFA + ra_off, its rsp is the CFA. */
struct lockspan_rule {
	__u64 pc;		/* an address within the call: return address - 1, or rip - 1 */
	__s32 cfa_off;
	__s16 ra_off;
	__s16 rbp_off;
	__u32 flags;
	__u32 reserved;		/* 0 */
};

/* flags of MAP */
#define LOCKSPAN_MAP_FIRST	(1U << 0) /* a new set of mappings begins */
#define LOCKSPAN_MAP_LAST	(1U << 1) /* and is complete */
#define LOCKSPAN_MAP_WRITE	(1U << 2) /* writable text */
#define LOCKSPAN_MAP_GONE	(1U << 3) /* the process had gone: the set is empty */
#define LOCKSPAN_MAP_DATA	(1U << 4) /* not executable: file-backed data or its bss */

/* One mapping of a process; sets are sent whole. */
struct lockspan_map {
	struct lockspan_rec rec;
	__u64 start;
	__u64 end;
	__u64 offset;		/* in the file, bytes */
	__u64 ino;
	__u32 dev_major;
	__u32 dev_minor;
	__u32 tgid;
	__u32 generation;
	/* path follows: NUL-terminated, padded to 8 bytes; "" anonymous */
};

/*
 * A generation that was made from another one: it is @base, with one more mapping
 * laid over it. In this way the module reports mappings that a process had only for
 * a moment, and those of a process that is gone. Mappings that a program has removed
 * since the base may still be in it. A whole set of the generation can follow, and
 * adds the mappings that are not executable.
 */
struct lockspan_remap {
	struct lockspan_map map;	/* of type REMAP; start = end: a copy of the base, by fork */
	__u32 base;			/* 0: nothing was executable before */
	__u32 base_tgid;		/* that the base is told under */
	/* path follows, as in MAP */
};

#endif
