#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# needs: timeout=900
# Would catch: a command, an option or a key of record.json that no man page
# has, or a page that names one that is not there; an exit status other than
# documented; an error that does not say what to do; output that was given up
# half way and passed for whole. No module is needed.
# shellcheck source=tests/lib.sh
. tests/lib.sh

: "${TEST_DIR:=$(mktemp -d)}"
tree=$PWD
lockspan=$tree/user/lockspan
man=$tree/docs/man

make user >"$TEST_DIR/make.log" 2>&1 || die "no build: $(tail -n 3 "$TEST_DIR/make.log")"

# status WANT CMD...: runs CMD; its output is in $out.
status() {
	local want=$1 rc=0
	shift
	out=$("$@" 2>&1 </dev/null) || rc=$?
	is "exit status of ${*/#$tree\//}" "$rc" "$want"
}
# page FILE: its text, without font changes and escapes.
page() { sed -E 's/\\f[A-Z]//g; s/\\-/-/g' "$1"; }

# ---- the table, usage and the man pages --------------------------------------

status 0 "$lockspan"
commands=$(sed -nE 's/^  ([a-z]+) .*/\1/p' <<<"$out")
like 'usage names record' "$commands" record
table=$(sed -nE 's/^\t\{ "([a-z]+)", lsp_cmd_.*/\1/p' user/main.c)
is 'usage has the whole table' "$(sort <<<"$commands" | xargs)" "$(sort <<<"$table" | xargs)"
listed=$(page "$man/lockspan.1" | sed -n '/^.SH COMMANDS/,/^.SH EXIT/p' | sed -nE 's/^\.B ([a-z]+)$/\1/p')
is 'lockspan.1 lists the commands' "$(sort <<<"$listed" | xargs)" "$(sort <<<"$commands" | xargs)"

for c in $commands; do
	[[ -f $man/lockspan-$c.1 ]] || { fail "no page for $c" && continue; }
	status 0 "$lockspan" "$c" --help
	long=$(grep -oE -- '--[a-z][a-z-]+' <<<"$out" | sort -u)
	for o in $long; do
		check "lockspan-$c.1 has $o" grep -qF -- "$o" <(page "$man/lockspan-$c.1")
	done
	short=$(grep -oE '^ +-[a-zA-Z?],' <<<"$out" | tr -d ' ,' | sort -u)
	for o in $short; do
		check "lockspan-$c.1 has $o" grep -qE -- "$o( |\$)" <(page "$man/lockspan-$c.1")
	done
	# And nothing that is not there: headings of options begin with a dash.
	for o in $(page "$man/lockspan-$c.1" | sed -n '/^.SH OPTIONS/,/^.SH [^O]/p' |
		grep -A1 '^\.TP' | grep -E '^\.B' | grep -oE -- '--[a-z][a-z-]+'); do
		like "lockspan $c --help has $o" " $long " "$o"
	done
done

# ---- what the shells complete ----------------------------------------------------------

for s in bash zsh fish; do
	status 0 tools/completion $s "$lockspan"
	printf '%s\n' "$out" >"$TEST_DIR/completion.$s"
	! command -v $s >/dev/null || check "$s reads it" $s -n "$TEST_DIR/completion.$s"
	for c in $commands; do
		for o in $("$lockspan" "$c" --help | grep -oE -- '^ +(-., )?--[a-z][a-z-]+' | grep -oE '[a-z][a-z-]+$'); do
			check "$s completes $c --$o" grep -qE -- "(-l |--)$o([][ ='\"]|\$)" "$TEST_DIR/completion.$s"
		done
	done
done
# completed WORD...: what bash offers for the last word.
completed() {
	# shellcheck disable=SC2016 # the inner shell expands them
	bash -c '. "$0"; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _lockspan; echo "${COMPREPLY[@]}"' "$TEST_DIR/completion.bash" "$@"
}
is 'bash: a command' "$(completed lockspan ex)" export
is 'bash: an option of it' "$(completed lockspan gate --ju)" --junit=
is 'bash: only of it' "$(completed lockspan status --ju)" ''
is 'bash: what is recorded has its own options' "$(completed lockspan record -- prog --du)" ''
for p in "$man"/*.1; do
	is "groff has nothing to say of ${p##*/}" "$(groff -man -Tascii -ww "$p" 2>&1 >"$TEST_DIR/page")" ''
done

# Every key that record.json is written with has its place in the page.
for key in $(grep -ohE '(lsp_json_[a-z0-9]+|object_under|sum_add|groups_add|object_add)\([a-z]+, "[a-z_]+"' \
	user/cmd/record_json.c user/cmd/record_roles.c | grep -oE '[a-z_]+"' | tr -d '"' | sort -u); do
	check "lockspan-record.1 has the key $key" grep -qw -- "$key" <(page "$man/lockspan-record.1")
done

# ---- errors -------------------------------------------------------------------

status 0 "$lockspan" --version
like 'version' "$out" '^lockspan [0-9.]+ \(contract [0-9]+\)$'
status 64 "$lockspan" recrod
like 'the nearest name is offered' "$out" 'lockspan record'
status 64 "$lockspan" help1
is 'the nearest word only' "$(grep -c 'did you mean: lockspan help' <<<"$out") $(grep -c 'did you mean' <<<"$out")" '1 1'
status 64 "$lockspan" xyz
is 'nothing is near' "$(grep -c 'did you mean' <<<"$out")" 0
for o in --help --version; do status 2 bash -c "'$lockspan' $o >/dev/full"; done
status 64 "$lockspan" --halp
like 'an option too' "$out" 'there is no option .*lockspan --help'
status 64 "$lockspan" record
like 'what is missing' "$out" 'nothing to record'
status 64 "$lockspan" record --block-rate 10fortnights -a
like 'times are shown' "$out" '10us.*500, which is in nanoseconds'
status 64 "$lockspan" record -d 5fortnights -a
like 'and what they are in' "$out" '500, which is in seconds'
status 64 "$lockspan" user --block-rate 10fortnights -- true
like 'by each command' "$out" '10us.*500, which is in nanoseconds'
for t in 10us 1.5s 5m 1h 500; do
	status 0 "$lockspan" user --block-rate $t -o "$TEST_DIR/times" -- true
	status 125 "$lockspan" record -d $t --block-rate $t --min-delay $t --cgroup /no/such/group
done
status 64 "$lockspan" record --block-rate 0 --mutex-fraction 0 -a
status 64 "$lockspan" record --mutex-fraction -1 -a
status 64 "$lockspan" record --stack best -a
for c in "record -a" "user true" "report ." "diff . ." "compare ."; do
	# shellcheck disable=SC2086 # words
	status 64 "$lockspan" ${c%% *} --skip '(' ${c#* }
	like "$c --skip says what is wrong" "$out" "--skip '\(': "
done
status 64 "$lockspan" record -p 0
status 64 "$lockspan" record -a -p 1
status 64 "$lockspan" record -d 0 -a
status 64 "$lockspan" record --no-such-option
status 64 "$lockspan" status extra
status 64 "$lockspan" export "$TEST_DIR"
status 64 "$lockspan" export --json
status 64 "$lockspan" export --format svg "$TEST_DIR"
like 'the formats are named' "$out" 'json, folded, speedscope, trace or otlp'
status 64 "$lockspan" export --format folded --kind locks "$TEST_DIR"
status 64 "$lockspan" export --format json --kind waits "$TEST_DIR"

if ! grep -q '^lockspan ' /proc/modules; then
	status 125 "$lockspan" record -o "$TEST_DIR/o" -- touch "$TEST_DIR/ran"
	like 'it says how to load the module' "$out" 'modprobe lockspan'
	check 'the command was not run' ! test -e "$TEST_DIR/ran"
	check 'nothing is left behind' ! test -e "$TEST_DIR/o"
	status 2 "$lockspan" status
	like 'so does status' "$out" 'modprobe lockspan'
fi
status 125 "$lockspan" record -o /dev/null/x -- true
like 'a folder that cannot be is named' "$out" '/dev/null/x'
status 125 "$lockspan" record --cgroup /no/such/group
status 125 "$lockspan" record -p 4194305
status 2 "$lockspan" export --json "$TEST_DIR/nothing"
echo 'no such thing' >"$TEST_DIR/file"
status 2 "$lockspan" export --json "$TEST_DIR/file"
like 'what it is not' "$out" 'not a span file'

# ---- an older recording and a new one that comes to nothing ------------------------

cd "$TEST_DIR" || die 'no folder'
sums() { (cd keep && sha256sum -- *); }
status 0 "$lockspan" user -o keep -- true
sums >before
status 127 "$lockspan" user -o keep -- ./typo
is 'a mistyped command leaves the older recording as it was' "$(sums)" "$(<before)"
status 126 "$lockspan" user -o keep -- ./before
is 'so does one that cannot be run' "$(sums)" "$(<before)"
status 127 "$lockspan" user -o new/folder -- ./typo
check 'and where there was none nothing is left' ! test -e new
"$lockspan" user -o keep -- sh -c 'until test -e over; do sleep 0.1; done' 2>/dev/null &
wait_until 60 test -e keep/lockspan.unfinished/lock
is 'the older recording stays until the new one is whole' "$(sums 2>/dev/null)" "$(<before)"
status 125 "$lockspan" user -o keep -- true
like 'two recorders do not share a folder' "$out" 'another lockspan is writing there'
touch over
wait $!
check 'then the new one is there' ! cmp -s <(sums) before
is 'and nothing else' "$(cd keep && echo *)" "$(awk '{ print $2 }' before | xargs)"
cd "$tree" || die 'no tree'

# ---- a span file, whole, cut, and with nowhere to go ---------------------------

make build/unit/test_spanfile build/unit/test_trace workloads/c/task02 >>"$TEST_DIR/make.log" 2>&1 || die "no build: see $TEST_DIR/make.log"
build/unit/test_spanfile --seeds "$TEST_DIR" || die 'no span file'
mkdir "$TEST_DIR/dir"
cp "$TEST_DIR/file" "$TEST_DIR/dir/spans.lspan"
status 0 "$lockspan" export --json "$TEST_DIR/dir"
is 'every entry is a line' "$(wc -l <<<"$out")" "$(jq -c . <<<"$out" | wc -l)"
is 'of its kind' "$(jq -r .type <<<"$out" | xargs)" 'header span release late given_up trace stack lock end'
is '64 bits survive' "$(jq -r 'select(.type == "stack").id' <<<"$out")" 0xfedcba9876543210
head -c -10 "$TEST_DIR/file" >"$TEST_DIR/cut"
status 1 "$lockspan" export --json "$TEST_DIR/cut"
like 'a cut is told' "$out" 'cut off'
is 'what came before it is printed' "$(grep -c '"type"' <<<"$out")" 8
status 2 bash -c "'$lockspan' export --json '$TEST_DIR/file' >/dev/full"

# ---- the same events as a timeline, read by a decoder that knows no field ----------------

build/unit/test_trace --file "$TEST_DIR/timeline.lspan" || die 'no span file'
status 0 bash -c "'$lockspan' export --format trace '$TEST_DIR/timeline.lspan' >'$TEST_DIR/trace'"
like 'trace: what it lacks is told' "$out" 'left out 1 wait whose end was not seen'
protoc --decode_raw <"$TEST_DIR/trace" >"$TEST_DIR/trace.txt" || fail 'trace: no protobuf'
is 'trace: every arrow that begins ends' "$(grep -oP '^    47: \K.*' "$TEST_DIR/trace.txt" | sort | xargs)" \
	"$(grep -oP '^    48: \K.*' "$TEST_DIR/trace.txt" | sort | xargs)"
is 'trace: two of them' "$(grep -c '^    47: ' "$TEST_DIR/trace.txt")" 2
# Waits of 1700 ns, open ones of 150, late to run for 150, holds of 1100.
is 'trace: the slices have the lengths of the events' "$(awk '/^1 {/ { type = "" }
	/^  8: / { time = $2 } /^    9: / { type = $2 } /^    11: / { track = $2 }
	/^}/ { if (type == 1) begin[track] = time; if (type == 2) n += time - begin[track] }
	END { print n }' "$TEST_DIR/trace.txt")" 3100
status 2 bash -c "'$lockspan' export --format trace '$TEST_DIR/timeline.lspan' >/dev/full"
status 64 "$lockspan" export --format trace --kind waits "$TEST_DIR"
head -c -10 "$TEST_DIR/timeline.lspan" >"$TEST_DIR/cut"
status 1 bash -c "'$lockspan' export --format trace '$TEST_DIR/cut' >'$TEST_DIR/trace'"

# ---- the same stacks in the formats of other tools --------------------------------

status 0 "$lockspan" user -o "$TEST_DIR/stacks" -- workloads/c/task02
waited() { jq "[.rows[].block.delay_ns] | add" < <("$lockspan" report --json "$TEST_DIR/stacks"); }
status 0 "$lockspan" export --format folded "$TEST_DIR/stacks"
is 'folded: the lines add up to what was waited' "$(awk '{ n += $NF } END { printf "%.0f", n }' <<<"$out")" "$(waited)"
like 'folded: the root comes first' "$out" 'fast_worker;fast_update;pthread_mutex_lock [0-9]+'
status 0 "$lockspan" export --format folded --kind releases "$TEST_DIR/stacks"
like 'folded: by who releases' "$out" 'slow_holder;slow_update;pthread_mutex_unlock [0-9]+'
status 0 "$lockspan" export --format speedscope "$TEST_DIR/stacks"
is 'speedscope: so do the weights' "$(jq '.profiles[0].weights | add' <<<"$out")" "$(waited)"
is 'speedscope: every frame of a stack is in the table' \
	"$(jq '(.shared.frames | length) as $n | [.profiles[].samples[][] | select(. < 0 or . >= $n)] | length' <<<"$out")" 0
status 0 bash -c "'$lockspan' export --format otlp --kind waits '$TEST_DIR/stacks' >'$TEST_DIR/otlp'"
protoc --decode lsp.otlp.Profiles -I user/export user/export/otlp.proto <"$TEST_DIR/otlp" >"$TEST_DIR/otlp.txt" || fail 'otlp: no protobuf'
is 'otlp: so do the values of the first profile' \
	"$(awk '/^    profiles {/ { p++ } p == 1 && /^        values: / { n += $2 } END { printf "%.0f", n }' "$TEST_DIR/otlp.txt")" "$(waited)"
status 2 bash -c "'$lockspan' export --format otlp '$TEST_DIR/stacks' >/dev/full"
status 2 "$lockspan" export --format folded --kind releases "$TEST_DIR/stacks/block.pb.gz"
status 2 bash -c "'$lockspan' export --format folded '$TEST_DIR/stacks' >/dev/full"

# ---- the schemas -----------------------------------------------------------------

# valid WHAT SCHEMA FILE...
valid() { is "$1 is as its schema says" "$(tests/lib/schema.py "docs/schema/$2.json" "${@:3}" 2>&1)" ''; }
status 0 "$lockspan" user --spans -o "$TEST_DIR/spans" -- workloads/c/task02
for by in site lock sync thread root; do
	"$lockspan" report --json --by $by "$TEST_DIR/spans" >"$TEST_DIR/report-$by.json"
done
"$lockspan" report --json "$TEST_DIR/spans/block.pb.gz" >"$TEST_DIR/report-file.json"
"$lockspan" export --json "$TEST_DIR/spans" >"$TEST_DIR/spans.jsonl"
"$lockspan" export --json "$TEST_DIR/dir" >"$TEST_DIR/every.jsonl"
"$lockspan" export --json "$TEST_DIR/timeline.lspan" >"$TEST_DIR/timeline.jsonl" 2>/dev/null
valid record.json record "$TEST_DIR/stacks/record.json" "$TEST_DIR/spans/record.json"
valid 'report --json' report "$TEST_DIR"/report-*.json
valid 'export --json' events "$TEST_DIR"/*.jsonl
jq 'del(.partial)' "$TEST_DIR/spans/record.json" >"$TEST_DIR/lacking.json"
like 'a property that lacks is told' "$(tests/lib/schema.py docs/schema/record.json "$TEST_DIR/lacking.json")" "'partial' is a required property"
# has SCHEMA SOURCE...: each property that these sources write is in the schema.
has() {
	local key
	while read -r key; do
		check "docs/schema/$1.json has $key" grep -q "\"$key\": " "docs/schema/$1.json"
	done < <(grep -ohE '(lsp_json_[a-z0-9]+|[a-z]+_(add|put)|object_under)\([^"(]*"[a-z0-9_]+"' "${@:2}" | sed -E 's/.*"([a-z0-9_]+)"/\1/' | sort -u)
}
has record user/cmd/record_*.c user/cmd/deadlocks.c
has report user/cmd/report*.c user/report/json.c user/report/roots/*.c user/report/sections/thread_time.c
has events user/cmd/export_events.c

finish
