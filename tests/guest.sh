#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs VM tests one after the other inside a guest: tests/guest.sh NAME:SECONDS...
# Everything goes to standard output at once, with lines that tests/run cuts it
# by, so that a test during which the guest dies keeps what it had said.
cd "$(dirname "$0")/.." || exit 1

for test; do
	name=${test%:*}
	printf '@@ begin %s\n' "$name"
	start=${EPOCHREALTIME//[.,]/}
	timeout -k 5 "${test#*:}" bash "tests/vm/$name.sh" </dev/null 2>&1
	rc=$?
	# Profiles that broke a rule of the format would mislead whoever reads them.
	mapfile -t profiles < <(find /tmp /out -name '*.pb.gz' 2>/dev/null)
	if ((${#profiles[@]})) && ! ./pprof-truth -pprof=false "${profiles[@]}" >/tmp/truth.txt; then
		printf 'not ok - the format of every profile: %s\n' "$(grep -v ': ok: ' /tmp/truth.txt)"
		rc=1
	fi
	# Where the next test begins is not left to this one.
	for p in /proc/[0-9]*/exe; do
		[[ $(readlink "$p") != /lockspan/* ]] || kill -9 "$(cut -d / -f 3 <<<"$p")"
	done
	for _ in {1..100}; do
		if [[ ! -d /sys/module/lockspan ]] || rmmod lockspan; then break; fi
		sleep 0.2
	done
	rm -rf /tmp/* /tmp/.[!.]*
	read -r taint </proc/sys/kernel/tainted
	printf '@@ end %s %d %d %d\n' "$name" "$rc" $(((${EPOCHREALTIME//[.,]/} - start) / 1000)) "$taint"
done
