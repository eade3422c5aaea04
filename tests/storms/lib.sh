# SPDX-License-Identifier: GPL-2.0-only
# What the storms share: a load that contends without end, a recording of
# everybody beside it, and the sums that must hold whatever happens. A storm is
# called with the seconds that it shall last; it runs in a guest.
# shellcheck shell=bash disable=SC2034 # the storms use these
. tests/lib.sh

seconds=${1:-20}
r=/tmp/r/record.json
# Not SECONDS, which follows the wall clock.
uptime_s() { cut -d . -f 1 /proc/uptime; }
begin=$(uptime_s)
c() { json $r "counters.$1"; }
goes_on() { (($(uptime_s) - begin < seconds)); }
pause_ms() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }

load_start() {
	tests/vm/futex_ops --threads 6 --words 3 --seconds 100000 --timeout 500 storm >/dev/null 2>&1 &
	load_one=$!
	workloads/c/task01 -t 3 -n 1000000000 -d 10000000 >/dev/null 2>&1 &
	load_two=$!
}
load_stop() {
	kill -KILL "$load_one" "$load_two"
	wait "$load_one" "$load_two" 2>/dev/null
}

# recorder_start [OPTION...]: everybody, with stacks; in rings that may be too small now and then.
recorder_start() {
	rm -rf /tmp/r
	$lockspan record -a --ring-bytes 1048576 -o /tmp/r "$@" >/tmp/out 2>/tmp/err &
	recorder=$!
	wait_until 60 module_is recording
}

# recorder_stop TEXT: it may have lost something, but says so, and all adds up.
recorder_stop() {
	local rc ended
	kill -TERM "$recorder"
	wait "$recorder"
	rc=$?
	like "$1: exit status: $rc" $rc '^(0|125)$'
	if [[ ! -s $r ]]; then
		fail "$1: nothing was written: $(tail -n 1 /tmp/err)"
		return
	fi
	ended=$(($(ended $r) + $(c open)))
	is "$1: kept + sampled out + lost + open = spans" \
		$(($(c kept) + $(c sampled_out) + $(c lost_span_ring) + $(c open))) $ended
	is "$1: hold + handoff + tail - lock wait, ns" \
		$(($(c hold_ns) + $(c handoff_ns) + $(c tail_ns) - $(c lock_wait_ns))) 0
	((rc == 0)) || like "$1: partial, and why" "$(cat /tmp/err)" 'partial: '
	echo "# $1: $ended spans, $(c lost_span_ring) lost, $(json $r 'probes.*.missed') missed"
}

# The module goes, and nothing is left.
storm_finish() {
	wait_until 20 module_is idle
	check "the module leaves" wait_until 20 module_unload
	is "probes left" "$(module_probes)" 0
	echo "# $(($(uptime_s) - begin)) s"
	finish
}
