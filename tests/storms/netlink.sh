# SPDX-License-Identifier: GPL-2.0-only
# Requests that are nearly right, wrong, or noise, from root and from nobody at the
# same time, under load and beside a recording that must not notice. Would catch
# what tests/vm/genlfuzz.c names, and a request that meets the session's worker, its
# beginning or its end at a bad moment.
. tests/storms/lib.sh

fuzz=tests/vm/genlfuzz
chmod -R go+rX .
module_load max_threads=1024
load_start
seed=0
: >/tmp/all.json
while goes_on; do
	seed=$((seed + 1))
	# In turn: the fuzzer's own sessions, and somebody else's.
	sessions=(--sessions)
	((seed % 2)) || { sessions=() && recorder_start; }
	su -s /bin/sh nobody -c "$fuzz $seed 250" >/tmp/nobody.json &
	other=$!
	$fuzz "${sessions[@]}" $seed 500 >>/tmp/all.json || fail "seed $seed: an error that the contract does not have: $(tail -n 1 /tmp/all.json)"
	wait $other || fail "seed $seed: nobody: an error that the contract does not have: $(cat /tmp/nobody.json)"
	is "seed $seed: granted to nobody" "$(grep -oE '"granted":\{[^}]*\}' /tmp/nobody.json | grep -coE ':[1-9]')" 0
	cat /tmp/nobody.json >>/tmp/all.json
	((seed % 2)) || recorder_stop "seed $seed"
	wait_until 60 module_is idle || fail "seed $seed: not idle"
done
echo "# $(awk -F '[:,]' '{ n += $2 } END { print n }' /tmp/all.json) messages, $(grep -oE '"granted":\{"0":[0-9]+,"1":[0-9]+' /tmp/all.json | awk -F : '{ n += $NF } END { print n }') sessions"
load_stop
storm_finish
