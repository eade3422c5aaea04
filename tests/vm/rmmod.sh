# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12 cpus=2 timeout=420
#
# Unloading. Would catch: a module that can be pulled from under a recording,
# that leaves a probe or its netlink family behind, or does not load again.
. tests/lib.sh

probes_before=$(module_probes)
module_load
$lockspan record -o /tmp/record -- workloads/c/task01 -d 5000 >/tmp/truth.json 2>/tmp/err &
check "recording" wait_until 60 module_is recording
check "rmmod is refused while recording" ! rmmod lockspan
wait $!
is "the recording is unharmed, exit status" $? 0
cat /tmp/err
num "and has recorded" "$(pprof_sum /tmp/record/block.pb.gz contentions lock=counter_mu)" ">" 50
for round in 1 2 3 4 5; do
	check "round $round: rmmod" rmmod lockspan
	is "round $round: probes left" "$(module_probes)" "$probes_before"
	$lockspan status >/tmp/out 2>&1
	is "round $round: status without the module" $? 2
	like "round $round: the netlink family is gone" "$(cat /tmp/out)" "module is not loaded"
	module_load
done
# Threads that sleep in a futex while the module goes: the way back from their
# call must not lead through what is no longer there.
workloads/c/task01 -t 64 -d 6000 >/tmp/out &
workload=$!
$lockspan record --stack none -d 0.5 -p $workload -o /tmp/record2 2>/tmp/err
is "record of a process for half a second" $? 0
cat /tmp/err
check "rmmod while the recorded threads go on" rmmod lockspan
wait $workload
is "they come to their end" $? 0
finish
