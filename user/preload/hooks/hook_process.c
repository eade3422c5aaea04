// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process does to itself: it forbids itself system calls, or becomes another program.
 *
 * A program that forbids itself system calls says so by prctl(), or gives up the right to more
 * privileges before it does. The hook notes it and jumps, with all that it was given.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../chunk.h"
#include "../copy.h"
#include "hook.h"
#include "real.h"

void *lsp_prctl_target(int option);

void *lsp_prctl_target(int option)
{
	if (option == PR_SET_SECCOMP || option == PR_SET_NO_NEW_PRIVS)
		lsp_copy_be_careful();
	return (void *)lsp_reals()->prctl;
}

__asm__(".text\n"
	".globl prctl\n"
	".type prctl, @function\n"
	"prctl:\n"
	".cfi_startproc\n"
	"endbr64\n"
	"pushq %rdi\n.cfi_adjust_cfa_offset 8\n"
	"pushq %rsi\n.cfi_adjust_cfa_offset 8\n"
	"pushq %rdx\n.cfi_adjust_cfa_offset 8\n"
	"pushq %rcx\n.cfi_adjust_cfa_offset 8\n"
	"pushq %r8\n.cfi_adjust_cfa_offset 8\n"
	"call lsp_prctl_target\n"
	"popq %r8\n.cfi_adjust_cfa_offset -8\n"
	"popq %rcx\n.cfi_adjust_cfa_offset -8\n"
	"popq %rdx\n.cfi_adjust_cfa_offset -8\n"
	"popq %rsi\n.cfi_adjust_cfa_offset -8\n"
	"popq %rdi\n.cfi_adjust_cfa_offset -8\n"
	"movq %rax, %r11\n"
	"xorl %eax, %eax\n"
	"jmp *%r11\n"
	".cfi_endproc\n"
	".size prctl, .-prctl\n");

/* ---- other programs ---- */

/*
 * A mark is set before the program is executed, and the recorder in the new program takes it away. All
 * this may run in a signal handler and in a child of vfork().
 */
#define EXECUTE(program, call) \
	do { \
		uint32_t mark; \
		int ret; \
		\
		lsp_reals(); \
		mark = lsp_chunk_mark(program, 0); \
		ret = (call); \
		lsp_chunk_unmark(mark); \
		return ret; \
	} while (0)

LSP_HOOK int execve(const char *path, char *const argv[], char *const envp[])
{
	EXECUTE(path, lsp_real.execve(path, argv, envp));
}

LSP_HOOK int execv(const char *path, char *const argv[])
{
	EXECUTE(path, lsp_real.execve(path, argv, environ));
}

LSP_HOOK int execvpe(const char *file, char *const argv[], char *const envp[])
{
	EXECUTE(file, lsp_real.execvpe(file, argv, envp));
}

LSP_HOOK int execvp(const char *file, char *const argv[])
{
	EXECUTE(file, lsp_real.execvpe(file, argv, environ));
}

LSP_HOOK int fexecve(int fd, char *const argv[], char *const envp[])
{
	EXECUTE("a program given by its descriptor", lsp_real.fexecve(fd, argv, envp));
}

LSP_HOOK int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
	EXECUTE(path, (int)syscall(SYS_execveat, fd, path, argv, envp, flags));
}

/* The arguments up to NULL as an array on the stack: execl() may be called where nothing may be allocated. */
#define LIST(first, argv, args) \
	ptrdiff_t n = 1; \
	va_list args; \
	\
	va_start(args, first); \
	while (va_arg(args, const char *)) \
		n++; \
	va_end(args); \
	\
	char *argv[n + 1]; \
	\
	va_start(args, first); \
	argv[0] = (char *)(uintptr_t)(first); \
	for (ptrdiff_t i = 1; i <= n; i++) \
		argv[i] = va_arg(args, char *)

LSP_HOOK int execl(const char *path, const char *first, ...)
{
	LIST(first, argv, args);
	va_end(args);
	return execv(path, argv);
}

LSP_HOOK int execlp(const char *file, const char *first, ...)
{
	LIST(first, argv, args);
	va_end(args);
	return execvp(file, argv);
}

LSP_HOOK int execle(const char *path, const char *first, ...)
{
	char *const *envp;

	LIST(first, argv, args);
	envp = va_arg(args, char *const *);
	va_end(args);
	return execve(path, argv, envp);
}

/* The caller need not want to know. */
static __attribute__((noinline)) pid_t *spawned_to(pid_t *pid, pid_t *own)
{
	return pid ? pid : own;
}

/* The C library executes the program by itself; who it is, is known afterwards. */
#define SPAWN(program, call) \
	do { \
		pid_t own, *child = spawned_to(pid, &own); \
		int ret; \
		\
		lsp_reals(); \
		ret = (call); \
		if (!ret) \
			lsp_chunk_mark(program, (uint32_t)*child); \
		return ret; \
	} while (0)

LSP_HOOK int posix_spawn(pid_t *restrict pid, const char *restrict path, const posix_spawn_file_actions_t *actions,
			 const posix_spawnattr_t *restrict attr, char *const argv[restrict], char *const envp[restrict])
{
	SPAWN(path, lsp_real.posix_spawn(child, path, actions, attr, argv, envp));
}

LSP_HOOK int posix_spawnp(pid_t *restrict pid, const char *restrict file, const posix_spawn_file_actions_t *actions,
			  const posix_spawnattr_t *restrict attr, char *const argv[restrict], char *const envp[restrict])
{
	SPAWN(file, lsp_real.posix_spawnp(child, file, actions, attr, argv, envp));
}
