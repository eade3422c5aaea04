# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=5.10,6.1,6.12,6.12-rt,7.3 cpus=2 timeout=420
#
# Every way to wait and to wake, by raw system calls with known partners: what
# the module saw against what the program knows. Would catch a path that has no
# probe, a wait ascribed to another word or outcome, a release blamed on
# another thread, a word that two processes share taken for two, a wait by
# io_uring that is recorded or not counted, and a program that behaves differently while it is recorded
# (results, errno and wake order are compared with an unrecorded run).
. tests/lib.sh

out=/tmp/ops
mapfile -t names < <(tests/vm/futex_ops --list | cut -d' ' -f1 | grep -vE '^(parked|storm|race_)')
num "operations to try" "${#names[@]}" ">" 40

# What must not depend on us: results by role, and the order of waking.
behaviour() { sed -E 's/"(tid|tgid|uaddr2?|before_ns|return_ns|parked_ns|waker_tid|switches|waker|waiter)":[0-9]+,?//g; s/"released":\[[^]]*\]//; s/"seq":[0-9]+,//' "$1" | sort; }

tests/vm/futex_ops "${names[@]}" >/tmp/alone.json 2>/tmp/err
is "unrecorded run" $? 0
module_load
$lockspan record --spans -o $out -- tests/vm/futex_ops "${names[@]}" >/tmp/truth.json 2>/tmp/err
is "recorded run" $? 0
cat /tmp/err
is "results, errno and wake order are the same" \
	"$(diff <(behaviour /tmp/alone.json) <(behaviour /tmp/truth.json) | grep -c '^[<>]')" 0
$lockspan export --json $out >/tmp/spans.json
is "export" $? 0
while read -r verdict _ _ text; do
	if [[ $verdict == ok ]]; then pass "$text"; elif [[ $verdict == not ]]; then fail "${text#* }"; fi
done < <(tests/vm/spancheck ops /tmp/truth.json /tmp/spans.json | tee /tmp/verdict)
grep '^#' /tmp/verdict
tests/vm/spancheck ledger /tmp/spans.json >/tmp/ledger
check "invariants 1 and 4 on the same spans" ! grep -q '^not ok' /tmp/ledger
grep -E '^(#|not)' /tmp/ledger
is "unmatched wakes" "$(json $out/record.json counters.unmatched_wake)" 0
# has OPERATION: the kernel has it.
has() { ! grep "\"test\":\"$1\"" /tmp/truth.json | grep -q '"unsupported":true'; }
has io_uring && want=1 || want=0
is "waits of io_uring, left out" "$(json $out/record.json counters.io_uring)" "$want"
# A vector's first word has no key yet when the wait begins; all others have the kernel's.
has waitv_shared && want=2 || want=0
is "shared words taken as private" "$(json $out/record.json counters.shared_fallback)" "$want"
is "missed, lost" "$(json $out/record.json 'probes.*.missed') $(json $out/record.json counters.lost_span_ring)" "0 0"
module_unload
finish
