# SPDX-License-Identifier: GPL-2.0-only
# vm: --root bookworm:mariadb-server,sysbench,memcached,libmemcached-tools,etcd-server,etcd-client,curl --mem 2048
# A database and a cache under load, at rates that production bears. Would catch: memory that grows with events, records
# that are lost, a service whose results change.
. tests/tasks/lib.sh
time=${TASK12_SECONDS:-300}
((!full)) || time=3600
side=$((time / 6))
rates=(--block-rate 10000 --mutex-fraction 100)

mariadb-install-db --user=root --datadir=/tmp/db >"$dir/install.log" 2>&1 || die "mariadb-install-db: $(tail -n 1 "$dir/install.log")"
mariadbd --no-defaults --user=root --datadir=/tmp/db --socket=/tmp/db.sock --skip-networking --innodb-buffer-pool-size=64M \
	>"$dir/mariadbd.log" 2>&1 &
db=$!
memcached -u root -t 4 -m 64 -l 127.0.0.1 >"$dir/memcached.log" 2>&1 &
cache=$!
wait_until 120 mariadb --socket=/tmp/db.sock -e 'create database if not exists sbtest' 2>/dev/null ||
	die "mariadbd does not answer: $(tail -n 1 "$dir/mariadbd.log")"
bench() {
	sysbench oltp_read_write --db-driver=mysql --mysql-socket=/tmp/db.sock --mysql-user=root --mysql-db=sbtest \
		--tables=2 --table-size=2000 --threads=8 "$@"
}
bench prepare >"$dir/prepare.log" 2>&1 || die "sysbench prepare: $(tail -n 1 "$dir/prepare.log")"

# load NAME SECONDS: both services, beside each other.
load() {
	(
		end=$((SECONDS + $2)) n=0
		while ((SECONDS < end)); do
			memcslap --servers=127.0.0.1 --concurrency=8 --execute-number=500 --test=set >/dev/null 2>&1 || break
			memcslap --servers=127.0.0.1 --concurrency=8 --execute-number=500 --test=get >/dev/null 2>&1 || break
			n=$((n + 1))
		done
		echo $n >"$dir/$1.cache"
	) &
	local loop=$!
	bench --time="$2" --report-interval=0 run >"$dir/$1.bench" 2>&1
	wait $loop
}
per_s() { sed -nE 's/.*transactions: .*\(([0-9.]+) per sec.*/\1/p' "$dir/$1.bench"; }
errors() { sed -nE 's/.*ignored errors: +([0-9]+) .*/\1/p' "$dir/$1.bench"; }
rounds() { calc "$(<"$dir/$1.cache") / $2"; }
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

load without "$side"
$lockspan record "${rates[@]}" -p $db -p $cache -d "$time" -o "$dir/run" 2>"$dir/run.err" &
collector=$!
(
	end=$((SECONDS + time))
	while sleep $((time / 30 + 1)) && ((SECONDS < end)) && [[ -e /proc/$collector/status ]]; do
		$lockspan status --json >/tmp/status.json
		echo "$(rss_kb $collector) $(json /tmp/status.json memory_bytes)"
	done >"$dir/memory"
) &
load with "$time"
rc=0
# What writing the files takes once at the end is told, but is no growth.
peak=$(while grep -s VmHWM /proc/$collector/status; do sleep 0.2; done | awk '{ print $2 }' | sort -n | tail -n 1)
wait $collector || rc=$?
load after "$side"

# The first third fills caches and tables.
growth() {
	awk -v f="$1" '{ v[NR] = $f } END { n = int(NR / 3); for (i = NR - 2; i <= NR; i++) if (v[i] > m) m = v[i]
		a = v[n + 1]; printf "%.0f", 100 * (m - a) / (a ? a : 1) }' "$dir/memory"
}
lost=0
for c in gap_records stacks_missing lost_span_ring lost_release_ring lost_stack_ring lost_task_table lost_key_table lost_send; do
	lost=$((lost + $(json "$dir/run/record.json" losses.$c)))
done
waits=$(json "$dir/run/record.json" exact.contentions) kept=$(json "$dir/run/record.json" counters.kept)
verdict "the service is recorded and nothing is lost" "$rc == 0 && $lost == 0 && $waits > 100" \
	"$waits waits, $kept kept, $lost records lost in $time s"
verdict "memory of collector and module stays flat" "$(growth 1) < 25 && $(growth 2) < 25" \
	"collector +$(growth 1) %, module +$(growth 2) % in the last two thirds; at the end $(tail -n 1 "$dir/memory") (kB, bytes); while it writes the files at most ${peak:-?} kB"
mariadb --socket=/tmp/db.sock sbtest -e 'check table sbtest1, sbtest2 extended' >"$dir/check" 2>&1
bad=$(grep -c status "$dir/check")
good=$(grep -c 'status.*OK' "$dir/check")
verdict "the service's results are unaffected" "$good == 2 && $bad == 2 && $(rounds with 1) > 0" \
	"$good of 2 tables sound; transactions a second $(per_s without) before, $(per_s with) while, $(per_s after) after; ignored errors $(errors without), $(errors with), $(errors after); rounds of the cache a second $(rounds without "$side"), $(rounds with "$time"), $(rounds after "$side")"
top=$($lockspan report --by lock "$dir/run" | sed -n '/by lock/,/^$/p' | sed -n 2p)
verdict "its top is there to be judged" "\"${top//\"/}\" != \"\"" "$top"
show $lockspan report "$dir/run"
show $lockspan report --by lock "$dir/run"
mariadb-admin --socket=/tmp/db.sock shutdown >/dev/null 2>&1
kill $cache
wait

# A service in Go, seen by itself (it takes its mutex profile at a fraction of 5 and no block profile) and by the kernel.
at=$dir/etcd
mkdir -p "$at/own"
etcd --data-dir /tmp/etcd --enable-pprof >"$at/etcd.log" 2>&1 &
etcd=$!
export ETCDCTL_API=3
wait_until 60 etcdctl endpoint health 2>/dev/null || die "etcd does not answer: $(tail -n 1 "$at/etcd.log")"
etcdctl check perf --load=s >"$at/load" 2>&1 &
load=$!
sleep 5
curl -s -o "$at/own/mutex.pb.gz" 'http://127.0.0.1:2379/debug/pprof/mutex?seconds=30' &
curl=$!
$lockspan record -p $etcd -d 30 -o "$at" 2>"$at.err" || die "recording etcd: $(tail -n 1 "$at.err")"
wait $curl
kill $load $etcd
wait
verdict "a Go service's locks are seen by Go, its threads by the kernel" \
	"$(pprof_sum "$at/own/mutex.pb.gz" contentions 'fn=sync.(*Mutex).Unlock') > 0 && $(pprof_sum "$at/block.pb.gz" contentions sync=runtime) > 0" \
	"$(pprof_sum "$at/own/mutex.pb.gz" contentions) contentions in etcd's own mutex profile; $(pprof_sum "$at/block.pb.gz" contentions) waits of threads"
go_line 12 etcd "$at"
finish
