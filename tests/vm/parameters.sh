# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=5.10,6.12 cpus=2 timeout=420
#
# The module's parameters at the ends of what they can be. Would catch: a value that is taken and crashes the
# kernel at the first wait, tables so large that the kernel kills processes to make room for them, and a
# refusal without a sentence.
. tests/lib.sh

# refused VALUE SENTENCE: insmod fails, and the kernel's log says why.
refused() {
	dmesg -c >/dev/null
	check "$1: is refused" ! insmod ./lockspan.ko "$1" 2>/tmp/err
	like "$1: $(dmesg | tail -n 1)" "$(dmesg)" "$2"
	check "$1: and not loaded" ! module_loaded
}
for n in 0 1 2 63 4194305 4294967295; do
	refused max_threads=$n "lockspan: max_threads=$n is not a number from 64 to 4194304"
done
for value in max_threads=-1 max_threads=4294967296 max_threads=many hooks=perhaps; do
	refused $value 'lockspan: .*(invalid|too large) for parameter'
done

# The smallest works: what finds no room is counted.
module_load max_threads=64
$lockspan record -o /tmp/r -- workloads/c/task01 -t 100 -d 2000 >/tmp/truth.json 2>/tmp/err
is "the smallest tables, too many threads: exit status" $? 125
cat /tmp/err
num "the smallest tables: waits recorded" "$(ended /tmp/r/record.json)" ">" 100
num "the smallest tables: waits of threads that found no room" "$(json /tmp/r/record.json counters.lost_task_table)" ">" 0
check "the smallest tables: the module leaves" module_unload

# The largest are no good on this machine, and nothing is killed for them.
module_load max_threads=4194304
$lockspan record -o /tmp/none -- true 2>/tmp/err
is "tables larger than the machine: exit status" $? 125
like "tables larger than the machine: $(</tmp/err)" "$(</tmp/err)" 'half of this machine.s memory.*max_threads'
is "processes killed for memory" "$(dmesg | grep -ci 'out of memory')" 0
check "tables larger than the machine: the module leaves" module_unload
finish
