# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=5.10,6.12 cpus=2 timeout=420
#
# The kprobes that stand in where ftrace is not to be had. Would catch: a fallback
# that records something else than the hooks do (every operation of vm/ops is judged again),
# hooks that are used although the parameter forbids them, a recording that hears nothing because
# kernel.ftrace_enabled is 0, which silences hooks and kprobes alike, and one that a write to it could silence.
. tests/lib.sh

switch=/proc/sys/kernel/ftrace_enabled
hooked() { grep -c 'hook_call' /sys/kernel/tracing/enabled_functions; }
# held TEXT: ftrace cannot be turned off while somebody records.
held() {
	$lockspan record -o /tmp/r -d 30 -a 2>/tmp/err &
	local collector=$!
	check "$1: recording" wait_until 60 module_is recording
	check "$1: ftrace cannot be turned off under it" ! sh -c "echo 0 >$switch"
	is "$1: and is not" "$(<$switch)" 1
	kill -INT $collector
	wait $collector
}
# refused TEXT: nor can anybody begin while it is off.
refused() {
	# Newer kernels do not let it be turned off at all.
	if ! sh -c "echo 0 >$switch" 2>/dev/null && [[ $(uname -r) == [7-9].* ]]; then
		is "$1: ftrace stays on" "$(<$switch)" 1
		return
	fi
	is "$1: ftrace turned off while nobody records" "$(<$switch)" 0
	$lockspan record -o /tmp/none -- true 2>/tmp/err
	is "$1: a recording is refused" $? 125
	like "$1: and the reason is named" "$(</tmp/err)" 'kernel\.ftrace_enabled is 0'
	check "$1: and nothing is written" ! test -e /tmp/none/record.json
	is "$1: nothing is held" "$(module_probes) $(</sys/module/lockspan/refcnt)" "$probes_before 0"
	echo 1 >$switch
}
# recorded TEXT: task01 is recorded as it counts itself; sets in_use, the functions that were hooked meanwhile.
recorded() {
	local waits sleeps other missed=0
	rm -rf /tmp/r
	$lockspan record -o /tmp/r -- workloads/c/task01 >/tmp/truth.json 2>/tmp/err &
	local collector=$!
	check "$1: recording" wait_until 60 module_is recording
	in_use=$(hooked)
	wait $collector
	is "$1: exit status" $? 0
	sleeps=$(json /tmp/truth.json sleeps)
	waits=$(pprof_sum /tmp/r/block.pb.gz contentions lock=counter_mu)
	num "$1: it did contend" "$sleeps" ">" 50
	num "$1: contentions in block against sleeps ($sleeps), difference" $((waits - sleeps)) "<=" 0
	# As in vm/task01: PREEMPT_RT also sleeps for the kernel's own spin locks.
	other=$(json /tmp/truth.json threads)
	[[ $(uname -v) != *PREEMPT_RT* ]] || other=$((sleeps / 5))
	num "$1: and the other way" $((sleeps - waits)) "<=" "$other"
	# A kprobe is not run when an interrupt meets it while the handler of another one runs. On a slow host that happens.
	[[ $1 != hooks=0* ]] || missed=3
	num "$1: probes that did not run" "$(json /tmp/r/record.json 'probes.*.missed')" "<=" "$missed"
}

[[ -e /sys/kernel/tracing/enabled_functions ]] || mount -t tracefs tracefs /sys/kernel/tracing || die "no tracefs"
probes_before=$(module_probes)
module_load
recorded "with hooks"
# 5.10 has none, and says so.
[[ $(</sys/module/lockspan/parameters/hooks) == Y ]] && least=3 || least=0
[[ $(uname -r) == 5.10.* ]] || is "hooks are what is used here" "$least" 3
num "with hooks: functions hooked" "$in_use" ">=" "$least"
is "and none when it is over" "$(hooked)" 0
held "with hooks"
refused "with hooks"
recorded "and then"
module_unload

module_load hooks=0
is "the parameter reads" "$(</sys/module/lockspan/parameters/hooks)" N
recorded "hooks=0"
is "hooks=0: functions hooked" "$in_use" 0
held "hooks=0"
refused "hooks=0"
recorded "hooks=0, and then"
module_unload
lsp_module_options=hooks=0 bash tests/vm/ops.sh >/tmp/ops.log
grep '^not ok' /tmp/ops.log
is "vm/ops by kprobes: failed" "$(grep -c '^not ok' /tmp/ops.log)" 0
num "vm/ops by kprobes: passed" "$(grep -c '^ok' /tmp/ops.log)" ">" 250
is "vm/ops by kprobes: ended" "$(grep -c '^1\.\.' /tmp/ops.log)" 1
finish
