# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=5.10,6.12,6.12-rt cpus=2 timeout=420 vm=--mem,1536
#
# Many lives of the module under a contended load that never stops: load, record,
# end, unload, the owner killed or told to end at any moment, or the unloading
# tried in the midst of it. Would catch a use after free in a probe that outlives
# its session, a session that is not taken down with its owner, a reference
# that keeps the module, and memory that a cycle leaves behind.
#
# The moments are drawn from a seed, which is printed. The usual run makes 25
# cycles; all 200 take some minutes a kernel:
#   tools/vm run --kernel 6.12 --mem 1536 --timeout 1800 -- bash tests/vm/cycles.sh 200 [SEED]
. tests/lib.sh

cycles=${1:-25}
RANDOM=${2:-4711}
echo "# $cycles cycles, seed ${2:-4711}"
probes_before=$(module_probes)

# Everything that the kernel holds for itself, kB, without what it can drop at once.
memory_held() {
	echo 3 >/proc/sys/vm/drop_caches
	sleep 0.3
	awk '/^(SUnreclaim|VmallocUsed|Percpu):/ { n += $2 } END { print n }' /proc/meminfo
}

tests/vm/futex_ops --threads 4 --words 2 --seconds 100000 storm >/dev/null 2>&1 &
storm=$!
workloads/c/task01 -t 3 -n 1000000000 -d 10000000 >/dev/null 2>&1 &
task=$!

# owner_start: a collector with everything it has, or a bare one, drawn.
owner_start() {
	case $((RANDOM % 4)) in
	0) $lockspan record -a -o /tmp/r >/dev/null 2>&1 & ;;
	1) $lockspan record -p $task --spans --ring-bytes 65536 -o /tmp/r >/dev/null 2>&1 & ;;
	2) tests/vm/genltool start,version,flags=1,stack_mode=2 sleep=100000 >/dev/null 2>&1 & ;;
	3) tests/vm/genltool start,version,tgid=$storm,flags=2,stack_mode=1 sleep=100000 >/dev/null 2>&1 & ;;
	esac
	owner=$!
}

killed=0 asked=0 stuck=0 refused=0
one_cycle() {
	insmod ./lockspan.ko max_threads=$((64 << RANDOM % 9)) || return 1
	owner_start
	# From before START has been heard of to well within the recording.
	sleep "0.$(printf %03d $((RANDOM % 400)))"
	if ((RANDOM % 8 == 0)); then
		if wait_until 60 module_is recording; then
			! rmmod lockspan 2>/dev/null || stuck=$((stuck + 1))
			refused=$((refused + 1))
		fi
	fi
	if ((RANDOM % 3)); then
		kill -KILL $owner
		killed=$((killed + 1))
	else
		kill -TERM $owner
		asked=$((asked + 1))
	fi
	wait $owner 2>/dev/null
	# The last reference goes when the session's worker has seen its owner die.
	wait_until 60 rmmod lockspan 2>/dev/null
}

warm=$((cycles / 5 + 1)) bad=0 begin=$SECONDS
for ((cycle = 1; cycle <= cycles; cycle++)); do
	one_cycle || { bad=$((bad + 1)) && echo "# cycle $cycle went wrong: $(dmesg | tail -n 1)" && break; }
	((cycle != warm)) || held=$(memory_held)
done
echo "# $((SECONDS - begin)) s"
is "cycles that went wrong" $bad 0
is "the module is gone" "$(module_loaded && echo there)" ""
num "owners killed" $killed ">" $((cycles / 3))
num "owners asked to end" $asked ">" $((cycles / 8))
is "unloaded during a recording, of $refused times tried" $stuck 0
is "probes left" "$(module_probes)" "$probes_before"
# What the kernel frees later may take its time, and the load's own comes and goes by some hundred kB.
now=$(memory_held)
for ((i = 0; i < 20 && now - held > 1536; i++)); do
	sleep 1
	now=$(memory_held)
done
num "kB held after $cycles cycles ($now) beyond those after $warm ($held)" $((now - held)) "<=" 1536
check "the load has gone on: the storm" kill -0 $storm
check "and the workload" kill -0 $task
is "kernel's taint (12288: out of tree, unsigned)" "$(cat /proc/sys/kernel/tainted)" 12288
kill -KILL $storm $task
finish
