# SPDX-License-Identifier: GPL-2.0-only
# The guest's side of tools/capacity.
# shellcheck shell=bash
set -u
contend=tools/lib/bench/contend
lockspan=user/lockspan

json() { tests/vm/jsonget "$1" "$2"; }

# The collector's most resident memory and its CPU time in ticks, as long as it lives: PEAK_KB TICKS.
collector_watch() {
	local peak ticks=0
	while [[ -d /proc/$1 ]]; do
		# shellcheck disable=SC2016 # awk's
		peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$1/status" 2>/dev/null)
		read -r -a stat 2>/dev/null <"/proc/$1/stat" || break
		[[ -z $peak ]] || echo "$peak $((stat[13] + stat[14]))" >/tmp/watched
		sleep 0.5
	done
}

# run RING_BYTES SPIN WAITS: the programs wait for each other before they begin.
run() {
	local ring=$1 spin=$2 waits=$3 n=0 ns=0 rows module r=/tmp/o/record.json
	rm -rf /tmp/o /tmp/row* /tmp/watched
	# shellcheck disable=SC2016 # for the inner shell
	$lockspan record --ring-bytes "$ring" -o /tmp/o -- sh -c '
		for i in 1 2; do "$0" -t 8 -w 0 -u "$1" -n "$2" chain >/tmp/row$i & done; wait' \
		$contend "$spin" "$waits" 2>/tmp/err &
	local collector=$!
	collector_watch $collector &
	sleep 2
	module=$($lockspan status --json >/tmp/status.json && json /tmp/status.json memory_bytes)
	wait $collector
	wait
	rows=$(cat /tmp/row1 /tmp/row2)
	n=$(awk '{ n += $7 } END { print n }' <<<"$rows")
	ns=$(awk '$8 > most { most = $8 } END { printf "%.0f", most }' <<<"$rows")
	local lost=0 name
	for name in span_ring release_ring stack_ring task_table key_table send; do
		lost=$((lost + $(json $r "counters.lost_$name")))
	done
	lost=$((lost + $(json $r losses.gap_records)))
	local kept=$(($(json $r counters.kept) + $(json $r counters.releases_kept)))
	read -r peak ticks </tmp/watched
	awk -v ring="$ring" -v spin="$spin" -v n="$n" -v ns="$ns" -v kept="$kept" -v lost="$lost" -v module="$module" \
		-v peak="$peak" -v ticks="$ticks" 'BEGIN { printf "%10d %8d %9d %10d %9d %8d %12.1f %13.1f %9.1f\n", ring, spin, n,
			kept, kept / ns * 1e9, lost, module / 1048576, peak / 1024, ticks / 2e-7 / ns * 100 }'
}

insmod ./lockspan.ko || exit
printf '%10s %8s %9s %10s %9s %8s %12s %13s %9s\n' ring pause waits events events/s lost 'module MiB' 'collector MiB' 'CPU %'
for ring in 65536 524288 4194304; do
	run $ring 10000 40000
	run $ring 1000 100000
	run $ring 0 150000
done
# Ten times as many: memory must not grow with them.
run 4194304 0 600000
