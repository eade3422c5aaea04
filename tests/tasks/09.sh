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
verdict "with half the threads about half the time is waited" \
	"$after > 0.35 * $before && $after < 0.65 * $before" "$before s a second in capture 1, $after in capture $count"
verdict "captures of the same are the same" "$again > 0.8 * $before && $again < 1.25 * $before" \
	"$before and $again s a second in captures 1 and 2"
show tools/continuous list -o "$dir/captures"
show tools/continuous diff -o "$dir/captures" 1 "$count" --per second
finish
