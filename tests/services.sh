#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A database and a cache under the userspace recorder, and the same without it.
# Would catch: a service that does not come up, loses or changes what it was
# given, answers with errors, does not end, or ends otherwise than without the
# recorder; a recording of it that is partial.
#
# By hand, for it needs a root of its own and many minutes of an emulator:
#   tools/vm make 6.1 user tests/vm/pprofsum tests/vm/jsonget && tools/vm run --kernel 6.1 --mem 2048 --timeout 3600 --add tests/services.sh:tests/services.sh \
#   --root bookworm:mariadb-server,sysbench,memcached,libmemcached-tools,etcd-server,etcd-client,curl -- bash tests/services.sh
. tests/lib.sh

events=${SERVICES_EVENTS:-200}
dir=${OUT:-/tmp}/services
mkdir -p "$dir"

db() { mariadb --socket=/tmp/db.sock "$@"; }
bench() {
	sysbench oltp_read_write --db-driver=mysql --mysql-socket=/tmp/db.sock --mysql-user=root --mysql-db=sbtest \
		--tables=2 --table-size=1000 --threads=8 --time=0 --events="$events" "$@"
}
# ask TEXT: one exchange with memcached, until it says how that ended.
ask() {
	exec 3<>/dev/tcp/127.0.0.1/11211
	printf '%s\r\n' "$@" >&3
	while read -r -t 20 -u 3 line; do
		line=${line%$'\r'}
		printf '%s\n' "$line"
		[[ $line != @(END|STORED|OK|ERROR*|SERVER_ERROR*|NOT_STORED) ]] || break
	done
	exec 3>&-
}
answers() { [[ $(ask version) == VERSION* ]]; }

# database NAME CMD...: starts it by CMD, loads it, ends it.
database() {
	local name=$1 rc=0 pid
	shift
	rm -rf /tmp/db
	mariadb-install-db --no-defaults --user=root --datadir=/tmp/db >"$dir/$name.install" 2>&1 ||
		die "mariadb-install-db: $(tail -n 1 "$dir/$name.install")"
	"$@" mariadbd --no-defaults --user=root --datadir=/tmp/db --socket=/tmp/db.sock --skip-networking \
		--innodb-buffer-pool-size=64M >"$dir/$name.log" 2>&1 &
	pid=$!
	wait_until 240 db -e 'create database if not exists sbtest' 2>/dev/null
	is "$name: the database answers" $? 0
	bench prepare >"$dir/$name.prepare" 2>&1
	is "$name: tables are made" $? 0
	bench run >"$dir/$name.bench" 2>&1
	is "$name: the load runs to its end" $? 0
	is "$name: its transactions" "$(sed -nE 's/.*transactions: +([0-9]+) .*/\1/p' "$dir/$name.bench")" "$events"
	is "$name: reconnects" "$(sed -nE 's/.*reconnects: +([0-9]+) .*/\1/p' "$dir/$name.bench")" 0
	echo "# $name: $(sed -nE 's/.*transactions: .*\((.*)\)/\1/p' "$dir/$name.bench")"
	db sbtest -e 'check table sbtest1, sbtest2 extended' >"$dir/$name.check" 2>&1
	is "$name: tables that are sound" "$(grep -c 'status.*OK' "$dir/$name.check")" 2
	is "$name: rows" "$(db -N sbtest -e 'select (select count(*) from sbtest1) + (select count(*) from sbtest2)')" 2000
	mariadb-admin --socket=/tmp/db.sock shutdown >/dev/null 2>&1
	wait $pid || rc=$?
	is "$name: how it ended" $rc 0
}

# cache NAME CMD...
cache() {
	local name=$1 pid n=0 set get rc=0
	shift
	"$@" memcached -u root -t 4 -m 64 -l 127.0.0.1 >"$dir/$name.log" 2>&1 &
	pid=$!
	wait_until 120 answers 2>/dev/null
	is "$name: the cache answers" $? 0
	for ((i = 0; i < 50; i++)); do
		[[ $(ask "set key$i 0 0 ${#i}" "$i") == STORED ]] && [[ $(ask "get key$i") == "VALUE key$i 0 ${#i}"$'\n'"$i"$'\n'END ]] &&
			n=$((n + 1))
	done
	is "$name: values that come back as they were given" $n 50
	memcslap --servers=127.0.0.1 --concurrency=8 --execute-number=300 --test=set >"$dir/$name.set" 2>&1
	is "$name: a load of sets" $? 0
	memcslap --servers=127.0.0.1 --concurrency=8 --execute-number=300 --test=get >"$dir/$name.get" 2>&1
	is "$name: a load of gets" $? 0
	ask stats >"$dir/$name.stats"
	set=$(sed -n 's/^STAT cmd_set //p' "$dir/$name.stats") get=$(sed -n 's/^STAT cmd_get //p' "$dir/$name.stats")
	num "$name: sets that it counts" "$set" ">=" $((50 + 8 * 300))
	num "$name: gets that it counts" "$get" ">=" $((50 + 8 * 300))
	echo "$set $get" >"$dir/$name.counts"
	pkill -TERM -x memcached
	wait $pid || rc=$?
	echo "$rc" >"$dir/$name.rc"
}

database database-without env
database database-with $lockspan user -o "$dir/database" --
for name in database-without database-with; do
	is "$name: errors in its log" "$(grep -cE '\[ERROR\]|signal|corrupt' "$dir/$name.log")" 0
done
num "database: waits that were recorded" "$(pprof_sum "$dir/database/block.pb.gz" contentions)" ">" 10
is "database: the recording is partial" "$(json "$dir/database/record.json" partial)" false
cache cache-without env
cache cache-with $lockspan user -o "$dir/cache" --
is "cache: it counts the same" "$(cat "$dir/cache-with.counts")" "$(cat "$dir/cache-without.counts")"
is "cache: how it ended" "$(cat "$dir/cache-with.rc")" "$(cat "$dir/cache-without.rc")"
num "cache: waits that were recorded" "$(pprof_sum "$dir/cache/block.pb.gz" contentions)" ">" 0
is "cache: the recording is partial" "$(json "$dir/cache/record.json" partial)" false
for name in database cache; do
	echo "# $name:"
	$lockspan report --by lock "$dir/$name" | head -n 24 | sed 's/^/# /'
done
finish
