/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family: receives requests and answers them. Sends the owner ARMED, the records (DATA) and END.
 */
#ifndef _LSP_GENL_H
#define _LSP_GENL_H

#include <linux/types.h>

int lsp_genl_init(void);
void lsp_genl_uninit(void);

/*
 * Sends to the owner's socket. Process context. Returns 0; -EAGAIN when the socket is full (nothing
 * is lost, try again); -ECONNREFUSED when it is gone; or -EMSGSIZE. The caller holds the owner's
 * socket open. Otherwise its port might belong to another process by now.
 */
int lsp_genl_data_send(u32 portid, u32 cpu, u64 seq, const void *run, u32 bytes);
int lsp_genl_end_send(u32 portid, u64 start_ns, u64 stop_ns);
int lsp_genl_armed_send(u32 portid);

#endif
