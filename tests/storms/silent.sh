# SPDX-License-Identifier: GPL-2.0-only
# Probes on functions that nobody calls, and kprobes that the kernel can only make with a breakpoint. Would catch a
# recording that hears half of what happens and says nothing of it, and releases that are blamed on an interrupt
# because a breakpoint's handler runs as one does.
. tests/storms/lib.sh
# silent NUMBER NAME [PARAMETER]: with the probe of this number in probe.c unheard, START is refused and names it.
silent() {
	wide_load 0 0 0 0 0 0 0 0 "${@:3}" >/dev/null
	echo "0,0,0,0,0,0,0,0,$1,0" >/sys/module/lockspan/parameters/widen_us
	rm -rf /tmp/none
	$lockspan record -o /tmp/none -- true 2>/tmp/err
	is "$2 ${3:-} is never called: exit status" $? 125
	like "$2: $(</tmp/err)" "$(</tmp/err)" "heard nothing of [a-z_]+ \(probe '$2'\) in [0-9]+ s"
	check "$2: nothing is written" ! test -e /tmp/none/record.json
	is "$2: probes left" "$(module_probes)" 0
	check "$2: the module leaves" wait_until 20 module_unload
}
for probe in 3:wake_pi 5:requeue 6:requeue_pi 7:mappings 8:moved 15:wait_pi; do
	silent "${probe%:*}" "${probe#*:}"
done
silent 5 requeue hooks=0

# Not jump-optimised, so that breakpoints they stay.
echo 0 >/proc/sys/debug/kprobes-optimization
wide_load 0 0 0 0 0 0 0 0 >/dev/null
echo 0,0,0,0,0,0,0,0,0,1 >/sys/module/lockspan/parameters/widen_us
$lockspan record -o /tmp/r -- workloads/c/task01 >/dev/null 2>/tmp/err
is "by breakpoints: exit status" $? 0
num "by breakpoints: releases" "$(c releases)" ">" 50
$lockspan report /tmp/r >/tmp/report
like "by breakpoints: the report has releasers" "$(</tmp/report)" 'counter_mu'
is "by breakpoints: releases blamed on an interrupt" \
	"$(zcat /tmp/r/mutex.pb.gz | grep -ac 'interrupt\]')" 0
check "by breakpoints: the module leaves" wait_until 20 module_unload
lsp_module=./lockspan-wide.ko lsp_module_options=widen_us=0,0,0,0,0,0,0,0,0,1 bash tests/vm/ops.sh >/tmp/ops.log
grep '^not ok' /tmp/ops.log
is "vm/ops by breakpoints: failed" "$(grep -c '^not ok' /tmp/ops.log)" 0
num "vm/ops by breakpoints: passed" "$(grep -c '^ok' /tmp/ops.log)" ">" 250
finish
