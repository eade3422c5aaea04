# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12 cpus=2 timeout=420
#
# A program that hangs. Would catch: waits that never end and are not told of,
# without their stack or lock, or told of as ended; a Ctrl-C that the program
# does not get, or that costs the recording. (With Ctrl-C the command dies at
# once, by the same signal, so its waits end with it: they are open only where
# the recording ends before the program does.)
. tests/lib.sh

# wait_of COMM: the index in open_waits, "" when there is none.
wait_of() {
	local i
	for ((i = 0; i < $(json "$record" 'open_waits.#'); i++)); do
		[[ $(json "$record" open_waits.$i.comm) != "$1" ]] || echo $i
	done
}

# deadlock_is_told DIR
deadlock_is_told() {
	local pair comm function lock i record=$1/record.json
	is "counted as open" "$(json "$record" counters.open)" 3
	num "profiles are written, bytes" "$(cat "$1"/{block,mutex,contention.ext}.pb.gz | wc -c)" ">" 100
	for pair in left:left_then_right:right_mu right:right_then_left:left_mu; do
		IFS=: read -r comm function lock <<<"$pair"
		i=$(wait_of "$comm")
		like "thread $comm waits once" "$i" '^[0-9]+$'
		is "thread $comm: lock" "$(json "$record" "open_waits.$i.lock")" "$lock"
		is "thread $comm: class" "$(json "$record" "open_waits.$i.sync")" mutex
		like "thread $comm: stack $(json "$record" "open_waits.$i.stack")" \
			"$(json "$record" "open_waits.$i.stack")" "^\[ \"pthread_mutex_lock\", \"$function\", \"${comm}_main\""
		num "thread $comm: time, ns" "$(json "$record" "open_waits.$i.longest_ns" | cut -d. -f1)" ">" 500000000
	done
	i=$(wait_of deadlock)
	is "the main thread: class" "$(json "$record" "open_waits.$i.sync")" join
	is "none of them in block as if it had ended" "$(pprof_sum "$1/block.pb.gz" contentions fn=right_then_left lock=left_mu)" 0
}

# deadlock_is_named FILE: a report's JSON, or record.json.
deadlock_is_named() {
	local pair comm function lock
	is "$1: one deadlock" "$(json "$1" 'deadlocks.#')" 1
	is "$1: of two threads" "$(json "$1" 'deadlocks.0.threads.#')" 2
	for pair in left:left_then_right:right_mu right:right_then_left:left_mu; do
		IFS=: read -r comm function lock <<<"$pair"
		is "$1: $comm waits for" "$(json "$1" "deadlocks.0.threads.comm=$comm.lock")" "$lock"
		is "$1: $comm waits in" "$(json "$1" "deadlocks.0.threads.comm=$comm.site")" "$function"
	done
}

# Background jobs of a script ignore SIGINT otherwise.
set -m
module_load
$lockspan record -o /tmp/r -- tests/vm/deadlock >/tmp/out 2>/tmp/err &
collector=$!
check "deadlocked" wait_until 60 grep -q deadlocked /tmp/out
sleep 1
kill -INT $collector
wait $collector
is "Ctrl-C: exit status is the command's, 128 + 2" $? 130
check "the program is gone" ! killall -0 deadlock
deadlock_is_named /tmp/r/record.json
num "the profiles are written, bytes" "$(cat /tmp/r/{block,mutex}.pb.gz | wc -c)" ">" 100

# After so many seconds; the program lives on and is waited for.
$lockspan record -d 5 -o /tmp/d -- tests/vm/deadlock >/tmp/out 2>/tmp/err &
collector=$!
check "-d: written" wait_until 90 test -s /tmp/d/record.json
check "-d: the program lives" killall -0 deadlock
killall -TERM deadlock
wait $collector
is "-d: exit status" $? 143
deadlock_is_told /tmp/d
like "-d: the last line" "$(tail -n 1 /tmp/err)" 'deadlock: .*left \(thread [0-9]+\) waits for right_mu in left_then_right, which thread [0-9]+ has'
$lockspan report --json /tmp/d >/tmp/report.json
deadlock_is_named /tmp/report.json
like "report: in words" "$($lockspan report /tmp/d)" 'right \(thread [0-9]+\) waits for left_mu in right_then_left, which left \(thread'
check "the module leaves" module_unload
finish
