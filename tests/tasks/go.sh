# SPDX-License-Identifier: GPL-2.0-only
# The Go program of each task, recorded by Go itself and by the kernel in the same run. Prints one line a
# variant: task, variant, then contentions and delay of Go's mutex and block
# profile, and of the kernel's block profile: locks, and the runtime's parking.
# tests/tasks/go.sh NN...
. tests/tasks/lib.sh
variants() {
	case $1 in
	04) echo before after ;;
	05) echo mutex rwlock ;;
	06) echo single sharded ;;
	07) echo mutex atomic ;;
	08) echo unbuffered buffered consumers slow-producer ;;
	10) echo cow rwlock ;;
	11) echo herd single ;;
	*) echo - ;;
	esac
}
((full)) && size=(-full)
for t; do
	for v in $(variants "$t"); do
		at=$dir/$t-$v
		mkdir -p "$at/own"
		more=()
		[[ $v == - ]] || more=(-variant "$v")
		[[ $t != 09 ]] || more=(-duration 3s)
		timeout 60 $lockspan record -o "$at" -- "workloads/go/task$t/task$t" "${size[@]}" -o "$at/own" "${more[@]}" \
			>"$at.truth" 2>"$at.err" || echo "# task $t $v: exit $?: $(tail -n 1 "$at.err")"
		locks=0 locks_ns=0
		for sync in mutex rwlock_rd rwlock_wr; do
			n=$(pprof_sum "$at/block.pb.gz" contentions sync=$sync)
			d=$(pprof_sum "$at/block.pb.gz" delay sync=$sync)
			[[ $n == - ]] || locks=$((locks + n)) locks_ns=$((locks_ns + d))
		done
		echo "go $t $v $(pprof_sum "$at/own/mutex.pb.gz" contentions) $(pprof_sum "$at/own/mutex.pb.gz" delay)" \
			"$(pprof_sum "$at/own/block.pb.gz" contentions) $(pprof_sum "$at/own/block.pb.gz" delay)" \
			"$locks $locks_ns" \
			"$(pprof_sum "$at/block.pb.gz" contentions) $(pprof_sum "$at/block.pb.gz" delay)"
	done
done
