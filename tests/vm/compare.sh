# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=2 timeout=420
#
# Both recorders on the same run. Would catch: clocks that differ, a wait of the
# program that the kernel's spans do not explain, spans put into the wrong wait,
# a program that the userspace side cannot see and is passed for idle, and a
# closing sentence that says otherwise than the figures.
. tests/lib.sh

module_load
# both NAME CMD...: records and compares; leaves /tmp/c.json.
both() {
	local name=$1
	shift
	rm -rf /tmp/r
	$lockspan record --with-user -o /tmp/r -- "$@" >/tmp/truth.json 2>/tmp/err
	rc=$?
	$lockspan compare --json /tmp/r >/tmp/c.json 2>>/tmp/err
	compared=$?
	echo "# $name: $(grep -o '"verdict":.*' /tmp/c.json)"
}
get() { json /tmp/c.json "$1" | cut -d. -f1; }

# One workload of each kind of primitive and wait; tools/attribution takes them all.
for name in task01 task02 task04 task08 task10 task13; do
	both "$name" "workloads/c/$name"
	[[ $rc == 0 && $compared == 0 ]] || { fail "$name: record $rc, compare $compared: $(cat /tmp/err)"; continue; }
	num "$name: unexplained percent of $(get user_wait_ns) ns" "$(get unexplained_percent)" "<" 5
	is "$name: the parts make up the whole, ns off" $(($(get user_wait_ns) - $(get kernel_wait_ns) - \
		$(get sched_delay_ns) - $(get spin_ns) - $(get recorder_ns) - $(get entry_ns) - $(get rewait_ns) - \
		$(get return_ns) - $(get goroutine_parking_ns) - $(get unexplained_ns))) 0
done

# A lock without a name of its own, by the recorder that sees it made.
both births tests/vm/births
for lock in pool_create:"$(json /tmp/truth.json pool)" cache_create:"$(json /tmp/truth.json cache)"; do
	num "heap: $lock is known to the kernel's side, waits" \
		"$(pprof_sum /tmp/r/block.pb.gz contentions lock=init@"$lock")" ">" 0
	like "and the two sides agree on it" "$(cat /tmp/c.json)" "init@$lock"
done
is "heap: nor by whoever waits there" "$(pprof_sum /tmp/r/block.pb.gz contentions lock=heap@use)" 0

# Where the two must differ.
both pi tests/vm/differ pi
num "PI: the kernel saw it asleep, percent" "$(get coverage_percent)" ">=" 50
is "PI: and called it so, waits of another class" \
	"$(($(pprof_sum /tmp/r/block.pb.gz contentions lock=mutex) - $(pprof_sum /tmp/r/block.pb.gz contentions lock=mutex sync=pi)))" 0
num "PI: unexplained percent" "$(get unexplained_percent)" "<" 5
both adaptive tests/vm/differ adaptive
num "adaptive: waits in which it never slept, ns" "$(get spin_ns)" ">" 0
both crowd tests/vm/differ crowd
num "16 threads on 2 processors: unexplained percent" "$(get unexplained_percent)" "<" 5
both late tests/vm/differ late
num "waiters late to run: ns" "$(get sched_delay_ns)" ">" $(($(get user_wait_ns) / 2))
like "late: said so" "$(json /tmp/c.json verdict)" 'late to run'
both raw tests/vm/differ raw
num "raw futexes: the kernel alone saw, ns" "$(get kernel_only_ns)" ">" 1000000
both static tests/vm/differ_static pi
is "statically linked: record tells that the other recorder was not there" "$rc" 125
is "and that it saw, ns" "$(get user_wait_ns)" 0
num "the kernel saw, ns" "$(get kernel_only_ns)" ">" 1000000
like "and is to be trusted" "$(json /tmp/c.json verdict)" 'Trust the kernel'
module_unload
finish
