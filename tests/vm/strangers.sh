# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=2 timeout=420 host=strangers vm=--add,build/strangers:strangers
#
# Programs whose locks are not the C library's: the two sides must differ, and
# compare must say why. Would catch: goroutines' waiting that is taken for the
# threads', a Go program's own profile that is left out, taken whole although
# the recording began later, or accepted when it never came; a Rust program that
# is passed for idle because nothing could be preloaded.
. tests/lib.sh

module_load
get() { json /tmp/c.json "$1" | cut -d. -f1; }
compare() {
	$lockspan compare --json "$@" >/tmp/c.json 2>/tmp/err
	compared=$?
	cat /tmp/err
	echo "# $*: $(grep -o '"verdict":.*' /tmp/c.json)"
}

# Go, by the files that it writes.
mkdir /tmp/own
$lockspan record --with-user=/tmp/own -o /tmp/r -- strangers/go -o /tmp/own -for 1s >/dev/null 2>/tmp/err
is "go: recorded with its own profiles" $? 0
cat /tmp/err
compare /tmp/r
is "go: compared" "$compared" 0
is "go: known as such" "$(json /tmp/c.json go)" true
is "go: its waiting is all that its own profile has, ns" "$(get user_wait_ns)" "$(pprof_sum /tmp/own/block.pb.gz delay)"
num "go: waits, of four goroutines and main" "$(get user_waits)" ">" 20
num "go: goroutines were parked, and no thread slept for them, ns" "$(get goroutine_parking_ns)" ">" $(($(get user_wait_ns) / 2))
is "go: the parts make up the whole, ns off" $(($(get user_wait_ns) - $(get kernel_wait_ns) - \
	$(get sched_delay_ns) - $(get goroutine_parking_ns) - $(get unexplained_ns))) 0
num "go: unexplained percent" "$(get unexplained_percent)" "<" 5
like "go: whom to trust" "$(json /tmp/c.json verdict)" "program's own profile"

# Not ours, and not for the check of ours.
rm -rf /tmp/own

# Go, by the address at which it serves them; two seconds have gone before.
strangers/go -listen 127.0.0.1:6060 -for 120s >/tmp/served 2>&1 &
go=$!
url=http://127.0.0.1:6060/debug/pprof
served() { tests/vm/scrape 6060 /debug/pprof/block "$1" >/dev/null 2>&1; }
wait_until 60 served /tmp/before
sleep 2
served /tmp/before
before=$(pprof_sum /tmp/before delay)
$lockspan record --with-user=$url -o /tmp/r -p $go -d 1 2>/tmp/err
is "go: recorded with what it serves" $? 0
cat /tmp/err
compare /tmp/r
is "go: compared" "$compared" 0
part=$(get user_wait_ns)
served /tmp/after
num "go: its waiting in this second, ns" "$part" ">" 500000000
num "go: and not that of before" "$part" "<=" $(($(pprof_sum /tmp/after delay) - before))
num "go: of which there is enough to be told from it" "$before" ">" 2000000000
compare /tmp/r $url/block
is "go: compared with what it serves now" "$compared" 0
num "go: all of it, ns" "$(get user_wait_ns)" ">" "$part"
is "go: nothing stays in /tmp" "$(compgen -G '/tmp/lockspan-*')" ''
$lockspan record --with-user=http://127.0.0.1:1/debug/pprof -o /tmp/r -p $go -d 1 2>/tmp/err
is "go: an address where nobody serves" $? 125
like "go: is named" "$(cat /tmp/err)" 'cannot take the block profile from http://127.0.0.1:1'
kill $go
wait $go 2>/dev/null

# Rust, linked statically: its mutex is a futex word of its own.
$lockspan record --with-user -o /tmp/r -- strangers/rust >/tmp/truth.json 2>/tmp/err
is "rust: record tells that the other recorder was not there" $? 125
compare /tmp/r
is "rust: what the program's side saw, ns" "$(get user_wait_ns)" 0
# With what the woken threads waited for a processor, which is long on a busy host.
of_calls=$((($(pprof_sum /tmp/r/block.pb.gz delay sync=mutex fn=stranger::take) + \
	$(pprof_sum /tmp/r/contention.ext.pb.gz sched_delay sync=mutex fn=stranger::take)) * 100 / $(json /tmp/truth.json calls_ns)))
num "rust: the kernel alone saw of its calls, percent" $of_calls ">" 60
num "rust: and no more" $of_calls "<=" 100
num "rust: as waits outside the C library's locks, ns" "$(get kernel_only_ns)" ">" 1000000
like "rust: whom to trust" "$(json /tmp/c.json verdict)" 'Trust the kernel'
module_unload
finish
