# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=2 timeout=420 vm=--bin,setpriv
#
# A recording that is told to end while its socket is full, so that the kernel
# throws the answer to its STOP away. Would catch a collector that waits for an
# answer that was lost, calls its whole recording partial for that, or does not
# get the END of a session that has ended in order. Without CAP_NET_ADMIN the socket
# has only the system's usual room, and a wait now and then makes messages so small
# that it holds more of them than the collector takes before it sends STOP.
. tests/lib.sh

r=/tmp/r/record.json
# What the kernel did not get into the socket of process $1, times. libnl counts its sockets in the bits above.
drops() { awk -v port="$1" '$2 == 16 && $3 % 4194304 == port { n += $9 } END { print n + 0 }' /proc/net/netlink; }
is_full() { (($(drops "$1") > 0)); }

module_load
tests/vm/secret wait 40 &
load=$!
for round in 1 2; do
	setpriv --bounding-set=-net_admin $lockspan record -p $load --stack none -o /tmp/r >/tmp/out 2>/tmp/err &
	recorder=$!
	wait_until 60 module_is recording || die "no recording: $(cat /tmp/err)"
	kill -STOP $recorder
	check "round $round: the socket is full" wait_until 60 is_full $recorder
	begin=$(cut -d . -f 1 /proc/uptime)
	kill -TERM $recorder
	kill -CONT $recorder
	wait $recorder
	like "round $round: exit status: $?" $? '^(0|125)$'
	echo "# ended after $(($(cut -d . -f 1 /proc/uptime) - begin)) s"
	check "round $round: it has ended in order" ! grep -E 'cannot' /tmp/err
	# Only END brings these.
	num "round $round: waits by the module's count" "$(json $r counters.timeout)" ">" 0
	check "round $round: idle" wait_until 60 module_is idle
done
kill -KILL $load
check "the module leaves" module_unload
finish
