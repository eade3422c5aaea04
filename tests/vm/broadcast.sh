# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=1 timeout=240 vm=--icount
#
# One FUTEX_WAKE of many waiters, from a stack that is costly to filter: each of its words is an
# address of text, in one of many mappings. Would catch a stack that is filtered once for each waiter
# while the bucket's lock is held, and a name that one stack does not have for all of its wakes. Time is counted in
# the guest's instructions: only the work is in it, whatever the host does meanwhile.
. tests/lib.sh

waiters=200
rounds=6
module_load
alone=$(tests/vm/broadcast $waiters 4000)
$lockspan record -o /tmp/r -- tests/vm/broadcast $waiters 4000 >/tmp/ns 2>/tmp/err
cat /tmp/err
with=$(</tmp/ns)
num "releases" "$(json /tmp/r/record.json counters.releases)" ">=" $((rounds * waiters))
is "waits of those that were woken" "$(pprof_sum /tmp/r/block.pb.gz contentions fn=waiter)" $((rounds * waiters))
num "the call takes $with ns, unrecorded $alone: times" $((with / alone)) "<" 10
module_unload
finish
