# SPDX-License-Identifier: GPL-2.0-only
# Loading and unloading at any moment against beginning and dying owners, each in
# a loop of its own. Would catch a START that gets in while the module goes, a
# reference that is dropped twice or never, and a probe or a timer that outlives
# its code.
. tests/storms/lib.sh

load_start
# shellcheck disable=SC2016 # for the inner shells
bash -c 'while :; do
	insmod ./lockspan.ko max_threads=256 2>/dev/null && echo in
	((RANDOM % 3)) && sleep 0.$((RANDOM % 5))
	rmmod lockspan 2>/dev/null && echo out
done' >/tmp/moves &
mover=$!
owners=0 began=0
while goes_on; do
	case $((RANDOM % 3)) in
	0) $lockspan record -a -d 0.2 -o /tmp/r >/dev/null 2>&1 ;;
	1)
		timeout -s KILL "0.$((1 + RANDOM % 4))" tests/vm/genltool start,version,flags=1,stack_mode=2 sleep=100000 >/tmp/answer 2>&1
		;;
	2) tests/vm/genltool start,version,flags=1,stack_mode=0,ring_bytes=65536 stop end >/tmp/answer 2>&1 ;;
	esac
	owners=$((owners + 1))
	! grep -q 'start: 0' /tmp/answer 2>/dev/null || began=$((began + 1))
done
kill -KILL $mover
wait $mover 2>/dev/null
num "owners" $owners ">" 3
num "sessions that began" $began ">" 0
num "times loaded" "$(grep -c in /tmp/moves)" ">" 1
num "times unloaded" "$(grep -c out /tmp/moves)" ">" 0
echo "# $owners owners, $began bare sessions, $(grep -c in /tmp/moves) loads, $(grep -c out /tmp/moves) unloads"
module_loaded || module_load
load_stop
storm_finish
