# SPDX-License-Identifier: GPL-2.0-only
# The counter as an atomic: no contention is left, and the CPU profile has what is done instead.
# Would catch: contention where nobody waits, a CPU profile that names other functions than those that run.
. tests/tasks/lib.sh
record_options=(--cpu)
task_record mutex -v mutex
task_record atomic -v atomic
for profile in mutex block; do
	with=$(pprof_sum "$dir/mutex/$profile.pb.gz" contentions lock=g_counter.mu)
	without=$(pprof_sum "$dir/atomic/$profile.pb.gz" contentions sync=mutex)
	verdict "with the atomic the $profile profile is empty" "$with > 0 && $without == 0" \
		"$with contentions with the mutex, $without with the atomic"
done
# Samples of the kernel's clock, 10 ms each.
for v in mutex atomic; do
	all=$(pprof_sum "$dir/$v/cpu.pb.gz" samples)
	declare "cpu_$v=$(pprof_sum "$dir/$v/cpu.pb.gz" cpu)" \
		"here_$v=$(pprof_sum "$dir/$v/cpu.pb.gz" samples "fn=counter_add_$v")" "samples_$v=$all"
done
# shellcheck disable=SC2154 # declared in the loop
verdict "the CPU profile points at the addition" \
	"$samples_atomic >= 10 && $here_atomic > 0.5 * $samples_atomic && $here_mutex > 0.3 * $samples_mutex" \
	"$here_mutex of $samples_mutex samples with the mutex, $here_atomic of $samples_atomic with the atomic"
# The task's text expects it to be slightly larger: what is not waited for is computed.
# shellcheck disable=SC2154
verdict "and one addition costs less CPU with the atomic" \
	"$cpu_atomic / $(truth atomic counter) < $cpu_mutex / $(truth mutex counter)" \
	"$(calc "$cpu_mutex / $(truth mutex counter)") ns with the mutex, $(calc "$cpu_atomic / $(truth atomic counter)") ns with the atomic; $(seconds "$cpu_mutex") s and $(seconds "$cpu_atomic") s of CPU in all"
verdict "and more are done" "$(truth atomic counter) > $(truth mutex counter)" \
	"$(truth mutex counter) and $(truth atomic counter) additions"
show $lockspan report "$dir/mutex"
show $lockspan report "$dir/atomic"
finish
