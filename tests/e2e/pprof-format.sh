#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# needs: timeout=900
# Would catch: a file of ours that `go tool pprof` refuses or shows otherwise
# than meant; a strict checker that lets a broken file pass; a file of Go's own
# that our reader refuses or reads as something else.
# shellcheck source=tests/lib.sh
. tests/lib.sh

: "${TEST_DIR:=$(mktemp -d)}"
pprof_home "$TEST_DIR"
truth=tools/pprof-truth

pprof() { go tool pprof -symbolize=none "$@" 2>&1; }
# has TEXT OUTPUT REGEX: a line of OUTPUT matches, indentation aside, spaces being one.
has() {
	if tr -s ' \t' ' ' <<<"$2" | sed 's/^ //' | grep -qE -- "$3"; then pass "$1"; else fail "$1: no '$3' in: $2"; fi
}

make build/unit/test_pprof_write build/unit/test_pprof_read >"$TEST_DIR/make.log" 2>&1 ||
	die "no build: $(tail -n 3 "$TEST_DIR/make.log")"
cat >"$TEST_DIR/prog.c" <<'END'
static int crit(void)
{ return ++counter; }			/* the line of the wait */

void *worker(void *arg)
{
	for (;;)
		crit();			/* the line of the call */
}
END
build/unit/test_pprof_write --files "$TEST_DIR" "$TEST_DIR/prog.c" || die 'no files'
cd "$TEST_DIR" || die 'no directory'
tree=$OLDPWD
truth() { "$tree/$truth" "$@"; }

# ---- the checker agrees, and is worth asking ----

for f in base new empty extended; do
	check "$f.pb.gz keeps every rule" truth $f.pb.gz
done
check 'difference.pb.gz keeps every rule' truth -difference difference.pb.gz
check 'reverse.pb.gz keeps every rule' truth -difference reverse.pb.gz
check 'a difference is not taken for a profile' ! truth reverse.pb.gz

# broken NAME RULE SED: the file with one byte pattern exchanged breaks RULE.
broken() {
	local out
	zcat base.pb.gz | LC_ALL=C sed -z "$3" | gzip -n >"$1.pb.gz"
	out=$(truth -pprof=false "$1.pb.gz")
	like "the checker sees: $1" "$out" ": $2: "
}
broken 'other type' sample-type 's/contentions/contentious/'
broken 'reserved label' label-key 's/\x04lock/\x0bpprof::lock/'
broken 'kind of nothing' label-value 's/block\x32/black\x32/'
broken 'library first' mapping-main 's|/opt/lab/prog\x32|/opt/lab/p.so\x32|'
broken 'relative file' mapping-file 's|/opt/lab/prog\x32|./pt/lab/prog\x32|'
broken 'build id' build-id 's/0123456789abcdef/0123456789ABCDEF/'
broken 'not UTF-8' string-utf8 's/counter_mu/counter\xff\xff\xff/'
broken 'text twice' string-unique 's/stats_mu/handoff!/;s/handoff!/pthread_/;s/mutex\x32/block\x32/'
broken 'cut short' protobuf 's/...$//'
head -c 200 base.pb.gz >cut.pb.gz
like 'the checker sees: damaged gzip' "$(truth cut.pb.gz)" ': gzip: '
{ cat base.pb.gz && echo; } >trailing.pb.gz
like 'the checker sees: trailing bytes' "$(truth trailing.pb.gz)" ': gzip: '

# ---- go tool pprof ----

out=$(pprof -top -unit=ns base.pb.gz)
has '-top: the main binary' "$out" '^File: prog$'
has '-top: its build id' "$out" '^Build ID: 0123456789abcdef$'
has '-top: the comment' "$out" '^lockspan: block profile$'
has '-top: the last type' "$out" '^Type: delay$'
has '-top: the time' "$out" '^Time: (Nov 14, 2023|2023-11-14 )'
has '-top: leaf' "$out" '^3000000004ns .* pthread_mutex_lock$'
has '-top: inlined' "$out" ' crit \(inline\)$'
has '-top: no address' "$out" '^125000000ns .* \[handoff\]$'
has '-contentions' "$(pprof -top -contentions base.pb.gz)" '^16 .* pthread_mutex_lock$'
has '-mean' "$(pprof -top -mean base.pb.gz)" '^187[.]5[0-9]*ms .* pthread_mutex_lock$'
out=$(pprof -list worker base.pb.gz)
has '-list: source' "$out" 'crit\(\); */[*] the line of the call'
has '-list: its value' "$out" '[.] 3[.]13s 7: crit'
has '-peek' "$(pprof -peek 'pthread_mutex_lock$' base.pb.gz)" '^3000ms 100% [|] crit( \(inline\))?$'
out=$(pprof -raw base.pb.gz)
has '-raw: values, leaf first' "$out" '^4 2000000000: 1 2 ?$'
has '-raw: small count' "$out" '^2 4: 1 2 ?$'
has '-raw: text label' "$out" 'lock:\[counter_mu\]'
has '-raw: number label' "$out" 'pid:\[4711 id\]'
has '-raw: mapping' "$out" '^1: 0x555555554000/0x555555557000/0x1000 /opt/lab/prog 0123456789abcdef \[FN\]\[FL\]\[LN\]\[IN\]'
has '-raw: period' "$out" '^PeriodType: contentions count$'
has '-raw: inlined lines, innermost first' "$(grep -A 1 ' crit ' <<<"$out" | tr '\n' ' ')" 'crit .*:2(:0)? s=1 +worker\(int\) .*:7(:0)? s=5'
out=$(pprof -tags base.pb.gz)
has '-tags: by lock' "$out" '2(\.0)?s \(.*%\): stats_mu'
has '-tags: number' "$out" '3(\.0)?s \(.*%\): 4711'
has '-tagfocus' "$(pprof -top -tagfocus lock=stats_mu base.pb.gz)" '^Showing nodes accounting for 2s'
has '-tagroot' "$(pprof -tagroot lock -traces base.pb.gz)" 'stats_mu'
has '-tagroot: as a frame' "$(pprof -tagroot lock -top -cum base.pb.gz)" ' 2000ms .* stats_mu$'
has '-base: other addresses' "$(pprof -top -base base.pb.gz new.pb.gz)" '3s 100% 100% 3s 100% pthread_mutex_lock$'
out=$(pprof -top -diff_base base.pb.gz new.pb.gz)
has '-diff_base: of the base' "$out" 'accounting for 3s, 9[0-9.]*% of 3[.]2'
has '-diff_base' "$out" '^3s .* pthread_mutex_lock$'
# same_samples OURS NEW BASE: OURS holds what pprof makes of NEW -base BASE.
same_samples() {
	pprof -proto -output based.pb.gz -base "$3" "$2" >/dev/null
	is "$1 is $2 -base $3" "$(pprof -raw "$1" | sed -n '/^Samples/,/^Locations/p')" \
		"$(pprof -raw based.pb.gz | sed -n '/^Samples/,/^Locations/p')"
}
same_samples difference.pb.gz new.pb.gz base.pb.gz
same_samples reverse.pb.gz more.pb.gz new.pb.gz
has 'empty: no samples' "$(pprof -top empty.pb.gz)" 'of 0 total'
has 'extended: the default is delay' "$(pprof -top extended.pb.gz)" '^Type: delay$'
has 'two files add up' "$(pprof -top base.pb.gz new.pb.gz)" '^9000ms .* pthread_mutex_lock$'

# ---- Go's own files ----

cat >contend.go <<'END'
package main

import ("os"; "runtime"; "runtime/pprof"; "sync"; "time")

func hold(mu *sync.Mutex) { mu.Lock(); time.Sleep(time.Millisecond); mu.Unlock() }

func main() {
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(1)
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := 0; i < 4; i++ {
		all.Add(1)
		go func() { defer all.Done(); for n := 0; n < 20; n++ { hold(&mu) } }()
	}
	all.Wait()
	for _, name := range []string{"mutex", "block", "goroutine", "heap"} {
		f, err := os.Create("go-" + name + ".pb.gz")
		if err != nil { panic(err) }
		if err := pprof.Lookup(name).WriteTo(f, 0); err != nil { panic(err) }
		f.Close()
	}
}
END
go run contend.go || die 'the Go program failed'
for f in mutex block goroutine heap; do
	out=$(cd "$tree" && build/unit/test_pprof_read --again "$TEST_DIR/go-$f.pb.gz" "$TEST_DIR/again-$f.pb.gz" 2>&1)
	is "Go's $f profile is read" "$out" ''
	# Line by line but for the order, which is ours, and numbers, which follow it.
	is "Go's $f profile, written again, is the same" \
		"$(pprof -traces again-$f.pb.gz | sort | cksum)" "$(pprof -traces go-$f.pb.gz | sort | cksum)"
done
has "Go's mutex profile has what it should" "$(pprof -top again-mutex.pb.gz)" 'sync[.][(][*]Mutex[)][.]Unlock'
finish
