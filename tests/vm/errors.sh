# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12 cpus=2 timeout=420
#
# What can go wrong before a recording starts. Would catch: a wrong exit
# status, silence, more than one line, or a line without a remedy.
. tests/lib.sh

# refused TEXT STATUS REGEX CMD...: CMD says one line on stderr that matches.
refused() {
	local text=$1 status=$2 regex=$3 rc
	shift 3
	"$@" >/tmp/out 2>/tmp/err
	rc=$?
	is "$text: exit status" $rc "$status"
	is "$text: lines on stderr" "$(wc -l </tmp/err)" 1
	like "$text: $(head -n 1 /tmp/err)" "$(cat /tmp/err)" "^lockspan.*($regex)"
	is "$text: bytes on stdout" "$(wc -c </tmp/out)" 0
}

work=(workloads/c/task01 -n 50)
refused "record without the module" 125 "modprobe|insmod" $lockspan record -o /tmp/r "${work[@]}"
refused "status without the module" 2 "modprobe|insmod" $lockspan status
check "nothing was written" ! test -e /tmp/r/block.pb.gz

module_load
chmod -R go+rX .
other=tests/vm/lockspan-other-version
refused "record by another version" 125 "version" $other record -o /tmp/r "${work[@]}"
refused "status by another version" 2 "version" $other status
refused "record by nobody" 125 "root|CAP_SYS_ADMIN" \
	su -s /bin/sh nobody -c "$lockspan record -o /tmp/nobody ${work[*]}"
refused "status by nobody" 2 "root|CAP_SYS_ADMIN" su -s /bin/sh nobody -c "$lockspan status"
refused "an unknown process" 125 "999999" $lockspan record -o /tmp/r -p 999999
refused "a command that is not there" 127 "nowhere" $lockspan record -o /tmp/r -- nowhere-to-be-found
: >/tmp/plain
refused "a command that cannot be run" 126 "plain" $lockspan record -o /tmp/r -- /tmp/plain
$lockspan record -o /tmp/keep -- "${work[@]}" >/dev/null 2>&1
sums() { (cd "$1" && sha256sum -- *); }
sums /tmp/keep >/tmp/before
refused "a mistyped command" 127 "typo" $lockspan record --spans -o /tmp/keep -- /tmp/typo
is "leaves the older recording as it was" "$(sums /tmp/keep)" "$(cat /tmp/before)"
refused "a mistyped command and its own side" 127 "typo" $lockspan record --with-user -o /tmp/none/keep -- /tmp/typo
check "leaves nothing where there was nothing" ! test -e /tmp/none
$lockspan record --spans -o /tmp/keep -- sleep 300 >/dev/null 2>&1 &
p=$!
check "another recording runs" wait_until 60 module_is recording
kill -KILL $p
check "is killed" wait_until 60 module_is idle
kill -KILL "$(pidof sleep)"
is "and the older one is as it was" "$(sums /tmp/keep 2>/dev/null)" "$(cat /tmp/before)"
refused "a folder that cannot be made" 125 "/proc/nowhere" $lockspan record -o /proc/nowhere/x "${work[@]}"
refused "a folder that is a file" 125 "/tmp/plain" $lockspan record -o /tmp/plain "${work[@]}"
$lockspan record >/tmp/out 2>/tmp/err
is "nothing to record is a usage error" $? 64
$lockspan nonsense >/tmp/out 2>/tmp/err
is "an unknown command is a usage error" $? 64
$lockspan record -o /tmp/r -- sh -c 'exit 7' >/tmp/out 2>/tmp/err
is "the command's own exit status" $? 7
$lockspan record -o /tmp/r -- sh -c 'kill -TERM $$' >/tmp/out 2>/tmp/err
is "the command's signal as 128 + 15" $? 143

# A second owner is refused and told who is the first.
# A background job and its children ignore Ctrl-C: this one's command ends when it is told to.
$lockspan record -o /tmp/first -- sh -c 'until test -e /tmp/over; do sleep 0.1; done' >/dev/null 2>&1 &
first=$!
check "a first recording runs" wait_until 60 module_is recording
refused "a second one" 125 "$first" $lockspan record -o /tmp/second "${work[@]}"
kill -INT $first
touch /tmp/over
wait $first
check "Ctrl-C writes the recording" test -s /tmp/first/block.pb.gz
check "the module leaves" module_unload
finish
