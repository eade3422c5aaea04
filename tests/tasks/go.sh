# SPDX-License-Identifier: GPL-2.0-only
# The Go program of each task, recorded by Go itself and by the kernel in the same run. Prints one line a
# variant: task, variant, then contentions and delay of Go's mutex and block
# profile, and of the kernel's block profile: locks, and the runtime's parking.
# tests/tasks/go.sh NN...
. tests/tasks/lib.sh
variants() {
	case $1 in
	03) echo 1 10000 1000000 ;;
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
		more=() program=$t
		[[ $v == - ]] || more=(-variant "$v")
		# The rates of task 3 are tried on task 1.
		[[ $t != 03 ]] || { more=(-block-rate "$v") program=01; }
		[[ $t != 09 ]] || more=(-duration 3s)
		timeout 60 $lockspan record -o "$at" -- "workloads/go/task$program/task$program" "${size[@]}" -o "$at/own" "${more[@]}" \
			>"$at.truth" 2>"$at.err" || echo "# task $t $v: exit $?: $(tail -n 1 "$at.err")"
		go_line "$t" "$v" "$at"
	done
done
