# SPDX-License-Identifier: GPL-2.0-only
# A file system that is full, or goes read-only, while spans are written. Would
# catch a recording that hangs or passes for whole, and a session left behind.
. tests/storms/lib.sh

mkdir -p /tmp/small
mount -t tmpfs -o size=40k none /tmp/small
module_load
load_start
rounds=0
while goes_on; do
	$lockspan record -a --spans -d 3 -o /tmp/small/r >/tmp/out 2>/tmp/err
	is "round $rounds: full: exit status" $? 125
	like "round $rounds: full: says so" "$(cat /tmp/err)" 'No space left|full'
	check "round $rounds: idle" wait_until 20 module_is idle
	rm -rf /tmp/small/*
	$lockspan record -a --spans -d 2 -o /tmp/small/r >/tmp/out 2>/tmp/err &
	p=$!
	wait_until 30 module_is recording
	mount -o remount,ro /tmp/small 2>/dev/null || mount -o remount,ro,size=40k none /tmp/small
	wait $p
	like "round $rounds: read-only: exit status: $?" "$?" '^(0|125)$'
	check "round $rounds: idle again" wait_until 20 module_is idle
	mount -o remount,rw /tmp/small
	rm -rf /tmp/small/*
	rounds=$((rounds + 1))
done
load_stop
umount /tmp/small
storm_finish
