# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount
# Time is counted in the guest's instructions, so that throughput does not tell of the host.
# Flags read through a pointer, and behind an rwlock. Would catch: waits of other futexes in the mutex profile.
. tests/tasks/lib.sh
record_options=(--cpu)
task_record rcu -v rcu
task_record rwlock -v rwlock
free=$(delay rcu mutex fn=flags_get_rcu) locked=$(delay rwlock mutex lock=g_flags.rw)
waits=$(delay rcu block fn=flags_get_rcu)
verdict "no reader of the pointer waits or is waited for" "$free == 0 && $waits == 0" \
	"$free ns blamed, $waits ns waited"
verdict "readers of the rwlock do" "$locked > 0" "$(seconds "$locked") s blamed"
verdict "copying costs memory" "$(truth rcu allocated_bytes) >= $(truth rwlock allocated_bytes)" \
	"$(truth rcu allocated_bytes) and $(truth rwlock allocated_bytes) bytes"
reads() { calc "$(truth "$1" reads) / $(truth "$1" wall_ns) * 1e9"; }
read_ns() { calc "$(truth "$1" cpu_ns) / $(truth "$1" reads)"; }
verdict "and readers get more done" "$(reads rcu) > $(reads rwlock)" \
	"$(reads rcu) and $(reads rwlock) reads a second"
verdict "with less CPU for a read" "$(read_ns rcu) < $(read_ns rwlock)" \
	"$(read_ns rcu) and $(read_ns rwlock) ns; $(pprof_sum "$dir/rcu/cpu.pb.gz" samples) and $(pprof_sum "$dir/rwlock/cpu.pb.gz" samples) samples in the CPU profiles"
show $lockspan report "$dir/rwlock"
show $lockspan report "$dir/rcu"
finish
