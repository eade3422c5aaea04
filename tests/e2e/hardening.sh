# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 timeout=900
#
# What compiler and linker were to make harder for an attacker, read from what they
# made. Would catch a flag that was lost on the way, in one object or in all: a program
# at a fixed address, tables that stay writable, a stack that can be run, text that
# is written to, a search path for libraries, functions without their checks, and a
# module that offers symbols to others. Also how the module's build refuses a kernel without
# what it needs.
. tests/lib.sh

for file in user/lockspan user/preload/liblockspan-user.so; do
	elf=build/$KERNEL/$file
	name=${file##*/}
	readelf -W -h -l -d "$elf" >"$TEST_DIR/elf" 2>&1 || die "readelf: $(head -n 3 "$TEST_DIR/elf")"
	elf() { grep -cE "$1" "$TEST_DIR/elf"; }
	is "$name: position independent" "$(elf '^ +Type: +DYN')" 1
	is "$name: relocated tables become read-only" "$(elf '^ +GNU_RELRO ')" 1
	num "$name: all of them, as everything is bound at once" "$(elf 'BIND_NOW|Flags: NOW')" ">=" 1
	is "$name: a stack that cannot be run" "$(elf '^ +GNU_STACK .* RW ')" 1
	is "$name: segments both writable and executable" "$(elf '^ +LOAD .* RWE ')" 0
	is "$name: text that is written to, and paths of its own" "$(elf 'TEXTREL|RPATH|RUNPATH')" 0
	readelf -W --dyn-syms "$elf" >"$TEST_DIR/symbols"
	num "$name: guarded frames" "$(grep -c '__stack_chk_fail' "$TEST_DIR/symbols")" ">=" 1
	[[ $name == *.so ]] || num "$name: checked functions" "$(grep -cE 'UND __[a-z]+_chk' "$TEST_DIR/symbols")" ">=" 5
done
is "symbols that the library offers beside those that it stands before" \
	"$(awk '$7 != "UND" && $5 == "GLOBAL" && $8 !~ /^(pthread_|sem_|__?pthread|mtx_|cnd_|call_once|thrd_|_init|_fini|__libc|clone|prctl|f?exec[lv]|posix_spawnp?$|exit|_exit|dlm?open)/ { print $8 }' "$TEST_DIR/symbols" | xargs)" ""
is "symbols that the module exports" "$(readelf -W -s "build/$KERNEL/lockspan.ko" | grep -c __ksymtab)" 0
# A kernel without an option that is needed: the build says which, and not that a function is missing.
options=(KPROBES KRETPROBES TRACEPOINTS FUTEX NET)
needs() { gcc -E "${@/#/-DCONFIG_}" kmod/needs.h -o /dev/null 2>&1; }
is "a kernel with all that is needed: what the build says" "$(needs "${options[@]}")" ""
for option in "${options[@]}"; do
	like "a kernel without CONFIG_$option" "$(needs "${options[@]/%$option/NONE}")" "needs a kernel with .*CONFIG_$option\\b"
done
like "the module's license" "$(modinfo -F license "build/$KERNEL/lockspan.ko" 2>/dev/null || strings "build/$KERNEL/lockspan.ko" | grep ^license=)" GPL
finish
