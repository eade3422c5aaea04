# SPDX-License-Identifier: GPL-2.0-only
# The rate is a dial for cost, not for the answer: fewer events are kept, and the estimate stays at the
# exact total. Would catch: an estimate that depends on the rate. One interval of
# 95 % misses in 20; three times its width misses practically never.
. tests/tasks/lib.sh
last=
LOCKSPAN=$lockspan tools/rates -o "$dir" -- workloads/c/task01 "${size[@]}" >"$dir/table" 2>"$dir/err" ||
	die "recording: $(tail -n 1 "$dir/err")"
for rate in 1 10000 1000000; do
	r=$dir/$rate/record.json
	exact=$(json "$r" exact.delay_ns) estimate=$(json "$r" estimated.block.delay_ns)
	low=$(json "$r" estimated.block.low_ns) high=$(json "$r" estimated.block.high_ns)
	kept=$(json "$r" counters.kept) waits=$(json "$r" exact.contentions)
	[[ $low != "$no_value" ]] || { low=$exact high=$exact; }
	margin="($high - $low + 1)"
	verdict "at a rate of $rate ns the total is the same" \
		"$estimate > $low - $margin - 1 && $exact > $low - $margin && $exact < $high + $margin" \
		"$kept of $waits events kept, $(seconds "$estimate") s [$(seconds "$low"), $(seconds "$high")], exactly $(seconds "$exact") s"
	share=$(calc "100 * $kept / $waits")
	[[ -z $last ]] || verdict "and fewer events are kept than at the rate before" "$share < $last" \
		"$share % against $last %"
	last=$share
done
show cat "$dir/table"
finish
