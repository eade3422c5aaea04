// SPDX-License-Identifier: GPL-2.0-only
/*
 * One system call copies memory of another process, or one's own, as far as it exists. A filter
 * (seccomp) may refuse this call, or end the program for it. Then each page is first shown to a
 * harmless call that has to read it, and is copied if that succeeded. Beyond the end of the stack
 * another thread may unmap memory between these two steps.
 */
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define STATUS_BYTES 4096

static bool careful;

void lsp_copy_be_careful(void)
{
	__atomic_store_n(&careful, true, __ATOMIC_RELAXED);
}

bool lsp_copy_is_careful(void)
{
	return __atomic_load_n(&careful, __ATOMIC_RELAXED);
}

void lsp_copy_begin(void)
{
	char text[STATUS_BYTES];
	const char *mode;
	int fd = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	mode = strstr(text, "\nSeccomp:\t");
	if (mode && mode[10] != '0')
		lsp_copy_be_careful();
}

/* The call reads this signal mask, and then refuses it because its `how` is invalid. */
static bool readable(const char *at)
{
	return !syscall(SYS_rt_sigprocmask, -1, at, NULL, 8UL) || errno != EFAULT;
}

static size_t copy_shown(char *to, const char *from, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		size_t part = PAGE_BYTES - (uintptr_t)(from + done) % PAGE_BYTES;

		if (part > bytes - done)
			part = bytes - done;
		if (!readable(from + done))
			break;
		/*
		 * This is not memcpy(), because that of an address sanitizer would check what this
		 * may not touch.
		 */
		for (size_t i = 0; i < part; i += 8)
			*(volatile uint64_t *)(to + done + i) = *(const volatile uint64_t *)(from + done + i);
		done += part;
	}
	return done;
}

size_t lsp_copy(uint32_t tid, void *to, uint64_t from, size_t bytes)
{
	struct iovec local = { to, bytes }, remote = { (void *)(uintptr_t)from, bytes };
	ssize_t got;

	if (lsp_copy_is_careful())
		return copy_shown(to, (const char *)(uintptr_t)from, bytes);
	/*
	 * The thread's number is used, because the process's number is not valid when its first
	 * thread has ended.
	 */
	got = syscall(SYS_process_vm_readv, tid, &local, 1UL, &remote, 1UL, 0UL);
	if (got >= 0)
		return (size_t)got & ~7UL;
	if (errno != EFAULT)
		lsp_copy_be_careful();
	return errno == EFAULT ? 0 : copy_shown(to, (const char *)(uintptr_t)from, bytes);
}
