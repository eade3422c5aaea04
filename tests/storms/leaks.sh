# SPDX-License-Identifier: GPL-2.0-only
# kmemleak after many cycles of loading, recording and unloading, under a load that
# goes on. Called with the seconds, of which every one stands for a cycle. Needs
# tools/debug-kernel.
. tests/storms/lib.sh

leak=/sys/kernel/debug/kmemleak
[[ -w $leak ]] || die "the kernel has no kmemleak; tools/debug-kernel builds one that has"
echo clear >$leak
bash tests/vm/cycles.sh "$seconds" >/tmp/cycles 2>&1
is "cycles: exit status" $? 0
grep -E '^(#|not)' /tmp/cycles
# What was freed a moment ago may still lie in a register or on a stack: look three times.
for _ in 1 2 3; do
	echo scan >$leak
	sleep 3
done
is "leaks after $seconds cycles" "$(grep -c 'unreferenced object' $leak)" 0
head -n 40 $leak | sed 's/^/# /'
module_loaded || module_load
storm_finish
