# SPDX-License-Identifier: GPL-2.0-only
# A cgroup that is frozen, thawed and killed in mid-wait. Would catch a span that
# stays open when its thread is frozen out of the call and back in, and a wait
# that ends by being killed while frozen.
. tests/storms/lib.sh

cgroup=/sys/fs/cgroup/storm
[[ -e /sys/fs/cgroup/cgroup.procs ]] || mount -t cgroup2 none /sys/fs/cgroup
mkdir -p $cgroup
module_load
load_start
recorder_start
turns=0 killed=0
while goes_on; do
	tests/vm/futex_ops --threads 8 --words 2 --seconds 1000 --timeout 300 storm >/dev/null 2>&1 &
	p=$!
	echo $p >$cgroup/cgroup.procs
	for _ in 1 2 3 4; do
		pause_ms $((RANDOM % 150))
		echo 1 >$cgroup/cgroup.freeze
		pause_ms $((RANDOM % 100))
		echo 0 >$cgroup/cgroup.freeze
		turns=$((turns + 1))
	done
	# Half of them die frozen.
	((RANDOM % 2)) && echo 1 >$cgroup/cgroup.freeze
	if [[ -e $cgroup/cgroup.kill ]]; then echo 1 >$cgroup/cgroup.kill; else kill -KILL $p; fi
	wait $p 2>/dev/null
	echo 0 >$cgroup/cgroup.freeze
	killed=$((killed + 1))
done
num "frozen and thawed, times" $turns ">" 3
num "killed, times" $killed ">" 0
recorder_stop "freeze"
load_stop
storm_finish
