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
	# memcached has a thread with a frame of 64 KiB and more: cut, and said so.
	num "$name: complete, of $all in 100" $((whole * 100)) ">=" $((all * 90))
done
finish
