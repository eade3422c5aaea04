# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=5.10,6.1,6.12,6.12-rt,7.3 cpus=2 timeout=420
#
# Invariants 1, 2, 4 and 5 of docs/semantics.md on glibc's locks of every kind,
# for several numbers of threads and keys, from the raw spans. Would catch time
# that is lost or counted twice on any path through the ledger, a wait that is
# in no counter, and a probe on a path that does not contend.
#
# The program counts the sleeps of its threads by the kernel's own counter. It
# starts before the loop's first lock is free, so a thread may sleep once more
# in a page fault: one for each thread is allowed. On PREEMPT_RT every sleeping
# spinlock of the kernel is a voluntary switch too: there only the lower bound
# is exact, and the difference is printed.
#
# The usual run takes some of each; with the argument "full", every kind of lock
# meets 2, 4 and 32 threads on 1, 8 and 64 keys (some minutes).
. tests/lib.sh

runs=("mutex 2 1" "mutex 4 8" "mutex 32 64" "timed 4 1" "timed 32 8" "rwlock 4 1"
	"rwlock 32 8" "broadcast 4 1" "broadcast 32 8" "pi 4 1" "pi 32 8")
if [[ ${1:-} == full ]]; then
	mapfile -t runs < <(printf '%s\n' {mutex,timed,rwlock,broadcast,pi}" "{2,4,32}" "{1,8,64})
fi

module_load
for run in "${runs[@]}"; do
	read -r _ threads _ <<<"$run"
	rm -rf /tmp/r
	rounds=$((1200 / threads))
	# shellcheck disable=SC2086
	$lockspan record --spans -o /tmp/r -- tests/vm/locks $run $rounds >/tmp/truth.json 2>/tmp/err
	rc=$?
	[[ $rc == 0 ]] || { fail "$run: record: $rc $(cat /tmp/err)"; continue; }
	$lockspan export --json /tmp/r >/tmp/spans.json
	if tests/vm/spancheck ledger /tmp/spans.json >/tmp/ledger; then
		pass "$run: $(grep '^#' /tmp/ledger)"
	else
		fail "$run: $(grep -E '^(#|not)' /tmp/ledger | tr '\n' ';')"
	fi
	r=/tmp/r/record.json
	# Invariant 2: what was kept, left out or lost is all there is. The joins and the barrier at the start are not in the program's count.
	slept=$(grep '"type":"span"' /tmp/spans.json | grep -v nosleep | grep -cvE '"tid":'"$(json $r pid)"',')
	nosleep=$(json $r counters.nosleep)
	is "$run: lost, missed, unmatched" "$(json $r counters.lost_span_ring) $(json $r counters.lost_task_table) $(json $r counters.lost_key_table) $(json $r 'probes.*.missed') $(json $r counters.unmatched_wake)" "0 0 0 0 0"
	sleeps=$(json /tmp/truth.json sleeps)
	if [[ $(uname -v) == *RT* ]]; then
		num "$run: spans that slept ($slept, $nosleep did not) against sleeps" "$slept" "<=" $((sleeps + threads * 2))
	else
		num "$run: spans that slept ($slept, $nosleep did not) against sleeps $sleeps, beyond" $((slept - sleeps)) "<=" $((threads * 2))
		num "$run: and short of" $((sleeps - slept)) "<=" "$threads"
	fi
done
# Invariant 5.
$lockspan record -o /tmp/r -- tests/vm/locks mutex 1 1 20000 >/dev/null 2>&1
is "uncontended: spans, releases, nosleep beyond the join" "$(json /tmp/r/record.json counters.releases)" \
	"$(json /tmp/r/record.json counters.woken)"
num "uncontended: waits" "$(json /tmp/r/record.json counters.woken)" "<=" 2
module_unload
finish
