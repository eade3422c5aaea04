# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=2 timeout=240
#
# The kprobes that stand in where ftrace is not to be had. Would catch: a fallback
# that records something else than the hooks do (every operation of vm/ops is judged again),
# hooks that are used although the parameter forbids them, a recording that fails or hears nothing
# while kernel.ftrace_enabled is 0, and hooks that a write to it could silence.
. tests/lib.sh

switch=/proc/sys/kernel/ftrace_enabled
hooked() { grep -c 'hook_call' /sys/kernel/tracing/enabled_functions; }
# recorded TEXT: task01 is recorded as it counts itself; sets in_use, the functions that were hooked meanwhile.
recorded() {
	local waits sleeps
	rm -rf /tmp/r
	$lockspan record -o /tmp/r -- workloads/c/task01 >/tmp/truth.json 2>/tmp/err &
	local collector=$!
	check "$1: recording" wait_until 10 module_is recording
	in_use=$(hooked)
	wait $collector
	is "$1: exit status" $? 0
	sleeps=$(json /tmp/truth.json sleeps)
	waits=$(pprof_sum /tmp/r/block.pb.gz contentions lock=counter_mu)
	num "$1: it did contend" "$sleeps" ">" 50
	num "$1: contentions in block against sleeps ($sleeps), difference" $((waits - sleeps)) "<=" 0
	num "$1: and the other way" $((sleeps - waits)) "<=" "$(json /tmp/truth.json threads)"
	is "$1: probes that did not run" "$(json /tmp/r/record.json 'probes.*.missed')" 0
}

mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing || die "no tracefs"
module_load
recorded "with hooks"
num "with hooks: functions hooked" "$in_use" ">=" 3
is "and none when it is over" "$(hooked)" 0
$lockspan record -o /tmp/r -d 30 -a 2>/tmp/err &
p=$!
check "recording" wait_until 10 module_is recording
check "the hooks cannot be turned off under it" ! sh -c "echo 0 >$switch"
is "and are not" "$(<$switch)" 1
kill -INT $p
wait $p
echo 0 >$switch
is "turned off while nobody records" "$(<$switch)" 0
recorded "without ftrace"
is "without ftrace: functions hooked" "$in_use" 0
echo 1 >$switch
module_unload

module_load hooks=0
is "the parameter reads" "$(</sys/module/lockspan/parameters/hooks)" N
recorded "hooks=0"
is "hooks=0: functions hooked" "$in_use" 0
module_unload
lsp_module_options=hooks=0 bash tests/vm/ops.sh >/tmp/ops.log
grep '^not ok' /tmp/ops.log
is "vm/ops by kprobes: failed" "$(grep -c '^not ok' /tmp/ops.log)" 0
num "vm/ops by kprobes: passed" "$(grep -c '^ok' /tmp/ops.log)" ">" 300
is "vm/ops by kprobes: ended" "$(grep -c '^1\.\.' /tmp/ops.log)" 1
finish
