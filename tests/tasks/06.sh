# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount
# 32 shards instead of one mutex. Would catch: locks of an array taken for one, or for different ones each run.
# Time is counted in the guest's instructions: on a busy host every sleep is longer than it says, and
# each lock held longer.
. tests/tasks/lib.sh
task_record single -v single
task_record sharded -v sharded
single=$(delay single mutex sync=mutex) sharded=$(delay sharded mutex sync=mutex)
verdict "32 shards take 16 to 32 times the contention away" \
	"$sharded > 0 && $single >= 16 * $sharded && $single <= 32 * $sharded" \
	"$(seconds "$single") s and $(seconds "$sharded") s, $(calc "$single / $sharded") times"
seen=0
for i in {0..31}; do
	(($(delay sharded block "lock=g_map.shards[$i].mu") == 0)) || seen=$((seen + 1))
done
verdict "and the load spreads over the shards" "$seen >= 24" "waits at $seen of 32"
show $lockspan diff "$dir/single" "$dir/sharded"
finish
