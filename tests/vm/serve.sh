# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 timeout=420 host=build/go-tool-pprof vm=--bin,script,--add,build/go-tool-pprof:go-tool-pprof,--add,/lib/terminfo/x/xterm:/usr/share/terminfo/x/xterm
#
# Profiles by HTTP while a program runs. Would catch: a counter that shrinks or
# is counted twice by a scraper that takes differences of successive scrapes,
# when lockspan ends its session to bound its memory and when it is started
# again; a live view (lockspan top) without the lock, its holder or its keys, or
# whose recording lacks files; a delta that is not of its seconds; header fields or errors that are
# not Go's; a server that does not end; an answer that `go tool pprof` refuses; metrics that are not
# those of the profiles.
#
# A scraper that takes differences (Alloy) is played over nine scrapes of five
# sessions; one that asks for seconds (Parca with delta) has its rules checked on
# what it gets: nothing below 0, a duration, and intervals that do not overlap.
. tests/lib.sh

port=6070
# get PATH FILE: header in $head.
get() { head=$(tests/vm/scrape "$port" "$1" "$2" | tr -d '\r'); }
up() { tests/vm/scrape "$port" /debug/pprof/cmdline /tmp/cmdline >/dev/null 2>&1; }
serve_start() {
	$lockspan serve --listen 127.0.0.1:"$port" "$@" >/tmp/serve.out 2>>/tmp/serve.err &
	server=$!
	wait_until 60 up || die "it does not serve: $(cat /tmp/serve.err)"
}
# value FILE: delay of the file, every sample.
value() { pprof_sum "$1" delay; }
field() { sed -nE "s/.*\"$2\": \[?([0-9-]+)(, ([0-9-]+))?.*/\\$3/p" <<<"$1"; }

module_load
workloads/c/task01 --work-in 20000 -n 1000000000 -d 10000000 >/tmp/truth.json &
load=$!
serve_start -p $load

get /debug/pprof/ /tmp/index
like 'index: status' "$head" '^HTTP/1.1 200'
like 'index: type' "$head" 'Content-Type: text/html; charset=utf-8'
like 'index: links' "$(cat /tmp/index)" 'href="mutex\?debug=1"'
get /debug/pprof/mutex /tmp/m0
like 'mutex: type' "$head" 'Content-Type: application/octet-stream'
like 'mutex: name' "$head" 'Content-Disposition: attachment; filename="mutex"'
like 'mutex: nosniff' "$head" 'X-Content-Type-Options: nosniff'
check 'mutex: not encoded by HTTP' ! grep -qi content-encoding <<<"$head"
get /debug/pprof/nothing /tmp/e
like 'unknown: status' "$head" '^HTTP/1.1 404'
like 'unknown: Go says so' "$head" 'X-Go-Pprof: 1'
is 'unknown: text' "$(cat /tmp/e)" 'Unknown profile'
get '/debug/pprof/block?seconds=0' /tmp/e
like 'seconds=0: status' "$head" '^HTTP/1.1 400'
get '/debug/pprof/block?seconds=1&debug=1' /tmp/e
is 'seconds and debug' "$(cat /tmp/e)" 'seconds and debug params are incompatible'
get '/debug/pprof/mutex?debug=1' /tmp/text
like 'debug=1: text' "$(head -n 3 /tmp/text | xargs)" '^--- mutex: cycles/second=1000000000 sampling period=1'
check 'debug=1: names the function' grep -q pthread_mutex_unlock /tmp/text
like 'cmdline' "$(tr '\0' ' ' </tmp/cmdline)" "^lockspan serve --listen 127.0.0.1:$port -p $load"


# The metrics: each line is one that Prometheus reads, and the numbers are those of the profile and the program.
# How soon the lock has a name depends on the host.
has_lock() { get /metrics /tmp/metrics && grep -q 'lock="counter_mu"' /tmp/metrics; }
wait_until 60 has_lock
like 'metrics: type' "$head" 'Content-Type: text/plain; version=0.0.4'
is 'metrics: lines of another form' "$(grep -vcE '^(# (HELP|TYPE) lockspan_[a-z_]+ .+|lockspan_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")?\})? [0-9]+(\.[0-9]{9})?)$' /tmp/metrics)" 0
is 'metrics: series that are there twice' "$(grep -v '^#' /tmp/metrics | sed 's/ [^ ]*$//' | sort | uniq -d)" ''
is 'metrics: every counter is called so' "$(grep -E '^# TYPE .* counter' /tmp/metrics | grep -vc '_total counter')" 0
metric() { awk -v name="$1" '$1 == name { print $2; exit }' /tmp/metrics; }
get /debug/pprof/block /tmp/later
# In ms, because bash has no fractions. The profile was asked for later, and knows of waits only when they have been summed.
ms() { local s=${1%.*} f=${1#*.}; echo $((s * 1000 + 10#${f:0:3})); }
all=$(ms "$(metric lockspan_wait_seconds_total)")
of_lock=$(ms "$(metric 'lockspan_lock_wait_seconds_total{lock="counter_mu",class="mutex"}')")
num 'metrics: the lock has waits' "$of_lock" '>' 0
num 'metrics: no more than all waits' "$of_lock" '<=' $((all + 1))
num 'metrics: no more than the later profile' "$of_lock" '<=' $(($(value /tmp/later) / 1000000 + 1))
num 'metrics: waits' "$(metric 'lockspan_waits_total{outcome="woken"}')" '>' 0
num 'metrics: releases' "$(metric lockspan_releases_total)" '>' 0
num 'metrics: memory of the module' "$(metric lockspan_module_memory_bytes)" '>' 0
is 'metrics: nothing lost' "$(awk '/^lockspan_lost/ { n += $2 } END { print n + 0 }' /tmp/metrics) $(metric lockspan_partial)" '0 0'
num 'metrics: a reason each' "$(grep -c '^lockspan_lost_total{' /tmp/metrics)" '>=' 14

# As people ask: the program behind `go tool pprof`, as it is.
export PPROF_TMPDIR=/tmp/fetched HOME=/tmp
url=http://127.0.0.1:$port/debug/pprof
for kind in mutex block; do
	leaf=pthread_mutex_lock
	[[ $kind == block ]] || leaf=pthread_mutex_unlock
	./go-tool-pprof -symbolize=none -top "$url/$kind?seconds=5" >/tmp/top 2>/tmp/top.err
	is "go tool pprof -top $kind?seconds=5: exit status" $? 0
	cat /tmp/top
	like "go tool pprof -top $kind?seconds=5: type" "$(cat /tmp/top)" 'Type: delay'
	like "go tool pprof -top $kind?seconds=5: duration" "$(cat /tmp/top)" 'Duration: ([5-9]|[1-9][0-9])(\.[0-9]+)?s'
	like "go tool pprof -top $kind?seconds=5: the leaf" "$(cat /tmp/top)" "s +[0-9.]+% .* $leaf"
	like "go tool pprof -top $kind?seconds=5: the program" "$(cat /tmp/top)" ' increment'
	./go-tool-pprof -symbolize=none -top "$url/$kind" >/tmp/top 2>/tmp/top.err
	like "go tool pprof -top $kind: the leaf" "$(cat /tmp/top)" "$leaf"
done

# A delta while cumulative scrapes go on beside it.
start=${EPOCHREALTIME//[.,]/}
get /debug/pprof/mutex /tmp/d0
tests/vm/scrape $port '/debug/pprof/mutex?seconds=2' /tmp/delta >/tmp/delta.head &
delta=$!
for i in 1 2 3; do
	get /debug/pprof/block /tmp/b$i
	get /debug/pprof/mutex /tmp/m$i
	sleep 0.4
done
wait $delta
num 'a delta takes its seconds, ms' $(((${EPOCHREALTIME//[.,]/} - start) / 1000)) '>=' 2000
get /debug/pprof/mutex /tmp/m4
get /debug/pprof/block /tmp/b4
check 'delta: its name' grep -q 'filename="mutex-delta"' /tmp/delta.head
num 'delta: some' "$(value /tmp/delta)" '>' 0
found=$(tests/vm/scrape --delta /tmp/delta)
echo "# $found"
is 'delta: values below 0' "$(field "$found" negative 1)" 0
num 'delta: its duration, ns' "$(field "$found" duration_ns 1)" '>=' 2000000000
num 'delta: no more than the scrapes around it' "$(value /tmp/delta)" '<=' $(($(value /tmp/m4) - $(value /tmp/d0) + 100))

get '/debug/pprof/mutex?seconds=1' /tmp/delta2
get /debug/pprof/mutex /tmp/m4b
num 'two deltas: no more than what was added meanwhile' $(($(value /tmp/delta) + $(value /tmp/delta2))) '<=' \
	$(($(value /tmp/m4b) - $(value /tmp/d0) + 200))

$lockspan serve --listen 127.0.0.1:0 -p $$ >/dev/null 2>/tmp/second
is 'a second session is refused: exit status' $? 2
like 'it says why' "$(cat /tmp/second)" 'cannot start the recording'
$lockspan serve --listen 127.0.0.1:$port -p $$ >/dev/null 2>/tmp/second
like 'an address in use is told' "$(cat /tmp/second)" 'cannot listen at 127.0.0.1: Address already in use'

# The same endpoint after lockspan's own end and beginning.
kill -INT $server
wait $server
is 'Ctrl-C ends it: exit status' $? 0
check 'it is told to whoever asks' ! up
for seconds in 2.5 10 40; do
	script -qec "$lockspan record -d $seconds -o /tmp/shown -p $load" /tmp/typescript >/dev/null </dev/null
	shown=$(tr '\r' '\n' </tmp/typescript | grep ' kept ' | tail -n 1)
	[[ $shown != *top* ]] || break
done
like 'progress on a terminal' "$shown" '[0-9]+ s  [0-9]+ events  [0-9]+ kept  0 lost  top counter_mu [0-9.]+ s'

# The live view, into a pipe and on a terminal with keys: sort, one lock, write the recording, quit.
for every in 300ms 3s 15s; do
	rc=0
	$lockspan top -i $every -n 3 -o /tmp/viewed -p $load >/tmp/blocks 2>/tmp/top.err || rc=$?
	! grep -q 'counter_mu mutex; held by' /tmp/blocks || break
done
is 'top ends after its looks: exit status' "$rc" 0
is 'top: blocks' "$(grep -c '^lockspan top: ' /tmp/blocks)" 3
like 'top: the lock and who holds it' "$(cat /tmp/blocks)" '\| counter_mu mutex; held by increment \([0-9.]+%\)'
check 'top wrote no recording unasked' ! test -e /tmp/viewed
pressed() {
	wait_until 60 grep -q counter_mu /tmp/typescript
	printf 's'
	wait_until 60 grep -q 'by waits' /tmp/typescript
	printf '\n'
	wait_until 60 grep -q 'heaviest stack' /tmp/typescript
	printf 'w'
	wait_until 60 test -s /tmp/viewed/record.json
	printf 'q'
}
: >/tmp/typescript
pressed | TERM=xterm script -qefc "$lockspan top -i 300ms -o /tmp/viewed -p $load" /tmp/typescript >/dev/null
is 'top on a terminal: exit status' $? 0
for file in block.pb.gz mutex.pb.gz contention.ext.pb.gz record.json; do
	check "top writes $file" test -s /tmp/viewed/$file
done
$lockspan report --json --by lock /tmp/viewed >/tmp/viewed.json
is 'what top wrote is a recording' "$(json /tmp/viewed.json rows.0.lock)" counter_mu
$lockspan top -i 10s -- /bin/sh -c 'echo printed; exit 3' >/tmp/blocks 2>/tmp/top.err
is 'top of a command ends with it: exit status' $? 0
check 'what the command prints is not in the view' ! grep -q printed /tmp/blocks
check 'the view of the whole' grep -q '^lockspan top: ' /tmp/blocks

serve_start -p $load
for i in 5 6; do
	sleep 0.5
	get /debug/pprof/block /tmp/b$i
	get /debug/pprof/mutex /tmp/m$i
done
kill -INT $server
wait $server
is 'exit status' $? 0
# And with a bound that a few sums exceed, so that each second has its own session.
serve_start -p $load --rows-max 1
for i in 7 8 9; do
	sleep 1
	get /debug/pprof/block /tmp/b$i
	get /debug/pprof/mutex /tmp/m$i
done
check 'the bound was met' wait_until 60 grep -q 'begin anew' /tmp/serve.err
for kind in b m; do
	found=$(tests/vm/scrape --deltas /tmp/${kind}[1-9])
	echo "# $found"
	is "$kind: negative deltas" "$(field "$found" negative 1)" 0
	is "$kind: times that do not advance, or cumulative ones with a duration" "$(field "$found" time_errors 1)" 0
	num "$kind: deltas above 0" "$(field "$found" positive 1)" '>' 3
	# By hand: within a session differences, from a new one its whole value.
	first=$(tests/vm/scrape --deltas /tmp/${kind}[1-4])
	is "$kind: in one session the deltas are the growth, ns" "$(field "$first" sum 3)" \
		$(($(field "$first" last 3) - $(field "$first" first 3)))
	whole=$(tests/vm/scrape --deltas /tmp/${kind}[1-6])
	is "$kind: a restart adds what came since, once, ns" "$(field "$whole" sum 3)" \
		$(($(field "$first" sum 3) + $(value /tmp/${kind}6)))
done

kill -INT $server
wait $server
is 'exit status with the bound' $? 0

# It ends with what it records, and a delta that is being taken ends with it.
serve_start -p $load
tests/vm/scrape $port '/debug/pprof/block?seconds=60' /tmp/last >/tmp/last.head 2>/dev/null &
last=$!
# The scraper waits for its answer, in read or recvfrom, and the server has taken from its socket what was asked.
asked() { grep -qE '^(0|45) ' "/proc/$last/syscall" && grep -qE "^ *[0-9]+: 0100007F:$(printf %04X "$port") [0-9A-F:]+ 01 [0-9A-F]+:00000000 " /proc/net/tcp; }
check 'a delta is asked for' wait_until 60 asked
check 'it answers while a delta is being taken' up
kill $load
wait $server
is 'the end of the process ends it: exit status' $? 0
wait $last
is 'the last delta was answered' $? 0
is 'nothing on standard output' "$(cat /tmp/serve.out)" ''
check 'no progress in a file' ! grep -q $'\r' /tmp/serve.err
cat /tmp/serve.err
check 'the module leaves' module_unload
finish
