# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1 timeout=900
#
# The tests' own tools. Would catch a check that goes away unseen when a value is
# missing: bash drops a line that calculates with what is no number and no name, the
# script goes on, and its plan counts what it printed. Would also catch two runs in
# one tree that write over each other's results.
# shellcheck disable=SC2016 # for the shell that runs the body
. tests/lib.sh

echo '{ "kept": 3 }' >"$TEST_DIR/record.json"
# ends_with BODY: status and last line of a test whose checks are BODY.
ends_with() {
	local rc=0
	bash -c ". tests/lib.sh; v() { json '$TEST_DIR/record.json' \"\$1\"; }; $1; finish" >"$TEST_DIR/out" 2>&1 || rc=$?
	echo "$rc $(tail -n 1 "$TEST_DIR/out")"
}

is "a value that is there" "$(ends_with 'is sum $(($(v kept) + 1)) 4')" "0 1..1"
for body in 'is sum $(($(v kept) + $(v lost))) 3' 'c() { num sum $(($(v lost) - 1)) "<" 5; }; c' \
	'total=$(($(v lost) + 1))' 'while (($(v lost) < 1)); do break; done' 'wait_until 1 eval "((\$(v lost) == 0))"'; do
	like "ends at once, in error: $body" "$(ends_with "$body")" '^[1-9].*missing: unbound variable$'
done
like "compared as text" "$(ends_with 'is kept "$(v lost)" 0')" '^1 '
like "compared as a number" "$(ends_with 'num kept "$(v lost)" ">=" 0')" '^1 '
like "a tolerance" "$(ends_with 'near kept "$(v lost)" 0 100')" '^1 '

# ---- two runs in one tree: a small tree, whose one test lasts until it is told to end ----

tree=$TEST_DIR/tree
mkdir -p "$tree/tests/unit" "$tree/build/unit"
cp tests/run tests/kernels "$tree/tests"
touch "$tree/tests/unit/test_long.c"
printf '#!/bin/bash\ntouch begun; until [[ -e end ]]; do sleep 0.1; done\necho 1..1; echo ok 1\n' >"$tree/build/unit/test_long"
chmod +x "$tree/build/unit/test_long"
"$tree/tests/run" --no-build unit/long >"$TEST_DIR/first" 2>&1 &
wait_until 60 test -e "$tree/begun"
rc=0
second=$(timeout 60 "$tree/tests/run" --no-build unit/long 2>&1) || rc=$?
is "a second run in the tree is refused" "$rc" 64
like "with the process of the first" "$second" "^tests/run: process $! runs tests in this tree"
touch "$tree/end"
rc=0
wait $! || rc=$?
is "the first run ends well" "$rc" 0
like "and has its result" "$(<"$TEST_DIR/first")" '^ok   unit/long .*, 1 check\)'
like "then the next run may begin" "$("$tree/tests/run" --no-build unit/long 2>&1)" '1 passed, 0 failed'
finish
