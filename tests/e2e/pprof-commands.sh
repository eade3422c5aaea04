# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1 timeout=900
#
# Records twice in a VM and reads the files with an untouched `go tool pprof`
# on the host. Would catch: a file that pprof refuses, stacks without names,
# lines or a root, and two recordings that cannot be compared. The VM counts time
# in instructions, so that twice the work takes more time on a busy host, too.
. tests/lib.sh

# shellcheck disable=SC2016 # for the guest
tools/vm run --kernel "$KERNEL" --icount --out "$TEST_DIR" --timeout 600 -- bash -c '
	set -e
	insmod lockspan.ko
	for n in 1000 2000; do
		mkdir $OUT/$n
		user/lockspan record -o $OUT/$n -- workloads/c/task01 -n $n >$OUT/$n/truth.json
	done' || die "the recording failed"
cd "$TEST_DIR" || die "no $TEST_DIR"
pprof_home "$TEST_DIR"
pprof() { go tool pprof "$@" 2>>pprof.err; }
json() { "$tree/tests/vm/jsonget" "$1" "$2"; }
tree=$OLDPWD

for kind in block mutex; do
	f=2000/$kind.pb.gz
	leaf=pthread_mutex_lock
	[[ $kind == block ]] || leaf=pthread_mutex_unlock
	pprof -top "$f" >top
	is "$kind: -top" $? 0
	cat top
	like "$kind: -top's first line is the leaf" "$(sed -n '/flat%/{n;p}' top)" " $leaf\$"
	pprof -top -cum "$f" >top
	like "$kind: the thread's body is in it" "$(cat top)" ' worker'
	pprof -list '^increment$' "$f" >list
	is "$kind: -list" $? 0
	like "$kind: -list shows the line" "$(grep "$leaf(&counter_mu)" list)" '[0-9.]+m?s'
	pprof -peek '^increment$' "$f" >peek
	like "$kind: -peek names caller and callee" "$(tr "\n" " " <peek)" "worker.*increment.*$leaf"
	pprof -raw "$f" >raw
	like "$kind: -raw has Go's sample types" "$(tr "\n" " " <raw)" 'PeriodType: contentions count.*contentions/count delay/nanoseconds'
	pprof -tags "$f" >tags
	like "$kind: -tags names the lock" "$(cat tags)" 'counter_mu'
	pprof -top -tagfocus lock=counter_mu -sample_index contentions "$f" >top
	like "$kind: -tagfocus and -sample_index" "$(cat top)" "$leaf"
done

waits=$(pprof -top -tagfocus lock=counter_mu -sample_index contentions 2000/block.pb.gz |
	sed -nE 's/.*of ([0-9]+) total.*/\1/p')
near "contentions as pprof counts them, against the workload's sleeps" "$waits" "$(json 2000/truth.json sleeps)" 2

for how in base diff_base; do
	pprof -top "-$how" 1000/block.pb.gz 2000/block.pb.gz >delta.txt
	is "-$how" $? 0
	like "-$how shows a growth" "$(grep pthread_mutex_lock delta.txt)" '^ *[0-9.]+m?s'
	pprof -top "-$how" 2000/block.pb.gz 1000/block.pb.gz >delta.txt
	like "-$how the other way is negative" "$(grep pthread_mutex_lock delta.txt)" '^ *-[0-9.]+m?s'
done

# A trace begins with its value and leaf; its last line is the root. Thread
# starts are in libc, whose inner names a stripped libc does not tell.
pprof -traces -sample_index contentions 2000/block.pb.gz | awk '
	function end() {
		all += n
		if (body && root ~ /^(_start|clone3|libc\.so\.6\+0x[0-9a-f]+)$/) good += n
		n = body = 0
	}
	/^-+\+-+$/ { end(); next }
	/^ +[0-9]+ / && !n { n = $1; root = $2; next }
	n && NF { root = $NF; if (root ~ /^(main|member_main)$/) body = 1 }
	END { end(); printf "%d %d\n", good, all }' >roots
read -r good all <roots
echo "# stacks that lead from the thread's start or main: $good of $all contentions"
num "stacks from the thread's start or main, of $all in 1000" $((good * 1000)) ">=" $((all * 999))
num "contentions in traces" "$all" ">" 100

# It starts another program, so the two have a group of their own: what is left keeps the tree's lock.
setsid go tool pprof -http=localhost: -no_browser 2000/block.pb.gz </dev/null >http.log 2>>pprof.err &
server=$!
trap 'kill -- -$server 2>/dev/null' EXIT
wait_until 60 grep -q 'http://' pprof.err
url=$(sed -nE 's|.*(http://[^ ]+).*|\1|p' pprof.err | tail -n 1)
for page in top flamegraph peek source; do
	curl -sS --max-time 20 "$url/ui/$page" >"page-$page"
	is "-http /ui/$page" $? 0
	like "-http /ui/$page names the lock function" "$(cat "page-$page")" 'pthread_mutex_lock'
done
finish
