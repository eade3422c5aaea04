# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1 cpus=1 timeout=420 vm=--icount
#
# The shape that `lockspan report` names on programs whose shape is known, with
# varied threads, times and primitives. Would catch: a shape that is not named on
# a program that has it, and one that is named on a program that has another or
# none. The thresholds were set on other recordings; those of reader starvation were
# corrected by its first three variants here. Time is counted in the guest's
# instructions, so that the machine's load does not show. With an argument all
# variants are tried.
. tests/lib.sh

module_load
# shape WANT LOCK PROGRAM THREADS HOLD_US GAP_US: WANT "-" is none.
shape() {
	local want=$1 lock=$2 got='' i found
	shift 2
	$lockspan record -o /tmp/r -- tests/vm/shapes "$@" 2500 >/dev/null 2>/tmp/err || fail "recording $*"
	$lockspan report --json --by lock /tmp/r >/tmp/r.json || fail "report on $*"
	for ((i = 0; i < 10; i++)); do
		found=$(json /tmp/r.json "shapes.$i.shape")
		[[ $found != "$no_value" ]] || break
		got+="$found on $(json /tmp/r.json "shapes.$i.lock"); "
	done
	is "$*" "${got:--}" "$([[ $want == - ]] && echo - || echo "$want on $lock; ")"
	[[ ${got:--} == "$([[ $want == - ]] && echo - || echo "$want on $lock; ")" ]] || $lockspan report --by site /tmp/r
}

# more ...: shape ..., when the script has an argument; the usual run has one or two of each.
all=$#
more() { ((!all)) || shape "$@"; }

shape 'slow holder' table_mu slow-mutex 18 9000 2500
more 'slow holder' table_mu slow-mutex 5 25000 4000
shape 'slow holder' config_rw slow-writer 9 12000 2500
shape 'slow holder' fair_mu slow-pi 7 16000 3500
shape 'reader starvation' config_rw starved-readers 8 500 1500
shape 'reader starvation' config_rw starved-readers 9 400 2500
more 'reader starvation' config_rw starved-readers 14 600 3500
more 'reader starvation' config_rw starved-readers 7 450 1800
more 'reader starvation' config_rw starved-readers 11 800 2600
shape convoy fair_mu convoy 24 10 45
more convoy fair_mu convoy 10 30 80
shape 'thundering herd' table_mu herd-by-clock 12 1000 60000
more 'thundering herd' table_mu herd-by-clock 26 500 80000
shape 'thundering herd' tokens herd-by-notify 11 0 4000
more 'thundering herd' tokens herd-by-notify 20 0 7000
shape back-pressure queue.space_left full-queue 4 0 5000
shape back-pressure buffers_free full-buffers 6 0 7000
shape 'idle pool' queue.has_work idle-pool 7 800 12000
more 'idle pool' queue.has_work idle-pool 16 1500 5000
shape - - herd-by-broadcast 9 0 3000
shape crowded table_mu crowd 6 1200 800
more crowded table_mu crowd 14 600 200
shape - - shards 10 800 300
shape - - ticks 7 0 15000

check "the module leaves" module_unload
finish
