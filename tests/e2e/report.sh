#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# needs: timeout=900
# Would catch: a report that differs from what go tool pprof reads in the same
# files; bad input that is taken for good, or refused without saying why; an exit
# status other than documented. No module is needed.
# shellcheck source=tests/lib.sh
. tests/lib.sh

: "${TEST_DIR:=$(mktemp -d)}"
pprof_home "$TEST_DIR"
lockspan=$PWD/user/lockspan

# status WANT CMD...: runs CMD; its output is in $out, standard error in $said.
status() {
	local want=$1 rc=0
	shift
	out=$("$@" 2>"$TEST_DIR/said" </dev/null) || rc=$?
	said=$(<"$TEST_DIR/said")
	is "exit status of ${*/#"$lockspan"/lockspan}" "$rc" "$want"
}
pprof() { go tool pprof -symbolize=none "$@" 2>/dev/null; }

make user/lockspan build/unit/test_report build/unit/test_endings >"$TEST_DIR/make.log" 2>&1 ||
	die "no build: $(tail -n 3 "$TEST_DIR/make.log")"
build/unit/test_report --files "$TEST_DIR" || die 'no files'
build/unit/test_endings --files "$TEST_DIR" || die 'no span files'
cd "$TEST_DIR" || die 'no directory'

# ---- the numbers are those of the files ----------------------------------------

status 0 "$lockspan" report exact
is 'nothing on standard error' "$said" ''
like 'exact totals' "$out" 'hold            8.00s   97.5%'
like 'the headline' "$(head -n 1 <<<"$out")" '^g_mu \(mutex\) is the lock that was waited for most: 7.00s'
like 'locks have a section' "$out" 'held by slow_update \(98.5%\), fast_update \(1.5%\)'
status 0 "$lockspan" report --by lock exact
is 'sections beside the table that was asked for' "$(grep -cE '^(Locks|Joins)' <<<"$out")" 0
status 0 "$lockspan" report --json --top 0 exact
json=$out
is 'it is JSON' "$(jq -r .format <<<"$json")" 1
is 'the lock waited for most' "$(jq -r .top_lock <<<"$json")" g_mu
for kind in block mutex; do
	# All that pprof has, by the function that called: the cumulative value of each of these.
	for f in fast_update slow_update wait_all; do
		want=$(pprof -top -cum -unit=ns "exact/$kind.pb.gz" | awk -v f="$f" '$NF == f { sub("ns", "", $4); print $4 }')
		is "$kind delay of $f is pprof's" "$(jq -r ".rows[] | select(.site == \"$f\").$kind.delay_ns" <<<"$json")" "${want:-0}"
	done
	is "$kind total is pprof's" "$(jq -r ".total.$kind.delay_ns" <<<"$json")" \
		"$(pprof -raw "exact/$kind.pb.gz" | awk '/^Samples:/ { on = 1 } /^Locations/ { on = 0 } on && $2 ~ /:$/ { s += $2 } END { printf "%.0f", s }')"
done
for by in lock sync thread; do
	status 0 "$lockspan" report --json --by $by exact
	is "the rows by $by add up" "$(jq -c '[([.rows[].block.delay_ns] | add), ([.rows[].mutex.delay_ns] | add)]' <<<"$out")" \
		"$(jq -c '[.total.block.delay_ns, .total.mutex.delay_ns]' <<<"$json")"
done
status 0 "$lockspan" report exact/block.pb.gz exact/mutex.pb.gz
like 'files without their folder' "$out" 'fast_update  prog.c:61/66'
status 0 "$lockspan" report --json exact exact
is 'two are added up' "$(jq -c '[.recordings, .total.block.delay_ns, .exact.delay_ns]' <<<"$out")" '[2,16402000000,16402000000]'
status 1 "$lockspan" report sampled
like 'a partial recording says why' "$out" '12 waits found no room'
like 'and has intervals' "$out" '6.60s..7.30s'

# ---- diff ------------------------------------------------------------------------

status 0 "$lockspan" diff --json --top 0 exact more
is 'what is new' "$(jq -c '.rows[0] | [.site, .block.delay_ns.delta]' <<<"$out")" '["<script>alert(1)</script>",2000000000]'
is 'the rest is equal' "$(jq -c '[.rows[1:][] | .block.delay_ns.delta, .mutex.delay_ns.delta] | unique' <<<"$out")" '[0]'
status 0 "$lockspan" diff --json --top 0 more exact
is 'the other way it is negative' "$(jq -c '.rows[0].block.delay_ns.delta' <<<"$out")" -2000000000
is 'the total is that of pprof -diff_base' "$(jq -r '.total.block.delay_ns.delta' <<<"$out")" \
	"$(pprof -raw -diff_base more/block.pb.gz exact/block.pb.gz | awk '/^Samples:/ { on = 1 } /^Locations/ { on = 0 } on && $2 ~ /:$/ { s += $2 } END { printf "%.0f", s }')"
status 0 "$lockspan" diff --json --per second exact more
is 'per second' "$(jq -c '[.base_divisor, .rows[0].block.delay_ns.delta]' <<<"$out")" '[2,1000000000]'
status 0 "$lockspan" diff --json --per operation --operations 100,50 exact more
is 'per operation' "$(jq -c '[.total.block.delay_ns.base, .rows[] | select(type == "number" or .site == "<script>alert(1)</script>")] | [.[0], .[1].block.delay_ns.new]' <<<"$out")" '[82010000,40000000]'

# ---- bad input -------------------------------------------------------------------

head -c 150 exact/block.pb.gz >cut.pb.gz
status 2 "$lockspan" report cut.pb.gz
like 'a truncated file' "$said" 'cut.pb.gz: the gzip data ends too early'
echo 'no such thing' >text
status 2 "$lockspan" report text
like 'a text file' "$said" 'text: it is text'
: >zero
status 2 "$lockspan" report zero
like 'an empty file' "$said" 'zero: it is empty'
mkdir -p nothing
status 2 "$lockspan" report nothing
like 'a folder without a recording' "$said" 'nothing: there is no recording in it'
status 2 "$lockspan" report not-there
like 'what is not there' "$said" 'not-there: it cannot be opened'
go test -run xxx -cpuprofile cpu.pb.gz errors >/dev/null 2>&1 || true
if [[ -s cpu.pb.gz ]]; then
	status 2 "$lockspan" report cpu.pb.gz
	like 'a profile of something else' "$said" 'sample types samples/count, cpu/nanoseconds'
else
	fail 'no CPU profile was made'
fi
status 2 "$lockspan" diff exact/block.pb.gz exact/mutex.pb.gz
like 'two profiles of different types' "$said" 'cannot be compared: a block profile here, a mutex profile there'
# The other readers, of the same files.
for bad in cut.pb.gz text zero nothing not-there; do
	for reader in "diff exact $bad" "export --json $bad" "compare $bad" "compare exact $bad" "gate $bad -- exact"; do
		# shellcheck disable=SC2086
		status 2 "$lockspan" $reader
		is "$reader: output" "$out" ''
		like "$reader: what is wrong is named" "$said" "^lockspan: .*$bad"
	done
done
status 2 "$lockspan" compare cut.pb.gz
like 'a truncated file for compare' "$said" 'cut.pb.gz: the gzip data ends too early'
status 2 "$lockspan" gate cut.pb.gz -- exact
like 'a file for the gate' "$said" 'cut.pb.gz: it is a file'
status 2 "$lockspan" export --json exact/block.pb.gz
like 'a profile for export' "$said" 'not a span file'
status 2 "$lockspan" export --json exact
like 'a recording without spans' "$said" 'exact: there is no spans.lspan in it'
status 2 "$lockspan" diff --per second exact/block.pb.gz exact/block.pb.gz
like 'no length' "$said" 'how long'
cp -r exact half && head -c 100 exact/mutex.pb.gz >half/mutex.pb.gz
status 1 "$lockspan" report half
like 'half a recording' "$said" 'half/mutex.pb.gz: the gzip'
like 'is shown' "$out" 'fast_update'
cp -r exact bare && rm bare/record.json
status 1 "$lockspan" report bare
like 'no record.json' "$said" 'bare/record.json: it cannot be read'
cp -r exact mixed && cp exact/block.pb.gz mixed/mutex.pb.gz
status 1 "$lockspan" report mixed
like 'the wrong profile under that name' "$said" 'it is a block profile, not a mutex profile'
status 0 "$lockspan" report empty/block.pb.gz
like 'an empty profile' "$out" 'nothing was kept'
status 2 bash -c "'$lockspan' report exact >/dev/full"
like 'a full disk' "$said" 'cannot write'

# ---- a part of it, and how it looks ------------------------------------------------

status 0 "$lockspan" report --json --sort blamed --lock g_mu exact
is 'the rows of one lock, by blame' "$(jq -c '[.only, [.rows[].site]]' <<<"$out")" '["g_mu",["slow_update","fast_update"]]'
status 64 "$lockspan" report --lock g_mx exact
like 'a lock that is not there' "$said" '--lock g_mx: nothing was waited for such a lock'
is 'one line says so' "$(wc -l <<<"$said")" 1
status 64 "$lockspan" report --sort size exact
like 'a column that is not there' "$said" 'takes both, waited, waits'
# table: the lines of the table, without those of other parts.
table() { awk '/ \| / { print length($0) }' <<<"$out" | sort -n | tail -n 1; }
COLUMNS=80 status 0 "$lockspan" report exact
num 'characters a line where there are 80' "$(table)" '<=' 80
like 'what is missing is said' "$out" 'columns were left out for want of room'
COLUMNS=80 status 0 "$lockspan" report --wide exact
num 'characters a line if it may be wide' "$(table)" '>' 80
COLUMNS=x status 0 "$lockspan" report exact
num 'characters a line if nobody knows' "$(table)" '>' 80

status 0 "$lockspan" report --json --by pair pairs.lspan
is 'who waits for whom' "$(jq -c '[.rows[] | .waiter, .releaser]' <<<"$out")" \
	'["get","put","get","[no stack]","get","(nobody)","get","get","put","(not recorded)","idle","give"]'
status 2 "$lockspan" report --by pair exact
like 'pairs without single events' "$said" 'needs single events'
status 2 "$lockspan" report --by pair sampled.lspan
like 'pairs of a sample' "$said" 'this recording is a sample'
status 64 "$lockspan" report --by pair --lock nu pairs.lspan
like 'pairs of no lock' "$said" '--lock nu: nothing was waited for such a lock'
cp -r exact spans && cp pairs.lspan spans/spans.lspan
status 0 "$lockspan" report --by pair --top 1 spans
like 'pairs in words' "$out" 'get <- put  other_mu  mutex'
for bad in '--by pair --sort late spans' '--by pair --html - spans'; do
	# shellcheck disable=SC2086
	status 64 "$lockspan" report $bad
done

for bad in '--by nothing exact' '--sort exact' '--html - --lock g_mu exact' '--top x exact' '--top -1 exact' ''; do
	# shellcheck disable=SC2086
	status 64 "$lockspan" report $bad
done
for bad in 'exact' 'exact exact exact' '--per minute exact exact' '--per operation exact exact' \
	'--per operation --operations 0 exact exact' '--operations 5 exact exact'; do
	# shellcheck disable=SC2086
	status 64 "$lockspan" diff $bad
done
finish
