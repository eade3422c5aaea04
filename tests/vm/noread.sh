# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=2 timeout=420
#
# An owner that stops its session and then does not read, while more waits are open than
# its socket and the ring can hold. Would catch a module that keeps others waiting
# meanwhile, and that of generic netlink everybody; and an open wait that is neither sent
# nor counted as lost.
. tests/lib.sh

threads=1000
# The module waits 5 s for its owner to read, who does nothing until the others are done: so long would an answer take that
# waits as well. Called with the milliseconds that an answer may take.
limit_ms=${1:-3500}
mkfifo /tmp/go /tmp/silence
exec 9<>/tmp/silence
# quick TEXT CMD...: it is through in time.
quick() {
	local text=$1 begin=${EPOCHREALTIME//[.,]/}
	shift
	timeout -s KILL 30 "$@" >/tmp/quick 2>&1
	num "$text: ms" $(((${EPOCHREALTIME//[.,]/} - begin) / 1000)) "<" "$limit_ms"
}
module_load
(read -r _ </tmp/go && exec tests/vm/futex_ops --threads $threads --words 7 --hold 1000 parked <&9) >/tmp/out 2>&1 &
parked=$!
mkfifo /tmp/hold
tests/vm/genltool start,version,tgid=$parked,stack_mode=1,ring_bytes=65536 wait room=20000 stop until=/tmp/done end </tmp/hold >/tmp/owner 2>&1 &
owner=$!
exec 3>/tmp/hold
wait_until 60 module_is recording || die "no session: $(cat /tmp/owner)"
echo >/tmp/go
wait_until 60 grep -q parked_ns /tmp/out || die "nobody has parked"
exec 3>&-
wait_until 60 grep -q '^stop: 0' /tmp/owner || die "no STOP: $(cat /tmp/owner)"
for ((i = 0; i < 4; i++)); do
	quick "status $i" $lockspan status --json
	quick "the lookup of a family $i" tests/vm/genltool family
	quick "a second START $i" tests/vm/genltool start,version,flags=1
	like "it is refused: $(cat /tmp/quick)" "$(cat /tmp/quick)" "^start: 16 a session of process $owner is running$"
	sleep 0.3
done
check "draining all the while" module_is draining
gives_up() { module_is draining && (($(json /tmp/status.json counters.lost_open_ring) > 0)); }
check "until the module waits no longer" wait_until 60 gives_up
touch /tmp/done
wait $owner
tail -n 1 /tmp/owner >/tmp/end.json
is "END came" "$(json /tmp/end.json ended)" true
open=$(json /tmp/end.json counters.open)
is "waits open at STOP" "$open" $threads
lost=$(json /tmp/end.json counters.lost_open_ring)
is "sent, and lost for want of a reader" "$(($(json /tmp/end.json open) + lost))" "$open"
num "lost" "$lost" ">" 0
kill -KILL $parked
check "idle" wait_until 60 module_is idle
check "the module leaves" module_unload
finish
