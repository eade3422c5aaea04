# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount
# A CI job with a stored baseline. Would catch: a regression that passes, identical code that fails.
# Time is counted in the guest's instructions: what else the host does has no part in it.
. tests/tasks/lib.sh
job() {
	local rc=0
	tools/contention-job "$1" --out "$dir/$2" "$dir/baseline.tar.gz" -- workloads/c/task13 --work-in 200000 -t 4 -n 20 \
		"${@:3}" >"$dir/$2.verdict" 2>&1 || rc=$?
	return "$rc"
}
# "PASS ... change +0.1 %, 95 % interval ..."
said() { sed -n '1s/:.*//p; s/^ *\(change .*\);.*/\1/p' "$dir/$1.verdict" | xargs; }
rc_store=0 rc_same=0 rc_worse=0
job store base || rc_store=$?
job check same || rc_same=$?
job check worse --hold-extra 50 || rc_worse=$?
show cat "$dir/same.verdict"
show cat "$dir/worse.verdict"
verdict "identical code passes" "$rc_store == 0 && $rc_same == 0" "exit status $rc_same, $(said same)"
verdict "a critical section that is half as long again fails the job" "$rc_worse == 1" \
	"exit status $rc_worse, $(said worse)"
finish
