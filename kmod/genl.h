/* SPDX-License-Identifier: GPL-2.0-only */
/* The generic netlink family: requests in, records out. */
#ifndef _LSP_GENL_H
#define _LSP_GENL_H

#include <linux/types.h>

int lsp_genl_init(void);
void lsp_genl_uninit(void);

/*
 * To the owner's socket, process context. 0, -EAGAIN when it is full (nothing
 * is lost, try again), -ECONNREFUSED when it is gone, -EMSGSIZE. The caller holds
 * the owner's socket open: else the port could be another's by now.
 */
int lsp_genl_data_send(u32 portid, u32 cpu, u64 seq, const void *run, u32 bytes);
int lsp_genl_end_send(u32 portid, u64 start_ns, u64 stop_ns);

#endif
