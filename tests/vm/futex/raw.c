// SPDX-License-Identifier: GPL-2.0-only
/* Making the calls: by syscall(), or as a 32-bit program would. */
#include "raw.h"

#include <errno.h>
#include <unistd.h>

/*
 * The sixth argument goes into rbp without touching the stack, so that the
 * function's unwind information stays true at the trap.
 */
static long call_int80(const struct raw_args *args)
{
	unsigned long sixth = args->arg[5];
	long ret = args->nr;

	__asm__ volatile("xchg %%rbp, %[sixth]\n\t"
			 "int $0x80\n\t"
			 "xchg %%rbp, %[sixth]"
			 : "+a"(ret), [sixth] "+r"(sixth)
			 : "b"(args->arg[0]), "c"(args->arg[1]), "d"(args->arg[2]),
			   "S"(args->arg[3]), "D"(args->arg[4])
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

long raw_call(const struct raw_args *args)
{
	const unsigned long *a = args->arg;
	long ret;

	if (args->compat)
		return call_int80(args);
	ret = syscall(args->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	return ret < 0 ? -errno : ret;
}

struct raw_args raw_futex(uint32_t *uaddr, unsigned int op, uint32_t val,
			  const void *fourth, uint32_t *uaddr2, uint32_t val3)
{
	return (struct raw_args){
		.nr = RAW_NR_FUTEX,
		.arg = { (unsigned long)uaddr, op, val, (unsigned long)fourth,
			 (unsigned long)uaddr2, val3 },
	};
}

struct raw_args raw_wait(uint32_t *uaddr, unsigned int flags, uint32_t val,
			 const struct timespec *timeout)
{
	return raw_futex(uaddr, FUTEX_WAIT | flags, val, timeout, NULL, 0);
}

struct raw_args raw_wait_bitset(uint32_t *uaddr, unsigned int flags, uint32_t val,
				const struct timespec *timeout, uint32_t bits)
{
	return raw_futex(uaddr, FUTEX_WAIT_BITSET | flags, val, timeout, NULL, bits);
}

struct raw_args raw_wake(uint32_t *uaddr, unsigned int flags, unsigned int waiters)
{
	return raw_futex(uaddr, FUTEX_WAKE | flags, waiters, NULL, NULL, 0);
}

bool raw_supported(struct raw_args args)
{
	return raw_call(&args) != -ENOSYS;
}
