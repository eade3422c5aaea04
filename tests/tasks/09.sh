# SPDX-License-Identifier: GPL-2.0-only
# Captures of one long run, with half of the threads gone in between. Would catch: captures that
# are not of their own time only, and a running process whose stacks are not named.
. tests/tasks/lib.sh
interval=2 count=4
((!full)) || interval=30 count=10
workloads/c/task09 -d 3600000 >"$dir/truth" &
p=$!
sleep 0.5
LOCKSPAN=$lockspan
export LOCKSPAN
# phase SIGNAL: the program's clocks begin a phase; it looks every few ms.
phase() { kill "-$1" $p && sleep 0.1; }
rm -rf "$dir/captures"
for ((i = 1; i <= count; i++)); do
	((i != count / 2 + 1)) || { phase USR1 && sleep 0.5; }
	phase USR2
	tools/continuous capture -o "$dir/captures" -i "$interval" -n 1 -p "$p" >"$dir/captures.log" 2>&1 ||
		die "capturing: $(tail -n 1 "$dir/captures.log")"
done
kill -TERM $p
wait $p
# Waited a second in capture $1, and by the program's clocks in the phase around it: the first phase is
# before the captures, and one more is in the middle.
captured() {
	local at
	printf -v at '%s/captures/%04d' "$dir" "$1"
	calc "$(pprof_sum "$at/block.pb.gz" delay lock=g_jobs.mu) / $(json "$at/record.json" duration_ns)"
}
own() {
	local phase=phases.$(($1 + ($1 > count / 2)))
	calc "$(json "$dir/truth" "$phase.call_ns") / $(json "$dir/truth" "$phase.ns")"
}
before=$(captured 1) after=$(captured "$count") own_before=$(own 1) own_after=$(own "$count")
verdict "with half the threads less time is waited, by as much as the program says" \
	"$after < $before && $after / $before > 0.75 * $own_after / $own_before && $after / $before < 1.33 * $own_after / $own_before" \
	"$before s a second in capture 1, $after in capture $count; by the program's clocks $own_before and $own_after"
# Two captures of the same need not be the same: the host may have had other work in one of them.
again=$(captured 2) own_again=$(own 2)
verdict "a second capture of the same is of its own time" \
	"$again > 0.75 * $own_again && $again < 1.33 * $own_again" \
	"$again s a second in capture 2; by the program's clocks $own_again"
show tools/continuous list -o "$dir/captures"
show tools/continuous diff -o "$dir/captures" 1 "$count" --per second
finish
