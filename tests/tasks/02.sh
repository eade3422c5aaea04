# SPDX-License-Identifier: GPL-2.0-only
# One slow holder: mutex blames it, block shows who waited for it. Would catch: both profiles
# telling the same, as a profiler does that charges the wait to the waiter.
. tests/tasks/lib.sh
task_record run
blame=$(delay run mutex sync=mutex)
slow=$(delay run mutex sync=mutex fn=slow_update)
verdict "mutex blames the slow holder" "$blame > 0 && $slow > 0.9 * $blame" \
	"$(calc "100 * $slow / $blame") % of $(seconds "$blame") s are slow_update's"
wait=$(delay run block sync=mutex)
fast=$(delay run block sync=mutex fn=fast_update)
verdict "block shows the seven that wait" "$wait > 0 && $fast > 0.9 * $wait" \
	"$(calc "100 * $fast / $wait") % of $(seconds "$wait") s are fast_update's"
show $lockspan report "$dir/run"
finish
