# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=2 timeout=420 vm=--in-turn
#
# Sampling from end to end. Would catch: a draw or a weight that is biased, a
# rate that is not the one in force, an exact total that depends on the rate,
# an interval that does not cover, and an event that is in no counter.
#
# Nine recordings, each rate with each fraction, of one program that contends
# without end: its main thread slept before and is not in them, so that the
# releases are many and none decides alone. How many were drawn must be what chance
# allows: 5.5 standard errors, which it exceeds once in 20 million comparisons. The
# mean and the spread come from the same recording's exact totals, not from what was kept.
# Numbers of events must lie within 6 standard errors of the exact total, the error
# computed from the kept events' own weights, which tells less of rare heavy ones.
# Times must lie in record.json's own 95 % intervals, at least a quarter of them where there
# are four: a few rare long holds may not be among the kept. Of releases
# too few are kept here for an interval, but where the machine is fast.
. tests/lib.sh

# within TEXT ESTIMATE VARIANCE EXACT
within() {
	local verdict
	verdict=$(awk -v e="$2" -v v="$3" -v x="$4" 'BEGIN {
		d = e - x; if (d < 0) d = -d
		printf("%s %.0f against %.0f, %.2f %% off, %.1f squared standard errors",
			d * d <= 36 * v + 1 ? "ok" : "no", e, x, (x ? 100 * d / x : 0), (v > 0 ? d * d / v : 0)) }')
	if there "$@" && [[ $verdict == ok* ]]; then pass "$1: ${verdict#ok }"; else fail "$1: ${verdict#no }"; fi
}

# drawn TEXT KEPT EXPECTED: so many were kept where each was drawn by itself, and EXPECTED in the mean. The root of
# such a number spreads by a half, however large it is (Anscombe), so two roots may differ by 5.5 halves; a guest's awk has no roots.
drawn() {
	local verdict
	verdict=$(awk -v k="$2" -v e="$3" 'BEGIN {
		a = k + 0.375; b = e + 0.375; more = a + b - 2.75 * 2.75
		printf("%s %d where %.1f were expected", (more <= 0 || more * more <= 4 * a * b) ? "ok" : "no", k, e) }')
	if there "$@" && [[ $verdict == ok* ]]; then pass "$1: ${verdict#ok }"; else fail "$1: ${verdict#no }"; fi
}

# variances: from exported spans, lines of "block|mutex KEPT COUNT VARIANCE CERTAIN CERTAIN_NS": CERTAIN waits were so long
# that they are always kept, CERTAIN_NS together.
variances() {
	awk 'function field(name) { return match($0, "\"" name "\":[0-9]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) + 0 : 0 }
	function add(kind, p) { n[kind]++; c[kind] += 1 / p; v[kind] += (1 - p) / p / p }
	/"type":"span"/ && !/"outcome":"(nosleep|open)"/ {
		r = field("rate_ns"); w = field("lock_wait_ns"); x = w ? w : 1
		add("block", x < r ? x / r : 1)
		if (x >= r) { certain["block"]++; ns["block"] += w }
	}
	/"type":"release"/ { add("mutex", 1 / field("fraction")) }
	END { for (k in n) printf "%s %d %.0f %.0f %d %.0f\n", k, n[k], c[k], v[k], certain[k], ns[k] }' "$1"
}

# adds_up TEXT JSON: every span and release is in one counter, every ns in one part.
adds_up() {
	local text=$1
	json_file=$2
	is "$text: hold + handoff + tail - lock wait, ns" $(($(c hold_ns) + $(c handoff_ns) + $(c tail_ns) - $(c lock_wait_ns))) 0
	is "$text: lost" "$(c lost_span_ring) $(c lost_release_ring) $(c lost_stack_ring)" "0 0 0"
	is "$text: kept + sampled out = spans that slept and ended" $(($(c kept) + $(c sampled_out))) "$(ended "$json_file")"
	is "$text: releases kept + sampled out" $(($(c releases_kept) + $(c releases_sampled_out))) "$(c releases)"
}
c() { json "$json_file" "counters.$1"; }

# covers TEXT ESTIMATE EXACT: the interval of that estimate in record.json.
shown=0 missed=0
covers() {
	local text=$1 at=estimated.$2 exact=$3 kind low high
	kind=$(json $r "$at.interval")
	low=$(json $r "$at.low_ns" | cut -d. -f1) high=$(json $r "$at.high_ns" | cut -d. -f1)
	case $kind in
	exact) is "$text: nothing was left out, ns" "$(json $r "$at.delay_ns" | cut -d. -f1)" "$exact" ;;
	95%)
		shown=$((shown + 1))
		if ((exact < low || exact > high + 1)); then
			missed=$((missed + 1))
			echo "# $text: missed: $exact is not in [$low, $high]"
		else
			echo "# $text: $exact is in [$low, $high]"
		fi
		;;
	*) echo "# $text: $kind" ;;
	esac
}

module_load
# As many turns as it takes, without the reads of the clock.
workloads/c/task01 -t 4 --no-clock -n 1000000000 -d 10000000 >/dev/null &
p=$!
# Long enough, on a slow machine too, for some 30 releases to be kept of a hundred
# times as many, and no longer: every one of them is exported as text afterwards.
per_s=1000
for pair in "1 1" "1 10" "1 100" "10000 1" "10000 10" "10000 100" "1000000 1" "1000000 10" "1000000 100"; do
	read -r rate fraction <<<"$pair"
	text="rate $rate, fraction $fraction" r=/tmp/r/record.json
	rm -rf /tmp/r
	kill -CONT $p
	tenths=$((fraction * 300 / per_s + 5))
	((tenths < 120)) || tenths=120
	$lockspan record --spans --ring-bytes 16777216 --block-rate "$rate" --mutex-fraction "$fraction" -p $p \
		-d $((tenths / 10)).$((tenths % 10)) -o /tmp/r >/dev/null 2>/tmp/err
	is "$text: record" $? 0
	kill -STOP $p
	adds_up "$text" $r
	((rate > 1 || fraction > 1)) || per_s=$(($(c releases) * 1000 / ($(json $r duration_ns) / 1000000) + 1))
	is "$text: releases but of the mutex" "$(json $r estimated.other_releases.kept)" 0
	$lockspan export --json /tmp/r >/tmp/spans.json
	while read -r kind kept _ variance certain certain_ns; do
		if [[ $kind == block ]]; then
			exact=contentions exact_delay=delay_ns counted=kept
			# A shorter wait is kept with its share of the rate as its chance, so all of them with their sum's.
			expected=$(awk -v d="$(json $r exact.delay_ns)" -v c="$certain_ns" -v r="$rate" 'BEGIN { printf "%.3f", (d - c) / r }')
		else
			exact=releases exact_delay=hold_ns counted=releases_kept
			expected=$(awk -v n="$(json $r exact.releases)" -v f="$fraction" 'BEGIN { printf "%.3f", n / f }')
		fi
		is "$text: $kind: events in the file" "$kept" "$(c $counted)"
		drawn "$text: $kind: events by chance" $((kept - certain)) "$expected"
		within "$text: $kind: events, estimated" "$(json $r "estimated.$kind.contentions")" "$variance" \
			"$(json $r exact.$exact)"
		covers "$text: $kind: time, estimated" "$kind" "$(json $r exact.$exact_delay)"
		near "$text: $kind: the profile's events" "$(pprof_sum "/tmp/r/$kind.pb.gz" contentions)" \
			"$(json $r "estimated.$kind.contentions" | cut -d. -f1)" 1
		near "$text: $kind: the profile's time" "$(pprof_sum "/tmp/r/$kind.pb.gz" delay)" \
			"$(json $r "estimated.$kind.delay_ns" | cut -d. -f1)" 1
	done < <(variances /tmp/spans.json | tee /tmp/kinds)
	is "$text: kinds of events" "$(wc -l </tmp/kinds)" 2
done
num "intervals shown" $shown ">=" 1
num "intervals that miss the exact total, of $shown" $missed "<=" $((shown - shown / 4))

# Rates that change all the time while it records bias nothing.
kill -CONT $p
tests/vm/genltool start,version,tgid=$p,stack_mode=0,ring_bytes=16777216 rates=30/60 stop end >/tmp/answers 2>&1
is "changing rates: exit status" $? 0
kill -KILL $p
is "changing rates: answers other than granted" "$(grep -cvE '^(start|set|stop): 0$|^\{' /tmp/answers)" 0
tail -n 1 /tmp/answers >/tmp/end.json
e=/tmp/end.json
is "changing rates: END" "$(json $e ended) $(json $e sound)" "true true"
num "changing rates: changes seen in the records" "$(json $e rate_changes)" ">" 10
adds_up "changing rates" $e
within "changing rates: contentions" "$(json $e block.contentions)" "$(json $e block.contentions_variance)" \
	"$(ended "$json_file")"
within "changing rates: lock wait" "$(json $e block.delay_ns)" "$(json $e block.delay_variance)" \
	$(($(c lock_wait_ns) - $(c nosleep_wait_ns) - $(c open_wait_ns) - $(c error_wait_ns)))
within "changing rates: releases" "$(json $e mutex.contentions)" "$(json $e mutex.contentions_variance)" \
	"$(c releases)"
# Not the holds' times: releases are drawn alike, and one hold of a processor that stood still, which
# may not be among the kept, decides the sum. Their weights are those of their number, held above.
echo "# changing rates: hold: $(json $e mutex.delay_ns | cut -d. -f1) against $(c hold_ns) ns"

# Invariant 2 at a rate, by the workload's own count of its sleeps.
rm -rf /tmp/r
$lockspan record --block-rate 10us --mutex-fraction 10 -o /tmp/r -- workloads/c/task01 -n 500 >/tmp/truth.json 2>/tmp/err
is "a whole program: record" $? 0
adds_up "a whole program" "$r"
slept=$(ended "$json_file") sleeps=$(json /tmp/truth.json sleeps)
[[ $(uname -v) == *RT* ]] || num "a whole program: spans that slept ($slept) against sleeps ($sleeps), off by" \
	$((slept > sleeps ? slept - sleeps : sleeps - slept)) "<=" 16
module_unload
finish
