#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# needs: timeout=900
# Would catch: an endpoint that `go tool pprof` does not fetch or read, cumulative,
# as a delta or as text; metrics that Prometheus does not read. The server is the real one with played counters
# (tests/unit/test_serve.c); tests/vm/serve.sh has it on a program.
# shellcheck source=tests/lib.sh
. tests/lib.sh

: "${TEST_DIR:=$(mktemp -d)}"
command -v go >/dev/null || die 'this needs go: tools/install-deps test'
pprof_home "$TEST_DIR"

make build/unit/test_serve >"$TEST_DIR/make.log" 2>&1 || die "no build: $(tail -n 3 "$TEST_DIR/make.log")"
build/unit/test_serve --serve >"$TEST_DIR/port" 2>"$TEST_DIR/err" &
server=$!
trap 'kill $server' EXIT
wait_until 60 test -s "$TEST_DIR/port" || die "it does not serve: $(cat "$TEST_DIR/err")"
url=http://127.0.0.1:$(<"$TEST_DIR/port")/debug/pprof

# top PATH: what -top says, or its error.
top() { go tool pprof -symbolize=none -top "$url/$1" 2>&1; }

for kind in mutex block; do
	found=$(top "$kind")
	like "$kind: type" "$found" 'Type: delay'
	like "$kind: the leaf" "$found" 'pthread_mutex_lock'
	check "$kind: no duration" ! grep -q Duration <<<"$found"
	found=$(top "$kind?seconds=1")
	like "$kind?seconds=1: the leaf" "$found" 'pthread_mutex_lock'
	like "$kind?seconds=1: its duration" "$found" 'Duration: [1-9][0-9]*(\.[0-9]+)?s'
	found=$(top "$kind?debug=1")
	like "$kind?debug=1 is read as well" "$found" 'Type: delay'
done
found=$(go tool pprof -symbolize=none -top -contentions "$url/mutex" 2>&1)
like 'contentions' "$found" 'Type: contentions'
found=$(go tool pprof -tags "$url/mutex" 2>&1)
like 'labels' "$found" 'counter_mu'
found=$(top nothing)
like 'an error is shown' "$found" '404 Not Found'
like 'with its text' "$found" 'Unknown profile'

# By Prometheus's own reader, where there is one. It objects to names that do not end as their kind must.
curl -s "${url%/debug/pprof}/metrics" >"$TEST_DIR/metrics"
is 'metrics: series' "$(grep -c '^lockspan_' "$TEST_DIR/metrics")" 3
if command -v promtool >/dev/null; then
	is 'promtool has nothing to say of the metrics' "$(promtool check metrics <"$TEST_DIR/metrics" 2>&1)" ''
fi

# The first ask gives the fixture once, the next one twice as much, and so on: compare two formats.
total() { go tool pprof -symbolize=none -raw "$url/$1" 2>/dev/null | awk '/^ +[0-9]+ +[0-9]+:/ { s += $2 } END { printf "%.0f", s }'; }
a=$(total mutex)
b=$(total 'mutex?debug=1')
num 'text and profile have the same delays: growth in ns' $((b - a)) '>' 3000000000
num 'text and profile have the same delays: growth in ns' $((b - a)) '<' 3500000000
finish
