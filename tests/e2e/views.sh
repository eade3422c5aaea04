# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.1 timeout=900
#
# Records a PIE program of tests/zoo twice in a VM and looks at the profiles with
# an untouched `go tool pprof`. Would catch: an inlined critical section without
# its source lines, locks that cannot be told apart, and two runs of one program
# whose frames do not come together because they were at other addresses; raw
# spans that do not add up to the exact totals.
. tests/lib.sh

tree=$PWD
make -s user/lockspan || die "no build"
make -s zoo || die "the zoo cannot be built"
cp -r build/zoo "$TEST_DIR/zoo"
# shellcheck disable=SC2016 # for the guest
tools/vm run --kernel "$KERNEL" --cpus 2 --out "$TEST_DIR" --timeout 600 --add "$TEST_DIR/zoo:zoo" -- bash -c '
	set -e
	echo 2 >/proc/sys/kernel/randomize_va_space
	insmod lockspan.ko
	for n in 1 2; do user/lockspan record --spans -o $OUT/$n -- zoo/steady >$OUT/truth$n; done
	user/lockspan record --spans -o $OUT/mixed -- zoo/c-static >$OUT/truth' ||
	die "the recording failed"
cd "$TEST_DIR" || die "no $TEST_DIR"
pprof_home "$TEST_DIR"
pprof() { go tool pprof "$@" 2>>pprof.err; }

# ---- the lines of an inlined critical section ----
for kind in block mutex; do
	f=1/$kind.pb.gz
	leaf=pthread_mutex_lock
	[[ $kind == block ]] || leaf=pthread_mutex_unlock
	pprof -source_path "$tree/tests/zoo" -list '^locked_add$' "$f" >list
	is "$kind: -list of an inlined function" $? 0
	cat list
	like "$kind: the line of the call has its time" "$(grep "$leaf(mutex)" list)" '[0-9.]+m?s +[0-9]+:'
	like "$kind: it is in the file of its source" "$(grep ROUTINE list)" ' in (.*/)?steady\.c$'
	pprof -source_path "$tree/tests/zoo" -list '^mutex_take$' "$f" >list
	like "$kind: and the line that it is inlined at" "$(grep 'locked_add(' list)" '[0-9.]+m?s +[0-9]+:'
done

# ---- the view by lock ----
pprof -tags 1/block.pb.gz >tags
is "-tags" $? 0
cat tags
for lock in mutex_a mutex_b; do
	like "-tags names $lock" "$(cat tags)" "$lock"
done
pprof -tagroot lock -traces 1/block.pb.gz >traces
is "-tagroot lock" $? 0
pprof -tagroot lock -top -cum 1/block.pb.gz >top
cat top
like "-tagroot: a lock is a root with its time" "$(grep -E ' mutex_a$' top)" '[0-9.]+m?s'
like "-tagroot: each has its own" "$(grep -E ' mutex_b$' top)" '[0-9.]+m?s'

# ---- two runs at other addresses ----
mapping() { pprof -raw "$1" | sed -n '/^Mappings/,$p' | grep '/steady '; }
mapping 1/block.pb.gz
mapping 2/block.pb.gz
check "the program was at other addresses" ! test "$(mapping 1/block.pb.gz)" = "$(mapping 2/block.pb.gz)"

# sums ARGUMENT...: contentions of all samples, whatever their sign.
sums() {
	pprof -raw -sample_index contentions "$@" | awk '
		/^Samples:/ { on = 1; next }
		/^Locations/ { on = 0 }
		on && /^ +-?[0-9]+ +-?[0-9]+:/ { n = $1; all += n < 0 ? -n : n }
		END { printf "%d\n", all }'
}
whole=$(sums 1/block.pb.gz)
left=$(sums -base 2/block.pb.gz 1/block.pb.gz)
echo "# contentions: $whole, with the other as base $left remain"
num "contentions" "$whole" ">" 100
num "what is left of $whole, in 1000" $((left * 1000)) "<=" $((whole * 50))
pprof -top -sample_index contentions -diff_base 2/block.pb.gz 1/block.pb.gz >delta.txt
is "-top -diff_base" $? 0
cat delta.txt
num "-diff_base: contentions that pthread_mutex_lock gained or lost" \
	"$(awk '$NF == "pthread_mutex_lock" { n = $1 } END { print n < 0 ? -n : n + 0 }' delta.txt)" "<=" $((whole / 20))

# ---- raw spans add up to the exact totals ----
for r in 1 mixed; do
	"$tree/user/lockspan" export --json $r >spans.json
	is "$r: export" $? 0
	# All that the module counts, by whoever can read JSON.
	jq -s '
		def ended: .outcome as $o | ["woken", "woken_late", "timeout", "signal", "requeued", "owner_died", "stray"] | index([$o]);
		map(select(.type == "span")) as $s | map(select(.type == "release")) as $r |
		{ contentions: $s | map(select(ended)) | length,
		  delay_ns: $s | map(select(ended) | .lock_wait_ns) | add,
		  releases: $r | length,
		  hold_ns: $r | map(.hold_ns) | add,
		  handoff_ns: ($s + $r) | map(.handoff_ns // 0) | add,
		  tail_ns: $s | map(.tail_ns // 0) | add }' spans.json >sums.json
	for key in contentions delay_ns releases hold_ns handoff_ns tail_ns; do
		is "$r: $key, added up from the spans" "$(jq ".$key" sums.json)" "$(jq ".exact.$key" $r/record.json)"
	done
	is "$r: hold, handoff and tail are all of the waiting" "$(jq '.hold_ns + .handoff_ns + .tail_ns' sums.json)" \
		"$(jq -s 'map(select(.type == "span") | .lock_wait_ns) | add' spans.json)"
done
finish
