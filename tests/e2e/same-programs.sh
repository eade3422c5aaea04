#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# needs: timeout=900
# Programs that everybody has, alone and under `lockspan user`: what they print, their status, the files they
# leave and the descriptors they have open. Would catch: a recorder that a program notices.
# tools/preload-same without --few runs some two hundred more.
# shellcheck source=tests/lib.sh
. tests/lib.sh

: "${TEST_DIR:=$(mktemp -d)}"
tools/preload-same --few >"$TEST_DIR/out" 2>&1
is "tools/preload-same: exit status" $? 0
cat "$TEST_DIR/out"
like "commands that were the same" "$(cat "$TEST_DIR/out")" 'the same: (2[0-9]|[3-9][0-9]), other: 0'
finish
