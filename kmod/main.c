// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

#include "genl.h"
#include "probe.h"
#include "session.h"
#include "widen.h"

#ifdef LSP_WIDEN
unsigned int lsp_widen_us[LSP_WIDEN_PLACES];
module_param_array_named(widen_us, lsp_widen_us, uint, NULL, 0644);
#endif

static const struct lsp_session_ops ops = {
	.arm = lsp_probe_arm,
	.rehearse = lsp_probe_rehearse,
	.disarm = lsp_probe_disarm,
	.release = lsp_probe_release,
	.probe_state = lsp_probe_state,
	.memory = lsp_probe_memory,
	.data_send = lsp_genl_data_send,
	.end_send = lsp_genl_end_send,
	.armed_send = lsp_genl_armed_send,
};

static int __init lockspan_init(void)
{
	int ret;

	ret = lsp_probe_init();
	if (ret)
		return ret;
	ret = lsp_session_init(&ops);
	if (ret)
		return ret;
	ret = lsp_genl_init();
	if (ret)
		goto err_session;
	return 0;

err_session:
	lsp_session_uninit();
	return ret;
}

static void __exit lockspan_exit(void)
{
	lsp_genl_uninit();
	lsp_session_uninit();
}

module_init(lockspan_init);
module_exit(lockspan_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Records futex wait spans and blames them on the releasers");
MODULE_VERSION(LSP_RELEASE);
