# SPDX-License-Identifier: GPL-2.0-only
# A thundering herd at the backend, and its repair; the bug's kind is read from the profile alone, by the
# words that `lockspan report` has for shapes. Would catch: a wait that is not named by its
# lock, and a kind of bug that hangs on the numbers of one example.
. tests/tasks/lib.sh
task_record herd -v herd
task_record single -v single
shape() { $lockspan report "$dir/$1" | sed -n 's/^  g_backend\.mu: \([^:]*\):.*/\1/p' | head -n 1; }
all=$(delay herd mutex) herd=$(delay herd mutex lock=g_backend.mu) single=$(delay single mutex lock=g_backend.mu)
verdict "the herd stands at the backend" "$all > 0 && $herd > 0.8 * $all" \
	"$(calc "100 * $herd / $all") % of $(seconds "$all") s"
# Other numbers of threads, other times of a load, of a value's life and of thinking than the words were made on.
named=0 said=()
i=0
for v in "" "-t 24 --load 9000 --valid 400" "-t 48 --load 3000 --think 7000"; do
	i=$((i + 1))
	# shellcheck disable=SC2086 # several words
	task_record blind$i -v herd $v
	said+=("$(shape blind$i)")
	[[ ${said[-1]} != *"thundering herd"* ]] || named=$((named + 1))
done
verdict "its kind is named blind" "$named == 3" "$(printf '%s; ' "${said[@]}")in $named of 3 variants"
verdict "single flight takes it away" "$single < 0.05 * $herd" "$(seconds "$herd") s, then $(seconds "$single") s"
show $lockspan report "$dir/herd"
show $lockspan diff "$dir/herd" "$dir/single"
finish
