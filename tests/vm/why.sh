# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12,6.12-rt,7.3 cpus=1 timeout=420 vm=--icount,--disk
#
# Holds that are long for a known reason. Would catch: sleep that is taken for running, or for want
# of a processor; a system call with another one's name; a moment that does not count once for each
# waiter; parts that do not come to the blame; time of a thread that is counted twice or not at all; a module that is asked for nothing and listens all the same.
. tests/lib.sh

# part KIND WHY: what the releases of these holds have of it in mutex.pb.gz, ns.
part() { pprof_sum /tmp/r/mutex.pb.gz delay "fn=hold_$1" "why=$2"; }

# share PART WHOLE: in hundredths of a percent.
share() { if there "$@" && (($2 > 0)); then echo $(($1 * 10000 / $2)); else echo $no_value; fi; }

# held KIND WHY: WHY is the reason of its sleep, and the shares are those of the program's clocks.
held() {
	local whole truth=0 state why got want
	for state in running runnable asleep; do truth=$((truth + $(json /tmp/truth.json "$1.${state}_ns"))); done
	whole=$(pprof_sum /tmp/r/mutex.pb.gz delay "fn=hold_$1")
	near "$1: blame against the program's clocks, ns" "$whole" "$truth" 5
	for state in running runnable asleep; do
		why=$state
		[[ $state != asleep ]] || why=$2
		got=$(share "$(part "$1" "$why")" "$whole") want=$(share "$(json /tmp/truth.json "$1.${state}_ns")" "$truth")
		num "$1: share of $why, $got against $want, hundredths of a percent off" $((got > want ? got - want : want - got)) "<=" 300
	done
}

# why FIELD: its sum over all rows of the report, ns.
why() { json /tmp/report.json "rows.*.mutex.why.$1"; }

# Who is in this group runs for 3 ms of 10.
mkdir /tmp/groups
mount -t cgroup2 cgroup2 /tmp/groups
echo +cpu >/tmp/groups/cgroup.subtree_control
mkdir /tmp/groups/slow
echo threaded >/tmp/groups/slow/cgroup.type
echo 3000 10000 >/tmp/groups/slow/cpu.max

# thread_time WHAT: in record.json, ns.
thread_time() {
	awk -F '"' -v what="$1" '$2 == "what" { it = $4 } $2 == "ns" && it == what { sub(/:/, "", $3); print $3 }' /tmp/r/record.json
}

module_load
$lockspan record -o /tmp/r -- tests/vm/why /disk/file /tmp/groups/slow >/tmp/truth.json 2>/tmp/err
is "exit status" $? 0
held spin clock_nanosleep
held sleep clock_nanosleep
held read read
held fault page_fault
held preempted clock_nanosleep
held lock 'lock g_inner'
held mixed clock_nanosleep
held many clock_nanosleep
held fsync fsync
held quota clock_nanosleep
$lockspan report --json --top 0 /tmp/r >/tmp/report.json
all=0
for field in running_ns runnable_ns others_ns unknown_ns 'blocked.*.ns' 'locks.*.ns'; do all=$((all + $(why "$field"))); done
is "the report's parts together, ns" "$all" "$(json /tmp/report.json total.mutex.delay_ns)"
num "of them unknown, ns" "$(why unknown_ns)" "<=" $((all / 100))
near "time of all threads, ns" "$(json /tmp/r/record.json 'thread_time.*.ns')" "$(json /tmp/truth.json all.ns)" 2
near "of it in all futexes, against the waits, ns" "$(thread_time futex)" "$(json /tmp/report.json exact.delay_ns)" 2
near "of it running, ns" "$(thread_time running)" "$(json /tmp/truth.json all.running_ns)" 6
like "the line of it" "$($lockspan report /tmp/r)" $'\nthread time .*asleep in futex.*; futexes: [0-9.]*% locks'
like "the sentence" "$($lockspan report --by lock /tmp/r)" 'held long because: .*asleep in clock_nanosleep'
like "by site, if asked" "$($lockspan report --why /tmp/r)" 'hold_it .*held long because: .*waiting for g_inner'
is "each release counts once" "$(pprof_sum /tmp/r/mutex.pb.gz contentions)" \
	"$(json /tmp/r/record.json estimated.mutex.contentions | cut -d. -f1)"
num "releases whose holder did too much to keep when" "$(json /tmp/r/record.json counters.why_summed)" ">=" 6

$lockspan record --no-why -o /tmp/r -- tests/vm/why >/dev/null 2>&1
is "--no-why: nothing has a reason" "$(part sleep clock_nanosleep)" 0
is "--no-why: nothing is known of the threads' time" "$(thread_time running)" ""
num "--no-why: but it is blamed, ns" "$(pprof_sum /tmp/r/mutex.pb.gz delay fn=hold_sleep)" ">" 100000000
check "the module leaves" module_unload
finish
