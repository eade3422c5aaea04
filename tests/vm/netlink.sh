# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=2 timeout=420
#
# Requests that are nearly right, wrong, or noise: from root, whose sessions begin
# and end between them, from nobody, from the root of another user namespace and
# from another network namespace. Would catch what tests/vm/genlfuzz.c names.
# Called with the number of messages (root's; the others' half) and a seed.
. tests/lib.sh

n=${1:-1200}
seed=${2:-4711}
fuzz=tests/vm/genlfuzz
module_load max_threads=256
chmod -R go+rX .
tests/vm/futex_ops --threads 3 --words 2 --seconds 100000 storm >/dev/null 2>&1 &
load=$!

# granted FILE: by all commands together.
granted() { grep -oE '"granted":\{[^}]*\}' "$1" | grep -oE ':[0-9]+' | tr -d : | awk '{ n += $1 } END { print n + 0 }'; }
# fuzzed TEXT FILE STATUS MESSAGES
fuzzed() {
	is "$1: an error that the contract does not have" "$3" 0
	is "$1: messages" "$(json "$2" messages)" "$4"
	echo "# $(cat "$2")"
}

$fuzz --sessions "$seed" "$n" >/tmp/root.json
fuzzed root /tmp/root.json $? "$n"
num "root: sessions that began" "$(json /tmp/root.json granted.1)" ">" 0
num "root: changes that were granted" "$(json /tmp/root.json granted.2)" ">" 0
# Those of an owner whose socket its own data had filled.
num "root: requests without an answer" "$(json /tmp/root.json unanswered)" "<=" $((n / 100))
check "and the module is idle" wait_until 60 module_is idle
is "and holds nothing" "$(json /tmp/status.json memory_bytes)" 0

family=$(tests/vm/genltool family)
for who in nobody userns netns; do
	case $who in
	nobody) su -s /bin/sh nobody -c "$fuzz $seed $((n / 2))" >/tmp/$who.json ;;
	userns) unshare -U -r $fuzz "$seed" $((n / 2)) >/tmp/$who.json ;;
	netns) unshare -n $fuzz --family "$family" "$seed" $((n / 2)) >/tmp/$who.json ;;
	esac
	fuzzed "$who" /tmp/$who.json $? $((n / 2))
	is "$who: granted" "$(granted /tmp/$who.json)" 0
	is "$who: requests without an answer" "$(json /tmp/$who.json unanswered)" 0
done
num "nobody: EPERM" "$(json /tmp/nobody.json refused.1)" ">" $((n / 10))
num "another user namespace: EPERM" "$(json /tmp/userns.json refused.1)" ">" $((n / 10))
is "another network namespace: anything but ENOENT, and EINVAL for what is no message" \
	"$(grep -oE '"refused":\{[^}]*\}' /tmp/netns.json | grep -oE '"[0-9]+":' | tr -d '":' | grep -vxE '2|22' | xargs)" ""
kill -KILL $load
$lockspan record -o /tmp/r -- workloads/c/task01 -n 100 >/dev/null 2>/tmp/err
is "and it records" $? 0
check "the module leaves" module_unload
finish
