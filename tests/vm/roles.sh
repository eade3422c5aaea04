# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12,7.3 cpus=1 timeout=420 vm=--icount
#
# What keys are used for, and who is blamed. Would catch: a lock without a name whose slow holder is not
# blamed, or has another share than by the program's own clocks (of words that are threads' the holder had 31 %
# in the place of 69); a semaphore of several permits, a queue, a pool, a pipeline or a barrier that
# is blamed as a lock; hold that is nobody's and of which nothing is said; hold that is neither blamed nor nobody's; stacks
# of processes that have just begun by fork, of which nothing but the innermost frame is kept.
. tests/lib.sh

# share PART WHOLE: in hundredths of a percent.
share() { if there "$@" && (($2 > 0)); then echo $(($1 * 10000 / $2)); else echo $no_value; fi; }

# record PROGRAM SUBJECT
record() {
	rm -rf /tmp/r
	$lockspan record -o /tmp/r -- "$@" >/tmp/truth.json 2>/tmp/err
	is "$*: exit status" $? 0
	grep -v '^#' /tmp/err | sed 's/^/# /'
	adds_up "$*"
	is "$*: events whose stack makes no sense" "$(json /tmp/r/record.json 'estimated.*.stack_ends.bad')" 0
}

# adds_up TEXT: what is blamed and what is nobody's is all hold, and with handoff and tail all that was waited.
adds_up() {
	local from=exact nobodys
	grep -q '"with_virtual_keys"' /tmp/r/record.json && from=with_virtual_keys
	t() { json /tmp/r/record.json "$from.$1"; }
	# There may be no reason at all.
	nobodys=$(tests/vm/jsonget /tmp/r/record.json 'not_blamed.*.hold_ns' || echo 0)
	is "$1: blamed and nobody's, ns of hold ($from)" \
		$(($(pprof_sum /tmp/r/mutex.pb.gz delay kind=mutex) + ${nobodys%.*})) "$(t hold_ns)"
	is "$1: hold + handoff + tail - lock wait, ns" \
		$(($(t hold_ns) + $(t handoff_ns) + $(t tail_ns) - $(json /tmp/r/record.json counters.lock_wait_ns))) 0
}

# locks PROGRAM SUBJECT: the slow thread's share is the truth's.
locks() {
	local truth got whole
	record "$@"
	truth=$(share "$(json /tmp/truth.json slow_ns)" "$(json /tmp/truth.json all_ns)")
	whole=$(pprof_sum /tmp/r/mutex.pb.gz delay)
	got=$(share "$(pprof_sum /tmp/r/mutex.pb.gz delay comm=slow)" "$whole")
	echo "# $*: slow holder: $truth of 10000 by the program's clocks, $got of the blame"
	num "$*: the slow holder's share, off by hundredths of a percent" \
		$((truth > got ? truth - got : got - truth)) "<=" 300
	num "$*: blamed of what was waited, percent" $((whole * 100 / $(json /tmp/truth.json all_ns))) ">=" 80
}

# others PROGRAM SUBJECT: nobody is blamed, and that is said.
others() {
	record "$@"
	is "$*: blamed, ns" "$(pprof_sum /tmp/r/mutex.pb.gz delay)" 0
	like "$*: and said" "$(cat /tmp/err)" "not blamed: [0-9.]+ s"
}

module_load
for subject in sem1 sem1-fork three ticket park park-fair park-two; do
	locks tests/vm/roles $subject
done
locks tests/vm/roles_static mutex
locks tests/vm/roles_static park
for subject in sem2 sem4 sem8 queue pool pool-own pipeline barrier; do
	others tests/vm/roles $subject
done
check "the module leaves" module_unload
finish
