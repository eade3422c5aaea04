# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=5.10,6.1,6.12,7.3 cpus=2 timeout=240
#
# Waits that end by a wake-up which was meant for an earlier wait of the thread.
# The kernel lets such a thread wait on in the same call, as a span of its own.
# Would catch a wait of this kind that is in the exact totals and not in the
# profile, or the other way round, and one that is in neither.
. tests/lib.sh

module_load
$lockspan record --spans -o /tmp/r -- tests/vm/stray 400 60 >/tmp/truth.json 2>/tmp/err
is "exit status" $? 0
r=/tmp/r/record.json
c() { json $r "counters.$1"; }
t() { json /tmp/truth.json "$1"; }
echo "# $(t calls) calls slept $(t sleeps) times: $(t ok) woken, $(t etimedout) timed out;" \
	"$(c woken) woken, $(c woken_late) late, $(c timeout) timeout, $(c stray) stray, $(c error) error, $(c nosleep) nosleep"
num "calls that slept more than once" $(($(t sleeps) - $(t calls))) ">" 0
num "waits that ended by a stray wake-up" "$(c stray)" ">=" $(($(t sleeps) - $(t calls)))
is "waits whose end was not seen" "$(c error) $(c error_wait_ns)" "0 0"
is "contentions, exactly" "$(json $r exact.contentions)" "$(t sleeps)"
is "contentions in block" "$(pprof_sum /tmp/r/block.pb.gz contentions)" "$(t sleeps)"
is "delay in block, ns" "$(pprof_sum /tmp/r/block.pb.gz delay)" "$(json $r exact.delay_ns)"
is "stray ones among them" "$(json $r outcomes.stray.kept)" "$(c stray)"
is "hold + handoff + tail - lock wait, ns" $(($(c hold_ns) + $(c handoff_ns) + $(c tail_ns) - $(c lock_wait_ns))) 0
$lockspan export --json /tmp/r >/tmp/spans.json
is "spans of them" "$(grep -c '"outcome":"stray"' /tmp/spans.json)" "$(c stray)"
if tests/vm/spancheck ledger /tmp/spans.json >/tmp/ledger; then
	pass "$(grep '^#' /tmp/ledger)"
else
	fail "$(grep -E '^(#|not)' /tmp/ledger | tr '\n' ';')"
fi
check "the module leaves" module_unload
finish
