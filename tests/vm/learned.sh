# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12 cpus=2 timeout=90
#
# Stacks that the module walks by the rules that it has been taught. Would catch
# a walk that differs in any frame from the unwinding of a snapshot of the same
# stack, rules that are not used or outlive the mappings they are for, and a
# walk that names a stack which never comes.
. tests/lib.sh

module_load
learned() { json "$1/record.json" counters.stacks_learned; }
copied() { json "$1/record.json" counters.stacks_copied; }

# Both ways for every event, one program after the other. They run by the clock: the
# first lesson comes a twentieth of a second after the first stack.
pairs=0
for command in "workloads/c/task01 -d 2000" "workloads/c/task05 -d 2000" "workloads/c/task08 -d 2000"; do
	out=/tmp/both-${command//[^a-z0-9]/}
	# shellcheck disable=SC2086
	$lockspan record --stack both -o "$out" -- $command >/tmp/truth.json 2>/tmp/err
	is "$command: exit status" $? 0
	cat /tmp/err
	n=$(json "$out/record.json" stack_pairs)
	num "$command: stacks taken both ways, distinct" "$n" ">" 0
	is "$command: and the same both ways" "$(json "$out/record.json" stack_pairs_equal)" "$n"
	echo "# $command: $(learned "$out") walks, $(copied "$out") snapshots"
	pairs=$((pairs + n))
done
num "pairs in all" "$pairs" ">=" 3

# As in use: after the first lessons there is hardly anything to copy.
$lockspan record -o /tmp/learned -- workloads/c/task01 -d 2000 >/tmp/truth.json 2>/tmp/err
is "task01: exit status" $? 0
cat /tmp/err
echo "# task01: $(learned /tmp/learned) walks, $(copied /tmp/learned) snapshots"
num "task01: walks" "$(learned /tmp/learned)" ">" 0
is "walks and snapshots = spans and releases kept" \
	$(($(learned /tmp/learned) + $(copied /tmp/learned))) \
	$(($(json /tmp/learned/record.json counters.kept) + $(json /tmp/learned/record.json counters.releases_kept)))
is "stacks missing" "$(json /tmp/learned/record.json losses.stacks_missing)" 0
is "all waits in pthread_mutex_lock in increment" \
	"$(pprof_sum /tmp/learned/block.pb.gz contentions lock=counter_mu fn=pthread_mutex_lock fn=increment fn=worker)" \
	"$(pprof_sum /tmp/learned/block.pb.gz contentions lock=counter_mu)"
module_unload
finish
