# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12 cpus=2 timeout=420 host=zoo vm=--add,build/zoo:zoo
#
# Files that are damaged, huge, replaced or gone when stacks are looked at. Would
# catch: a recording that fails, hangs or swallows memory over one bad file, a
# file that is passed over in silence, another file's names in its place, and
# harm to the stacks of other programs.
. tests/lib.sh

zoo=zoo
if $zoo/brief 2>&1 >/dev/null | grep -q 'GLIBC_.* not found'; then
	skip "programs of the host" "the guest's libc is older than the host's"
	finish
fi
module_load

# recorded NAME CMD...: beside CMD there is always a program with nothing wrong.
recorded() {
	local name=$1 rc
	shift
	rm -rf /tmp/r
	(ulimit -d "${memory:-unlimited}" && exec $lockspan record -o /tmp/r -- bash -c "$zoo/deep; $*") >/tmp/out 2>/tmp/err
	rc=$?
	cat /tmp/err
	is "$name: recorded" $rc 0
	num "$name: the other program's waits" "$(pprof_sum /tmp/r/block.pb.gz contentions comm=z-deep)" ">" 0
	is "$name: all of them from its leaf to its root" "$(pprof_sum /tmp/r/block.pb.gz contentions comm=z-deep fn=pthread_mutex_lock fn=descend fn=worker)" \
		"$(pprof_sum /tmp/r/block.pb.gz contentions comm=z-deep)"
}

# named NAME FILE REGEX: the file is named in one line, for that reason.
named() {
	is "$1: lines that name it" "$(grep -cF "$2" /tmp/err)" 1
	like "$1: $(grep -F "$2" /tmp/err)" "$(grep -F "$2" /tmp/err)" "$3"
}

waits() { pprof_sum /tmp/r/block.pb.gz contentions "$@"; }

# The section table is at a file's end and is not needed to run it.
head -c $(($(stat -c %s $zoo/c-pie) - 700)) $zoo/c-pie >/tmp/damaged
chmod +x /tmp/damaged
recorded "a damaged file" /tmp/damaged
named "a damaged file" /tmp/damaged damaged
num "a damaged file: its waits" "$(waits comm=z-mutex fn=pthread_mutex_lock)" ">" 0

# The debug file of a stripped program, two GiB long.
cp $zoo/c-stripped /tmp/stripped
mkdir -p /tmp/.debug
cp $zoo/.debug/c-stripped.debug /tmp/.debug
truncate -s 2G /tmp/.debug/c-stripped.debug
start=$SECONDS
memory=300000 recorded "a debug file of 2 GiB, with 300 MB of memory" /tmp/stripped
is "a debug file of 2 GiB: the names are there" "$(waits comm=z-mutex fn=mutex_step)" "$(waits comm=z-mutex)"
is "a debug file of 2 GiB: with inlined functions" "$(waits comm=z-mutex fn=locked_add)" "$(waits comm=z-mutex)"
num "a debug file of 2 GiB: seconds" $((SECONDS - start)) "<" 60

# One that is no debug file at all.
rm /tmp/.debug/c-stripped.debug
truncate -s 2G /tmp/.debug/c-stripped.debug
recorded "2 GiB of nothing" /tmp/stripped
named "2 GiB of nothing" /tmp/.debug/c-stripped.debug 'not an ELF file'
num "2 GiB of nothing: waits by offset" "$(waits comm=z-mutex fn=pthread_mutex_lock)" ">" 0
cp $zoo/brief /tmp/.debug/c-stripped.debug
recorded "another program's debug file" /tmp/stripped
named "another program's debug file" /tmp/.debug/c-stripped.debug 'another program'

# While the process lives its own file is found, whatever has its name.
cp $zoo/brief /tmp/replaced
cp $zoo/deep /tmp/new
recorded "replaced, alive" "/tmp/replaced /tmp/new 5000; true"
is "replaced, alive: the names are the old file's" "$(waits comm=z-brief fn=brief_take)" 1

# The recorder sleeps until the process is gone.
asleep() { echo "kill -STOP \$PPID; $1; kill -CONT \$PPID; true"; }
cp $zoo/brief /tmp/replaced
cp $zoo/deep /tmp/new
recorded "replaced" "$(asleep '/tmp/replaced /tmp/new')"
named "replaced" /tmp/replaced 'replaced after the process started'
is "replaced: its wait" "$(waits comm=z-brief fn=pthread_mutex_lock)" 1
is "replaced: no names of the new file" "$(waits comm=z-brief fn=deep_take)" 0
cp $zoo/brief /tmp/removed
recorded "removed" "$(asleep '/tmp/removed -')"
named "removed" /tmp/removed 'cannot be opened'
is "removed: its wait" "$(waits comm=z-brief fn=pthread_mutex_lock)" 1

check "the module leaves" module_unload
finish
