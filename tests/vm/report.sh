# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1 cpus=1 timeout=240 vm=--icount
#
# Reports of real recordings. Would catch: a report whose sums are not those of
# the profiles and of record.json, a shape that is not named on the program that
# has it or is named on one that has not, a diff that does not see a repair.
# Time is counted in the guest's instructions: on a loaded host a processor that
# stands still during a short hold would make that hold the longest.
. tests/lib.sh

module_load
# record NAME CMD...
record() {
	local name=$1
	shift
	$lockspan record -o "/tmp/$name" -- "$@" >/tmp/truth.json 2>/tmp/err
	is "status of recording $name" $? 0
	$lockspan report --json --top 0 --by lock "/tmp/$name" >"/tmp/$name.json"
	is "status of the report on $name" $? 0
}
# total NAME FILE TYPE KEY: the report's total is the profile's.
total() { is "$1: $4" "$(json "/tmp/$1.json" "$4")" "$(pprof_sum "/tmp/$1/$2.pb.gz" "$3")"; }

record slow workloads/c/task02
total slow block delay total.block.delay_ns
total slow block contentions total.block.contentions
total slow mutex delay total.mutex.delay_ns
total slow mutex contentions total.mutex.contentions
total slow contention.ext handoff total.handoff_ns
for key in contentions delay_ns releases hold_ns handoff_ns tail_ns; do
	is "slow: exact $key" "$(json /tmp/slow.json exact.$key)" "$(json /tmp/slow/record.json exact.$key)"
done
is "slow: the lock waited for most" "$(json /tmp/slow.json rows.0.lock)" g_shared.mu
is "slow: its interval" "$(json /tmp/slow.json rows.0.block.interval)" exact
p50=$(json /tmp/slow.json rows.0.block.p50_ns) p99=$(json /tmp/slow.json rows.0.block.p99_ns)
# How many of the waits are short, and so the median, is the scheduler's choice: a released lock may be taken in passing.
num "slow: half of its waits were no longer, ns" "${p50%.*}" ">" 0
num "slow: 99 of 100 were no longer, ns" "${p99%.*}" ">" 1000000
num "slow: a percentile is not below a lower one, ns" "${p99%.*}" ">=" "${p50%.*}"
max=$(json /tmp/slow.json rows.0.block.max_ns) p99=$(json /tmp/slow.json rows.0.mutex.p99_ns)
num "slow: the longest wait, ns" "${max%.*}" ">=" "${p50%.*}"
num "slow: 99 of 100 releases were charged with no more, ns" "${p99%.*}" ">" 1000000
is "slow: its shape" "$(json /tmp/slow.json shapes.0.shape) of $(json /tmp/slow.json shapes.0.site)" "slow holder of slow_update"
$lockspan report /tmp/slow >/tmp/text
check "slow: the text names it" grep -qE 'g_shared.mu: slow holder: slow_update has (9[0-9]|100)%' /tmp/text
check "slow: a page" $lockspan report --html /tmp/slow.html /tmp/slow
check "slow: it is whole" grep -q '</html>' /tmp/slow.html

record single workloads/c/task06 -d 1500
is "one lock for all is crowded" "$(json /tmp/single.json shapes.0.shape) on $(json /tmp/single.json shapes.0.lock)" \
	'crowded on g_map.shards[0].mu'
record sharded workloads/c/task06 -v sharded -d 1500
is "32 shards have no shape" "$(json /tmp/sharded.json shapes.0.shape)" $no_value
record channel workloads/c/task08 -n 150
is "a channel's producer" "$(json /tmp/channel.json shapes.0.shape) on $(json /tmp/channel.json shapes.0.lock)" \
	"back-pressure on g_out.not_full"

$lockspan diff --per second --json --by sync /tmp/single /tmp/sharded >/tmp/diff.json
is "status of the diff" $? 0
for i in 0 1 2 3; do
	[[ $(json /tmp/diff.json rows.$i.sync) != mutex ]] || delta=$(json /tmp/diff.json rows.$i.block.delay_ns.delta)
done
num "shards wait less by half at least, ns a second" "${delta%.*}" "<" -10000000000

check "the module leaves" module_unload
finish
