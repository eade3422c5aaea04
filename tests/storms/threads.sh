# SPDX-License-Identifier: GPL-2.0-only
# Threads by the hundred that park, and are killed at any moment. Would catch a
# record of a thread that outlives it, a slot that is used again too early, and a
# table that fills up with the dead.
. tests/storms/lib.sh

module_load max_threads=1024
load_start
recorder_start
crowds=0
while goes_on; do
	tests/vm/futex_ops --threads $((20 + RANDOM % 300)) --words $((1 + RANDOM % 9)) --hold 100 parked >/dev/null 2>&1 &
	p=$!
	pause_ms $((RANDOM % 700))
	kill -KILL $p
	wait $p 2>/dev/null
	crowds=$((crowds + 1))
done
num "crowds killed" $crowds ">" 0
recorder_stop "threads"
num "threads that found no room" "$(c lost_task_table)" "<=" "$(c signal)"
load_stop
storm_finish
