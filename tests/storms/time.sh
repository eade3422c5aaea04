# SPDX-License-Identifier: GPL-2.0-only
# The wall clock jumps by years and back. Would catch a time that is not taken
# from the monotonic clock, and a timer of the session that follows the other.
. tests/storms/lib.sh

module_load
load_start
recorder_start --spans
jumps=0 now=$(date +%s)
while goes_on; do
	for by in 100000000 -100000000 86400 -3600 1; do
		date -s "@$((now + by))" >/dev/null
		pause_ms $((RANDOM % 100))
		jumps=$((jumps + 1))
	done
done
date -s "@$now" >/dev/null
num "jumps" $jumps ">" 4
recorder_stop "time"
$lockspan export --json /tmp/r >/tmp/spans.json 2>/dev/null
num "spans that end before they begin, or last longer than the storm" \
	"$(awk -v max=$(((seconds + 120) * 1000000000)) '/"type":"span"/ { match($0, /"lock_wait_ns":[0-9]+/)
		if (substr($0, RSTART + 15, RLENGTH - 15) + 0 > max) n++ } END { print n + 0 }' /tmp/spans.json)" "==" 0
load_stop
storm_finish
