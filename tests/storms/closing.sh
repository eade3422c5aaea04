# SPDX-License-Identifier: GPL-2.0-only
# Threads by the hundred that are killed while a recording stops, at any moment from before
# to well after, with the moments between the steps of STOP and of an exit made long. Would
# catch a record that is read after its thread has given it back, a kernel stack that is read
# when it is gone, and a wait that was open and is told of by nobody or twice.
. tests/storms/lib.sh

wide_load 0 0 200 50000 300 max_threads=1024
mkfifo /tmp/go /tmp/silence
exec 9<>/tmp/silence
stops=0 open=0 killed=0
while goes_on; do
	n=$((50 + RANDOM % 250))
	# In turn: threads that die before the worker looks, and while it is busy with them one by one.
	slow=$((stops % 2))
	echo "0,0,200,50000,$((slow ? 20000 : 300))" >/sys/module/lockspan/parameters/widen_us
	rm -rf /tmp/r /tmp/out
	(read -r _ </tmp/go && exec tests/vm/futex_ops --threads $n --words $((1 + RANDOM % 9)) --hold 1000 parked <&9) >/tmp/out 2>&1 &
	p=$!
	stack=(--stack raw)
	((RANDOM % 2)) || stack=()
	$lockspan record -p $p "${stack[@]}" -o /tmp/r >/dev/null 2>/tmp/err &
	recorder=$!
	wait_until 60 module_is recording || { fail "no recording: $(cat /tmp/err)" && break; }
	echo >/tmp/go
	wait_until 120 grep -q parked_ns /tmp/out || { fail "nobody has parked" && break; }
	kill -TERM $recorder
	pause_ms $((slow ? 400 + RANDOM % 2500 : RANDOM % 500))
	kill -KILL $p
	wait $recorder
	wait $p 2>/dev/null
	[[ "$(($(c signal) + $(c open))) $(c lost_open_ring) $(c lost_span_ring)" == "$n 0 0" ]] ||
		fail "stop $stops: of $n threads $(c signal) ended by a signal, $(c open) are open, lost $(c lost_open_ring) and $(c lost_span_ring)"
	stops=$((stops + 1)) open=$((open + $(c open))) killed=$((killed + $(c signal)))
done
num "stops" $stops ">" 0
echo "# $stops stops; $open waits were open, $killed had ended"
storm_finish
