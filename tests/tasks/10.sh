# SPDX-License-Identifier: GPL-2.0-only
# Flags read through a pointer, and behind an rwlock. Would catch: waits of other futexes in the mutex profile.
. tests/tasks/lib.sh
task_record rcu -v rcu
task_record rwlock -v rwlock
free=$(delay rcu mutex fn=flags_get_rcu) locked=$(delay rwlock mutex lock=g_flags.rw)
waits=$(delay rcu block fn=flags_get_rcu)
verdict "no reader of the pointer waits or is waited for" "$free == 0 && $waits == 0" \
	"$free ns blamed, $waits ns waited"
verdict "readers of the rwlock do" "$locked > 0" "$(seconds "$locked") s blamed"
verdict "copying costs memory" "$(truth rcu allocated_bytes) >= $(truth rwlock allocated_bytes)" \
	"$(truth rcu allocated_bytes) and $(truth rwlock allocated_bytes) bytes"
show $lockspan report "$dir/rwlock"
show $lockspan report "$dir/rcu"
finish
