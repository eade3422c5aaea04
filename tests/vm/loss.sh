# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12 cpus=2 timeout=420
#
# Loss. The smallest rings, whole stacks and a collector that stands still: the
# socket and then the rings fill up. Would catch an event that is in no counter
# (invariant 2 of docs/semantics.md), a loss without its reason in record.json,
# in the profiles or on stderr, and a partial recording that passes for a whole
# one. Also what else can be too small: the table of the threads; and the pool that
# the kernel follows calls to their end with, so that the end of a wait is missed. A
# thread that has exited then must not pass for one that waits.
. tests/lib.sh

r=/tmp/r/record.json
c() { json $r "counters.$1"; }
status_lost() { $lockspan status --json >/tmp/status.json && (($(json /tmp/status.json counters.lost_span_ring) >= $1 &&
	$(json /tmp/status.json counters.lost_release_ring) >= $1)); }
comments() { zcat "$1" | grep -ac "$2"; }

# adds_up TEXT SLEEPS: invariant 2, and that what was kept has arrived.
adds_up() {
	local text=$1 ended unseen unended
	ended=$(ended $r)
	is "$text: kept + sampled out + lost = ended, with nothing open" \
		$(($(c kept) + $(c sampled_out) + $(c lost_span_ring) + $(c open))) "$ended"
	is "$text: releases kept + sampled out + lost = releases" \
		$(($(c releases_kept) + $(c releases_sampled_out) + $(c lost_release_ring))) "$(c releases)"
	# All but the main thread's joins are in the workload's own count of its sleeps.
	# A small table also means few kretprobe instances: what that missed is the kernel's count.
	unseen=$(($(c lost_task_table) + $(json $r 'probes.*.missed')))
	num "$text: ended $ended + unseen $unseen against sleeps $2, off by" \
		$((ended + unseen > $2 ? ended + unseen - $2 : $2 - ended - unseen)) "<=" 16
	is "$text: hold + handoff + tail - lock wait, ns" \
		$(($(c hold_ns) + $(c handoff_ns) + $(c tail_ns) - $(c lock_wait_ns))) 0
	# A wait whose end was not seen is kept and sent, but is no contention.
	unended=$(json $r outcomes.error.kept)
	is "$text: waits that arrived, $unended with an end that was not seen" \
		$(($(json $r estimated.block.kept) + unended)) "$(c kept)"
	is "$text: releases that arrived" \
		$(($(json $r estimated.mutex.kept) + $(json $r estimated.other_releases.kept))) "$(c releases_kept)"
	is "$text: records lost on the way" "$(json $r losses.gap_records)" 0
}

# is_named TEXT COUNTER WORDS: in record.json, on stderr and in each profile.
is_named() {
	local text=$1 n
	n=$(c "$2")
	num "$text: $2" "$n" ">" 0
	like "$text: $2 on stderr" "$(cat /tmp/err)" "partial: $n $3"
	like "$text: $2 in record.json" "$(json $r partial_reasons)" "$n $3"
	is "$text: $2 in its losses" "$(json $r "losses.$2")" "$n"
	is "$text: $2 in the profiles' comments" "$(for f in /tmp/r/*.pb.gz; do comments "$f" "$n"; done | sort -u)" 1
}

# The workload's end is long enough away; the collector goes on once enough is lost.
# overflow TEXT OPTION...
overflow() {
	local text=$1 collector
	shift
	rm -rf /tmp/r
	$lockspan record --ring-bytes 65536 --stack raw "$@" -o /tmp/r -- \
		workloads/c/task01 -d 12000 -n 1000000000 >/tmp/truth.json 2>/tmp/err &
	collector=$!
	check "$text: recording" wait_until 60 module_is recording
	kill -STOP $collector
	check "$text: the socket and the rings fill up" wait_until 60 status_lost 100
	kill -CONT $collector
	wait $collector
	is "$text: exit status" $? 125
	echo "# $text: $(c kept) kept, $(c lost_span_ring) lost, socket full: $(json $r losses.socket_full)"
	is "$text: partial" "$(json $r partial)" true
	adds_up "$text" "$(json /tmp/truth.json sleeps)"
	is_named "$text" lost_span_ring "waits found no room in the module's ring"
	is_named "$text" lost_release_ring "releases found no room in the module's ring"
	is_named "$text" lost_stack_ring "stacks found no room in the module's ring"
}

module_load
overflow "everything kept"
# A rate well above the usual wait, however fast the machine: most are sampled out.
overflow "sampled" --block-rate 1ms --mutex-fraction 2
num "sampled: sampled out" "$(c sampled_out)" ">" 100
check "idle again" module_is idle
is "and nothing is held" "$(json /tmp/status.json memory_bytes)" 0
check "the module leaves" module_unload

# 96 workers and the main thread in the smallest table.
module_load max_threads=64
rm -rf /tmp/r
$lockspan record -o /tmp/r -- workloads/c/task01 --threads 96 --count 200 >/tmp/truth.json 2>/tmp/err
is "too many threads: exit status" $? 125
adds_up "too many threads" "$(json /tmp/truth.json sleeps)"
is_named "too many threads" lost_task_table "waits found no room in the module.s table of threads"
check "the module leaves" module_unload

# Others have all instances of the one kretprobe that ends waits where the rest is hooked.
module_load max_threads=64
rm -rf /tmp/r
mkfifo /tmp/line
exec 8<>/tmp/line
tests/vm/unended miss 8 <&8 >/tmp/unended &
p=$!
$lockspan record -p $p -o /tmp/r 2>/tmp/err >/tmp/out &
collector=$!
check "missed ends: recording" wait_until 60 module_is recording
tests/vm/unended take 70 >/tmp/taken &
taker=$!
check "missed ends: the instances are taken" wait_until 60 grep -q taken /tmp/taken
echo >&8
check "missed ends: the threads have exited" wait_until 60 grep -q missed /tmp/unended
$lockspan status --json >/tmp/status.json
is "missed ends: threads that wait" "$(json /tmp/status.json open_spans)" 0
sleep 2
echo >&8
wait $p
wait $collector
is "missed ends: exit status" $? 0
cat /tmp/err
kill -KILL $taker
wait $taker 2>/dev/null
is "missed ends: waits with an end that was not seen" "$(c error)" 8
num "missed ends: calls that were not followed" "$(json $r 'probes.*.missed')" ">=" 8
like "missed ends: on stderr" "$(cat /tmp/err)" 'probe requeue_pi_end .* did not run'
is "missed ends: waits that are open" "$(c open)" 0
is "missed ends: hold + handoff + tail - lock wait, ns" $(($(c hold_ns) + $(c handoff_ns) + $(c tail_ns) - $(c lock_wait_ns))) 0
# The one release of the word, after 100 ms; the joins have their own words and are shorter.
num "missed ends: hold of all releases, ms, with a pause of 2 s between" $(($(c hold_ns) / 1000000)) "<=" 1500
check "the module leaves" module_unload
finish
