# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 cpus=2 timeout=600 host=zoo vm=--add,build/zoo:zoo
#
# Records programs of all kinds (tests/zoo) that state their own chains of calls,
# and counts the waiters' and releasers' stacks that are equal to them. Would catch: a frame lost,
# invented or misnamed in PIE, static, stripped, musl, C++ and Rust programs, in
# libraries that are loaded late, behind another root, below 200 calls; programs
# that are gone, or another one, when their stacks are looked at. The same snapshots are
# walked by libdwfl too, which must find the same frames.
. tests/lib.sh

zoo=zoo
module_load
# The host has built them; its libc may be newer than this guest's.
old_libc=0
if $zoo/brief 2>&1 >/dev/null | grep -q 'GLIBC_.* not found'; then old_libc=1; fi

# rate A B: A of B in percent, rounded down; 0 when there are none.
rate() { echo $(($2 ? $1 * 100 / $2 : 0)); }

# subject NAME LEAST_EXACT LEAST_COMPLETE [EDIT]: percent; EDIT is a sed script for
# what cannot be known of NAME. Runs the command that follows --.
subject() {
	local name=$1 exact=$2 complete=$3 edit='' events good whole sent bytes releases right ended
	local snapshots plain equal own dwfl
	if ((old_libc)) && [[ $name != @(c-static|c-musl*|go-*) ]]; then
		skip "$name" "the guest's libc is older than the host's"
		return
	fi
	shift 3
	[[ $1 == -- ]] || { edit=$1 && shift; }
	shift
	$lockspan record --spans --keep-stream /tmp/stream -o /tmp/r -- "$@" >/tmp/truth 2>/tmp/err
	is "$name: recorded" $? 0
	cat /tmp/err
	sed -i -E "s/ +$//;$edit" /tmp/truth
	tests/vm/zoocheck /tmp/truth /tmp/r/spans.lspan >/tmp/judged
	grep '^#' /tmp/judged
	read -r events good whole releases right ended < <(tail -n 1 /tmp/judged)
	read -r sent _ bytes < <(tests/vm/stackbytes /tmp/stream)
	num "$name: waits" "${events:-0}" ">" 0
	num "$name: equal to the truth, %" "$(rate "$good" "$events")" ">=" "$exact"
	num "$name: complete, %" "$(rate "$whole" "$events")" ">=" "$complete"
	num "$name: releases" "${releases:-0}" ">" 0
	num "$name: releasers equal to the truth, %" "$(rate "$right" "$releases")" ">=" "$exact"
	num "$name: releasers complete, %" "$(rate "$ended" "$releases")" ">=" "$complete"
	echo "# zoo $name: waits $events, equal $good, complete $whole; releases $releases," \
		"equal $right, complete $ended; bytes per event" \
		"$((sent ? bytes / sent : 0)) ($sent events)"
	# Of the table that Go programs have of themselves libdwfl knows nothing; unit/gopcln has that.
	if [[ $name != go-* ]]; then
		tests/vm/walkers /tmp/stream >/tmp/walked
		grep '^#' /tmp/walked
		read -r snapshots _ plain equal own dwfl < <(tail -n 1 /tmp/walked)
		is "$name: walks by the tables that are libdwfl's too, of $plain" "${equal:-none}" "${plain:-some}"
		echo "# walkers $name: snapshots $snapshots, compared $plain, equal $equal; stacks per second" \
			"by tables $own, by libdwfl $dwfl"
		walks=$((walks + plain))
	fi
	./pprof-truth -pprof=false /tmp/r/*.pb.gz >/tmp/format
	is "$name: profiles that break a rule of the format" "$(grep -v ': ok: ' /tmp/format)" ''
	rm -rf /tmp/r /tmp/stream
}

bash_times() { echo "for ((i = 0; i < $1; i++)); do $2; done"; }

walks=0 # that both unwinders have made
subject c-pie 100 100 -- $zoo/c-pie
subject c-nopie 100 100 -- $zoo/c-nopie
subject c-static 100 100 -- $zoo/c-static
subject c-stripped 100 100 -- $zoo/c-stripped
# No symbols and no inlined functions: the file and the offset, as many as there are frames.
# Without sections nothing tells by which name the library was called, either.
for bare in c-bare c-headless; do
	named=
	[[ $bare != c-headless ]] || named='s/;(sem_wait|pthread_join)/;libc.so.6+*1/;'
	subject $bare 100 100 "$named s/locked_add;//; s/^([^;]*;[^;]*);[^;]*\$/\1;$bare+*1/
		s/^([^;]*;[^;]*);[^;]*;[^;]*\$/\1;$bare+*2/
		s/^([^;]*;[^;]*);[^;]*;[^;]*;[^;]*\$/\1;$bare+*3/" -- $zoo/$bare
done
subject cxx 100 100 -- $zoo/cxx
subject rust 100 100 -- $zoo/rust
subject c-musl 99 99 -- $zoo/c-musl
subject c-musl-stripped 99 99 's/;.*/;c-musl-stripped+*/' -- $zoo/c-musl-stripped
subject loader 100 100 -- $zoo/loader
subject brief 100 100 -- bash -c "$(bash_times 20 $zoo/brief)"
subject again 100 100 -- $zoo/again
subject private 100 100 -- $zoo/private c-pie
insmod /usr/lib/modules/overlay.ko || die "no overlay: $(dmesg | tail -n 3)"
subject overlay 100 100 -- $zoo/overlay c-pie
subject deep 100 100 -- $zoo/deep
# The first waits of each thread tell that its stacks are long; how many depends on the collector's turn.
subject tall 50 50 -- $zoo/tall
subject steady 100 100 -- $zoo/steady

# Go waits within its own scheduler: its threads are seen, the goroutine that
# wants a lock is not; but for the runtime's own spinning lock in sync.Mutex's
# slow path, on which a busy machine may make a goroutine's thread sleep.
subject go-mutex 90 99 -- $zoo/go-mutex
subject go-stripped 90 99 -- $zoo/go-stripped
$lockspan record -o /tmp/go -- $zoo/go-mutex >/dev/null 2>&1
num "Go: waits that show the function which locks, of $(pprof_sum /tmp/go/block.pb.gz contentions)" \
	"$(($(pprof_sum /tmp/go/block.pb.gz contentions fn=main.take) * 10))" "<" "$(pprof_sum /tmp/go/block.pb.gz contentions)"
echo "# Go: stacks show the runtime's threads parking, none the goroutine's own frames"

((old_libc)) || num "stacks that both unwinders have walked" "$walks" ">" 100

check "the module leaves" module_unload
finish
