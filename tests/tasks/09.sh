# SPDX-License-Identifier: GPL-2.0-only
# Two captures of one long run, with half of the threads gone in between. Would catch: captures that
# are not of their own time only, and a running process whose stacks are not named.
. tests/tasks/lib.sh
workloads/c/task09 -d 60000 >"$dir/truth" &
p=$!
sleep 0.5
capture() {
	$lockspan record -p $p -d 2 -o "$dir/$1" 2>"$dir/$1.err" || die "capture $1: $(tail -n 1 "$dir/$1.err")"
}
capture before
kill -USR1 $p
sleep 0.5
capture after
kill -TERM $p
wait $p
per_s() { calc "$(delay "$1" block lock=g_jobs.mu) * 1e9 / $(json "$dir/$1/record.json" duration_ns) / 1e9"; }
before=$(per_s before) after=$(per_s after)
verdict "with half the threads about half the time is waited" \
	"$after > 0.35 * $before && $after < 0.65 * $before" "$before s a second, then $after s"
finish
