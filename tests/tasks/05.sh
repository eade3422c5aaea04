# SPDX-License-Identifier: GPL-2.0-only
# A lock for readers: their contention falls; a slow writer brings it back, and is blamed for it.
# Would catch: readers' waits blamed on readers, a spike that is not seen.
. tests/tasks/lib.sh
task_record mutex -v mutex
task_record rwlock -v rwlock
task_record slow -v rwlock --writer-hold=100
mutex=$(delay mutex block lock=g_cache.mu) readers=$(delay rwlock block lock=g_cache.rw fn=cache_get_rwlock)
verdict "with a lock for readers they wait less" "$mutex > 0 && $readers < 0.1 * $mutex" \
	"$(seconds "$mutex") s at the mutex, $(seconds "$readers") s at the rwlock"
spike=$(delay slow block lock=g_cache.rw fn=cache_get_rwlock)
verdict "a writer of 100 ms makes them wait again" "$spike > 10 * $readers" "$(seconds "$spike") s"
blame=$(delay slow mutex lock=g_cache.rw) writer=$(delay slow mutex lock=g_cache.rw fn=cache_put_rwlock)
verdict "and the writer is to blame" "$blame > 0 && $writer > 0.9 * $blame" \
	"$(calc "100 * $writer / $blame") % of $(seconds "$blame") s"
show $lockspan diff "$dir/mutex" "$dir/rwlock"
show $lockspan report "$dir/slow"
finish
