# SPDX-License-Identifier: GPL-2.0-only
# The cache directory, its locks, and how vm speaks: progress and errors.
# Sourced by tools/vm.
# shellcheck shell=bash disable=SC2154,SC2034,SC2015,SC2016 # tools/vm joins the parts' variables

cache=${XDG_CACHE_HOME:-$HOME/.cache}/lockspan

say() { printf 'vm: %s\n' "$*" >&2; }

# 125 is vm's own failure; every message ends in what to do about it.
die() {
	printf 'vm: error: %s\n' "$*" >&2
	exit 125
}

# timed TEXT CMD...: run it, then report how long it took. Its output is kept
# and shown only when it fails: apt's chatter hides the line that matters.
timed() {
	local text=$1 log start=$EPOCHREALTIME rc=0
	shift
	mkdir -p "$cache/tmp"
	log=$(mktemp "$cache/tmp/log.XXXXXX")
	say "$text ..."
	"$@" >"$log" 2>&1 </dev/null || rc=$?
	if ((rc)); then
		tail -n 25 "$log" >&2
		rm -f "$log"
		return "$rc"
	fi
	rm -f "$log"
	say "$text: done ($(seconds_since "$start") s)"
}

# seconds_since EPOCHREALTIME: with one decimal, in integer arithmetic. The
# decimal point follows the locale, hence both separators.
seconds_since() {
	local us=$((${EPOCHREALTIME//[.,]/} - ${1//[.,]/}))
	printf '%d.%d' $((us / 1000000)) $((us / 100000 % 10))
}

# with_lock NAME CMD...: one process at a time; the others wait and then find
# the work done. The lock goes with the process, so nothing stays locked.
# CMD says itself what went wrong and exits; never put || behind with_lock, that
# would let CMD run on after a failed step (set -e is off on the left of ||).
with_lock() {
	local name=$1 fd
	shift
	mkdir -p "$cache/locks"
	exec {fd}>"$cache/locks/$name"
	if ! flock -n "$fd"; then
		say "waiting for another vm that prepares $name"
		flock "$fd"
	fi
	"$@"
	exec {fd}>&-
}

# need_space MB: a full disk in the middle of dpkg gives messages nobody can read.
need_space() {
	local free
	mkdir -p "$cache"
	free=$(df --output=avail -m "$cache" | tail -n 1)
	((free >= $1)) || die "$cache has ${free// /} MB free and $1 MB are needed;" \
		"free some space or set XDG_CACHE_HOME to a larger disk"
}

need_root() {
	((EUID == 0)) || die "$1 needs root; run it with sudo"
}

# need_programs: the host's tools, through apt when there is an apt and we may.
need_programs() {
	local -a missing=()
	local pair
	for pair in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap cpio:cpio \
		zstd:zstd xz:xz-utils lz4:lz4 depmod:kmod mkfs.ext4:e2fsprogs readelf:binutils \
		setpriv:util-linux; do
		PATH=$PATH:/usr/sbin:/sbin type "${pair%:*}" >/dev/null 2>&1 || missing+=("${pair#*:}")
	done
	[[ -n $(busybox_static) ]] || missing+=(busybox-static)
	[[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
	((${#missing[@]})) || return 0
	type apt-get >/dev/null 2>&1 && ((EUID == 0)) ||
		die "missing on this host: ${missing[*]}; install them (as root: apt-get install ${missing[*]})"
	host_install "${missing[@]}"
}

# A dynamic busybox would need the host's libc in every guest.
busybox_static() {
	local b
	for b in /bin/busybox /usr/bin/busybox; do
		if [[ -x $b ]] && ! readelf -l "$b" 2>/dev/null | grep -q INTERP; then
			echo "$b"
			return
		fi
	done
}

host_install() {
	need_root "installing $*"
	export DEBIAN_FRONTEND=noninteractive
	local -a apt=(apt-get -y -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@")
	timed "installing $* on this host" "${apt[@]}" && return
	# The usual cause is an index older than the mirror.
	timed "updating apt's index" apt-get -o DPkg::Lock::Timeout=300 update &&
		timed "installing $* on this host, second try" "${apt[@]}" ||
		die "apt cannot install $*; check the network and 'apt-get update', then try again"
}
