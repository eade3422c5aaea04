# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=5.10,6.12 cpus=2 timeout=90
#
# Stacks that are not as stacks usually are. Would catch: a stack of more words than a record has room
# for that costs the other records of its message.
. tests/lib.sh

# recorded SHAPE [OPTION...]: the program's waits are all there; sets waits.
recorded() {
	local shape=$1
	shift
	rm -rf /tmp/r
	$lockspan record "$@" -o /tmp/r -- tests/vm/oddstack "$shape" 200 >/tmp/truth 2>/tmp/err
	is "$shape: exit status" $? 0
	cat /tmp/err
	is "$shape: waits in block" "$(pprof_sum /tmp/r/block.pb.gz contentions lock=g_odd_mu)" "$(</tmp/truth)"
	is "$shape: messages damaged, records without sense" \
		"$(json /tmp/r/record.json losses.damaged_messages) $(json /tmp/r/record.json losses.unfit_records)" "0 0"
	is "$shape: stacks missing" "$(json /tmp/r/record.json losses.stacks_missing)" 0
}

module_load
recorded full
num "full: with their functions to the outermost" \
	"$(pprof_sum /tmp/r/block.pb.gz contentions lock=g_odd_mu fn=odd_wait fn=full_frame fn=waiter)" ">=" 150
module_unload
finish
