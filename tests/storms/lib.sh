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

# The place of each number in widen_us: see kmod/widen.h.
# wide_load [TELL [MISS [EXIT [FREEZE [CLOSE [SEND [LOCKED [UNSENT]]]]]]]] [PARAMETER...]: the module with delays, us,
# in its narrow places.
wide_load() {
	local places=()
	while [[ ${1-} =~ ^[0-9]+$ ]]; do
		places+=("$1")
		shift
	done
	lsp_module=./lockspan-wide.ko module_load "widen_us=$(IFS=, && echo "${places[*]}")" "$@"
}

# wide_test OPTIONS NAME [ARGUMENT...]: that VM test as often as there is time, with the module so widened.
wide_test() {
	local times=0 options=$1 name=$2
	shift 2
	export lsp_module=./lockspan-wide.ko lsp_module_options=widen_us=$options
	while goes_on; do
		times=$((times + 1))
		bash "tests/vm/$name.sh" "$@" >/tmp/test 2>&1 || fail "$name, time $times: $(grep -E '^(not ok|Bail)' /tmp/test | tr '\n' ';')"
		rm -rf /tmp/go /tmp/hold /tmp/silence
		! module_loaded || wait_until 20 module_unload || fail "$name, time $times: the module stays"
	done
	num "times that vm/$name was run" $times ">" 0
	is "probes left" "$(module_probes)" 0
	echo "# $(($(uptime_s) - begin)) s"
	finish
}

# The module goes, and nothing is left.
storm_finish() {
	wait_until 20 module_is idle
	check "the module leaves" wait_until 20 module_unload
	is "probes left" "$(module_probes)" 0
	echo "# $(($(uptime_s) - begin)) s"
	finish
}
