/* SPDX-License-Identifier: GPL-2.0-only */
/* The options without which a kernel has nothing to listen to, or no way to. The build names what is missing. */
#ifndef _LSP_NEEDS_H
#define _LSP_NEEDS_H

#if !defined(CONFIG_KPROBES) || !defined(CONFIG_KRETPROBES)
#error "lockspan needs a kernel with CONFIG_KPROBES and CONFIG_KRETPROBES"
#endif
#ifndef CONFIG_TRACEPOINTS
#error "lockspan needs a kernel with CONFIG_TRACEPOINTS"
#endif
#ifndef CONFIG_FUTEX
#error "lockspan needs a kernel with CONFIG_FUTEX"
#endif
#ifndef CONFIG_NET
#error "lockspan needs a kernel with CONFIG_NET"
#endif

#endif
