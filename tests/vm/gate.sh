# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1 cpus=1 timeout=420 vm=--icount
#
# The gate on recordings of a program whose critical section is made longer by a
# known amount. Would catch: a verdict that is wrong on real noise, an exit
# status or a reason that does not belong to it, a baseline folder that is not
# found, a FAIL that does not say where, and runs that are too short or incomplete but judged.
#
# Time is counted in the guest's instructions, so that the machine's load does not show: noise is
# what the program, the kernel and lockspan make.
# Six runs each in turns: before, the same again, half as much again (44 % more waiting). `gate.sh PAIRS`
# judges so many pairs of five runs each instead (twenty take a quarter of an hour).
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

# of_20 NAME WANT NEW: BASE and NEW without one run each, twenty times.
of_20() {
	local name=$1 want=$2 new=$3 i j n=0 good=0
	for ((i = 1; i <= 6; i++)); do
		for ((j = 1; j <= 6 && n < 20; j++)); do
			((i != j)) || continue
			n=$((n + 1))
			mapfile -t before < <(printf '/tmp/base/%d\n' 1 2 3 4 5 6 | grep -v "$i\$")
			mapfile -t after < <(printf "/tmp/$new/%d\n" 1 2 3 4 5 6 | grep -v "$j\$")
			$lockspan gate --json "${before[@]}" -- "${after[@]}" >/tmp/gate.json
			[[ $(json /tmp/gate.json verdict) != "$want" ]] || good=$((good + 1))
		done
	done
	num "$name: $want, of $n" $good ">=" 19
}
# independent PAIRS: each pair has five runs of its own on both sides.
independent() {
	local p i pass=0 failed=0
	for ((p = 1; p <= $1; p++)); do
		for i in 1 2 3 4 5; do
			run "pair/base/$i" 20
			run "pair/same/$i" 20
			run "pair/worse/$i" 20 --hold-extra 50
		done
		$lockspan gate --json /tmp/pair/base -- /tmp/pair/same >/tmp/gate.json
		[[ $(json /tmp/gate.json verdict) != PASS ]] || pass=$((pass + 1))
		$lockspan gate --json /tmp/pair/base -- /tmp/pair/worse >/tmp/gate.json
		[[ $(json /tmp/gate.json verdict) != FAIL ]] || failed=$((failed + 1))
		echo "# pair $p: passed $pass, failed with half as much again $failed"
	done
	num "pairs of the same that pass, of $1" $pass ">=" $(($1 * 19 / 20))
	num "pairs with half as much again that fail, of $1" $failed ">=" $(($1 * 19 / 20))
}

module_load
if (($#)); then
	independent "$1"
	finish
fi
for i in 1 2 3 4 5 6; do
	run "base/$i" 20
	run "same/$i" 20
	run "worse/$i" 20 --hold-extra 50
	run "short/$i" 2
	run "brief/$i" 2
done
verdict PASS 0 measured /tmp/base -- /tmp/same
verdict PASS 0 measured --per contention /tmp/same -- /tmp/base
verdict FAIL 1 measured /tmp/base -- /tmp/worse
verdict FAIL 1 measured --lock g_hot.mu /tmp/base/1 /tmp/base/2 /tmp/base/3 /tmp/base/4 /tmp/base/5 -- /tmp/worse
of_20 "the same without one run each" PASS same
of_20 "half as much again without one run each" FAIL worse
verdict PASS 0 measured --max 60% /tmp/base -- /tmp/worse
verdict PASS 0 measured /tmp/worse -- /tmp/base
verdict INCONCLUSIVE 3 too_short /tmp/short -- /tmp/brief
verdict INCONCLUSIVE 3 too_few_runs /tmp/base/1 -- /tmp/worse
like 'text' "$($lockspan gate /tmp/base -- /tmp/worse)" \
	'^FAIL: .*new .*interval.*most was added on g_hot.mu.*lockspan diff --by lock /tmp/base/'
sed -i 's/"partial": *false/"partial":true/' /tmp/same/3/record.json
rc=0
$lockspan gate /tmp/base -- /tmp/same >/tmp/out 2>&1 || rc=$?
is 'a partial run: exit status' "$rc" 2
like 'a partial run' "$(</tmp/out)" '/tmp/same/3 is partial'
module_unload
finish
