# SPDX-License-Identifier: GPL-2.0-only
# The collector in a mount namespace whose /proc is not there, or goes and comes
# back while it records. Would catch a collector that cannot count without /proc,
# one that hangs or falls over it, and a session that is left behind. Names come
# from the mappings that the module sends then.
. tests/storms/lib.sh

cat >/tmp/without <<-'END'
	#!/bin/sh
	umount -l /proc && exec "$@"
END
chmod +x /tmp/without
own="unshare -m $lockspan" without="unshare -m /tmp/without $lockspan"
# in_recorder CMD...: in the recorder's mount namespace.
in_recorder() { nsenter -t "$recorder" -m "$@"; }

# named TEXT: the load's lock is found at its own function, as in every other recording.
named() {
	num "$1: blamed on the function that holds the lock, ns" "$(pprof_sum /tmp/r/mutex.pb.gz delay fn=increment)" ">" 0
}

module_load
# Not the storms' usual load, which leaves too little of an emulated processor for this.
workloads/c/task01 -t 3 -n 1000000000 -d 10000000 >/dev/null 2>&1 &
load=$!
turns=0 gone=0
while goes_on; do
	lockspan=$without recorder_start
	check "turn $turns: there is no /proc" in_recorder sh -c '[ -d /lockspan ] && [ ! -e /proc/self ]'
	sleep 1
	recorder_stop "turn $turns, without"
	named "turn $turns, without"
	lockspan=$own recorder_start
	for ((i = 0; i < 6; i++)); do
		in_recorder umount -l /proc && gone=$((gone + 1))
		pause_ms $((RANDOM % 100))
		in_recorder mount -t proc proc /proc
		pause_ms $((RANDOM % 50))
	done
	recorder_stop "turn $turns, now and then"
	named "turn $turns, now and then"
	turns=$((turns + 1))
done
num "times that /proc went away" $gone ">=" 6
kill -KILL $load
storm_finish
