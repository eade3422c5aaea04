# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=5.10,6.12 cpus=2 timeout=90
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
	$lockspan record "$@" -o /tmp/r -- tests/vm/oddstack "$shape" 200 >/tmp/truth 2>/tmp/err
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
recorded hole
num "hole: with their functions to the outermost" \
	"$(pprof_sum /tmp/r/block.pb.gz contentions lock=g_odd_mu fn=odd_wait fn=hole_frame fn=waiter)" ">=" 50
lock=g_odd_word
recorded shared
num "shared: with their functions" \
	"$(pprof_sum /tmp/r/block.pb.gz contentions lock=g_odd_word fn=shared_wait fn=shared_process)" ">=" 195
$lockspan record --spans -o /tmp/r -- tests/vm/oddstack shared 50 >/tmp/truth 2>/tmp/err
$lockspan export --json /tmp/r >/tmp/spans.json
waiter=$(sed -nE 's/.*"type":"span".*"pid":([0-9]+),.*/\1/p' /tmp/spans.json | sort | uniq -c | sort -n | tail -n 1 | awk '{ print $2 }')
num "shared: stacks of the waiting process in the span file" \
	"$(grep '"type":"stack"' /tmp/spans.json | grep -c "\"pid\":$waiter,")" ">=" 1
module_unload
finish
