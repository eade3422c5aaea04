# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12 cpus=2 timeout=420
#
# What the module refuses, with which error and in which words. Would catch: a
# request that is taken although it is wrong, another errno than the contract's,
# a refusal without its sentence, a stranger that can steer a session, and a
# session that a refused request has touched.
. tests/lib.sh

tool=tests/vm/genltool
chmod -R go+rX .
# says TEXT WANT STEP...: the last answer is "COMMAND: ERRNO SENTENCE" like WANT.
says() {
	local text=$1 want=$2 got
	shift 2
	got=$($tool "$@" 2>&1 | tail -n 1)
	like "$text: $got" "$got" "^$want$"
}

is "no module, no family" "$($tool status,version)" "no family"
module_load
says "status" "status: 0" status,version
says "another version: status" "status: 71 the module speaks version [0-9]+, the reader version 4242" \
	status,version=4242
says "another version: start" "start: 71 the module speaks version [0-9]+, the reader version 4242" \
	start,version=4242,flags=1
says "no version" "start: 71 no version given; the module speaks version [0-9]+" start,flags=1
says "an attribute of another command" "start: 22 attribute 11 is not for command 1" \
	start,version,flags=1,stack_id=5
says "an attribute that only answers have" "start: 22 .+" start,version,flags=1,state=1
says "an unknown attribute" "start: 22 .+" start,version,flags=1,77/4=1
says "an attribute of another size" "start: (22|34) .+" start,version,flags=1,9/2=7
says "an unknown command" "99: 95.*" 99,version
says "unknown flags" "start: 22 unknown flags 0x80000000" start,version,flags=0x80000001
says "a rehearsal that nobody gives" "start: 61 heard nothing of [a-z_]+ \(probe '[a-z_]+'\) in [0-9]+ s: .+" \
	start,version,flags=9
says "unknown operations" "start: 22 unknown operations in 0x40000000" start,version,flags=1,ops=0x40000000
says "a stack mode there is not" "start: 95 stack mode 9 is not supported" start,version,flags=1,stack_mode=9
ring="start: 22 ring size must be a power of two from 65536 to 67108864 bytes"
says "a ring of no power of two" "$ring" start,version,flags=1,ring_bytes=70000
says "too small a ring" "$ring" start,version,flags=1,ring_bytes=32768
says "too large a ring" "$ring" start,version,flags=1,ring_bytes=0x8000000
says "nothing to observe" "start: 22 nothing to observe: .+" start,version
says "a process there is not" "start: 3 no process has one of the given ids" start,version,tgid=999999
for command in set,block_rate_ns=5 stop resend,stack_id=1 resend,tgid=1 teach,generation=1,28/24=0; do
	says "${command%%,*} without a session" "${command%%,*}: 19 no session is recording" "$command"
done
check "nothing of that began a session" module_is idle

mkfifo /tmp/hold
$tool start,version,flags=1,stack_mode=0,ring_bytes=65536 set,min_delay_ns=7 set,version=1 \
	set,stack_mode=1 stop,flags=1 resend start,version,flags=1 wait stop stop end \
	</tmp/hold >/tmp/owner 2>&1 &
owner=$!
exec 3>/tmp/hold
check "a session" wait_until 60 module_is recording
is "its owner" "$(json /tmp/status.json owner_pid)" $owner
says "a second start" "start: 16 a session of process $owner is running" start,version,flags=1
says "a stranger's set" "set: 13 the session belongs to another socket" set,block_rate_ns=5
says "a stranger's stop" "stop: 13 the session belongs to another socket" stop
says "a stranger's resend" "resend: 13 the session belongs to another socket" resend,stack_id=1
says "a stranger's wish for longer stacks" "resend: 13 the session belongs to another socket" resend,tgid=1
check "it goes on" module_is recording
is "its rate is as it was" "$(json /tmp/status.json block_rate_ns)" 1
exec 3>&-
wait $owner
is "the owner's exit status" $? 0
like "the owner's own answers" "$(head -n 9 /tmp/owner | tr '\n' ';')" "^start: 0;set: 0;set: 22 attribute 1 is not for \
command 2;set: 22 attribute 5 is not for command 2;stop: 22 attribute 6 is not for command 3;resend: 22 no stack \
named;start: 16 a session of process $owner is running;stop: 0;stop: 19 no session is recording;$"
tail -n 1 /tmp/owner >/tmp/end.json
is "and END" "$(json /tmp/end.json ended)" true
check "idle" wait_until 60 module_is idle

tool="su -s /bin/sh nobody -c"
for command in start status set stop resend teach; do
	like "$command by nobody: CAP_SYS_ADMIN" "$($tool "tests/vm/genltool $command,version" 2>&1)" \
		"^$command: 1 lockspan needs CAP_SYS_ADMIN: run as root$"
done
like "root of another user namespace" "$(unshare -U -r tests/vm/genltool status,version 2>&1)" \
	"^status: 1 lockspan needs CAP_SYS_ADMIN: run as root$"
is "another network namespace" "$(unshare -n tests/vm/genltool status,version 2>&1)" "no family"
check "the module leaves" module_unload
finish
