# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12 cpus=2 timeout=120
#
# Sampling from end to end. Would catch: a draw or a weight that is biased, a
# rate that is not the one in force, an exact total that depends on the rate,
# and an event that is in no counter.
#
# Each estimate must lie within 4 standard errors of the same run's exact total;
# the error is computed from the kept events' own weights. One comparison in
# 16,000 fails by chance.
. tests/lib.sh

# within TEXT ESTIMATE VARIANCE EXACT KEPT
within() {
	local verdict
	verdict=$(awk -v e="$2" -v v="$3" -v x="$4" -v k="$5" 'BEGIN {
		d = e - x; if (d < 0) d = -d
		printf("%s %.0f against %.0f, %.2f %% off, %.1f squared standard errors, %d kept",
			(d * d <= 16 * v + 1 && k >= 20) ? "ok" : "no", e, x, (x ? 100 * d / x : 0),
			(v > 0 ? d * d / v : 0), k) }')
	if [[ $verdict == ok* ]]; then pass "$1: ${verdict#ok }"; else fail "$1: ${verdict#no }"; fi
}

# variances: from exported spans, lines of "block|mutex KEPT COUNT VARIANCE DELAY VARIANCE SQUARES".
variances() {
	awk 'function field(name) { return match($0, "\"" name "\":[0-9]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) + 0 : 0 }
	function add(kind, p, v) { n[kind]++; c[kind] += 1 / p; cv[kind] += (1 - p) / p / p; d[kind] += v / p; dv[kind] += (1 - p) * v * v / p / p; sq[kind] += v * v }
	/"type":"span"/ && !/"outcome":"(nosleep|open)"/ { r = field("rate_ns"); w = field("lock_wait_ns"); x = w ? w : 1; add("block", x < r ? x / r : 1, w) }
	/"type":"release"/ { add("mutex", 1 / field("fraction"), field("hold_ns")) }
	END { for (k in n) printf "%s %d %.0f %.0f %.0f %.0f %.0f\n", k, n[k], c[k], cv[k], d[k], dv[k], sq[k] }' "$1"
}

# adds_up TEXT JSON: every span and release is in one counter, every ns in one part.
adds_up() {
	local text=$1 json=$2
	c() { json "$json" "counters.$1"; }
	is "$text: hold + handoff + tail - lock wait, ns" $(($(c hold_ns) + $(c handoff_ns) + $(c tail_ns) - $(c lock_wait_ns))) 0
	is "$text: lost" "$(c lost_span_ring) $(c lost_release_ring) $(c lost_stack_ring)" "0 0 0"
	is "$text: kept + sampled out + open = spans that slept" $(($(c kept) + $(c sampled_out) + $(c open))) \
		$(($(c woken) + $(c timeout) + $(c signal) + $(c requeued) + $(c owner_died) + $(c woken_late) + $(c error) + $(c open)))
	is "$text: releases kept + sampled out" $(($(c releases_kept) + $(c releases_sampled_out))) "$(c releases)"
	slept=$(($(c kept) + $(c sampled_out) + $(c open)))
	[[ $(uname -v) == *RT* ]] || num "$text: spans that slept ($slept) against sleeps ($3), off by" \
		$((slept > $3 ? slept - $3 : $3 - slept)) "<=" 16
}

module_load
for pair in "1 1" "10000 10" "1000000 100"; do
	read -r rate fraction <<<"$pair"
	text="rate $rate, fraction $fraction" r=/tmp/r/record.json
	rm -rf /tmp/r
	$lockspan record --spans --block-rate "$rate" --mutex-fraction "$fraction" -o /tmp/r -- \
		workloads/c/task01 >/tmp/truth.json 2>/tmp/err
	is "$text: record" $? 0
	adds_up "$text" $r "$(json /tmp/truth.json sleeps)"
	$lockspan export --json /tmp/r >/tmp/spans.json
	while read -r kind kept _ count_variance _ delay_variance squares; do
		is "$text: $kind: events in the file" "$kept" \
			"$(if [[ $kind == block ]]; then json $r counters.kept; else json $r counters.releases_kept; fi)"
		if [[ $kind == block ]]; then
			shown_count=$(json $r estimated.block.contentions) shown_delay=$(json $r estimated.block.delay_ns)
			exact=contentions exact_delay=delay_ns
		else
			shown_count=$(awk -v a="$(json $r estimated.mutex.contentions)" -v b="$(json $r estimated.other_releases.contentions)" 'BEGIN { printf "%.0f", a + b }')
			shown_delay=$(awk -v a="$(json $r estimated.mutex.delay_ns)" -v b="$(json $r estimated.other_releases.delay_ns)" 'BEGIN { printf "%.0f", a + b }')
			exact=releases exact_delay=hold_ns
		fi
		# The main thread's join is one release with seconds of charge: whether it is kept
		# decides, so the variance is that of the run that kept everything.
		[[ $kind$rate != mutex1 ]] || all_squares=$squares
		[[ $kind != mutex ]] || delay_variance=$(awk -v s="$all_squares" -v n="$fraction" 'BEGIN { printf "%.0f", s * (n - 1) }')
		within "$text: $kind: events, estimated" "$shown_count" "$count_variance" "$(json $r exact.$exact)" "$kept"
		within "$text: $kind: time, estimated" "$shown_delay" "$delay_variance" "$(json $r exact.$exact_delay)" "$kept"
		near "$text: $kind: the profile's events" "$(pprof_sum "/tmp/r/$kind.pb.gz" contentions)" \
			"$(json $r "estimated.$kind.contentions" | cut -d. -f1)" 1
		near "$text: $kind: the profile's time" "$(pprof_sum "/tmp/r/$kind.pb.gz" delay)" \
			"$(json $r "estimated.$kind.delay_ns" | cut -d. -f1)" 1
	done < <(variances /tmp/spans.json | tee /tmp/kinds)
	is "$text: kinds of events" "$(wc -l </tmp/kinds)" 2
done

# Rates that change all the time while it records bias nothing.
mkfifo /tmp/hold
tests/vm/genltool start,version,flags=1,stack_mode=0 rates=30/70 wait stop end </tmp/hold >/tmp/answers 2>&1 &
tool=$!
exec 3>/tmp/hold
check "changing rates: recording" wait_until 10 module_is recording
workloads/c/task01 >/tmp/truth.json
exec 3>&-
wait $tool
is "changing rates: exit status" $? 0
is "changing rates: answers other than granted" "$(grep -cvE '^(start|set|stop): 0$|^\{' /tmp/answers)" 0
tail -n 1 /tmp/answers >/tmp/end.json
e=/tmp/end.json
is "changing rates: END" "$(json $e ended) $(json $e sound)" "true true"
num "changing rates: changes seen in the records" "$(json $e rate_changes)" ">" 10
adds_up "changing rates" $e "$(json /tmp/truth.json sleeps)"
c() { json $e "counters.$1"; }
within "changing rates: contentions" "$(json $e block.contentions)" "$(json $e block.contentions_variance)" \
	$(($(c woken) + $(c timeout) + $(c signal) + $(c requeued) + $(c owner_died) + $(c woken_late) + $(c error))) "$(json $e block.kept)"
within "changing rates: lock wait" "$(json $e block.delay_ns)" "$(json $e block.delay_variance)" \
	$(($(c lock_wait_ns) - $(c nosleep_wait_ns) - $(c open_wait_ns))) "$(json $e block.kept)"
within "changing rates: releases" "$(json $e mutex.contentions)" "$(json $e mutex.contentions_variance)" \
	"$(c releases)" "$(json $e mutex.kept)"
within "changing rates: hold" "$(json $e mutex.delay_ns)" "$(awk -v s="$all_squares" 'BEGIN { printf "%.0f", s * 9 }')" "$(c hold_ns)" \
	"$(json $e mutex.kept)"
module_unload
finish
