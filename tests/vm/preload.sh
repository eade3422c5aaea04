# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=2 timeout=60
#
# The userspace recorder alone, against what the programs say of themselves: no
# module is loaded. Would catch: waits that are lost or counted twice, time that
# is not the calls' own, a ledger that does not add up, a stack without names.
#
# The program's clock also sees what comes before and after the recorder's, and
# whoever takes the processor there: on the host 1 %, on two processors of an
# emulator with eight threads 7 % were measured.
. tests/lib.sh

$lockspan user -o /tmp/u -- workloads/c/task01 --work-in 200000 -n 50 >/tmp/truth.json 2>/tmp/err
is "user's exit status is the command's" $? 0
cat /tmp/err
near "time on the mutex against the program's long calls" \
	"$(pprof_sum /tmp/u/block.pb.gz delay lock=counter_mu)" "$(json /tmp/truth.json long_call_ns)" 15
is "waits in pthread_mutex_lock in increment: all of the mutex" \
	"$(pprof_sum /tmp/u/block.pb.gz contentions sync=mutex fn=pthread_mutex_lock fn=increment)" \
	"$(pprof_sum /tmp/u/block.pb.gz contentions lock=counter_mu)"
is "releases in pthread_mutex_unlock in increment: all" \
	"$(pprof_sum /tmp/u/mutex.pb.gz contentions fn=pthread_mutex_unlock fn=increment)" \
	"$(pprof_sum /tmp/u/mutex.pb.gz contentions)"
r=/tmp/u/record.json
is "hold + handoff + tail - lock wait, ns" $(($(json $r counters.hold_ns) + $(json $r counters.handoff_ns) + \
	$(json $r counters.tail_ns) - $(json $r counters.lock_wait_ns))) 0
$lockspan user -o /tmp/u -- bash -c 'exit 7' 2>/tmp/err
is "the status of a program that ends so" $? 7
$lockspan user -o /tmp/u -- tests/vm/differ_static raw >/dev/null 2>/tmp/err
is "a program that cannot be recorded" $? 125
like "is told of" "$(cat /tmp/err)" 'never loaded'
finish
