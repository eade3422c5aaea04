# SPDX-License-Identifier: GPL-2.0-only
# What the tasks' scripts stand on. Each runs in the guest, records the task's
# program, and calls `verdict` once for every prediction of the task's text.
# shellcheck shell=bash
. tests/lib.sh

task=$(basename "$0" .sh)
# The seed's own sizes with `make tasks-full`, else those of a lab VM.
full=${TASKS_FULL:-0}
((full)) && size=(--full) || size=()
dir=${OUT:-/tmp}/task$task
mkdir -p "$dir"

# task_record NAME PROGRAM...: into $dir/NAME, the program's own truth beside it.
task_record() {
	local name=$1
	shift
	$lockspan record "${record_options[@]}" -o "$dir/$name" -- "workloads/c/task$task" "${size[@]}" "$@" \
		>"$dir/$name.truth" 2>"$dir/$name.err" || die "recording $name: $(tail -n 1 "$dir/$name.err")"
}
record_options=()

# truth NAME PATH
truth() { json "$dir/$1.truth" "$2"; }

# delay NAME block|mutex CONDITION...: ns.
delay() { pprof_sum "$dir/$1/$2.pb.gz" delay "${@:3}"; }

# calc EXPRESSION: a number with two decimals.
calc() { if there "$1"; then awk "BEGIN { printf \"%.2f\n\", $1 }"; else echo $no_value; fi; }

# go_line TASK VARIANT DIR: what Go saw, in DIR/own, and what the kernel saw of the same run.
go_line() {
	local at=$3 sync n d locks=0 locks_ns=0
	for sync in mutex rwlock_rd rwlock_wr; do
		n=$(pprof_sum "$at/block.pb.gz" contentions sync=$sync)
		d=$(pprof_sum "$at/block.pb.gz" delay sync=$sync)
		[[ $n == "$no_value" ]] || locks=$((locks + n)) locks_ns=$((locks_ns + d))
	done
	echo "go $1 $2 $(pprof_sum "$at/own/mutex.pb.gz" contentions) $(pprof_sum "$at/own/mutex.pb.gz" delay)" \
		"$(pprof_sum "$at/own/block.pb.gz" contentions) $(pprof_sum "$at/own/block.pb.gz" delay)" \
		"$locks $locks_ns" \
		"$(pprof_sum "$at/block.pb.gz" contentions) $(pprof_sum "$at/block.pb.gz" delay)"
}

# verdict TEXT-OF-PREDICTION CONDITION MEASURED: CONDITION is an expression of awk's.
verdict() {
	local said=FAIL
	n_checks=$((n_checks + 1))
	if there "$2" && awk "BEGIN { exit !($2) }"; then said=PASS; else n_failed=$((n_failed + 1)); fi
	printf 'task %s %s %s: %s\n' "${task%%-*}" "$said" "$1" "$3"
}

seconds() { calc "($1) / 1e9"; }

# show CMD...: its output is what the task's page shows; exit status 0.
show() {
	{
		printf '$ %s\n' "${*//"$dir"/build\/tasks\/task"$task"}"
		"$@" 2>&1
		echo
	} >>"$dir/shown"
	return 0
}
rm -f "$dir/shown"
