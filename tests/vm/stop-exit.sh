# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=5.10,6.12,7.3 cpus=2 timeout=420
#
# Threads that exit while a recording stops. Would catch a wait that was open at
# STOP and is told of by nobody, because its thread was gone before the module
# looked; one that is told of twice; and a record that is read although its thread
# has given it back. Called with the number of rounds of each kind, and of threads.
. tests/lib.sh

rounds=${1:-1}
threads=${2:-1000}
r=/tmp/r/record.json
c() { json $r "counters.$1"; }

# Background jobs of a script ignore SIGINT otherwise, and have no group of their own.
set -m
# An input that says nothing and does not end.
mkfifo /tmp/go /tmp/silence
exec 9<>/tmp/silence
module_load

# all_told ROUND STATUS: every thread parked once, and was ended by its death or was open at STOP.
all_told() {
	like "$1: exit status: $2: $(tail -n 1 /tmp/err)" "$2" '^(0|125|130)$'
	is "$1: ended by a signal ($(c signal)) and open ($(c open)), lost" \
		"$(($(c signal) + $(c open))) $(c lost_open_ring) $(c lost_span_ring)" "$threads 0 0"
	is "$1: hold + handoff + tail - lock wait, ns" \
		"$(($(c hold_ns) + $(c handoff_ns) + $(c tail_ns) - $(c lock_wait_ns)))" 0
	rm -rf /tmp/r
}

for ((i = 1; i <= rounds; i++)); do
	rm -f /tmp/out
	(read -r _ </tmp/go && exec tests/vm/futex_ops --threads "$threads" --words 7 --hold 1000 parked <&9) >/tmp/out 2>&1 &
	parked=$!
	$lockspan record -p $parked --stack none -o /tmp/r >/dev/null 2>/tmp/err &
	recorder=$!
	wait_until 60 module_is recording || die "no recording: $(cat /tmp/err)"
	echo >/tmp/go
	wait_until 60 grep -q parked_ns /tmp/out || die "nobody has parked: $(cat /tmp/out)"
	kill -TERM $recorder
	# From none to all of the time that it takes to take the probes off.
	sleep 0.$((i % 3 * 2))
	kill -KILL $parked
	wait $recorder
	all_told "killed $i" $?
	wait $parked 2>/dev/null
done

for ((i = 1; i <= rounds; i++)); do
	rm -f /tmp/out
	$lockspan record -o /tmp/r -- tests/vm/futex_ops --threads "$threads" --words 7 --hold 1000 parked <&9 >/tmp/out 2>/tmp/err &
	recorder=$!
	wait_until 60 grep -q parked_ns /tmp/out || die "nobody has parked: $(cat /tmp/out /tmp/err)"
	kill -INT -- -$recorder
	wait $recorder
	all_told "Ctrl-C $i" $?
done
check "the module is idle" wait_until 60 module_is idle
check "the module leaves" module_unload
finish
