# SPDX-License-Identifier: GPL-2.0-only
# Runs the loads of tools/bench in a guest that counts instructions: one line a
# run to $OUT/rows. Time is virtual, and idle time costs nothing.
#   STATE TOOL_NS then what contend prints
# Usage: guest.sh LOADS STATES, both lists of names below.
# shellcheck shell=bash disable=SC2086,SC2046 # loads and tools are words
set -u
contend=tools/lib/bench/contend
lockspan=user/lockspan

load_options() {
	case $1 in
	locks) echo "-n 20000 locks" ;;
	chain) echo "-n 20000 chain" ;;
	chain-t1) echo "-t 1 -n 20000 uncontended" ;;
	chain-t32) echo "-t 32 -n 20000 chain" ;;
	chain-t256) echo "-t 256 -n 20000 chain" ;;
	chain-u10k) echo "-u 5000 -n 5000 chain" ;;
	chain-u100k) echo "-u 50000 -n 2000 chain" ;;
	chain-p1000) echo "-p 1000 -n 20000 chain" ;;
	chain-p10000) echo "-p 10000 -n 20000 chain" ;;
	locks-k1000) echo "-k 1000 -n 20000 locks" ;;
	cond) echo "-n 20000 cond" ;;
	# These never wait: one thread, or the scheduler's turns would decide.
	again | wake | uncontended) echo "-t 1 -n 100000 $1" ;;
	short) echo "-n 4000 chain" ;;
	*) echo "guest.sh: no load '$1'" >&2 && exit 64 ;;
	esac
}

# bpftrace_program BY: time between entry and exit of the system call, summed.
bpftrace_program() {
	cat >/tmp/bench.bt <<-END
	tracepoint:syscalls:sys_enter_futex /pid == \$1/ { @start[tid] = nsecs; }
	tracepoint:syscalls:sys_exit_futex /@start[tid]/ { @time$1 = sum(nsecs - @start[tid]); delete(@start[tid]); }
	END
}

# state_tool STATE: the command that watches, PID in it for the process.
state_tool() {
	case $1 in
	absent | idle) echo ;;
	rate1) echo "$lockspan record --no-why -o /tmp/o -p PID" ;;
	why) echo "$lockspan record -o /tmp/o -p PID" ;;
	rate1-none) echo "$lockspan record --no-why --stack none -o /tmp/o -p PID" ;;
	10us) echo "$lockspan record --block-rate 10us --mutex-fraction 100 -o /tmp/o -p PID" ;;
	10us-none) echo "$lockspan record --block-rate 10us --mutex-fraction 100 --stack none -o /tmp/o -p PID" ;;
	1ms) echo "$lockspan record --block-rate 1ms --mutex-fraction 100 -o /tmp/o -p PID" ;;
	1ms-none) echo "$lockspan record --block-rate 1ms --mutex-fraction 100 --stack none -o /tmp/o -p PID" ;;
	futexctn) echo "futexctn-libbpf -p PID" ;;
	futexctn-none) echo "futexctn-libbpf -s -p PID" ;;
	offcputime) echo "offcputime-libbpf -p PID" ;;
	bpftrace) bpftrace_program '[ustack]' && echo "bpftrace /tmp/bench.bt PID" ;;
	bpftrace-none) bpftrace_program '' && echo "bpftrace /tmp/bench.bt PID" ;;
	perf-g) echo "perf record -q -e syscalls:sys_enter_futex -g -o /tmp/perf.data -p PID" ;;
	perf-dwarf) echo "perf record -q -e syscalls:sys_enter_futex --call-graph dwarf -o /tmp/perf.data -p PID" ;;
	strace) echo "strace -f -c -o /tmp/strace -p PID" ;;
	*) echo "guest.sh: no state '$1'" >&2 && exit 64 ;;
	esac
}

# watched STATE LOAD: the tool attaches to the process, which then begins.
watched() {
	local pid tool
	local -a words
	rm -f /tmp/go /tmp/row
	$contend -w $warm -g /tmp/go $(load_options "$2") >/tmp/row &
	pid=$!
	read -ra words <<<"$(state_tool "$1")"
	"${words[@]//PID/$pid}" >/tmp/tool.log 2>&1 &
	tool=$!
	sleep 8
	[[ -d /proc/$tool ]] || { echo "guest.sh: $1 did not start: $(tail -n 5 /tmp/tool.log)" >&2 && exit 1; }
	echo $tool >/tmp/go.new
	mv /tmp/go.new /tmp/go
	wait $pid
	kill -INT $tool
	wait $tool
	echo "$1 $(</tmp/row)" >>"$OUT/rows"
	rm -f /tmp/perf.data /tmp/perf.data.old
	# A tool that had nothing to say has measured nothing.
	[[ $lockspan != "${words[0]}" ]] || cp /tmp/o/record.json "$OUT/$1-$2.json"
	cp /tmp/tool.log "$OUT/$1-$2.log"
}

alone() { echo "$1 $($contend -w $warm $(load_options "$2"))" >>"$OUT/rows"; }

repeats() { [[ $1 != locks* ]] || echo 2 3 4 5 6; echo 1; }

warm=${BENCH_WARM:-20000}
# What the kernel still does after its boot must not count.
sleep 30
for state in $2; do
	if [[ $state == absent ]]; then
		[[ ! -d /sys/module/lockspan ]] || rmmod lockspan
	elif [[ $state == @(idle|rate1*|why|10us*|1ms*) && ! -d /sys/module/lockspan ]]; then
		insmod ./lockspan.ko || exit
	fi
	for load in $1; do
		case $state in
		# Several, for the table to choose from: see base_of() there.
		absent) for _ in $(repeats "$load"); do alone absent "$load"; done ;;
		idle) alone "$state" "$load" ;;
		*) watched "$state" "$load" ;;
		esac
	done
done
