# SPDX-License-Identifier: GPL-2.0-only
# tests/vm/hotplug for as long as the storm lasts.
exec bash tests/vm/hotplug.sh 5 "${1:-20}"
