# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1 timeout=30
#
# What tests do with a value that a recording should have and has not. Would catch
# a check that goes away with it, unseen: bash drops a line that reckons with what
# is no number and no name, the script goes on and its plan counts what it printed.
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
finish
