# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Other people's tests of futexes, first alone and then while everybody is recorded:
# their verdicts must be the same. Runs in a guest; tools/coexist starts it. Would
# catch whatever of ours a program can notice: a wake-up that is lost, a timeout or
# an error that is another one, a requeue that goes wrong, a hang.
# $1: the folder of the built selftests.
. tests/lib.sh

selftests=$1
# bullseye's is named after its kernel.
perf=$(compgen -c perf | grep -xE 'perf(_[0-9.]+)?' | sort | head -n 1)
exec 3>&1
r=/tmp/r/record.json

# What may differ from run to run is taken out: times, rates, addresses, process ids.
settled() {
	sed -E 's/[0-9]+\.[0-9]+/F/g; s/0x[0-9a-f]+/A/g; s/\[ *[0-9]+ ops/[ N ops/; s/[0-9]+ (operations|ops)/N \1/g
		s/PID [0-9]+/PID N/g; s/\+- *[0-9F.]+%/+- F%/g; s/[[:space:]]+/ /g'
}

# Each line of run.sh that calls a program: its arguments, its exit status, its TAP results. They wait ten
# milliseconds for what their threads are to have done by then: one that fails on a busy host is tried
# again, alone as recorded.
run_selftests() {
	local line words try rc
	while read -r line; do
		read -ra words <<<"${line//\$COLOR/}"
		for try in 1 2 3 4 5; do
			timeout 120 "$selftests/${words[0]#./}" "${words[@]:1}" >/tmp/one 2>&1
			rc=$?
			((rc)) || break
			echo "# try $try of ${words[*]}: exit $rc" >&3
		done
		echo "${words[*]}: exit $rc $(grep -oE '^(not )?ok [0-9]+' /tmp/one | xargs)"
	done < <(grep -E '^\./futex_' "$selftests/run.sh")
}
run_perf() {
	timeout 900 "$perf" bench futex all >/tmp/one 2>&1
	echo "exit $?"
	settled </tmp/one | uniq
}
run_stress() {
	timeout 600 stress-ng --futex 2 --timeout 10 --verify --metrics-brief >/tmp/one 2>&1
	echo "exit $?"
	grep -oE '(passed|failed|skipped): [0-9]+|successful run completed|fail(ed)? .*' /tmp/one
}
# What was there to be compared.
size_selftests() { echo "$(wc -l </tmp/"$1".selftests) runs, $(grep -oE 'not ok|ok' /tmp/"$1".selftests | sort | uniq -c | xargs)"; }
size_perf() { echo "$(grep -c '^# Running' /tmp/"$1".perf) benchmarks, $(head -n 1 /tmp/"$1".perf)"; }
size_stress() { xargs <"/tmp/$1.stress"; }

for what in selftests perf stress; do run_$what >/tmp/alone.$what; done
module_load
for what in selftests perf stress; do
	$lockspan record -a --ring-bytes 16777216 -o /tmp/r >/dev/null 2>/tmp/err &
	recorder=$!
	check "$what: recording" wait_until 60 module_is recording
	run_$what >/tmp/recorded.$what
	kill -TERM $recorder
	wait $recorder
	like "$what: recording, exit status: $?" $? '^(0|125)$'
	spans=$(($(json $r counters.woken) + $(json $r counters.timeout) + $(json $r counters.signal) + $(json $r counters.requeued)))
	num "$what: waits in the recording" $spans ">" 10
	if diff /tmp/alone.$what /tmp/recorded.$what >/tmp/differ; then
		pass "$what: the same verdicts"
	else
		fail "$what: the same verdicts: $(head -n 6 /tmp/differ | tr '\n' ';')"
	fi
	echo "| $(uname -r) | $what | $(size_$what alone) | $(size_$what recorded) | $spans |"
done
grep -E 'not ok' /tmp/alone.selftests | sed 's/^/# alone: /'
check "the module leaves" module_unload
finish
