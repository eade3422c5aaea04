# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=5.10,6.12,7.3 cpus=2 timeout=420
#
# The owner of a session dies, and nobody takes its port the moment that it is free. Would
# catch records of other users' programs that are sent to whoever has the port. The owner
# is killed at every stage of a session. Called with the number of rounds, of one kill each.
. tests/lib.sh

rounds=${1:-8}
module_load
workloads/c/task01 -t 3 -n 1000000000 -d 10000000 >/dev/null 2>&1 &
load=$!
# The ports of process $1, of generic netlink.
ports() { awk -v pid="$1" '$2 == 16 && $3 % 4194304 == pid { print $3 }' /proc/net/netlink; }
has_port() { [[ -n $(ports "$owner") ]]; }
stages=("start,version,flags=1,stack_mode=1 sleep=100000"
	"start,version,flags=1,stack_mode=1 room=200000 pause=100000"
	"start,version,flags=1,stack_mode=1 sleep=100 stop pause=100000"
	"start,version,flags=1,stack_mode=1 room=200000 pause=700 stop pause=100000")
tries=0 bytes=0 bound=0
for ((i = 0; i < rounds; i++)); do
	read -ra steps <<<"${stages[i % ${#stages[@]}]}"
	tests/vm/genltool "${steps[@]}" >/dev/null 2>&1 &
	owner=$!
	wait_until 60 has_port
	tests/vm/portthief "$(ports $owner | head -n 1)" >/tmp/thief &
	thief=$!
	# From before START has returned to well into the recording, or its end.
	sleep "$((RANDOM % 2)).$((RANDOM % 10))"
	kill -KILL $owner
	wait $thief
	read -r n b </tmp/thief && bound=$((bound + 1)) && tries=$((tries + n)) bytes=$((bytes + b))
	wait_until 60 module_is idle || fail "round $i: not idle"
done
is "times that nobody got the port" $bound "$rounds"
is "bytes that nobody got, of $tries tries" $bytes 0
kill -KILL $load
check "the module leaves" module_unload
finish
