# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=1 timeout=240 vm=--icount
#
# lockspan whatif against programs whose long holds really are shorter. Would catch a prediction that the real events
# of the C library's mutexes do not carry, and one where the recording allows none.
. tests/lib.sh

# predict KIND THREADS THINK_US HOLD_US ROUNDS: both programs, the second unrecorded, and the prediction.
predict() {
	local before after got want
	$lockspan record --no-why --spans -o /tmp/r -- tests/vm/whatif "$1" "$2" "$3" "$4" 100 "$5" >/tmp/before.json 2>/tmp/err ||
		fail "$1: record: $(cat /tmp/err)"
	tests/vm/whatif "$1" "$2" "$3" "$4" 80 "$5" >/tmp/after.json
	$lockspan whatif --site long_section --json /tmp/r >/tmp/whatif.json
	is "$1: exit status" $? 0
	before=$(json /tmp/before.json wait_ns) after=$(json /tmp/after.json wait_ns)
	want=$((after * 1000 / before))
	before=$(json /tmp/whatif.json waiting_before_ns) after=$(json /tmp/whatif.json waiting_after_ns)
	got=$((${after%.*} * 1000 / ${before%.*}))
	# Single runs of so few rounds may differ by 10 points. The unit test has the tight bounds.
	num "$1: waiting, $got against $want thousandths, off by" $((got > want ? got - want : want - got)) "<=" 200
	got=$(json /tmp/whatif.json replayed_percent)
	num "$1: unchanged, percent" "${got%.*}" ">=" 90
	num "$1: and at most" "${got%.*}" "<=" 110
}

# refuses SENTENCE ARGUMENT...: the program is recorded, and there is no prediction.
refuses() {
	local why=$1
	shift
	$lockspan record --no-why --spans "${options[@]}" -o /tmp/r -- tests/vm/whatif "$@" >/dev/null 2>&1
	$lockspan whatif --site long_section --json /tmp/r >/tmp/whatif.json 2>/tmp/err
	is "$*: exit status" $? 1
	like "$*: the reason" "$(cat /tmp/whatif.json)" "\"refused\": *\"[^\"]*$why"
}

module_load
# What begins first is slowed down by the guest's own start.
tests/vm/whatif sleep 8 1000 1000 100 120 >/dev/null
predict sleep 8 1000 1000 120
predict nested 8 1000 1000 120
like "the list" "$($lockspan whatif /tmp/r)" 'long_section  g_mu'
options=()
refuses "fewer than two threads" sleep 2 1000 1000 100 40
refuses "condition variables" cond 8 1000 1000 100 40
options=(--block-rate 1ms)
refuses "is a sample" sleep 8 1000 1000 100 40
$lockspan record --no-why -o /tmp/r -- true >/dev/null 2>&1
like "without events" "$($lockspan whatif /tmp/r 2>&1)" 'no spans.lspan'
check "the module leaves" module_unload
finish
