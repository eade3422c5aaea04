# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 timeout=900
#
# Would catch: a change that makes a recorded wait dearer by 5 %, or anything that costs
# where nothing is recorded: loaded and idle, an uncontended lock, a futex call that does
# not wait. tools/bench counts instructions in a guest, so that it does not matter how busy
# the host is; what a state adds is compared with tests/e2e/instructions.baseline, scaled
# by what the operation costs alone, so that a newer kernel or libc does not decide.
#
# After a change that is meant to cost, or that makes it cheaper, and is complete:
#   tests/run e2e/instructions; cp build/e2e/instructions-6.12/baseline tests/e2e/instructions.baseline
. tests/lib.sh

baseline=tests/e2e/instructions.baseline
BENCH_WARM=10000 tools/bench --no-build --kernel "$KERNEL" --loads 'chain again wake uncontended' \
	--states 'absent idle rate1 rate1-none 1ms' -o "$TEST_DIR/bench" || die "the benchmark failed"

# rows FILE: what stands there as "LOAD STATE ALONE ADDED", per operation.
rows() {
	awk '$1 == "absent" { alone[$3] = $9 / $8 }
		$1 != "absent" { printf "%s %s %.0f %.0f\n", $3, $1, alone[$3], $9 / $8 - alone[$3] }' "$1" | sort
}
rows "$TEST_DIR/bench/rows" >"$TEST_DIR/rows"
{
	echo "# What recording adds, instructions an operation: load, state, alone, added."
	echo "# From tests/e2e/instructions.sh, which says how to renew it; kernel $(tools/vm list |
		awk -v k="$KERNEL" '$1 == k { print $4 }')."
	cat "$TEST_DIR/rows"
} >"$TEST_DIR/baseline"

# What is not the recording's own repeats to some instructions only: timer ticks fall elsewhere.
slack=15
# again STATE ADDED: what it adds to chain, the lesser of ADDED and of a measurement that begins at another time. What
# the collector does once a second is some 60 instructions an operation if it falls into the measured time, and is no
# part of an operation's cost.
again() {
	local out=$TEST_DIR/again
	BENCH_WARM=20000 tools/bench --no-build --kernel "$KERNEL" --loads chain --states "absent $1" -o "$out" >/dev/null ||
		die "the second benchmark failed"
	rows "$out/rows" | awk -v first="$2" '{ print $4 < first ? $4 : first }'
}
while read -r load state alone added; do
	read -r was_alone was_added < <(awk -v l="$load" -v s="$state" '$1 == l && $2 == s { print $3, $4 }' $baseline)
	if [[ $load != chain || $state == idle ]]; then
		num "$load, $state: adds to $alone" "$added" "<=" $slack
	elif [[ -z $was_added ]]; then
		fail "$load, $state: not in $baseline"
	else
		allowed=$((was_added * alone * 105 / (was_alone * 100) + slack))
		((added <= allowed)) || added=$(again "$state" "$added" </dev/null)
		num "$load, $state: adds to $alone, with 5 % over $was_added" "$added" "<=" $allowed
	fi
done <"$TEST_DIR/rows"
is "states measured" "$(wc -l <"$TEST_DIR/rows")" 16
finish
