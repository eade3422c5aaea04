# SPDX-License-Identifier: GPL-2.0-only
# Sourced by what takes many minutes: a line on standard error now and then, so
# that nobody takes a guest that works for one that hangs. It goes to where
# standard error was then, whatever a command's own output is written to.
# shellcheck shell=bash
exec {progress_fd}>&2
progress_log=/dev/null

# progress_run WORDS CMD...: runs CMD, and says every half minute how long it has
# taken and the last line of $progress_log. Its exit status.
progress_run() {
	local words=$1 log=$progress_log begin=$SECONDS ticker rc=0
	shift
	# The command stays in the foreground, where Ctrl-C reaches it; a ticker whose script is gone ends.
	# The last sleep outlives us: it must not keep anybody's pipe open.
	while sleep "${PROGRESS_SECONDS:-30}" {progress_fd}>&- >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
		printf '%s: [%4d s] %s\n' "$words" $((SECONDS - begin)) \
			"$(tail -n 1 "$log" 2>/dev/null | tr -cd '[:print:]' | cut -c1-100)" >&"$progress_fd"
	done &
	ticker=$!
	"$@" {progress_fd}>&- || rc=$?
	kill $ticker 2>/dev/null || true
	wait $ticker 2>/dev/null || true
	return $rc
}
