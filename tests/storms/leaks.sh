# SPDX-License-Identifier: GPL-2.0-only
# kmemleak after many cycles of loading, recording and unloading. Called with the
# seconds, of which every one stands for a cycle. Sessions have stacks, mappings and
# rules; one in three owners is killed, one in ten is the collector itself. Would
# catch memory that a load, a START, a STOP or an owner's death leaves without an
# owner. tests/vm/cycles does the same by the kernel's sums, under a heavier load.
# Needs tools/debug-kernel.
. tests/storms/lib.sh

leak=/sys/kernel/debug/kmemleak
[[ -w $leak ]] || die "the kernel has no kmemleak; tools/debug-kernel builds one that has"
tests/vm/secret wait 20 &
load=$!
echo clear >$leak

# cycle N
cycle() {
	insmod ./lockspan.ko max_threads=$((64 << $1 % 5)) || return 1
	if (($1 % 10 == 0)); then
		$lockspan record -a -d 0.2 -o /tmp/r >/dev/null 2>&1
	elif (($1 % 3 == 0)); then
		tests/vm/genltool start,version,flags=1,stack_mode=2 sleep=100000 >/tmp/answer &
		wait_until 60 grep -q 'start: 0' /tmp/answer
		kill -KILL $!
		wait $! 2>/dev/null
	else
		tests/vm/genltool start,version,flags=1,stack_mode=$(($1 % 4)) sleep=50 stop end >/tmp/answer
	fi
	wait_until 120 rmmod lockspan 2>/dev/null
}

bad=0 began=0
for ((n = 1; n <= seconds; n++)); do
	: >/tmp/answer
	cycle $n || bad=$((bad + 1))
	! grep -q 'start: 0' /tmp/answer || began=$((began + 1))
	((n % 10)) || echo "# $n cycles, $(($(uptime_s) - begin)) s"
done
is "cycles that went wrong" $bad 0
num "sessions that began beside the collector's" $began ">=" $((seconds * 8 / 10))
kill -KILL $load
# What was freed a moment ago may still lie in a register or on a stack: look three times.
for _ in 1 2 3; do
	echo scan >$leak
	sleep 3
done
is "leaks after $seconds cycles" "$(grep -c 'unreferenced object' $leak)" 0
head -n 40 $leak | sed 's/^/# /'
module_loaded || module_load
storm_finish
