# SPDX-License-Identifier: GPL-2.0-only
# tests/vm/hotplug for as long as the storm lasts.
seconds=${1:-20}
[[ ! -e /proc/lockdep_stats ]] || grep -qE 'debug_locks: +1' /proc/lockdep_stats || exit 1
exec bash tests/vm/hotplug.sh 5 "$seconds"
