# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12 cpus=2 timeout=420
#
# How a recording ends, and that its data is there however it did. Would catch:
# a signal that costs the data, is not passed on, or passed on twice; a command's
# status lost; a recording that outlives its processes or its time; a second one
# let in; a program that hangs left unexplained; a full disk or a small ring
# passed for a whole recording; a span file whose sums are not the counters'.
. tests/lib.sh

work=workloads/c/task01
# recorded DIR: the files are there and say that waits were seen.
recorded() { [[ -s $1/block.pb.gz && -s $1/mutex.pb.gz ]] && (($(json "$1/record.json" estimated.block.kept) > 0)); }
# kept_some: some waits have been kept, which takes its time on a busy host.
kept_some() { check "waits are kept" wait_until 60 module_counts kept 20; }
module_load

# ---- signals ----
# Not SIGINT: bash makes its background jobs ignore it, and they bequeath that.
$lockspan record -o /tmp/a -- $work -d 60000 >/dev/null 2>/tmp/err &
kept_some
kill -TERM $!
wait $!
is "SIGTERM sent to lockspan alone ends the command too" $? 143
cat /tmp/err
check "and the data is written" recorded /tmp/a
check "the module is idle again" wait_until 60 module_is idle

# Whatever would end lockspan ends its recording, and leaves nothing unfinished.
rm -rf /tmp/a
$lockspan record -o /tmp/a -- $work -d 60000 >/dev/null 2>/tmp/err &
kept_some
kill -USR1 $!
wait $!
is "SIGUSR1 sent to lockspan alone ends the command too" $? 138
check "and the data is written: $(cat /tmp/err)" recorded /tmp/a

$work -d 60000 >/dev/null &
p=$!
# A wide ring: stacks are large until the mappings of running processes are known.
$lockspan record -a --ring-bytes 16777216 -o /tmp/b 2>/tmp/err &
kept_some
kill -TERM $!
wait $!
is "SIGTERM ends a recording without a command" $? 0
cat /tmp/err
check "and the data is written" recorded /tmp/b
check "nobody else got the signal" kill -0 $p
kill -KILL $p

$lockspan record -d 0.2 -o /tmp/e -- bash -c 'trap "" TERM; touch /tmp/deaf; sleep 300' 2>/tmp/err &
wait_until 60 test -e /tmp/deaf
wait_until 60 test -s /tmp/e/record.json
kill -TERM $!
wait $!
is "a second signal gives up a command that does not heed the first" $? 125
kill -KILL "$(pidof sleep)"
like "which it says" "$(cat /tmp/err)" 'waiting|goes on; it is no longer waited for'
$lockspan record -o /tmp/e -- bash -c 'trap "" TERM; echo $$ >/tmp/deaf; while :; do sleep 1; done' 2>/tmp/err &
wait_until 60 test -s /tmp/deaf
kill -TERM $!
check "who does not heed the first one is named, and how it ends" wait_until 60 grep -q 'in spite of the signal; a second one' /tmp/err
kill -TERM $!
wait $!
is "as it does" $? 125
kill -KILL "$(cat /tmp/deaf)"
# shellcheck disable=SC2016 # for the inner shell
$lockspan record -o /tmp/e -- bash -c 'setsid sleep 600 >/dev/null 2>&1 & until [[ $(</proc/$!/comm) == sleep ]]; do :; done; exit 0' 2>/tmp/err
is "a command that leaves a daemon behind" $? 0
# The deaf one may have left a sleep of a second behind.
left=
for p in $(pidof sleep); do
	[[ $(tr '\0' ' ' <"/proc/$p/cmdline") != 'sleep 600 ' ]] || left=$p
done
like "is told of, with -p: $(cat /tmp/err)" "$(cat /tmp/err)" "process $left \(sleep\) .*record -p $left"
kill -KILL "$left"

# ---- its processes, its time ----
$work -d 60000 >/dev/null &
p=$!
(wait_until 60 module_counts kept 20; kill -TERM $p) &
$lockspan record -p $p -o /tmp/c 2>/tmp/err
is "the recording of a process ends with it" $? 0
like "and its report says of which" "$($lockspan report /tmp/c | grep "^recorded")" "process $p \(workloads/c/task01 -d 60000\)"
check "which it then has" ! kill -0 $p
check "and the data is written" recorded /tmp/c
$work -d 60000 >/dev/null &
p=$!
$lockspan record -p $p -d 2 -o /tmp/d 2>/tmp/err
is "or after its time" $? 0
check "while the process goes on" kill -0 $p
check "and the data is written" recorded /tmp/d
num "it lasted so long, ms" $(($(json /tmp/d/record.json duration_ns) / 1000000)) ">=" 2000
kill -KILL $p
$lockspan record -d 0.3 -o /tmp/e -- bash -c 'sleep 1; exit 7' 2>/tmp/err
is "a command that goes on is waited for" $? 7
$lockspan record -o /tmp/e -- bash -c 'kill -SEGV $$' 2>/tmp/err
is "a command killed by signal 11" $? 139

# ---- one at a time ----
$lockspan record -a -o /tmp/f 2>/dev/null &
wait_until 60 module_is recording
$lockspan record -o /tmp/g -- touch /tmp/ran 2>/tmp/err
is "a second recording is refused" $? 125
like "naming the first: $(cat /tmp/err)" "$(cat /tmp/err)" "process $!"
check "its command was not run" ! test -e /tmp/ran
kill -TERM $!
wait $!

# ---- a program that hangs ----
$lockspan record -o /tmp/h -- tests/vm/hang 2>/tmp/err &
waits_open() { $lockspan status --json >/tmp/status.json && [[ $(json /tmp/status.json open_spans) == "$1" ]]; }
check "three threads hang" wait_until 60 waits_open 3
kill -TERM $!
wait $!
is "a hung program's status" $? 3
r=/tmp/h/record.json
is "waits that had not ended" "$(json $r counters.open)" 3
stacks=$(for i in 0 1 2; do echo "$(json $r open_waits.$i.lock) $(json $r open_waits.$i.sync)" \
	"$(json $r open_waits.$i.stack.0) $(json $r open_waits.$i.stack.1)"; done | sort)
like "the first's: $(sed -n 1p <<<"$stacks")" "$stacks" \
	'first_mu mutex pthread_mutex_lock second_then_first'
like "the second's: $(sed -n 3p <<<"$stacks")" "$stacks" \
	'second_mu mutex pthread_mutex_lock first_then_second'
like "main's" "$stacks" 'join pthread_join main'
is "open waits are in no profile" "$(pprof_sum /tmp/h/block.pb.gz contentions sync=mutex)" 0

# ---- the span file ----
$lockspan record --spans -o /tmp/s -- $work >/dev/null 2>/tmp/err
is "a recording with every span" $? 0
$lockspan export --json /tmp/s >/tmp/spans
is "its span file is whole" $? 0
# sum KIND FIELD: over the lines of a kind.
sum() { awk -v kind="\"type\":\"$1\"" -v field="\"$2\":" '
	index($0, kind) { at = index($0, field); n += substr($0, at + length(field), 20) + 0 }
	END { printf "%.0f\n", n }' /tmp/spans; }
c() { json /tmp/s/record.json "counters.$1"; }
is "sum of lock waits, ns" "$(sum span lock_wait_ns)" "$(c lock_wait_ns)"
is "sum of hold charges, ns" "$(sum release hold_ns)" "$(c hold_ns)"
is "sum of handoff, ns" $(($(sum span handoff_ns) + $(sum release handoff_ns))) "$(c handoff_ns)"
is "sum of tails, ns" "$(sum span tail_ns)" "$(c tail_ns)"
is "releases" "$(grep -c '"type":"release"' /tmp/spans)" "$(c releases)"
named=$(grep -c '"type":"stack"' /tmp/spans)
num "stacks are resolved" "$named" ">" 0
is "modes of the files" "$(stat -c %a /tmp/s/* | sort -u)" 600

# ---- what was lost is told ----
mkdir /tmp/small
mount -t tmpfs -o size=16k none /tmp/small
$lockspan record --spans -o /tmp/small -- $work >/dev/null 2>/tmp/err
is "a full disk" $? 125
like "is named" "$(cat /tmp/err)" 'No space left'
like "and so is what came of it" "$(cat /tmp/err)" 'not whole: what could be written is in /tmp/small/lockspan.unfinished'
check "which is no recording" ! test -e /tmp/small/record.json
umount /tmp/small
# With the smallest ring and the reader stopped something must give.
$lockspan record --ring-bytes 65536 --stack raw -o /tmp/l -- $work -d 3000 >/dev/null 2>/tmp/err &
wait_until 60 module_is recording
kill -STOP $!
sleep 2
kill -CONT $!
wait $!
rc=$?
lost=$(($(json /tmp/l/record.json counters.lost_span_ring) + $(json /tmp/l/record.json losses.gap_records)))
if ((lost)); then
	is "a recording with losses" $rc 125
	like "which it names" "$(cat /tmp/err)" 'partial: [0-9]+ '
else
	is "a recording without" $rc 0
fi
echo "# lost: $lost; socket full: $(json /tmp/l/record.json losses.socket_full)"

check "the module leaves" module_unload
finish
