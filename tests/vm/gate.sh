# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1 cpus=1 timeout=240 vm=--icount
#
# The gate on recordings of a program whose critical section is made longer by a
# known amount. Would catch: a verdict that is wrong on real noise, an exit
# status or a reason that does not belong to it, a baseline folder that is not
# found, and runs that are too short or incomplete but judged.
#
# Time is counted in the guest's instructions, so that the machine's load does not show: noise is
# what the program, the kernel and lockspan make.
# Six runs each in turns: before, the same again, 30 % more.
. tests/lib.sh

run() {
	$lockspan record -o "/tmp/$1" -- workloads/c/task13 --work-in 200000 -t 4 -n "${@:2}" \
		>/dev/null 2>>/tmp/err || fail "recording $1: $(tail -n 1 /tmp/err)"
}
# verdict WANT STATUS REASON ARGUMENT...
verdict() {
	local want=$1 status=$2 reason=$3 rc=0
	shift 3
	$lockspan gate --json "$@" >/tmp/gate.json || rc=$?
	echo "# $(json /tmp/gate.json ratio) in $(json /tmp/gate.json low) to $(json /tmp/gate.json high)," \
		"noise $(json /tmp/gate.json noise)"
	is "gate $*: exit status" "$rc" "$status"
	is "gate $*" "$(json /tmp/gate.json verdict) $(json /tmp/gate.json reason)" "$want $reason"
}

module_load
for i in 1 2 3 4 5 6; do
	run "base/$i" 20
	run "same/$i" 20
	run "worse/$i" 20 --hold-extra 30
	run "short/$i" 2
done
verdict PASS 0 measured /tmp/base -- /tmp/same
verdict PASS 0 measured --per contention /tmp/same -- /tmp/base
verdict FAIL 1 measured /tmp/base -- /tmp/worse
verdict FAIL 1 measured --lock g_hot.mu /tmp/base/1 /tmp/base/2 /tmp/base/3 /tmp/base/4 /tmp/base/5 -- /tmp/worse
verdict PASS 0 measured --max 60% /tmp/base -- /tmp/worse
verdict PASS 0 measured /tmp/worse -- /tmp/base
verdict INCONCLUSIVE 3 too_short /tmp/short -- /tmp/short
verdict INCONCLUSIVE 3 too_few_runs /tmp/base/1 -- /tmp/worse
sed -i 's/"partial": *false/"partial":true/' /tmp/same/3/record.json
verdict INCONCLUSIVE 3 partial /tmp/base -- /tmp/same
like 'text' "$($lockspan gate /tmp/base -- /tmp/worse)" '^FAIL: .*new .*interval'
module_unload
finish
