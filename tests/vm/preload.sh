# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=2 timeout=240
#
# The userspace recorder alone, against what the programs say of themselves: no
# module is loaded (times are vm/preload-time's). Would catch: waits that are lost or
# counted twice, a ledger that does not add up, a stack without names, a lock that
# is named by whoever waits for it, a program that dies of a full disk
# or finds other counts, memory, descriptors or mappings that grow with events.
. tests/lib.sh

$lockspan user -o /tmp/u -- workloads/c/task01 --work-in 200000 -n 50 >/tmp/truth.json 2>/tmp/err
rc=$?
is "user's exit status is the command's" "$rc" 0
cat /tmp/err
is "waits in pthread_mutex_lock in increment: all of the mutex" \
	"$(pprof_sum /tmp/u/block.pb.gz contentions sync=mutex fn=pthread_mutex_lock fn=increment)" \
	"$(pprof_sum /tmp/u/block.pb.gz contentions lock=counter_mu)"
is "releases in pthread_mutex_unlock in increment: all" \
	"$(pprof_sum /tmp/u/mutex.pb.gz contentions fn=pthread_mutex_unlock fn=increment)" \
	"$(pprof_sum /tmp/u/mutex.pb.gz contentions)"
r=/tmp/u/record.json
is "hold + handoff + tail - lock wait, ns" $(($(json $r counters.hold_ns) + $(json $r counters.handoff_ns) + \
	$(json $r counters.tail_ns) - $(json $r counters.lock_wait_ns))) 0

# Every primitive, waits whose number is known.
$lockspan user -o /tmp/u -- tests/vm/usertruth 5 20000 >/tmp/truth 2>/tmp/err
is "usertruth: exit status" $? 0
is "usertruth: lines" "$(wc -l </tmp/truth)" 21
wrong=''
while read -r name waits releases _; do
	c=lock=$name
	[[ $name != join ]] || c=sync=join
	[[ $(pprof_sum /tmp/u/block.pb.gz contentions "$c") == "$waits" ]] || wrong+=" $name(waits)"
	[[ $(pprof_sum /tmp/u/mutex.pb.gz contentions kind=mutex "$c") == "$releases" ]] || wrong+=" $name(releases)"
done </tmp/truth
is "usertruth: counts that are not exact" "$wrong" ''
# Who comes last to a barrier has called and not waited: in no profile, so in no total of one.
num "usertruth: calls that were no wait" "$(json $r counters.error)" ">" 0
is "usertruth: contentions in block" "$(pprof_sum /tmp/u/block.pb.gz contentions)" "$(json $r exact.contentions)"
is "usertruth: delay in block, ns" "$(pprof_sum /tmp/u/block.pb.gz delay)" "$(json $r exact.delay_ns)"

# Locks on the heap, by where they were initialised.
$lockspan user -o /tmp/u -- tests/vm/births >/tmp/truth.json 2>/tmp/err
cat /tmp/err
num "heap: the pool's mutex" "$(pprof_sum /tmp/u/block.pb.gz contentions lock=init@pool_create:"$(json /tmp/truth.json pool)")" ">" 0
num "heap: the pool's rwlock" "$(pprof_sum /tmp/u/block.pb.gz contentions lock=init@pool_create:"$(json /tmp/truth.json rw)")" ">" 0
num "heap: the cache's mutex, its releases" \
	"$(pprof_sum /tmp/u/mutex.pb.gz contentions lock=init@cache_create:"$(json /tmp/truth.json cache)")" ">" 0
is "heap: waits that are named by whoever waits" "$(pprof_sum /tmp/u/block.pb.gz contentions lock=heap@use)" 0

# Threads, children, handlers and libraries that come and go.
$lockspan user -o /tmp/u -- tests/vm/userstorm 8 24 >/tmp/storm 2>/tmp/err
is "storm: the program finds its counts as they must be" $? 0
cat /tmp/storm /tmp/err
read -r _ early_kb early_maps early_fds < <(grep early /tmp/storm)
read -r _ end_kb end_maps end_fds < <(grep end /tmp/storm)
num "storm: anonymous memory, kB" "$end_kb" "<=" $((early_kb + 1500))
num "storm: mappings" "$end_maps" "<=" $((early_maps + 40))
num "storm: descriptors" "$end_fds" "<=" $((early_fds + 2))

# A disk that is full: the program goes on, the record is partial.
mkdir /tmp/small
mount -t tmpfs -o size=300k tmpfs /tmp/small
$lockspan user -o /tmp/small/u -- workloads/c/task01 -n 300 >/tmp/truth.json 2>/tmp/err
is "disk full: the record is partial" $? 125
is "disk full: the program has done its work" "$(json /tmp/truth.json counter)" 2400
like "disk full: it is said" "$(cat /tmp/err)" 'partial: .* no room|cannot write'
umount /tmp/small

$lockspan user -o /tmp/u -- bash -c 'exit 7' 2>/tmp/err
is "the status of a program that ends so" $? 7
$lockspan user -o /tmp/u -- tests/vm/differ_static raw >/dev/null 2>/tmp/err
is "a program that cannot be recorded" $? 125
like "is told of" "$(cat /tmp/err)" 'never loaded'
finish
