# SPDX-License-Identifier: GPL-2.0-only
# Captures of one long run, with half of the threads gone in between. Would catch: captures that
# are not of their own time only, and a running process whose stacks are not named.
. tests/tasks/lib.sh
interval=2 count=4
((!full)) || interval=30 count=10
workloads/c/task09 -d $((interval * count * 1000 + 60000)) >"$dir/truth" &
p=$!
sleep 0.5
LOCKSPAN=$lockspan
export LOCKSPAN
capture() {
	tools/continuous capture -o "$dir/captures" -i "$interval" -n "$1" -p "$p" >"$dir/captures.log" 2>&1 ||
		die "capturing: $(tail -n 1 "$dir/captures.log")"
}
rm -rf "$dir/captures"
capture $((count / 2))
kill -USR1 $p
sleep 0.5
capture $((count - count / 2))
kill -TERM $p
wait $p
last=$count
((count > 9)) || last=0$count
per_s() {
	calc "$(pprof_sum "$dir/captures/$1/block.pb.gz" delay lock=g_jobs.mu) / $(json "$dir/captures/$1/record.json" duration_ns)"
}
before=$(per_s 0001) after=$(per_s "00$last") again=$(per_s 0002)
# By the program's own clocks, for the host may have had other work in one of the phases.
phase_per_s() { calc "$(json "$dir/truth" "phases.$1.call_ns") / $(json "$dir/truth" "phases.$1.ns")"; }
own_before=$(phase_per_s 0) own_after=$(phase_per_s 1)
verdict "with half the threads less time is waited, by as much as the program says" \
	"$after < $before && $after / $before > 0.75 * $own_after / $own_before && $after / $before < 1.33 * $own_after / $own_before" \
	"$before s a second in capture 1, $after in capture $count; the program's clocks: $own_before and $own_after"
verdict "captures of the same are the same" "$again > 0.8 * $before && $again < 1.25 * $before" \
	"$before and $again s a second in captures 1 and 2"
show tools/continuous list -o "$dir/captures"
show tools/continuous diff -o "$dir/captures" 1 "$count" --per second
finish
