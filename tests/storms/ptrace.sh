# SPDX-License-Identifier: GPL-2.0-only
# Threads that are stopped in mid-wait by a tracer and by signals, and go on.
# Would catch a span that is left open or counted twice when a wait is left and
# begun again by the kernel itself.
. tests/storms/lib.sh

module_load
load_start
recorder_start
stops=0
while goes_on; do
	tests/vm/stopper $load_one 40 >/tmp/stops || fail "the tracer failed"
	stops=$((stops + $(cat /tmp/stops)))
	for _ in 1 2 3 4 5; do
		kill -STOP "$load_two"
		pause_ms $((RANDOM % 30))
		kill -CONT "$load_two"
		pause_ms $((RANDOM % 30))
	done
done
num "threads stopped by the tracer, times" $stops ">" 10
check "the traced one goes on" kill -0 "$load_one"
check "the stopped one goes on" kill -0 "$load_two"
recorder_stop "ptrace"
load_stop
storm_finish
