# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=2 timeout=600 vm=--mem,2560
#
# Ten thousand threads asleep in a futex. Would catch kretprobe instances or
# tables that run out (missed, lost), memory that grows with the sleepers, a
# STOP that does not tell what they wait for, a recording that cannot begin or
# end over them, and a module that cannot leave while they sleep, or takes the
# way back from under them.
. tests/lib.sh

threads=${1:-10000}
r=/tmp/r/record.json
c() { json $r "counters.$1"; }

# The program waits for a line before it becomes what is recorded: same process, so -p has it all.
# program_start: sets p; program_go lets it park; program_wake ends it.
program_start() {
	rm -f /tmp/go /tmp/wake /tmp/parked.json
	mkfifo /tmp/go /tmp/wake
	# shellcheck disable=SC2016 # for the inner shell
	sh -c 'read -r _ </tmp/go; exec tests/vm/futex_ops --threads "$0" --words 64 --hold 280 parked' "$threads" \
		<>/tmp/wake >/tmp/parked.json &
	p=$!
}
program_go() { echo go >/tmp/go; }
program_wake() { echo wake >/tmp/wake; }
parked() { grep -q parked_ns /tmp/parked.json; }
program_parked() { check "$1: all are parked" wait_until 120 parked; }
open_at_least() { $lockspan status --json >/tmp/status.json && (($(json /tmp/status.json open_spans) >= threads)); }
record_start() {
	rm -rf /tmp/r
	$lockspan record -p $p -o /tmp/r 2>/tmp/err &
	collector=$!
	check "$1: recording" wait_until 60 module_is recording
}
is_whole() {
	is "$1: missed, lost" "$(json $r 'probes.*.missed') $(c lost_span_ring) $(c lost_release_ring) $(c lost_stack_ring) $(c lost_task_table) $(c lost_key_table)" \
		"0 0 0 0 0 0"
}

# ---- what a thread costs: the difference of two sizes of the tables, chosen so
# that their buckets, powers of two, are as many as their entries. 192 bytes are
# the thread's, with its bucket (the goal was 256); the rest is the word's that it
# sleeps on, for there is room for each thread to sleep on one of its own, and the
# instances that the kretprobes keep for it (256 bytes on 6.1). ----
for n in 7168 15360; do
	module_load max_threads=$n
	tests/vm/genltool start,version,flags=1,stack_mode=0,ring_bytes=65536 sleep=60000 >/dev/null &
	tool=$!
	check "tables for $n: recording" wait_until 60 module_is recording
	memory[n]=$(json /tmp/status.json memory_bytes)
	kill -KILL $tool
	wait $tool 2>/dev/null
	check "tables for $n: the module leaves" wait_until 60 rmmod lockspan 2>/dev/null
done
per_thread=$(((memory[15360] - memory[7168]) / 8192))

# ---- START before they park, STOP while they are ----
module_load
free_before=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
program_start
record_start "before"
program_go
program_parked "before"
check "before: as many open spans" wait_until 60 open_at_least
echo "# status: $(json /tmp/status.json memory_bytes) bytes in all the session's tables and rings;" \
	"the machine had $free_before kB, has $(awk '/^MemAvailable/ { print $2 }' /proc/meminfo) kB"
kill -TERM $collector
wait $collector
is "STOP while they are parked: exit status" $? 0
cat /tmp/err
is "STOP: told as open, but for the conductor" $(($(c open) == threads || $(c open) == threads + 1)) 1
is_whole "STOP"
num "STOP: what they wait for is listed" "$(json $r 'open_waits.*.waits')" ">=" "$threads"
check "the module leaves under them" wait_until 60 rmmod lockspan

# ---- START after they parked, and then they are woken ----
module_load
record_start "after"
program_wake
wait $collector
is "after: exit status" $? 0
wait $p
is "after: the program's own count of results" $? 0
is "after: releases of whom it has not seen fall asleep" "$(c unmatched_wake)" "$threads"
is_whole "after"

# ---- killed in their sleep ----
program_start
record_start "killed"
program_go
program_parked "killed"
check "killed: as many open spans" wait_until 60 open_at_least
kill -KILL $p
wait $collector
is "killed: exit status" $? 0
num "killed: ended by the signal" "$(c signal)" ">=" "$threads"
num "killed: none left open" "$(c open)" "<=" 1
is_whole "killed"
check "the module leaves" wait_until 60 rmmod lockspan
num "bytes for each thread, a word of its own and its kretprobe instances" $per_thread "<=" 700
finish
