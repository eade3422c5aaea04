#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# needs: timeout=120
# The userspace recorder beside the program, on this machine: no module, no guest. Would catch: a
# program that behaves otherwise than without the recorder, waits that are counted nowhere.
# shellcheck source=tests/lib.sh
. tests/lib.sh

: "${TEST_DIR:=$(mktemp -d)}"
lockspan=$PWD/user/lockspan
programs=$PWD/tests/vm

make user tests/vm/userends tests/vm/jsonget >"$TEST_DIR/make.log" 2>&1 ||
	die "no build: $(tail -n 3 "$TEST_DIR/make.log")"
cd "$TEST_DIR" || exit

# counter NAME: of the recording in u.
counter() { "$programs/jsonget" u/record.json "counters.$1"; }

# ---- cancellation points, and calls that are refused ---------------------------

"$programs/userends" >without 2>&1
is "userends alone: exit status" $? 0
"$lockspan" user -o u -- "$programs/userends" >with 2>err
is "userends: exit status" $? 0
is "userends: what differs under the recorder" "$(diff without with)" ''
# Fifteen are cancelled, one without having waited and one in a lock; three time out.
is "userends: waits that a cancellation ended" "$(counter signal)" 13

finish
