#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# needs: timeout=900
# The userspace recorder beside the program, on this machine: no module, no guest. Would catch: a
# program that behaves otherwise than without the recorder, waits that are counted nowhere.
# shellcheck source=tests/lib.sh
. tests/lib.sh

: "${TEST_DIR:=$(mktemp -d)}"
lockspan=$PWD/user/lockspan
programs=$PWD/tests/vm

make user tests/vm/userends tests/vm/userways tests/vm/tallframe tests/vm/differ_static tests/vm/jsonget tests/vm/pprofsum >"$TEST_DIR/make.log" 2>&1 ||
	die "no build: $(tail -n 3 "$TEST_DIR/make.log")"
cd "$TEST_DIR" || exit

# counter NAME: of the recording in u.
counter() { "$programs/jsonget" u/record.json "counters.$1"; }

# ---- cancellation points, and calls that are refused ---------------------------

"$programs/userends" >without 2>&1
is "userends alone: exit status" $? 0
"$lockspan" user -o u -- "$programs/userends" >with 2>err
is "userends: exit status" $? 0
is "userends: what differs under the recorder" "$(diff without with)" ''
# Fifteen are cancelled, one without having waited and one in a lock; three time out.
is "userends: waits that a cancellation ended" "$(counter signal)" 13

# ---- waits that do not end, or end without a word --------------------------------

# way WAY [ARGUMENT]: recorded in u; what it prints is in with, its status in $rc.
way() {
	"$lockspan" user -o u -- "$programs/userways" "$@" >with 2>err
	rc=$?
	is "$1: hold + handoff + tail - lock wait, ns" $(($(counter hold_ns) + $(counter handoff_ns) + \
		$(counter tail_ns) - $(counter lock_wait_ns))) 0
}
sum() { "$programs/pprofsum" "$@"; }

way open
is "open: exit status" "$rc" 3
is "open: waits" "$(counter open)" 5
num "open: ns" "$(counter open_wait_ns)" ">=" 5000000000
is "open: waits that have a stack" "$("$programs/jsonget" u/record.json 'open_waits.*.waits')" 5
like "open: the stack" "$(cat u/record.json)" '"take"'
way killed
is "killed: exit status" "$rc" 137
is "killed: waits" "$(counter open)" 2
num "killed: ns" "$(counter open_wait_ns)" ">=" 2000000000
way jump
is "jump: exit status" "$rc" 0
is "jump: waits whose end nobody saw" "$(counter error)" 20
is "jump: releases that nobody waited for" "$(counter releases)" 0

# ---- what is the program's own ---------------------------------------------------

"$programs/userways" lowest >without 2>&1
way lowest
is "lowest: what differs under the recorder" "$(diff without with)" ''
is "lowest: the recording is whole" "$rc" 0
way crowd
is "crowd: releases" "$(counter releases)" 12
num "crowd: hold, ns" "$(counter hold_ns)" ">=" 900000000
line=$(grep -n 'pthread_mutex_init(&family' "$programs/userways.c" | cut -d: -f1)
way children
is "children: exit status" "$rc" 5
num "children: waits" "$(counter woken)" ">" 0
is "children: waits under the lock's own name" "$(sum u/block.pb.gz contentions "lock=init@family_make:$line")" \
	"$(sum u/block.pb.gz contentions fn=family_turns)"
is "children: waits in the program's functions" "$(sum u/block.pb.gz contentions fn=family_turns)" \
	"$(sum u/block.pb.gz contentions sync=mutex)"

# ---- ways to call, and to forbid -------------------------------------------------

# A filter that refuses, or kills for, what the stacks are read by; and no process by the program's number.
for w in denied deadly ended; do
	way $w
	is "$w: exit status" "$rc" "$([[ $w == ended ]] && echo 5 || echo 0)"
	num "$w: waits" "$(counter woken)" ">" 0
	is "$w: waits with a stack" "$(sum u/block.pb.gz contentions fn=turns)" "$(sum u/block.pb.gz contentions sync=mutex)"
done
# In the child there are no mappings for stacks; the waits are counted, and it lives.
way confined
is "confined: exit status" "$rc" 125
like "confined: it is said" "$(cat err)" 'came without a stack'
num "confined: waits" "$(counter woken)" ">" 0
way recursive
num "recursive: hold of the outer unlock, ns" "$(sum u/mutex.pb.gz delay fn=give_outer)" ">=" 450000000
is "recursive: hold of the inner one, ns" "$(sum u/mutex.pb.gz delay fn=give_inner)" 0
way once
is "once: waits" "$(sum u/block.pb.gz contentions sync=once lock=done_once)" 3

way shared
like "shared: it is said" "$(cat err)" 'note: 1 wait for locks that processes can share'
is "shared: it is in record.json" "$("$programs/jsonget" u/record.json notes.0)" "$(sed -n 's/^lockspan: note: //p' err)"

# Where the recorder never was, nothing was recorded; what an earlier run recorded stays.
cp u/record.json before.json
"$lockspan" user -o u -- "$programs/differ_static" raw >/dev/null 2>err
is "never loaded: exit status" $? 125
like "never loaded: it is said" "$(cat err)" 'never loaded'
is "never loaded: what differs in the older recording" "$(diff before.json u/record.json)" ''
"$lockspan" user -o fresh -- "$programs/differ_static" raw >/dev/null 2>/dev/null
is "never loaded: what is left of a new folder" "$(ls -d fresh 2>/dev/null)" ''

# What a recorded process executes without the recorder is not seen, and that is said.
# unseen TEXT COMMAND...
unseen() {
	local text=$1
	shift
	"$lockspan" user -o u -- "$@" >/dev/null 2>err
	is "$text: exit status" $? 125
	like "$text: it is said" "$(cat err)" 'partial: 1 executed program did not load the recorder .*/(userways|differ_static)'
	is "$text: in record.json" "$("$programs/jsonget" u/record.json losses.unseen_programs)" 1
}
unseen "no environment" env -i "$programs/userways" busy 20
unseen "no LD_PRELOAD" sh -c "exec env -u LD_PRELOAD '$programs/userways' busy 20"
unseen "a static child" sh -c "'$programs/differ_static' raw; exit 3"
unseen "a static program that was spawned" python3 -c "import os
os.waitpid(os.posix_spawn('$programs/differ_static', ['differ_static', 'raw'], os.environ), 0)"
# All ways to execute a program, and to fail at it, are those of the C library.
cat >executes.py <<'END'
import ctypes, os, subprocess
libc = ctypes.CDLL(None, use_errno=True)
for i in range(300):
    os.waitpid(os.posix_spawn("/bin/true", ["true"], os.environ), 0)
for i in range(50):
    subprocess.run(["true"], close_fds=i % 2 == 0)
    os.system("true")
    os.popen("true").read()
text = lambda *a: [None if x is None else ctypes.c_char_p(x) for x in a]
print(libc.execl(*text(b"/none", b"a", None)), ctypes.get_errno())
print(libc.execlp(*text(b"none", b"a", None)), ctypes.get_errno())
print(libc.execv(None, None), ctypes.get_errno())
def child(run):
    pid = os.fork()
    if not pid:
        run()
        os._exit(9)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
env = (ctypes.c_char_p * 2)(b"A=5", None)
child(lambda: libc.execl(*text(b"/bin/sh", b"sh", b"-c", b"exit $0$1$2", b"1", b"2", b"3", None)))
child(lambda: libc.execlp(*text(b"sh", b"sh", b"-c", b"exit $0$1$2", b"1", b"2", b"3", None)))
child(lambda: os.execve(os.open("/bin/true", os.O_RDONLY), ["true"], os.environ))
if os.environ.get("BARE"):
    child(lambda: libc.execle(*text(b"/bin/sh", b"sh", b"-c", b"exit $A$0", b"3", None), env))
END
python3 executes.py >without 2>&1
"$lockspan" user -o u -- python3 executes.py >with 2>err
is "executions: exit status" $? 0
is "executions: what differs under the recorder" "$(diff without with)" ''
BARE=1 python3 executes.py >without 2>&1
BARE=1 "$lockspan" user -o u -- python3 executes.py >with 2>err
is "execle: exit status" $? 125
is "execle: what differs under the recorder" "$(diff without with)" ''
"$lockspan" user -o u -- bash -c 'for i in {1..1000}; do /bin/true; done' 2>err
is "a shell with 1,000 children: exit status" $? 0

# ---- limits, signals and places --------------------------------------------------

(ulimit -s 64 && "$lockspan" user -o u -- "$programs/userways" busy 200 2>err)
is "a stack of 64 KiB: exit status" $? 0
num "a stack of 64 KiB: waits" "$(counter woken)" ">" 0
# 2,000 KiB are seven chunks; processes that never wait take none.
(ulimit -f 2000 && "$lockspan" user -o u -- bash -c "for i in {1..20}; do /bin/true; done
	exec '$programs/userways' busy 100" 2>err)
is "files of 2,000 KiB: exit status" $? 0
num "files of 2,000 KiB: waits" "$(counter woken)" ">" 0
(ulimit -f 600 && "$lockspan" user -o u -- "$programs/userways" busy 100 2>err)
is "files of 600 KiB: exit status" $? 125
like "files of 600 KiB: it is said" "$(cat err)" 'partial: .* no room'
# Too little memory is a limit with a name, and costs no more than it must.
(ulimit -d 3000 && "$lockspan" user -o u -- "$programs/userways" busy 100 2>err)
is "3,000 KiB of memory: exit status" $? 125
like "3,000 KiB of memory: it is said" "$(cat err)" 'out of memory \(ulimit -d is 3000 KiB\)'
is "3,000 KiB of memory: who gives up rights" "$(grep -c 'give up rights' err)" 0
# Who ends us means the command, which is recorded up to there.
for signal in TERM HUP ALRM XCPU; do
	rm -rf u ready
	"$lockspan" user -o u -- "$programs/userways" busy 60000 ready 2>err &
	wait_until 60 test -e ready
	kill -$signal $!
	wait $!
	is "SIG$signal: exit status" $? $((128 + $(kill -l $signal)))
	num "SIG$signal: waits" "$(counter woken)" ">" 0
done
# Who asks us for something means the command as well, and a hang-up nobody that was told to ignore it.
rm -rf u ready
bash -c "trap '' HUP; exec '$lockspan' user -o u -- bash -c 'trap \"exit 9\" USR1; \"$programs/userways\" busy 300; : >ready; while :; do sleep 0.1; done'" 2>err &
wait_until 60 test -e ready
kill -HUP $!
sleep 0.2
kill -USR1 $!
wait $!
is "SIGHUP that was ignored, then SIGUSR1: exit status" $? 9
num "SIGHUP that was ignored, then SIGUSR1: waits" "$(counter woken)" ">" 0
# A command that goes on in spite of it is named, and waited for until the second one.
rm -rf u ready
"$lockspan" user -o u -- bash -c "trap '' TERM; '$programs/userways' busy 300; : >ready; exec sleep 300" 2>err &
pid=$!
wait_until 60 test -e ready
kill -TERM $pid
wait_until 60 grep -q 'goes on in spite of the signal; a second one ends the waiting' err
is "a command that ignores SIGTERM: it is said" $? 0
kill -TERM $pid
wait $pid
is "a command that ignores SIGTERM: exit status" $? 125
num "a command that ignores SIGTERM: waits" "$(counter woken)" ">" 0
left=$(sed -n 's/.*the command (process \([0-9]*\)) goes on; it is no longer.*/\1/p' err)
[[ $left ]] && kill -KILL "$left"
# Few descriptors are enough; with too few it is said what is missing, and not that stacks are too long.
(ulimit -n 24 && "$lockspan" user -o u -- "$programs/userways" busy 50 2>err)
is "24 descriptors: exit status" $? 0
# How many are too few depends on when files are open at once, and on the numbers of those that are open already.
only_standard_files() {
	local f
	for f in /proc/self/fd/*; do
		f=${f##*/}
		((f <= 2)) || eval "exec $f>&-"
	done
}
for n in {9..19} {9..19} {9..19}; do
	rc=0
	(only_standard_files && ulimit -n "$n" && "$lockspan" user -o u -- "$programs/userways" busy 50 2>err) || rc=$?
	((rc != 125)) || break
done
is "too few descriptors: exit status" $rc 125
like "too few descriptors: it is said" "$(cat err)" 'partial: .* for want of descriptors'
is "too few descriptors: stacks that are said to be long" "$(grep -c 'stack-bytes' err)" 0
mkdir -p 'a b/preload'
cp "$lockspan" 'a b' && cp "${lockspan%/*}"/preload/*.so 'a b/preload'
'a b/lockspan' user -o u -- true 2>err
is "a path with a space: exit status" $? 125
like "a path with a space: it is said" "$(cat err)" "cannot preload '.*a b.*'"
echo 'int main(void) { return 4; }' >sanitized.c
gcc -fsanitize=address -o sanitized sanitized.c
"$lockspan" user -o u -- ./sanitized 2>err
is "a program with an address sanitizer: exit status" $? 4
# What a program had ignored when it was started is ignored.
# mask: of grep's line; 32 and 33 are the C library's own, which starts threads with them.
mask() {
	local hex
	read -r _ hex
	printf '%x\n' $((0x$hex & ~(3 << 31)))
}
ignored() { bash -c "trap '' XFSZ PIPE CHLD; exec $1 grep SigIgn /proc/self/status" 2>/dev/null | mask; }
is "ignored signals" "$(ignored "'$lockspan' user -o u --")" "$(ignored '')"
is "signals that are not ignored" "$("$lockspan" user -o u -- grep SigIgn /proc/self/status 2>/dev/null | mask)" \
	"$(grep SigIgn /proc/self/status | mask)"

# What of a program's debug information is not read is said, once.
gcc -g -gsplit-dwarf -D_GNU_SOURCE -pthread -o split "$programs/userways.c"
"$lockspan" user -o u -- ./split busy 20 2>err
is "debug information that is not read: it is said" \
	"$(grep -c 'split: part of its debug information is in .dwo files, which are not read' err)" 1

# Frames that are longer than what is copied if nothing is asked for, and what the recorder costs.
"$lockspan" user -o u -- "$programs/tallframe" 500 >/dev/null 2>err
like "tall frames: it is said" "$(cat err)" 'note: [1-9][0-9]* events came with a stack longer than what is copied of it .--stack-bytes'
"$lockspan" user -o u --stack-bytes 170000 -- "$programs/tallframe" 500 >/dev/null 2>err
is "tall frames: waits with their outermost functions" "$(sum u/block.pb.gz contentions fn=outer sync=mutex)" \
	"$(sum u/block.pb.gz contentions sync=mutex)"
num "the recorder's own time at releases, ns" "$("$programs/jsonget" u/record.json recorder.release_ns)" ">" 0
num "the recorder's part of handoff, ns" "$("$programs/jsonget" u/record.json recorder.handoff_ns)" ">" 0

# ---- processes that have one number ----------------------------------------------

cat >image.c <<'END'
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static char room[ROOM];
static pthread_mutex_t LOCK = PTHREAD_MUTEX_INITIALIZER;
static __attribute__((noinline)) void *TURNS(void *arg)
{
	for (int i = 0; i < 30; i++) {
		pthread_mutex_lock(&LOCK);
		usleep(200);
		pthread_mutex_unlock(&LOCK);
		/* Otherwise it would have the mutex again before the thread that it woke runs. */
		usleep(100);
	}
	return arg;
}
static void contend(void)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], 0, TURNS, room);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], 0);
}
/* Each level is process 1 of its own namespace; no program is executed. */
static int levels(int n)
{
	int status;
	pid_t child;

	contend();
	if (!n)
		return 0;
	if (unshare(CLONE_NEWPID))
		return 9;
	child = fork();
	if (!child)
		_exit(levels(n - 1));
	return waitpid(child, &status, 0) != child || status ? 8 : 0;
}
int main(int argc, char **argv)
{
	if (argc > 1 && atoi(argv[1]))
		return levels(atoi(argv[1]));
	contend();
	if (argc > 1)
		execv(argv[1], argv + 1);
	return 0;
}
END
# At fixed addresses: what one program has at an address, the other has something else at.
for p in a b; do
	gcc -O2 -g -no-pie -pthread -DROOM="$([[ $p == a ]] && echo 8 || echo 9000)" -DLOCK=lock_of_$p -DTURNS=turns_of_$p -o image_$p image.c
done
# own_names TEXT COMMAND...: each program's waits are under its own function and its own lock.
own_names() {
	local text=$1 p all=0
	shift
	"$lockspan" user -o u -- "$@" 2>err
	is "$text: exit status" $? 0
	for p in a b; do
		num "$text: waits of $p" "$(sum u/block.pb.gz contentions "lock=lock_of_$p" fn=turns_of_$p)" ">" 0
		all=$((all + $(sum u/block.pb.gz contentions "lock=lock_of_$p" fn=turns_of_$p)))
		is "$text: releases of $p under its own lock" "$(sum u/mutex.pb.gz contentions "lock=lock_of_$p" fn=turns_of_$p)" \
			"$(sum u/mutex.pb.gz contentions fn=turns_of_$p)"
	done
	is "$text: waits for locks" "$(sum u/block.pb.gz contentions sync=mutex)" $all
}
own_names "programs that execute each other" ./image_a ./image_b ./image_a ./image_b
if unshare -p -f true 2>/dev/null; then
	own_names "two processes 1" sh -c 'unshare -p -f ./image_a; unshare -p -f ./image_b; unshare -p -f ./image_a'
	"$lockspan" user -o u -- ./image_a 3 2>err
	is "a child with its parent's number: exit status" $? 0
	num "a child with its parent's number: waits" "$(sum u/block.pb.gz contentions sync=mutex)" ">" 90
else
	skip "two processes 1" "no pid namespaces"
fi

# ---- libraries that lie where others lay -----------------------------------------

cat >plugin.c <<'END'
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sleeper.h"
static pthread_mutex_t LOCK = PTHREAD_MUTEX_INITIALIZER;
static __attribute__((noinline)) void *WAITER(void *tid)
{
	*(volatile int *)tid = (int)syscall(SYS_gettid);
	pthread_mutex_lock(&LOCK);
	pthread_mutex_unlock(&LOCK);
	return 0;
}
void contend(void)
{
	volatile int tids[3] = { 0, 0, 0 };
	pthread_t t[3];

	pthread_mutex_lock(&LOCK);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], 0, WAITER, (void *)&tids[i]);
	for (int i = 0; i < 3; i++)
		while (!tids[i] || !sleeper_in_futex_at(tids[i], &LOCK))
			usleep(1000);
	pthread_mutex_unlock(&LOCK);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], 0);
}
END
for p in a b; do
	gcc -O2 -g -shared -fPIC -I"$programs/../lib" -DLOCK=lock_of_$p -DWAITER=waiter_of_$p -o plugin_$p.so plugin.c
done
for ((i = 0; i < 2; i++)); do
	"$lockspan" user -o u -- "$programs/userways" plugins "$PWD/plugin_a.so" "$PWD/plugin_b.so" >with 2>err
	is "plugins: exit status" $? 0
	num "plugins: loads at the other's address" "$(cat with)" ">=" 30
	for p in a b; do
		is "plugins: waits for the lock of $p in its own function" \
			"$(sum u/block.pb.gz contentions "lock=plugin_$p.so:lock_of_$p" fn=waiter_of_$p)" 60
		is "plugins: waits for the lock of $p" "$(sum u/block.pb.gz contentions "lock=plugin_$p.so:lock_of_$p")" 60
	done
done

# What the last line says of a sampled recording is no estimate, and an empty profile does not mean that nobody waited.
# line: the last line's waits and releases, of all that there were.
line() { sed -nE 's/^lockspan: (.*) waits? of .* together, ([0-9,]*) releases?.*/\1 \2/p' err | tr -d ,; }
for rates in '10us 3' '100000s 3000000000'; do
	"$lockspan" user -o u --block-rate "${rates% *}" --mutex-fraction "${rates#* }" -- "$programs/userways" busy 50 2>err
	is "rates of $rates: the last line" "$(line)" \
		"$("$programs/jsonget" u/record.json exact.contentions) $("$programs/jsonget" u/record.json exact.releases)"
done
like "nothing is kept: it is said" "$(cat err)" 'together, .*; not one of them was kept'
like "nothing is kept: the report" "$("$lockspan" report u)" 'nothing was kept'

# A daemon of the first run goes on while the second is recorded in the same folder.
"$lockspan" user -o u -- bash -c "'$programs/userways' busy 4000 & sleep 0.3" 2>err
is "daemon: exit status" $? 0
like "daemon: it is said" "$(cat err)" 'processes of the command run on'
for ((i = 0; i < 8; i++)); do
	"$lockspan" user -o u -- "$programs/userways" busy 50 2>err || fail "daemon: run $i: $(cat err)"
done
is "daemon: waits of others in the last run" "$(sum u/block.pb.gz contentions)" "$(counter woken)"
# Nothing is left beside the files.
is "daemon: what is in the folder" "$(ls -A u)" $'block.pb.gz\ncontention.ext.pb.gz\nmutex.pb.gz\nrecord.json'

# Rights are given up before the program begins.
if [[ $(id -u) == 0 ]]; then
	# In a place that nobody can reach: the way to the tree may be closed to him.
	public=$(mktemp -d) && chmod 711 "$public" && mkdir -m 700 closed && mkdir "$public/preload"
	cp "$lockspan" "$programs/userways" "$public" && cp "${lockspan%/*}"/preload/*.so "$public/preload"
	chmod -R go+rX "$public"/*
	"$public/lockspan" user -o closed/u -- setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$public/userways" busy 200 2>err
	is "nobody: exit status" $? 0
	num "nobody: waits" "$("$programs/jsonget" closed/u/record.json counters.woken)" ">" 0
	rm -r "$public"
else
	skip "nobody: waits" "not root"
fi

# What is left behind may be on its way to load the recorder when the command ends.
rc=0
for ((i = 0; i < 20; i++)); do
	"$lockspan" user -o u -- sh -c "'$programs/userways' busy 1 & exit 0" 2>err || rc=$?
done
is "left behind: exit status, twenty times" $rc 0

finish
