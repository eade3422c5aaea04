# SPDX-License-Identifier: GPL-2.0-only
# A collector that is stopped for as long as it takes to fill the socket and the
# rings, again and again, and one that is killed or runs out of memory so. Would
# catch a worker that never ends over a full socket, and a loss without a counter.
. tests/storms/lib.sh

cgroup=/sys/fs/cgroup/small
[[ -e /sys/fs/cgroup/cgroup.procs ]] || mount -t cgroup2 none /sys/fs/cgroup
echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
mkdir -p $cgroup
module_load
load_start
rounds=0
while goes_on; do
	recorder_start --ring-bytes 65536 --stack raw
	for _ in 1 2 3; do
		kill -STOP "$recorder"
		pause_ms $((RANDOM % 1200))
		kill -CONT "$recorder"
		pause_ms $((RANDOM % 200))
	done
	if ((rounds % 3 == 2)); then
		kill -STOP "$recorder"
		pause_ms 300
		kill -KILL "$recorder"
		wait "$recorder" 2>/dev/null
		check "round $rounds: idle after its death" wait_until 30 module_is idle
	else
		recorder_stop "round $rounds"
	fi
	rounds=$((rounds + 1))
done
num "rounds" $rounds ">=" 1
# Out of memory: the kernel kills it, and the session ends with it.
if [[ -e $cgroup/memory.max ]]; then
	echo 6M >$cgroup/memory.max
	# shellcheck disable=SC2016 # for the inner shell
	bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' $cgroup $lockspan record -a --spans --stack raw -d 20 -o /tmp/r >/tmp/out 2>/tmp/err
	rc=$?
	like "out of memory: killed, or partial, or enough: $rc" $rc '^(137|125|0)$'
	check "out of memory: idle" wait_until 30 module_is idle
fi
load_stop
storm_finish
