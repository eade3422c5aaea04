// SPDX-License-Identifier: GPL-2.0-only
#include "cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "say.h"

static void refused_say(int err)
{
	if (err == -EACCES || err == -EPERM)
		lsp_say("cannot sample the CPU: the kernel refuses perf_event_open; it wants root or "
			"CAP_PERFMON, and no lockdown or seccomp filter in between");
	else if (err == -ENOSYS || err == -ENOENT || err == -EOPNOTSUPP)
		lsp_say("cannot sample the CPU: this kernel has no perf events");
	else
		lsp_say("cannot sample the CPU: %s", lsp_say_errno(-err));
}

bool lsp_record_cpu_begin(const struct lsp_record_options *o, pid_t child, struct lsp_cpu **ret)
{
	uint32_t pids[LSP_RECORD_PIDS + 1];
	struct lsp_cpu_options options = {
		.pids = pids, .npids = o->npids, .cgroup = -1, .all = o->all,
		.resolver = { .debuginfod = o->debuginfod },
	};
	char path[PATH_MAX];
	int err;

	memcpy(pids, o->pids, o->npids * sizeof(pids[0]));
	if (child)
		pids[options.npids++] = (uint32_t)child;
	if (o->cgroup && options.npids) {
		lsp_say("--cpu samples a control group or processes, not both");
		return false;
	}
	if (o->cgroup) {
		snprintf(path, sizeof(path), "%s%s",
			 o->cgroup[0] == '/' ? "" : "/sys/fs/cgroup/", o->cgroup);
		options.cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (options.cgroup < 0) {
			lsp_say("control group %s: %s", o->cgroup, lsp_say_errno(errno));
			return false;
		}
	}
	err = lsp_cpu_create(&options, ret);
	if (options.cgroup >= 0)
		close(options.cgroup);
	if (err)
		refused_say(err);
	return !err;
}

void lsp_record_cpu_tick(struct lsp_cpu *c)
{
	/* What fails here fails again at the end, and is reported then. */
	if (c)
		lsp_cpu_drain(c);
}

bool lsp_record_cpu_write(const struct lsp_record_options *o, struct lsp_cpu *c, int64_t wall_ns,
			  uint64_t duration_ns, uint64_t *lost_ret)
{
	struct lsp_profile *p = lsp_cpu_profile(c);
	struct lsp_cpu_totals totals;
	char path[PATH_MAX], text[128];
	int err;

	err = lsp_cpu_stop(c);
	lsp_cpu_totals(c, &totals);
	if (err)
		lsp_say("naming the CPU's samples: %s", lsp_say_errno(-err));
	*lost_ret = totals.lost;
	if (totals.lost) {
		snprintf(text, sizeof(text), "lost samples: %" PRIu64, totals.lost);
		lsp_profile_comment_add(p, text);
	}
	lsp_profile_time_set(p, wall_ns, (int64_t)duration_ns);
	snprintf(path, sizeof(path), "%s/cpu.pb.gz", o->unfinished);
	err = lsp_profile_write(p, path);
	if (err)
		lsp_say("cannot write %s: %s", path, lsp_say_errno(-err));
	return !err;
}
