# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12 cpus=2 timeout=90
#
# Stacks that the module walks by the rules that it has been taught. Would catch
# a walk that differs in any frame from the unwinding of a snapshot of the same
# stack, a stack that stays cut because no snapshot reaches its end, rules that are not used or outlive the mappings they are for, and a
# walk that names a stack which never comes.
. tests/lib.sh

module_load
learned() { json "$1/record.json" counters.stacks_learned; }
copied() { json "$1/record.json" counters.stacks_copied; }

# Both ways for every event, one program after the other. They run by the clock: how
# soon the first lesson comes depends on the host.
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
# A frame beyond every window: walks lead through it, a rule at a time.
$lockspan record -o /tmp/tall -- tests/vm/tallframe 3000 >/tmp/truth 2>/tmp/err
is "tall frame: exit status" $? 0
cat /tmp/err
kept=$(json /tmp/tall/record.json estimated.block.kept)
whole=$(json /tmp/tall/record.json estimated.block.stack_ends.complete)
num "tall frame: waits" "$kept" ">" 200
echo "# tall frame: $whole of $kept complete"
num "tall frame: complete, in 100" $((whole * 100 / kept)) ">=" 30
num "tall frame: and through it to the thread's function" \
	"$(pprof_sum /tmp/tall/block.pb.gz contentions lock=g_tall_mu fn=locked fn=tall fn=outer fn=worker)" ">=" $((kept * 30 / 100))
is "tall frame: stacks that make no sense" "$(json /tmp/tall/record.json estimated.block.stack_ends.bad)" 0
module_unload
finish
