# SPDX-License-Identifier: GPL-2.0-only
# Both profiles of eight threads at one mutex point at the thread's function.
# Would catch: a profile that names another function, and one that counts otherwise than the program.
. tests/tasks/lib.sh
task_record run
sleeps=$(truth run sleeps)
for profile in block mutex; do
	all=$(pprof_sum "$dir/run/$profile.pb.gz" contentions lock=counter_mu)
	here=$(pprof_sum "$dir/run/$profile.pb.gz" contentions lock=counter_mu fn=increment fn=worker)
	verdict "the top of $profile points at the thread's function" "$all > 0 && $here == $all" \
		"$here of $all contentions of counter_mu"
done
waits=$(pprof_sum "$dir/run/block.pb.gz" contentions lock=counter_mu)
verdict "the profile counts what the program counts" \
	"$waits - $sleeps <= 0 && $sleeps - $waits <= $(truth run threads)" "$waits waits, $sleeps sleeps"
show $lockspan report "$dir/run"
finish
