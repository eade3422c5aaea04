# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1 timeout=900
#
# What stacks cost with real programs, stripped as the distribution ships them:
# bytes for each event that names one, registers and header included, against
# the 8 KiB that a plain copy of the stack would take. Would catch: a stack that
# is sent again and again although it is known, and one that is sent raw where
# it could be sparse; stacks of such programs that have no end.
. tests/lib.sh

# In an image of the kernel's suite: the guest's usual files hold no such programs.
tools/vm run --kernel "$KERNEL" --cpus 2 --out "$TEST_DIR" --timeout 720 \
	--root bookworm:memcached,python3,xz-utils --add tests/e2e/bytes-guest:bytes-guest -- \
	bash bytes-guest || die "the recording failed"

for name in memcached python3 xz; do
	read -r events stacks bytes <"$TEST_DIR/$name.bytes"
	block=$TEST_DIR/$name.json
	whole=$(json "$block" estimated.block.stack_ends.complete) all=$(json "$block" estimated.block.kept)
	echo "# bytes $name: $events events, $stacks stacks sent, $((bytes / (events ? events : 1))) bytes per event," \
		"1/$((bytes ? 8192 * events / bytes : 0)) of 8 KiB each; complete $whole of $all waits"
	num "$name: events" "$events" ">" 50
	num "$name: bytes per event" $((bytes / (events ? events : 1))) "<=" 819
	# memcached has a thread with a frame of 64 KiB and more: its first waits are cut, and say so.
	read -r late late_walked all_stacks walked <"$TEST_DIR/$name.walks"
	pairs=$(json "$TEST_DIR/$name.both.json" stack_pairs)
	echo "# walks $name: $late_walked of $late events from the first second on, $walked of $all_stacks in all;" \
		"$(json "$TEST_DIR/$name.both.json" stack_pairs_equal) of $pairs stacks the same both ways"
	num "$name: events after the first second" "$late" ">" 50
	# How soon the first lesson comes depends on the host: that rules are used at all is certain.
	num "$name: of them by learned rules, in 100" $((late_walked * 100 / (late ? late : 1))) ">=" 20
	num "$name: stacks taken both ways" "$pairs" ">" 0
	is "$name: and the same" "$(json "$TEST_DIR/$name.both.json" stack_pairs_equal)" "$pairs"
	# And so does how soon a longer part of such a stack is asked for.
	num "$name: complete, of $all in 100" $((whole * 100)) ">=" $((all * 60))
done
finish
