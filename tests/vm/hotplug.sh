# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=none cpus=2 timeout=420 vm=--mem,1536
#
# Processors that go and come back while it records. Would catch a ring, a
# counter or a wake-up of the reader that is left behind on a processor that has
# gone, a record that is lost or sent twice with it, and a probe that is called
# where it may not run. By hand, as reading its spans takes a minute or more: tests/run vm/hotplug --every.
. tests/lib.sh

cpu1=/sys/devices/system/cpu/cpu1/online
turns=${1:-5} seconds=${2:-0} # at least so many, and for at least so long
r=/tmp/r/record.json
c() { json $r "counters.$1"; }

[[ -w $cpu1 ]] || die "the kernel cannot switch off a processor"
module_load
tests/vm/futex_ops --threads 6 --words 2 --seconds 100000 storm >/dev/null 2>&1 &
storm=$!
$lockspan record --spans -p $storm --ring-bytes 16777216 -o /tmp/r 2>/tmp/err &
collector=$!
check "recording" wait_until 10 module_is recording
bad=0
SECONDS=0
for ((turn = 0; turn < turns || SECONDS < seconds; turn++)); do
	echo 0 >$cpu1 || bad=$((bad + 1))
	sleep 0.1
	echo 1 >$cpu1 || bad=$((bad + 1))
	sleep 0.1
done
is "switched off and on $turn times, refused" $bad 0
# It ends while there is one only.
echo 0 >$cpu1
kill -TERM $collector
wait $collector
is "exit status" $? 0
cat /tmp/err
echo 1 >$cpu1
num "waits recorded" "$(c kept)" ">" 100
is "kept, and ended or open" $(($(c kept) + $(c open))) \
	$(($(ended $r) + $(c open)))
is "lost, missed in the table of threads" "$(c lost_span_ring) $(c lost_release_ring) $(c lost_stack_ring) $(c lost_task_table)" "0 0 0 0"
is "records lost on the way" "$(json $r losses.gap_records)" 0
is "hold + handoff + tail - lock wait, ns" $(($(c hold_ns) + $(c handoff_ns) + $(c tail_ns) - $(c lock_wait_ns))) 0
$lockspan export --json /tmp/r >/tmp/spans.json
if tests/vm/spancheck ledger /tmp/spans.json >/tmp/ledger; then
	pass "ledger: $(grep '^#' /tmp/ledger)"
else
	fail "ledger: $(grep -E '^(#|not)' /tmp/ledger | tr '\n' ';')"
fi
kill -KILL $storm
check "the module leaves" module_unload
echo "# $SECONDS s"
finish
