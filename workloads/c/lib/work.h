/* SPDX-License-Identifier: GPL-2.0-only */
/* Work that the compiler keeps and that makes no system call. */
#ifndef LIB_WORK_H
#define LIB_WORK_H

#include <stdint.h>

/* Marks functions that must be seen in a stack under their own name. */
#define PLAIN __attribute__((noinline, noclone))

static inline void work_spin(uint64_t iterations)
{
	uint64_t i;

	for (i = 0; i < iterations; i++)
		__asm__ volatile("" ::: "memory");
}

#endif
