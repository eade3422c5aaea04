#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# In the guest: records each program with both recorders; $OUT/NAME.json is what compare says of it.
set -u
insmod ./lockspan.ko

# both NAME CMD...
both() {
	local name=$1
	shift
	rm -rf /tmp/r
	user/lockspan record --with-user -o /tmp/r -- "$@" >/dev/null 2>/tmp/err || cat /tmp/err >&2
	user/lockspan compare --json /tmp/r >"$OUT/$name.json" || echo "$name: compare: $?" >&2
}

for program in workloads/c/task*; do
	[[ -x $program && ! -d $program && $program != *.* ]] && both "${program##*/}" "$program"
done
for kind in adaptive pi crowd late raw; do
	both "differ-$kind" tests/vm/differ "$kind"
done
both differ-static tests/vm/differ_static pi
rmmod lockspan
