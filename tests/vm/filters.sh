# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=5.10,6.1,6.12,6.12-rt,7.3 cpus=2 timeout=420
#
# Who is recorded. Would catch: a process that is taken though it was not asked
# for, a child that is not followed through fork and exec, a cgroup that is
# taken for another, a wait below the minimum that is kept or not counted, a lock
# that has the name of what lay or will lie at its address, and the collector
# observing itself.
. tests/lib.sh

# pids DIR: the processes that have spans, in one line.
pids() { $lockspan export --json "$1" | grep '"type":"span"' | grep -o '"pid":[0-9]*' | sort -u | cut -d: -f2 | sort -n | paste -sd ' '; }
lost() { echo "$(json "$1/record.json" counters.lost_span_ring) $(json "$1/record.json" counters.lost_task_table)"; }

module_load
# Some 5 waits a millisecond each: with ten times as many the collector of 6.1
# gets its turn a second late, and 100,000 spans are exported at every step.
workloads/c/task01 -t 2 --yield-every 64 -n 1000000000 -d 10000000 >/dev/null 2>&1 &
one=$!
workloads/c/task01 -t 2 --yield-every 64 -n 1000000000 -d 10000000 >/dev/null 2>&1 &
two=$!
# contends PID: its threads have slept that often. On a busy host that takes its time.
contends() { (($(cat "/proc/$1"/task/*/status | awk '/^voluntary/ { n += $2 } END { print n + 0 }') > 100)); }
check "one program contends" wait_until 60 contends $one
check "and the other" wait_until 60 contends $two
# Two processes that contend without end, while COMMAND runs: there is one processor for each.
# with_load COMMAND...
with_load() {
	local rc
	kill -CONT $one $two
	"$@"
	rc=$?
	kill -STOP $one $two
	return $rc
}

with_load $lockspan record --spans -p $one -d 1 -o /tmp/p >/dev/null 2>/tmp/err
is "-p: exit status" $? 0
is "-p: only this process" "$(pids /tmp/p)" "$one"
num "-p: the others' waits are counted as filtered" "$(json /tmp/p/record.json counters.filtered)" ">" 0
is "-p: lost" "$(lost /tmp/p)" "0 0"

with_load $lockspan record --spans -p $one -p $two -d 1 -o /tmp/pp >/dev/null 2>/tmp/err
is "-p -p: both" "$(pids /tmp/pp)" "$((one < two ? one : two)) $((one < two ? two : one))"

# Stacks of processes that ran before must not fill the rings until their
# mappings are known: the smallest rings that hold what is named once.
# So short a recording may come when one of the two does not get to run: then a longer one is made.
a() { json /tmp/a/record.json "counters.$1"; }
for seconds in 0.3 0.6 1.2 2.4 4.8; do
	rm -rf /tmp/a /tmp/stream
	with_load $lockspan record --spans -a -d $seconds --ring-bytes 262144 --keep-stream /tmp/stream -o /tmp/a >/dev/null 2>/tmp/err
	rc=$?
	events=$(($(a kept) + $(a nosleep) + $(a releases_kept)))
	all=" $(pids /tmp/a) "
	[[ $rc != 0 || ($events -gt 500 && $all == *" $one "* && $all == *" $two "*) ]] || continue
	break
done
is "-a: exit status" "$rc" 0
cat /tmp/err
num "-a: events" "$events" ">" 500
is "-a: lost" "$(lost /tmp/a) $(a lost_release_ring) $(a lost_stack_ring)" "0 0 0 0"
num "-a: bytes an event ($(stat -c %s /tmp/stream) for $events, 40000 for what is sent once)" \
	$((($(stat -c %s /tmp/stream) - 40000) / events)) "<=" 400
like "-a: sees both" "$all" " $one "
like "-a: and the other" "$all" " $two "
is "-a: nobody is filtered" "$(json /tmp/a/record.json counters.filtered)" 0

# An owner with threads that wait for one another, alone in the guest.
tests/vm/genltool start,version,flags=1,stack_mode=0 contend=300 stop end >/tmp/self 2>&1
is "the owner's own threads: exit status" $? 0
tail -n 1 /tmp/self >/tmp/self.json
num "the owner's own threads: waits of them" "$(sed -n 's/^contend: //p' /tmp/self)" ">" 3
is "the owner's own threads: recorded, or counted as filtered" \
	"$(json /tmp/self.json counters.kept) $(json /tmp/self.json counters.filtered)" "0 0"

[[ -e /sys/fs/cgroup/cgroup.procs ]] || mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /sys/fs/cgroup/inside/deeper
echo $two >/sys/fs/cgroup/inside/deeper/cgroup.procs
for cgroup in inside/deeper inside /sys/fs/cgroup/inside; do
	rm -rf /tmp/c
	with_load $lockspan record --spans --cgroup $cgroup -d 1 -o /tmp/c >/dev/null 2>/tmp/err
	is "--cgroup $cgroup: exit status" $? 0
	is "--cgroup $cgroup: only its process" "$(pids /tmp/c)" "$two"
	num "--cgroup $cgroup: filtered" "$(json /tmp/c/record.json counters.filtered)" ">" 0
done
kill -KILL $one $two
wait 2>/dev/null
rmdir /sys/fs/cgroup/inside/deeper /sys/fs/cgroup/inside

# Children: by fork and exec of a shell, its own children, and theirs.
# shellcheck disable=SC2016 # for the inner shells
$lockspan record --spans -o /tmp/f -- sh -c 'echo $$ >/tmp/shell
	workloads/c/task01 -n 400 & echo $! >/tmp/first
	sh -c "workloads/c/task01 -n 400 & echo \$! >/tmp/second; wait"; wait' >/dev/null 2>/tmp/err
is "children: exit status" $? 0
is "children: both, and nobody else" "$(pids /tmp/f)" "$(cat /tmp/first /tmp/second | sort -n | paste -sd ' ')"
is "children: lost" "$(lost /tmp/f)" "0 0"

# Every way to make a process, each with one wait.
$lockspan record --spans -o /tmp/w -- tests/vm/children >/tmp/ways 2>/tmp/err
is "every way: exit status" $? 0
cat /tmp/err
num "every way: processes" "$(cut -d ' ' -f 2 /tmp/ways | sort -u | wc -l)" "==" 8
$lockspan export --json /tmp/w >/tmp/spans.json
while read -r way pid; do
	# Where the processor stood still its time was over before it slept, and that is told as well.
	is "every way: $way: its wait" "$(grep -E '"outcome":"(timeout|nosleep)"' /tmp/spans.json | grep -c "\"pid\":$pid,")" 1
done </tmp/ways
is "every way: lost" "$(lost /tmp/w)" "0 0"

# Code that is replaced before anybody can look at it: its stacks belong to what was there. Also when
# the new code is moved there, of which mmap and mprotect say nothing.
# in_turn TEXT PAGE OPTION...: reload's waits have the names of their own code, in half of the 40 rounds each. The code
# begins at 0xPAGE0 of its file.
in_turn() {
	local text=$1 page=$2 all first second status unnamed
	shift 2
	rm -rf /tmp/c
	$lockspan record -o /tmp/c -- tests/vm/reload "$@" 40 >/dev/null 2>/tmp/err
	status=$?
	cat /tmp/err
	all=$(pprof_sum /tmp/c/block.pb.gz contentions)
	first=$(pprof_sum /tmp/c/block.pb.gz contentions "fn=code_a+0x${page}9")
	second=$(pprof_sum /tmp/c/block.pb.gz contentions "fn=code_b+0x${page}a")
	num "$text: waits that slept" "$all" ">" 20
	# Where the host is slow, one wait in grown code may have no mapping (docs/stacks.md). Then it has no name, and that is told.
	unnamed=$(sed -nE 's/.*partial: ([0-9]+) events? had code on the stack whose mapping.*/\1/p' /tmp/err)
	[[ ${1-} == --grow ]] || is "$text: waits whose code has no mapping" "${unnamed:-0}" 0
	num "$text: at the most two such waits" "${unnamed:-0}" "<=" 2
	is "$text: exit status" "$status" $((unnamed ? 125 : 0))
	is "$text: waits in their own code" $((first + second + ${unnamed:-0})) "$all"
	num "$text: waits in the first code" "$first" "<=" 20
	num "$text: waits in the second code" "$second" "<=" 20
}
in_turn "code in turn" ""
in_turn "code moved in turn" "" --move
# Older kernels have no function for this alone (docs/stacks.md).
! grep -q ' vma_merge_extend$' /proc/kallsyms || in_turn "code grown in turn" 100 --grow
# A program that has ended is given back at once.
is "rewritten: refusals" "$($lockspan record -o /tmp/b -- tests/vm/reload --rewrite 80 2>/dev/null)" 0
is "rewritten: waits whose mappings are not known" "$(pprof_sum /tmp/b/block.pb.gz contentions "fn=[no_map]")" 0

# Locks at one address: of two programs that execute each other, of processes one after the other, and of two
# plugins. A lock has the waits of its own functions only.
# own_names TEXT BEFORE WAITS COMMAND...: BEFORE stands before the locks' names; WAITS of each kind at least.
own_names() {
	local text=$1 before=$2 least=$3 all=0 own=0 one waits file
	shift 3
	rm -rf /tmp/c
	$lockspan record -o /tmp/c -- "$@" >/tmp/same 2>/tmp/err
	is "$text: exit status" $? 0
	for one in one two; do
		waits=$(pprof_sum /tmp/c/block.pb.gz contentions sync=mutex fn=wait_in_$one)
		num "$text: waits in the program $one" "$waits" ">=" "$least"
		for file in block mutex; do
			all=$((all + $(pprof_sum /tmp/c/$file.pb.gz contentions sync=mutex fn=wait_in_$one)))
			own=$((own + $(pprof_sum /tmp/c/$file.pb.gz contentions sync=mutex fn=wait_in_$one "lock=${before//%/$one}lock_of_$one")))
		done
	done
	is "$text: of $all waits and releases under another's name" $((all - own)) 0
	is "$text: waits without a stack" $(($(pprof_sum /tmp/c/block.pb.gz contentions "fn=[no_map]") + $(pprof_sum /tmp/c/block.pb.gz contentions "fn=[no stack]"))) 0
}
h=tests/vm/homonym
# shellcheck disable=SC2016 # for the inner shell
own_names "processes in turn" "" 300 bash -c "for i in {1..10}; do $h; ${h}_two; done"
# The collector alone tells these apart, on every kernel in the same way.
if [[ $(uname -r) == 6.12.* ]]; then
	# shellcheck disable=SC2046 # words
	own_names "programs by exec" "" 300 $h $(for _ in {1..10}; do echo ${h}_two $h; done)
	own_names "plugins in turn" "homonym_plugin_%:" 300 $h --load 20 ${h}_plugin_one ${h}_plugin_two
	num "plugins in turn: at one address" "$(cat /tmp/same)" ">=" 15
	joins=$(pprof_sum /tmp/c/block.pb.gz contentions sync=join)
	is "plugins in turn: joins with a name of theirs" \
		$(($(pprof_sum /tmp/c/block.pb.gz contentions sync=join lock=thread@contend_in_one) + $(pprof_sum /tmp/c/block.pb.gz contentions sync=join lock=thread@contend_in_two))) "$joins"
fi

$lockspan record --spans --min-delay 1ms -o /tmp/m -- workloads/c/task01 -n 300 >/tmp/truth.json 2>/tmp/err
is "--min-delay: exit status" $? 0
m() { json /tmp/m/record.json "counters.$1"; }
num "--min-delay: kept" "$(m kept)" ">" 0
num "--min-delay: filtered" "$(m filtered)" ">" 0
is "--min-delay: kept + filtered = spans that slept" $(($(m kept) + $(m filtered))) \
	"$(ended /tmp/m/record.json)"
is "--min-delay: shorter ones in the file" "$($lockspan export --json /tmp/m | grep '"type":"span"' | grep -vc '"outcome":"nosleep"\|"lock_wait_ns":[0-9]\{7\}')" 0
check "the module leaves" module_unload
finish
