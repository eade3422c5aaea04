# SPDX-License-Identifier: GPL-2.0-only
# What a test script stands on, in the guest (tests/vm) and on the host
# (tests/e2e) alike: checks that print TAP lines, and the few steps that nearly
# every test takes. Sourced first; the script's last line is `finish`. A script
# that ends without it has failed, whatever it printed.
# shellcheck shell=bash

set -u
n_checks=0
n_failed=0

pass() {
	n_checks=$((n_checks + 1))
	printf 'ok %d - %s\n' "$n_checks" "$*"
}

fail() {
	n_checks=$((n_checks + 1)) n_failed=$((n_failed + 1))
	printf 'not ok %d - %s\n' "$n_checks" "$*"
}

# skip TEXT WHY: in CI a skip counts as a failure.
skip() {
	n_checks=$((n_checks + 1))
	printf 'ok %d - %s # SKIP %s\n' "$n_checks" "$1" "$2"
}

# check TEXT CMD...: CMD succeeds. `check TEXT ! CMD...`: it fails.
check() {
	local text=$1 want=0 rc=0
	shift
	[[ $1 != ! ]] || { want=1 && shift; }
	"$@" || rc=$?
	if (((rc != 0) == want)); then pass "$text"; else fail "$text (exit $rc of: $*)"; fi
}

# is TEXT GOT WANT: equal as text.
is() {
	if [[ $2 == "$3" ]]; then pass "$1: $2"; else fail "$1: is '$2', not '$3'"; fi
}

# like TEXT GOT REGEX
like() {
	if [[ $2 =~ $3 ]]; then pass "$1"; else fail "$1: '$2' does not match '$3'"; fi
}

# num TEXT A OP B: integers; OP is one of bash's comparisons.
num() {
	if [[ $2 =~ ^-?[0-9]+$ && $4 =~ ^-?[0-9]+$ ]] && (("$2 $3 $4")); then
		pass "$1: $2 $3 $4"
	else
		fail "$1: '$2' is not $3 '$4'"
	fi
}

# near TEXT GOT WANT PERCENT: within PERCENT of WANT.
near() {
	local off='?' difference
	if [[ $2 =~ ^[0-9]+$ && $3 =~ ^[0-9]+$ ]] && (($3 > 0)); then
		difference=$(($2 > $3 ? $2 - $3 : $3 - $2))
		off=$((difference * 10000 / $3))
		off=$((off / 100)).$(printf %02d $((off % 100)))
		if ((difference * 100 <= $3 * $4)); then
			pass "$1: $2 against $3, $off % off, $4 % allowed"
			return
		fi
	fi
	fail "$1: $2 against $3, $off % off, $4 % allowed"
}

# die TEXT: nothing after this could mean anything.
die() {
	printf 'Bail out! %s\n' "$*"
	exit 1
}

finish() {
	printf '1..%d\n' "$n_checks"
	exit $((n_failed > 0))
}

# What stands for a value that is not there. It must be a name: to reckon with it
# ends the script, for it is an unbound variable; at "-" or "?" bash drops the
# check with the rest of its line, and goes on.
readonly no_value=missing
# there VALUE...: none of them is missing. For awk, to which a name is 0.
there() { [[ "$*" != *"$no_value"* ]]; }

# pprof_sum FILE TYPE [CONDITION...]: see tests/vm/pprofsum.c; or $no_value.
pprof_sum() { tests/vm/pprofsum "$@" || echo $no_value; }

# json FILE PATH: the value, or $no_value.
json() { tests/vm/jsonget "$1" "$2" || echo $no_value; }

# pprof_home DIR: `go tool pprof` keeps what it fetches there. Go 1.25 and later build that program when
# it is first called, which takes 35 s. They keep it in the cache that GOCACHE names, by default below HOME.
pprof_home() {
	GOCACHE=$(go env GOCACHE)
	export GOCACHE HOME=$1 PPROF_TMPDIR=$1
}

# ended FILE: waits that slept and ended, however that was, by the counters in a record.json.
ended() {
	local outcome n=0
	for outcome in woken timeout signal requeued owner_died woken_late stray error; do
		n=$((n + $(json "$1" counters.$outcome)))
	done
	echo $n
}

# ---- in the guest ----------------------------------------------------------

lockspan=user/lockspan
[[ -x $lockspan ]] || lockspan=/lockspan/user/lockspan

# A test that runs another one may set lsp_module_options and lsp_module for it.
module_load() { insmod "${lsp_module:-./lockspan.ko}" ${lsp_module_options:+"$lsp_module_options"} "$@" || die "insmod failed: $(dmesg | tail -n 3)"; }
module_loaded() { [[ -d /sys/module/lockspan ]]; }
# module_is STATE: idle, recording or draining; leaves /tmp/status.json.
module_is() { $lockspan status --json >/tmp/status.json && [[ $(json /tmp/status.json state) == "$1" ]]; }
# module_counts COUNTER N: by now so many, of the session that runs; leaves /tmp/status.json.
module_counts() { module_is recording && (($(json /tmp/status.json "counters.$1") >= $2)); }
module_unload() { ! module_loaded || rmmod lockspan; }

# Probes that stand in the kernel, whoever set them; a guest has none of its own.
module_probes() { wc -l </sys/kernel/debug/kprobes/list; }

# wait_until SECONDS CMD...: CMD succeeds before long.
wait_until() {
	local tries=$(($1 * 20))
	shift
	until "$@"; do
		((tries-- > 0)) || return 1
		sleep 0.05
	done
}
