# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=5.10,6.12 cpus=2 timeout=240
#
# Stacks that are not as stacks usually are. Would catch: a stack of more words than a record has room
# for that costs the other records of its message; one that stays cut for ever at pages that were never
# written to; the stacks of a process that shares another's memory, lost without a word.
. tests/lib.sh

# recorded SHAPE [OPTION...]: the program's waits are all there; sets waits.
recorded() {
	local shape=$1
	shift
	rm -rf /tmp/r
	$lockspan record "$@" -o /tmp/r -- tests/vm/oddstack "$shape" 400 >/tmp/truth 2>/tmp/err
	is "$shape: exit status" $? 0
	cat /tmp/err
	is "$shape: waits in block" "$(pprof_sum /tmp/r/block.pb.gz contentions lock=$lock)" "$(</tmp/truth)"
	is "$shape: messages damaged, records without sense" \
		"$(json /tmp/r/record.json losses.damaged_messages) $(json /tmp/r/record.json losses.unfit_records)" "0 0"
	is "$shape: stacks missing" "$(json /tmp/r/record.json losses.stacks_missing)" 0
}

module_load
lock=g_odd_mu
recorded full
# The rules for it are learned one after the other, each when the collector has had its turn.
full=$(pprof_sum /tmp/r/block.pb.gz contentions lock=g_odd_mu fn=odd_wait fn=full_frame fn=waiter)
num "full: with their functions to the outermost" "$full" ">=" 10
recorded hole --spans
# The module looks so far up a stack only when the collector has seen one of the process's that needs it. Waits
# before that moment stay cut, few or many as the machine is busy; behind it each one is complete.
$lockspan export --json /tmp/r >/tmp/spans.json
# In the order of the waits, 1 for each that is complete, 0 for others.
hole_waits() {
	{
		grep '"type":"trace".*"function":"odd_wait"' /tmp/spans.json | sed -E \
			's/.*"number":([0-9]+),.*"function":"hole_frame".*"function":"waiter".*/trace \1 1/; t
			s/.*"number":([0-9]+),.*/trace \1 0/'
		sed -nE 's/.*"type":"stack","id":"([^"]*)".*"trace":([0-9]+).*/stack \1 \2/p' /tmp/spans.json
		sed -nE 's/.*"type":"span".*"enq_ns":([0-9]+),.*"stack":"([^"]*)".*/wait \1 \2/p' /tmp/spans.json | sort -k 2n
	} | awk '$1 == "trace" { whole[$2] = $3 } $1 == "stack" { trace[$2] = $3 }
		$1 == "wait" && trace[$3] in whole { print whole[trace[$3]] }'
}
hole_waits >/tmp/whole
is "hole: waits in order" "$(wc -l </tmp/whole)" "$(</tmp/truth)"
num "hole: with their functions to the outermost" "$(grep -c 1 /tmp/whole)" ">=" 20
is "hole: and cut ones behind the first of these" "$(sed '1,/1/d' /tmp/whole | grep -c 0)" 0
is "hole: as many in block" \
	"$(pprof_sum /tmp/r/block.pb.gz contentions lock=g_odd_mu fn=odd_wait fn=hole_frame fn=waiter)" "$(grep -c 1 /tmp/whole)"
lock=g_odd_word
recorded shared
num "shared: with their functions" \
	"$(pprof_sum /tmp/r/block.pb.gz contentions lock=g_odd_word fn=shared_wait fn=shared_process)" ">=" 200
$lockspan record --spans -o /tmp/r -- tests/vm/oddstack shared 50 >/tmp/truth 2>/tmp/err
$lockspan export --json /tmp/r >/tmp/spans.json
waiter=$(sed -nE 's/.*"type":"span".*"pid":([0-9]+),.*/\1/p' /tmp/spans.json | sort | uniq -c | sort -n | tail -n 1 | awk '{ print $2 }')
num "shared: stacks of the waiting process in the span file" \
	"$(grep '"type":"stack"' /tmp/spans.json | grep -c "\"pid\":$waiter,")" ">=" 1
module_unload
finish
