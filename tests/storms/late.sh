# SPDX-License-Identifier: GPL-2.0-only
# Waits that give up just as they are released, with a pause between counting and sending
# them; and each fiftieth end of a wait is missed, as a probe that cannot run would. Would
# catch an outcome that is counted or told of twice, and a thread that stays in its lock's
# ledger, or among the open waits, after its death.
. tests/storms/lib.sh

wide_load 300 50 100 max_threads=1024
mkfifo /tmp/silence
exec 9<>/tmp/silence
rounds=0
while goes_on; do
	load_start
	recorder_start --stack none || { fail "no recording: $(cat /tmp/err)" && break; }
	for ((i = 0; i < 5; i++)); do
		tests/vm/futex_ops --threads $((20 + RANDOM % 80)) --words 5 --hold 100 parked <&9 >/dev/null 2>&1 &
		p=$!
		pause_ms $((500 + RANDOM % 700))
		kill -KILL $p
		wait $p 2>/dev/null
	done
	load_stop
	sleep 0.5
	module_is recording
	is "round $rounds: waits of the dead that are open" "$(json /tmp/status.json open_spans)" 0
	recorder_stop "round $rounds"
	num "round $rounds: ends that were missed" "$(c error)" ">" 0
	is "round $rounds: sums below 0" "$(grep -cE '"[a-z_]+":[0-9]{19,}' $r)" 0
	rounds=$((rounds + 1))
done
num "rounds" $rounds ">" 0
storm_finish
