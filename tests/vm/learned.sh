# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12 cpus=2 timeout=420
#
# Stacks that the module walks by the rules that it has been taught. Would catch
# a walk that differs in any frame from the unwinding of a snapshot of the same
# stack, a stack that stays cut because no snapshot reaches its end, rules that are not used or outlive the mappings they are for, and a
# walk that names a stack which never comes.
. tests/lib.sh

module_load
learned() { json "$1/record.json" counters.stacks_learned; }
copied() { json "$1/record.json" counters.stacks_copied; }

# until_learned NAME OPTION... -- PROGRAM...: records it in /tmp/NAME until so many stacks have been walked. How soon the
# first lesson comes depends on the host.
until_learned() {
	local name=$1
	shift
	$lockspan record -o "/tmp/$name" "$@" >/dev/null 2>/tmp/err &
	check "$name: stacks are walked" wait_until 60 module_counts stacks_learned 200
	kill -TERM $!
	wait $!
	is "$name: exit status" $? 143
	cat /tmp/err
}
endless=(-n 1000000000 -d 10000000)

# Both ways for every event, one program after the other.
pairs=0
for command in task01 task05 task08; do
	out=/tmp/both-$command
	until_learned both-$command --stack both -- workloads/c/$command "${endless[@]}"
	n=$(json "$out/record.json" stack_pairs)
	num "$command: stacks taken both ways, distinct" "$n" ">" 0
	is "$command: and the same both ways" "$(json "$out/record.json" stack_pairs_equal)" "$n"
	echo "# $command: $(learned "$out") walks, $(copied "$out") snapshots"
	pairs=$((pairs + n))
done
num "pairs in all" "$pairs" ">=" 3

# As in use: after the first lessons there is hardly anything to copy.
until_learned learned -- workloads/c/task01 "${endless[@]}"
echo "# task01: $(learned /tmp/learned) walks, $(copied /tmp/learned) snapshots"
num "task01: walks" "$(learned /tmp/learned)" ">" 0
is "walks and snapshots = spans and releases kept, and waits that were open" \
	$(($(learned /tmp/learned) + $(copied /tmp/learned))) \
	$(($(json /tmp/learned/record.json counters.kept) + $(json /tmp/learned/record.json counters.open) + $(json /tmp/learned/record.json counters.releases_kept)))
is "stacks missing" "$(json /tmp/learned/record.json losses.stacks_missing)" 0
is "all waits in pthread_mutex_lock in increment" \
	"$(pprof_sum /tmp/learned/block.pb.gz contentions lock=counter_mu fn=pthread_mutex_lock fn=increment fn=worker)" \
	"$(pprof_sum /tmp/learned/block.pb.gz contentions lock=counter_mu)"
# A frame beyond every window: walks lead through it, a rule at a time.
until_learned tall -- tests/vm/tallframe 1000000
kept=$(json /tmp/tall/record.json estimated.block.kept)
whole=$(json /tmp/tall/record.json estimated.block.stack_ends.complete)
num "tall frame: waits" "$kept" ">" 100
echo "# tall frame: $whole of $kept complete"
num "tall frame: complete" "$whole" ">=" 20
num "tall frame: and through it to the thread's function" \
	"$(pprof_sum /tmp/tall/block.pb.gz contentions lock=g_tall_mu fn=locked fn=tall fn=outer fn=worker)" ">=" 20
is "tall frame: stacks that make no sense" "$(json /tmp/tall/record.json estimated.block.stack_ends.bad)" 0
module_unload
finish
