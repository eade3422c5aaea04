# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12,6.12-rt,7.3 cpus=1 vm=--icount,--disk
#
# Chains of two, three and four locks. Would catch: blame that stays with who only waited for the next one, roots that come
# to something else than the blame, and roots of a recording that left events out. Time is counted in instructions, so
# that no link of a chain has its lock for long because the host is busy.
. tests/lib.sh

# root FUNCTION: what ends with it, ns.
root() { json /tmp/roots.json "rows.site=$1.root_ns"; }

module_load
$lockspan record -o /tmp/r -- tests/vm/roots 500 >/tmp/truth.json 2>/tmp/err
is "exit status" $? 0
$lockspan report --json --by root --top 0 /tmp/r >/tmp/roots.json
for n in 2 3 4; do
	truth=$(json /tmp/truth.json "root_of_$n") root=$(root "root_of_$n") link=$(root "link_of_$n")
	num "chain of $n: the sleeper is at the root, ns" "$root" ">=" "$truth"
	num "chain of $n: the others are not, ns" "$link" "<=" $((truth / 20))
done
is "the roots together, ns" "$(json /tmp/roots.json "rows.*.root_ns")" "$(json /tmp/roots.json total.mutex.delay_ns)"
is "and in record.json" "$(json /tmp/r/record.json "roots.*.root_ns")" "$(json /tmp/roots.json "roots.*.root_ns")"
like "by root, in words" "$($lockspan report --by root /tmp/r)" '% \| root_of_4 '
like "by site, a line" "$($lockspan report /tmp/r)" 'at the root of the blame: [0-9.]+% root_of_4 with '
$lockspan record --no-why -o /tmp/n -- tests/vm/roots 20 >/dev/null 2>&1
like "--no-why: none, and it says so" "$($lockspan report --by root /tmp/n)" 'roots of the blame are not known: .*--no-why'
is "--no-why: an empty list" "$($lockspan report --json /tmp/n | tests/vm/jsonget - 'roots.*.root_ns' 2>/dev/null || echo none)" none
check "the module leaves" module_unload
finish
