# SPDX-License-Identifier: GPL-2.0-only
# vm/port with a pause before each message, in which the owner may die and nobody take its
# port. Would catch a test for the owner's death that comes too early.
. tests/storms/lib.sh
wide_test 0,0,0,20000,0,3000,0 port 8
