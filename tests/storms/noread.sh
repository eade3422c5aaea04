# SPDX-License-Identifier: GPL-2.0-only
# vm/noread with long moments at STOP and with all mappings locked by others. Would catch
# a lock that is held meanwhile, and an end that never comes.
. tests/storms/lib.sh
wide_test 0,0,0,300000,500,0,1 noread 20000
