# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=2 timeout=420
#
# What leaves a process that is recorded, who may read it, and programs with more
# rights than their caller. Would catch: a word of a stack that is no pointer and
# leaves the process all the same; a file that others may read; a server that
# others than this machine can reach; a recorder that gets into a privileged
# program, or a collector that does not say that it was kept out.
. tests/lib.sh

secret=tests/vm/secret
module_load

# recorded MODE: what of the secrets is in the stream of a recording in this mode.
recorded() {
	local p said
	$secret wait &
	p=$!
	$lockspan record -p $p --spans --stack "$1" --keep-stream /tmp/stream -o /tmp/r 2>/tmp/err &
	wait_until 60 module_is recording || die "$1: no recording: $(cat /tmp/err)"
	# Stacks are walked once the mappings are known, which takes its time on a busy host. Others need not know them.
	if [[ $1 == auto ]]; then said=stacks_learned; else said=timeout; fi
	check "$1: before the late secrets" wait_until 60 module_counts $said 200
	kill -USR1 $p
	check "$1: and with them" wait_until 60 module_counts timeout $(($(json /tmp/status.json counters.timeout) + 500))
	kill -TERM $!
	wait $!
	is "$1: exit status" $? 0
	kill -KILL $p
	wait $p 2>/dev/null
	num "$1: waits" "$(json /tmp/r/record.json counters.timeout)" ">" 100
	$secret find /tmp/stream >/tmp/found
	echo "# $1: $(cat /tmp/found)"
}
# The search finds what is there: this mode sends the stack as it is.
recorded raw
num "raw: text in the stream" "$(json /tmp/found late_text)" ">" 0
num "raw: numbers in the stream" "$(json /tmp/found late_number)" ">" 0
for mode in auto fp; do
	recorded $mode
	is "$mode: text in the stream" "$(json /tmp/found text) $(json /tmp/found late_text)" "0 0"
	# Until the mappings have been read every word that could be an address passes for one.
	is "$mode: numbers that point to nothing, once the mappings are known" "$(json /tmp/found late_number)" 0
	# Without frame pointers there are none to follow.
	[[ $mode == fp ]] || num "$mode: complete stacks" "$(json /tmp/r/record.json estimated.block.stack_ends.complete)" ">" 100
done
$secret find /tmp/r/* >/tmp/found
is "secrets in the files" "$(cat /tmp/found)" '{"text":0,"number":0,"late_text":0,"late_number":0}'

# ---- files ----
rm -rf /tmp/r /tmp/stream
umask 000
$lockspan record --spans --keep-stream /tmp/stream --with-user -o /tmp/r -- workloads/c/task01 -n 100 >/dev/null 2>/tmp/err
$lockspan report --html /tmp/page.html /tmp/r >/dev/null 2>/tmp/err || cat /tmp/err
is "modes of all files, whatever the umask" "$(find /tmp/r /tmp/stream /tmp/page.html -type f -exec stat -c %a {} + | sort -u)" 600
num "files" "$(find /tmp/r /tmp/stream /tmp/page.html -type f | wc -l)" ">=" 9
umask 022
# Where another may write, a link of his is not followed.
mkdir -p /tmp/open && rm -f /tmp/victim
ln -s /tmp/victim /tmp/open/stream
$lockspan record --keep-stream /tmp/open/stream -o /tmp/r -- true 2>/tmp/err
is "a stream by way of a link: exit status" $? 125
check "the link's end was not made" ! test -e /tmp/victim

# ---- HTTP ----
$secret wait &
p=$!
$lockspan serve -p $p 2>/tmp/err &
server=$!
wait_until 60 tests/vm/scrape 6060 /debug/pprof/cmdline /tmp/cmdline >/dev/null 2>&1
is "by default it listens at 127.0.0.1 and nowhere else" \
	"$(awk '$4 == "0A" && $2 ~ /:17AC$/ { print $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null | xargs)" "0100007F:17AC"
for path in /debug/pprof/../../../etc/passwd /debug/pprof/%2e%2e/%2e%2e/etc/passwd //etc/passwd /debug/pprof/block/../../../proc/self/environ; do
	tests/vm/scrape 6060 "$path" /tmp/body >/tmp/head 2>/dev/null
	like "$path" "$(head -n 1 /tmp/head)" ' 404'
done
kill -INT $server
wait $server
kill -KILL $p

# ---- privileged programs ----
chmod -R go+rX .
cp workloads/c/task01 /tmp/privileged
chown root /tmp/privileged
chmod 4755 /tmp/privileged
mkdir /tmp/nobody && chown nobody /tmp/nobody
su -s /bin/sh nobody -c "$PWD/$lockspan user -o /tmp/nobody/u -- /tmp/privileged -n 50" >/tmp/truth.json 2>/tmp/err
is "the userspace recorder and a setuid program: exit status" $? 125
like "is told" "$(cat /tmp/err)" 'never loaded.*privileged'
num "the program itself ran" "$(json /tmp/truth.json counter)" ">" 0
su -s /bin/sh nobody -c '/tmp/privileged -n 1000000000' >/dev/null &
wait_until 60 pidof privileged >/dev/null
p=$(pidof privileged)
$lockspan record -p "$p" -d 3 -o /tmp/r 2>/tmp/err
is "the module and a setuid program: exit status" $? 0
num "its waits, with names" "$(pprof_sum /tmp/r/block.pb.gz contentions fn=increment)" ">" 10
kill -KILL "$p"
su -s /bin/sh nobody -c "$PWD/$lockspan record -o /tmp/nobody/r -- /tmp/privileged -n 50" >/dev/null 2>/tmp/err
is "nobody cannot record one" $? 125
$lockspan record -o /tmp/r -- su -s /bin/sh nobody -c "$PWD/workloads/c/task01 -n 200" >/dev/null 2>/tmp/err
is "a command that gives its rights away: exit status" $? 0
num "its waits, with names" "$(pprof_sum /tmp/r/block.pb.gz contentions fn=increment)" ">" 10

is "of the module's parameters writable" "$(find /sys/module/lockspan/parameters -type f -perm /222 | wc -l)" 0
check "the module leaves" module_unload
finish
