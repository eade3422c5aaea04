# SPDX-License-Identifier: GPL-2.0-only
# tests/vm/hotplug for as long as the storm lasts: a turn takes a good quarter of a second.
seconds=${1:-20}
[[ ! -e /proc/lockdep_stats ]] || grep -qE 'debug_locks: +1' /proc/lockdep_stats || exit 1
exec bash tests/vm/hotplug.sh $((seconds * 3))
