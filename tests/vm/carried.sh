# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1,6.12,7.3 cpus=1 timeout=240 vm=--icount
#
# Waits that time out or take signals. Would catch: blame that goes to whoever happens to
# end such a wait, and not to who held the lock meanwhile (the long holder had 25 % in the
# place of 83 %); time that is in neither; waits that nobody answers for and that the mutex
# profile leaves out without a word; an idle wait that stands there as one for a lock.
. tests/lib.sh

# blamed TEXT WHO GOT: what is blamed on WHO is what the program's clocks say, but for what was given up of it.
blamed() {
	local truth
	truth=$(json /tmp/truth.json "$2_ns")
	num "$1: blame on the $2 holder, ns" "$3" "<=" $((truth + slack))
	num "$1: that and what was given up, ns" $(($3 + given)) ">=" $((truth - slack))
}

# blames TEXT FOLDER: both holders have the truth's share of the mutex profile. A few waits are given up there, because a
# victim comes back late where the recorder itself takes the only CPU in between: how much is the scheduler's choice.
blames() {
	local given slack whole long
	whole=$(($(json /tmp/truth.json long_ns) + $(json /tmp/truth.json short_ns)))
	slack=$((whole / 200))
	long=$(pprof_sum "$2/mutex.pb.gz" delay fn=long_hold)
	given=$(pprof_sum "$2/mutex.pb.gz" delay kind=given_up)
	echo "# $1: $(cat /tmp/truth.json) by the program's clocks; $long ns of its blame on the long holder, $given given up"
	blamed "$1" long "$long"
	blamed "$1" short "$(pprof_sum "$2/mutex.pb.gz" delay fn=short_hold)"
	num "$1: given up, ns" "$given" "<=" $((whole * 15 / 100))
}

# adds_up TEXT: every ns is somebody's, or counted as nobody's.
adds_up() {
	local in_file
	is "$1: hold + handoff + tail - lock wait, ns" $(($(c hold_ns) + $(c handoff_ns) + $(c tail_ns) - $(c lock_wait_ns))) 0
	$lockspan export --json /tmp/r >/tmp/spans.json
	if tests/vm/spancheck ledger /tmp/spans.json >/tmp/ledger; then
		pass "$1: $(grep '^#' /tmp/ledger)"
	else
		fail "$1: $(grep -E '^(#|not)' /tmp/ledger | tr '\n' ';')"
	fi
	in_file=$(awk -F'"wait_ns":' '/"type":"given_up"/ { n += $2 } END { print n + 0 }' /tmp/spans.json)
	is "$1: given up, ns in the records" "$in_file" "$(c given_up_ns)"
}
c() { json /tmp/r/record.json "counters.$1"; }

module_load
for way in timeout signal; do
	$lockspan record --spans -o /tmp/r -- tests/vm/carried $way >/tmp/truth.json 2>/tmp/err
	is "$way: exit status" $? 0
	blames $way /tmp/r
	adds_up $way
	num "$way: carried, ns" "$(c carried_ns)" ">" 500000000
	num "$way: waits that ended so" "$(c $way)" ">=" 40
done

# Who stays away for long is another waiter when he comes back: nobody knows who held the lock then.
$lockspan record --spans -o /tmp/r -- tests/vm/carried away >/tmp/truth.json 2>/tmp/err
is "away: exit status" $? 0
adds_up away
given=$(pprof_sum /tmp/r/mutex.pb.gz delay kind=given_up)
num "away: given up in mutex.pb.gz, ns" "$given" ">" 100000000
is "away: of the mutex" "$given" "$(pprof_sum /tmp/r/mutex.pb.gz delay kind=given_up lock=g_mutex sync=mutex 'fn=[given up]')"
is "away: and in record.json" "$given" "$(json /tmp/r/record.json estimated.given_up.delay_ns | cut -d. -f1)"
is "away: all of it" "$given" "$(c given_up_ns)"
num "away: waits" "$(pprof_sum /tmp/r/mutex.pb.gz contentions kind=given_up)" "<=" "$(json /tmp/truth.json timeouts)"
like "away: the report says so" "$($lockspan report --by lock /tmp/r)" 'given up  .*nobody answers for'

# An idle thread is no lock's victim.
$lockspan record --spans -o /tmp/r -- tests/vm/carried idle >/tmp/truth.json 2>/tmp/err
is "idle: exit status" $? 0
adds_up idle
num "idle: timeouts" "$(c timeout)" ">" 100
num "idle: given up, ns" "$(c given_up_ns)" ">" 100000000
is "idle: but not in mutex.pb.gz, ns" "$(pprof_sum /tmp/r/mutex.pb.gz delay kind=given_up)" 0
check "the module leaves" module_unload

# The program's own side, whose waits are calls: a signal ends none.
u() { json /tmp/u/record.json "counters.$1"; }
for way in timeout signal away; do
	$lockspan user -o /tmp/u -- tests/vm/carried $way >/tmp/truth.json 2>/tmp/err
	is "user, $way: exit status" $? 0
	[[ $way == away ]] || blames "user, $way" /tmp/u
	is "user, $way: hold + handoff + tail - lock wait, ns" \
		$(($(u hold_ns) + $(u handoff_ns) + $(u tail_ns) - $(u lock_wait_ns))) 0
	is "user, $way: given up in mutex.pb.gz, ns" "$(pprof_sum /tmp/u/mutex.pb.gz delay kind=given_up)" "$(u given_up_ns)"
	[[ $way != timeout ]] || num "user, $way: carried, ns" "$(u carried_ns)" ">" 500000000
	[[ $way != away ]] || num "user, $way: given up, ns" "$(u given_up_ns)" ">" 100000000
done
finish
