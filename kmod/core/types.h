/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What core/ needs in order to be compiled both in the kernel and on the host. Nothing in core/
 * calls the kernel, reads a clock or allocates memory.
 */
#ifndef _LSP_CORE_TYPES_H
#define _LSP_CORE_TYPES_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/types.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
#endif

#endif
