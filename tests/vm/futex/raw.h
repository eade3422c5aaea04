/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes the system calls of the futex family, with plain numbers and arguments. Everything that old headers
 * lack is defined here.
 */
#ifndef FUTEX_RAW_H
#define FUTEX_RAW_H

#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

enum {
	RAW_NR_FUTEX = 202,
	RAW_NR_RESTART = 219,
	RAW_NR_WAITV = 449,
	RAW_NR_FUTEX2_WAKE = 454,
	RAW_NR_FUTEX2_WAIT = 455,
	RAW_NR_FUTEX2_REQUEUE = 456,
	RAW_NR_COMPAT_FUTEX = 240,
	RAW_NR_COMPAT_FUTEX_TIME64 = 422,
};

/* flags of futex_waitv and of the calls 454 to 456 */
#define RAW_F2_U32 2U
#define RAW_F2_PRIVATE 128U

struct raw_waitv {
	uint64_t val;
	uint64_t uaddr;
	uint32_t flags;
	uint32_t reserved;
};

struct raw_args {
	long nr;
	unsigned long arg[6];
	bool compat;	/* by int $0x80, with 32-bit arguments */
};

/* Makes the call. Returns its result, or -errno. */
long raw_call(const struct raw_args *args);

/* futex(@uaddr, @op, @val, @fourth, @uaddr2, @val3) */
struct raw_args raw_futex(uint32_t *uaddr, unsigned int op, uint32_t val,
			  const void *fourth, uint32_t *uaddr2, uint32_t val3);

/* The common forms of the call. A @timeout of NULL means that there is none. */
struct raw_args raw_wait(uint32_t *uaddr, unsigned int flags, uint32_t val,
			 const struct timespec *timeout);
struct raw_args raw_wait_bitset(uint32_t *uaddr, unsigned int flags, uint32_t val,
				const struct timespec *timeout, uint32_t bits);
struct raw_args raw_wake(uint32_t *uaddr, unsigned int flags, unsigned int waiters);

/* True when the kernel answers anything but ENOSYS to these arguments. */
bool raw_supported(struct raw_args args);

#endif
