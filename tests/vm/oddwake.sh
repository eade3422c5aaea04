# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=5.10,6.12,6.12-rt,7.3 cpus=2 timeout=240
#
# Wakes that are not as wakes usually are. Would catch: the time that a thread waits for a PI mutex which
# another has taken on its way, said to be time without a processor, and that other one blamed for nothing;
# a release booked on whoever changes a priority; a lock that a process leaves by becoming another program,
# said to be released by it; the stack of a worker of io_uring's, which is nobody's.
. tests/lib.sh

module_load
# recorded WAY ROUNDS: the invariants hold on what was recorded.
recorded() {
	rm -rf /tmp/r
	$lockspan record --spans -o /tmp/r -- tests/vm/oddwake "$1" "$2" >/tmp/truth.json 2>/tmp/err
	rc=$?
	cat /tmp/err
	$lockspan export --json /tmp/r >/tmp/spans.json
	if tests/vm/spancheck ledger /tmp/spans.json >/tmp/ledger; then
		pass "$1: $(grep '^#' /tmp/ledger)"
	else
		fail "$1: $(grep -E '^(#|not)' /tmp/ledger | tr '\n' ';')"
	fi
	c=/tmp/r/record.json
	is "$1: hold + handoff + tail - lock wait, ns" $(($(json $c counters.hold_ns) + $(json $c counters.handoff_ns) +
		$(json $c counters.tail_ns) - $(json $c counters.lock_wait_ns))) 0
}
blamed() { pprof_sum /tmp/r/mutex.pb.gz "$@" lock=g_pi_mu; }

recorded stolen 10
is "stolen: exit status" $rc 0
# On a busy host all lasts longer, but not this: ten times the mutex was taken for 50 ms.
waited=$(pprof_sum /tmp/r/block.pb.gz delay lock=g_pi_mu fn=late_waiter)
num "stolen: delay of the waiter, ns" "$waited" ">=" 500000000
num "stolen: and by its own clock" "$waited" "<=" "$(json /tmp/truth.json waited_ns)"
num "stolen: of it blamed on who took the mutex on its way, ns" "$(blamed delay fn=second_lock)" ">=" 490000000
num "stolen: and on who had handed it over, ns" "$(blamed delay fn=first_unlock)" "<=" $((waited - 490000000))

recorded passed 10
is "passed: exit status" $rc 0
is "passed: releases by who changed a priority" "$(blamed contentions fn=raised)" 0
num "passed: blamed on the waiter that got it first, ns" "$(blamed delay fn=waiter_of)" ">=" 180000000
# 5.10 wakes this one in the way in which it wakes everything, so that nobody sees who did.
[[ $(uname -r) == 5.10.* ]] || num "passed: said to be stray" "$(json $c counters.stray)" "<=" 1

recorded exec 10
is "exec: exit status" $rc 0
is "exec: waits ended by the owner's death" "$(json $c counters.owner_died)" 10

# io_uring has waked since Linux 6.7.
tests/vm/oddwake uring 1 >/tmp/truth.json
rc=$?
if [[ $(uname -r) == 5.* || $(uname -r) == 6.[0-6].* ]]; then
	is "uring: refused by this kernel" $rc 4
else
	recorded uring 10
	is "uring: exit status" $rc 0
	is "uring: releases by a worker" "$(grep -c '"type":"release".*"worker":true' /tmp/spans.json)" 10
	is "uring: with a stack" "$(grep '"worker":true' /tmp/spans.json | grep -c '"stack":[1-9]')" 0
fi
module_unload
finish
