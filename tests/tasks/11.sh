# SPDX-License-Identifier: GPL-2.0-only
# A thundering herd at the backend, and its repair. Would catch: a wait that is not named by its lock.
. tests/tasks/lib.sh
task_record herd -v herd
task_record single -v single
all=$(delay herd mutex) herd=$(delay herd mutex lock=g_backend.mu) single=$(delay single mutex lock=g_backend.mu)
verdict "the herd stands at the backend" "$all > 0 && $herd > 0.8 * $all" \
	"$(calc "100 * $herd / $all") % of $(seconds "$all") s"
verdict "single flight takes it away" "$single < 0.05 * $herd" "$(seconds "$herd") s, then $(seconds "$single") s"
finish
