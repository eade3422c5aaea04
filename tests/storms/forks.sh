# SPDX-License-Identifier: GPL-2.0-only
# Processes that fork and exec in every way, sixteen at a time, recorded with
# their children. Would catch a child that the filter's bits are not set for, an
# id that is used again while its bit stands, mappings of a process that has gone
# or become another, and a mm that is held for ever.
. tests/storms/lib.sh

module_load
rm -rf /tmp/r
# shellcheck disable=SC2016 # for the inner shell
$lockspan record --ring-bytes 1048576 -o /tmp/r -- bash -c 'end=$((SECONDS + $0))
	while ((SECONDS < end)); do
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do tests/vm/children & done
		wait
	done' "$seconds" >/tmp/ways 2>/tmp/err
like "exit status: $?" "$?" '^(0|125)$'
[[ -s $r ]] || die "nothing was written: $(cat /tmp/err)"
num "processes" "$(wc -l </tmp/ways)" ">" 20
# A process that comes to run too late has no time left to sleep.
num "waits that timed out, one a process" $(($(c timeout) + $(c nosleep) + $(c lost_task_table) + $(json $r 'probes.*.missed'))) ">=" "$(wc -l </tmp/ways)"
is "hold + handoff + tail - lock wait, ns" $(($(c hold_ns) + $(c handoff_ns) + $(c tail_ns) - $(c lock_wait_ns))) 0
echo "# $(wc -l </tmp/ways) processes, $(c timeout) timed out, $(c nosleep) without sleep, $(c lost_task_table) found no room"
cat /tmp/err
storm_finish
