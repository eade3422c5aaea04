# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12 cpus=2 timeout=420
#
# The collector is killed in the middle of a recording. Would catch: probes
# that stay armed, a session that nobody can take over, memory that is kept.
. tests/lib.sh

probes_before=$(module_probes)
module_load
is "probes armed by loading alone" "$(module_probes)" "$probes_before"
for round in 1 2 3; do
	$lockspan record -o /tmp/dead -- workloads/c/task01 -d 60000 >/tmp/out 2>&1 &
	check "round $round: recording" wait_until 60 module_is recording
	num "round $round: probes armed" "$(module_probes)" ">" "$probes_before"
	sleep 0.3
	kill -9 $!
	wait $! 2>/dev/null
	check "round $round: idle once its owner is dead" wait_until 60 module_is idle
	is "round $round: probes armed" "$(module_probes)" "$probes_before"
	is "round $round: memory held" "$(json /tmp/status.json memory_bytes)" 0
	killall task01 2>/dev/null
done
$lockspan record -o /tmp/next -- workloads/c/task01 -n 300 >/tmp/truth.json
is "the next record's exit status" $? 0
num "and it records" "$(pprof_sum /tmp/next/block.pb.gz contentions lock=counter_mu)" ">" 50
check "the module leaves" module_unload
finish
