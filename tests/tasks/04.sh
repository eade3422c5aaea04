# SPDX-License-Identifier: GPL-2.0-only
# A critical section made short: the difference of the profiles is negative where the work was.
# Would catch: a difference of the wrong sign, or one that is noise.
. tests/tasks/lib.sh
task_record before -v before
task_record after -v after
before=$(delay before mutex lock=g_store.mu) after=$(delay after mutex lock=g_store.mu)
verdict "the difference of the mutex profiles is negative" "$before > 0 && $after < 0.1 * $before" \
	"$(seconds "$before") s before, $(seconds "$after") s after, $(seconds "$after - $before") s"
$lockspan diff --json "$dir/before" "$dir/after" >"$dir/diff.json"
verdict "and more is done in the same time" "$(truth after ops_per_s) > 5 * $(truth before ops_per_s)" \
	"$(truth before ops_per_s) and $(truth after ops_per_s) Gets a second"
show $lockspan diff "$dir/before" "$dir/after"
finish
