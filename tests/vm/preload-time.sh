# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=1 timeout=240 vm=--icount
#
# The userspace recorder's times against the programs' own, for every primitive. Time is counted in
# instructions, so that nobody can take the processor between the program's clock and the
# recorder's. Would catch: a wait that is measured from or to elsewhere than the call's ends.
. tests/lib.sh

# close_to TEXT TRUTH GOT: less than two hundredths apart.
close_to() {
	local off=1000000
	[[ ! $2 =~ ^[0-9]+$ || ! $3 =~ ^[0-9]+$ ]] || (($2 == 0)) || off=$((($2 > $3 ? $2 - $3 : $3 - $2) * 10000 / $2))
	num "$1, hundredths of a percent off" "$off" "<=" 200
}

$lockspan user -o /tmp/u -- workloads/c/task01 --work-in 200000 -n 50 >/tmp/truth.json 2>/tmp/err
is "user's exit status is the command's" $? 0
close_to "time on the mutex against the program's long calls" \
	"$(json /tmp/truth.json long_call_ns)" "$(pprof_sum /tmp/u/block.pb.gz delay lock=counter_mu)"

$lockspan user -o /tmp/u -- tests/vm/usertruth 5 20000 >/tmp/truth 2>/tmp/err
is "usertruth: exit status" $? 0
is "usertruth: lines" "$(wc -l </tmp/truth)" 21
while read -r name _ _ ns; do
	c=lock=$name
	[[ $name != join ]] || c=sync=join
	close_to "$name: ns in the calls" "$ns" "$(pprof_sum /tmp/u/block.pb.gz delay "$c")"
done </tmp/truth
finish
