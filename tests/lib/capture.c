/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../user/base/maptext.h"

static void registers_convert(__u64 *to, const struct user_regs_struct *r)
{
	const __u64 regs[LOCKSPAN_REGS] = {
		r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi, r->rbp, r->rsp,
		r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip,
	};

	memcpy(to, regs, sizeof(regs));
}

static size_t memory_read(pid_t pid, uint64_t addr, void *to, size_t bytes)
{
	size_t done = 0;

	/* page by page, so that an absent one leaves what came before */
	while (done < bytes) {
		size_t n = 4096 - ((addr + done) & 4095);
		struct iovec here = { (char *)to + done, n < bytes - done ? n : bytes - done };
		struct iovec there = { (void *)(uintptr_t)(addr + done), here.iov_len };

		if (process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)here.iov_len)
			break;
		done += here.iov_len;
	}
	return done;
}

static struct lockspan_stack *stack_new(const struct lockspan_stack *like, uint32_t mode, size_t payload)
{
	struct lockspan_stack *s = calloc(1, sizeof(*s) + payload + 8);

	if (s && like)
		*s = *like;
	if (s) {
		s->mode = mode;
		s->payload_bytes = (uint32_t)payload;
		s->rec.bytes = (uint32_t)(sizeof(*s) + ((payload + 7) & ~7UL));
		s->rec.type = LOCKSPAN_REC_STACK;
	}
	return s;
}

struct range {
	uint64_t start;
	uint64_t end;
};

static size_t text_ranges(const struct captured *c, struct range *ret, size_t room)
{
	const char *at = c->maps;
	struct lsp_maptext line;
	size_t n = 0;

	while (n < room && lsp_maptext_next(&at, c->maps + c->maps_bytes, &line))
		if (line.exec)
			ret[n++] = (struct range){ line.start, line.end };
	return n;
}

static bool in_text(const struct range *text, size_t n, uint64_t word)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (word >= text[i].start && word < text[i].end)
			return true;
	return false;
}

static struct lockspan_stack *sparse_make(const struct captured *c)
{
	uint64_t words = c->raw->payload_bytes / 8, maps = (words + 63) / 64, i, n = 0;
	uint64_t sp = c->raw->regs[LOCKSPAN_REG_RSP];
	struct lockspan_stack *s = stack_new(c->raw, LOCKSPAN_STACK_SPARSE, 8 * (maps + words));
	const uint64_t *from = (const uint64_t *)(c->raw + 1);
	uint64_t *to = (uint64_t *)(s + 1);
	struct range text[1024];
	size_t ntext = text_ranges(c, text, 1024);

	if (!s)
		return NULL;
	for (i = 0; i < words; i++)
		if (from[i] - sp < 8 * words || in_text(text, ntext, from[i])) {
			to[i / 64] |= 1ULL << (i & 63);
			to[maps + n++] = from[i];
		}
	s->window_bytes = (uint32_t)(8 * words);
	s->payload_bytes = (uint32_t)(8 * (maps + n));
	s->rec.bytes = (uint32_t)sizeof(*s) + s->payload_bytes;
	return s;
}

static struct lockspan_stack *fp_make(const struct captured *c)
{
	struct lockspan_stack *s = stack_new(c->raw, LOCKSPAN_STACK_FP, 128 * 8);
	uint64_t bp = c->raw->regs[LOCKSPAN_REG_RBP], sp = c->raw->regs[LOCKSPAN_REG_RSP];
	uint64_t low = sp, *to = (uint64_t *)(s + 1);
	const uint8_t *memory = (const uint8_t *)(c->raw + 1);
	uint32_t n = 0;

	while (s && n < 128 && bp >= low && !(bp & 7) && bp - sp + 16 <= c->raw->payload_bytes) {
		memcpy(&to[n++], memory + (bp - sp) + 8, 8);
		low = bp + 16;
		memcpy(&bp, memory + (bp - sp), 8);
	}
	if (s) {
		s->payload_bytes = 8 * n;
		s->window_bytes = 0;
		s->rec.bytes = (uint32_t)sizeof(*s) + s->payload_bytes;
	}
	return s;
}

static int stack_take(pid_t tgid, pid_t tid, const struct user_regs_struct *r, size_t window,
		      struct captured *c)
{
	static uint64_t id;
	char path[32];
	size_t got;

	memset(c, 0, sizeof(*c));
	snprintf(path, sizeof(path), "/proc/%d/maps", tgid);
	c->number = (long)r->orig_rax;
	c->raw = stack_new(NULL, LOCKSPAN_STACK_RAW, window);
	if (!c->raw || lsp_maptext_read(path, &c->maps, &c->maps_bytes))
		return -ENOMEM;
	registers_convert(c->raw->regs, r);
	got = memory_read(tid, r->rsp, c->raw + 1, window);
	c->raw->payload_bytes = c->raw->window_bytes = (uint32_t)got;
	c->raw->rec.bytes = (uint32_t)(sizeof(*c->raw) + got);
	c->raw->rec.flags = got < window ? LOCKSPAN_STACK_CUT : LOCKSPAN_STACK_FULL;
	c->raw->id = ++id;
	c->raw->tgid = (uint32_t)tgid;
	c->raw->tid = (uint32_t)tid;
	c->raw->generation = 1;
	c->sparse = sparse_make(c);
	c->fp = fp_make(c);
	return c->sparse && c->fp ? 0 : -ENOMEM;
}

struct tracer {
	pid_t tgid;
	const struct capture_options *o;
	struct capture *out;
	size_t room;
	unsigned int seen;
	int err;
};

/* A thread stopped at a system call, on its way in. */
static void at_call(struct tracer *t, pid_t tid)
{
	struct __ptrace_syscall_info info;
	struct user_regs_struct regs;
	struct captured *more;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY || ptrace(PTRACE_GETREGS, tid, 0, &regs))
		return;
	if (!t->o->other_calls && regs.orig_rax != SYS_futex)
		return;
	if (t->seen++ % (t->o->stride ? t->o->stride : 1))
		return;
	if (t->out->n == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		more = realloc(t->out->stacks, t->room * sizeof(*more));
		if (!more) {
			t->err = -ENOMEM;
			return;
		}
		t->out->stacks = more;
	}
	if (stack_take(t->tgid, tid, &regs, t->o->window_bytes, &t->out->stacks[t->out->n]))
		t->err = -ENOMEM;
	else
		t->out->n++;
}

static void resume(pid_t tid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	/* stops of the tracing itself carry no signal for the program */
	if (event || sig == (SIGTRAP | 0x80) || sig == SIGSTOP)
		sig = 0;
	ptrace(PTRACE_SYSCALL, tid, 0, sig);
}

static int child(char *const argv[])
{
	int null = open("/dev/null", O_WRONLY);

	dup2(null, 1);
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	execvp(argv[0], argv);
	_exit(127);
}

int capture_run(char *const argv[], const struct capture_options *o, struct capture *ret)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL |
			     PTRACE_O_TRACEEXEC;
	struct tracer t = { .o = o, .out = ret };
	int status;
	pid_t tid;

	memset(ret, 0, sizeof(*ret));
	t.tgid = fork();
	if (t.tgid < 0)
		return -errno;
	if (!t.tgid)
		return child(argv);
	if (waitpid(t.tgid, &status, 0) < 0 || !WIFSTOPPED(status))
		return -ECHILD;
	ptrace(PTRACE_SETOPTIONS, t.tgid, 0, options);
	ptrace(PTRACE_SYSCALL, t.tgid, 0, 0);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (tid == t.tgid) {
				ret->status = status;
				break;
			}
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && !t.err)
			at_call(&t, tid);
		if (ret->n >= o->max || t.err)
			kill(t.tgid, SIGKILL);
		resume(tid, status);
	}
	return t.err;
}

void capture_free(struct capture *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		free(c->stacks[i].raw);
		free(c->stacks[i].sparse);
		free(c->stacks[i].fp);
		free(c->stacks[i].maps);
	}
	free(c->stacks);
	memset(c, 0, sizeof(*c));
}
