# SPDX-License-Identifier: GPL-2.0-only
# Every allocation of loading and of START fails once, by the kernel's fault
# injection. Would catch a failure that is not looked at, undone half or twice,
# and a refusal that leaves something behind. Needs tools/debug-kernel.
. tests/storms/lib.sh

debug=/sys/kernel/debug
[[ -e /proc/self/fail-nth ]] || die "the kernel has no fault injection; tools/debug-kernel builds one that has"
for kind in failslab fail_page_alloc; do
	for file in ignore-gfp-wait ignore-gfp-highmem; do
		[[ ! -e $debug/$kind/$file ]] || echo N >$debug/$kind/$file
	done
	# It says in the log what it has let fail, each time with a stack: not wanted here.
	echo 0 >$debug/$kind/verbose
done
echo 0 >$debug/fail_page_alloc/min-order

# within START END: only what fails below a function of these addresses.
within() {
	for kind in failslab fail_page_alloc fail_usercopy; do
		[[ -e $debug/$kind ]] || continue
		echo "$1" >$debug/$kind/require-start
		echo "$2" >$debug/$kind/require-end
	done
}

# Before it comes to the module the loader allocates for itself, and warns when that fails.
read -r from to < <(sort /proc/kallsyms | awk '$3 == "do_init_module" { a = $1; next } a { print "0x" a, "0x" $1; exit }')
num "the loader's call of the module begins at $from, bytes" $((to - from)) ">" 0
within "$from" "$to"
tests/vm/failnth load lockspan.ko >/tmp/load.json 2>/tmp/err
is "loading, with nothing left to fail" $? 0
cat /tmp/err
f() { json "$1" "$2"; }
num "loading: allocations that failed" "$(f /tmp/load.json failed)" ">" 5
is "loading: refused with another error than ENOMEM" "$(($(f /tmp/load.json failed) - $(f /tmp/load.json errors.12)))" 0
check "nothing is loaded" ! module_loaded
within 0 0xffffffffffffffff

module_load max_threads=64
tests/vm/failnth start >/tmp/start.json 2>/tmp/err
is "START, with nothing left to fail" $? 0
cat /tmp/err
num "START: allocations that failed" "$(f /tmp/start.json failed)" ">" 20
cat /tmp/load.json /tmp/start.json | sed 's/^/# /'
check "idle" wait_until 20 module_is idle
is "nothing is held" "$(json /tmp/status.json memory_bytes)" 0
is "probes left" "$(module_probes)" 0
$lockspan record -o /tmp/r -- workloads/c/task01 -n 200 >/tmp/truth.json 2>/tmp/err
is "and it records" $? 0
num "waits" "$(c kept)" ">" 10
storm_finish
