# SPDX-License-Identifier: GPL-2.0-only
# The build root of a Debian suite: its compiler, libraries and kernel headers.
# A chroot in the cache, or the host itself where the host is that suite.
# Sourced by tools/vm.
# shellcheck shell=bash disable=SC2154,SC2034,SC2015,SC2016 # tools/vm joins the parts' variables

# What the project is built with has one list, in tools/install-deps.
suite_packages=(make bash kmod)
mapfile -t -O ${#suite_packages[@]} suite_packages < <("$tree/tools/install-deps" --list build)

suite_dir() { echo "$cache/suites/$1"; }

suite_is_host() {
	[[ ${LOCKSPAN_NO_HOST_ROOT:-} != 1 && $(suite_of_host) == "$1" ]]
}

# Only a Debian host can stand in for a suite; its derivatives have other kernels.
suite_of_host() (
	# shellcheck disable=SC1091
	. /etc/os-release
	[[ $ID == debian ]] && type apt-get >/dev/null 2>&1 && echo "${VERSION_CODENAME:-}"
)

# Empty for the host, so that "$(suite_root S)/usr/lib" is right for both.
suite_root() { suite_is_host "$1" || echo "$(suite_dir "$1")/root"; }

suite_headers() {
	sed 's/#.*//' "$tree/tests/kernels" |
		awk -v s="$1" 'NF && $2 == s { sub("image", "headers", $3); print $3 }'
}

# suite_fetch SUITE [KERNEL]: the host gets the headers of that kernel only, a
# chroot those of all its kernels, so that one root serves them both.
suite_fetch() {
	local suite=$1 package
	local -a want=("${suite_packages[@]}")
	if suite_is_host "$suite"; then
		if [[ -n ${2:-} ]]; then
			package=$(kernel_field "$2" 3)
			want+=("${package/image/headers}")
		fi
		suite_install "$suite" "${want[@]}"
		return
	fi
	mapfile -t -O ${#want[@]} want < <(suite_headers "$suite")
	if [[ ! -e $(suite_dir "$suite")/root/etc/debian_version ]]; then
		need_root "making the build root of $suite"
		need_space 3000
		with_lock "suite-$suite" suite_build "$suite" "${want[@]}"
	fi
	suite_install "$suite" "${want[@]}"
}

# suite_install SUITE PKG...: what is not there yet.
suite_install() {
	local suite=$1 admin
	shift
	admin=$(suite_root "$suite")/var/lib/dpkg
	local -a missing=()
	mapfile -t missing < <(comm -13 <(dpkg-query --admindir="$admin" -W \
		-f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u) \
		<(printf '%s\n' "$@" | sort -u))
	((${#missing[@]})) || return 0
	if suite_is_host "$suite"; then
		with_lock host-apt host_install "${missing[@]}"
		return
	fi
	need_root "installing ${missing[*]}"
	with_lock "suite-$suite" suite_apt_install "$suite" "${missing[@]}"
}

suite_apt_install() {
	local suite=$1
	shift
	local -a apt=(suite_run "$suite" apt-get -y --no-install-recommends install "$@")
	timed "installing $* in $suite" "${apt[@]}" && return
	timed "updating the package index of $suite" suite_run "$suite" apt-get update &&
		timed "installing $* in $suite, second try" "${apt[@]}" ||
		die "apt cannot install $* in $suite; check the network," \
			"or remove $(suite_dir "$suite") to start afresh"
}

suite_build() {
	local dir
	dir=$(suite_dir "$1")
	[[ ! -e $dir/root/etc/debian_version ]] || return 0
	mkdir -p "$dir"
	suite_bootstrap "$1" "$dir/root.new" "${@:2}"
	mv "$dir/root.new" "$dir/root"
}

# suite_bootstrap SUITE DIR [--variant=V] PKG...: a Debian root with its apt ready
# to use, or what else mmdebstrap's variant V makes.
suite_bootstrap() {
	local suite=$1 dir=$2 mirror base line variant=--variant=apt
	shift 2
	if [[ $1 == --variant=* ]]; then
		variant=$1
		shift
	fi
	mirror=$(suite_mirror)
	base=${suite%-backports}
	rm -rf "$dir"
	local -a options=("$variant" --mode=root --skip=cleanup/apt
		--aptopt='APT::Install-Recommends "false"'
		--include="$(tr ' ' , <<<"$*")")
	while read -r line; do options+=(--aptopt="$line"); done < <(
		apt-config dump | grep -E '^Acquire::([a-z]+::Proxy |Check-)' || true)
	local -a sources=("deb $mirror $base main")
	if [[ $suite != "$base" ]]; then
		sources+=("deb $mirror $suite main")
		options+=(--setup-hook="$(suite_backports_hook "$suite")")
	fi
	timed "building a root of $suite with $1 and what it needs (some minutes on a slow line)" \
		mmdebstrap "${options[@]}" "$base" "$dir" "${sources[@]}" || {
		rm -rf "$dir"
		die "mmdebstrap cannot build $suite from the mirror $mirror; check the names of" \
			"the packages and the network, or name another mirror in LOCKSPAN_MIRROR"
	}
}

# A backport ranks below its suite unless asked for; ask for the kernel only.
suite_backports_hook() {
	local kernel='linux-base* linux-binary-* linux-headers-* linux-image-* linux-kbuild-*'
	printf 'printf "Package: %s\\nPin: release n=%s\\nPin-Priority: 900\\n" >"$1/etc/apt/preferences.d/backports"' \
		"$kernel linux-modules-*" "$1"
}

# The mirror of the host's own apt: it is near, and it is the one that is allowed.
suite_mirror() {
	local m=${LOCKSPAN_MIRROR:-}
	[[ -n $m ]] || m=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(SITE)' \
		'Created-By: Packages' 2>/dev/null | sed -n 's/^Debian Debian //p' | head -n 1)
	[[ -n $m ]] || die "apt's configuration names no Debian mirror;" \
		"run 'apt-get update', or name one in LOCKSPAN_MIRROR"
	echo "$m"
}

# suite_download SUITE DIR PKG...: .deb files into DIR.
suite_download() {
	local suite=$1 dir=$2
	shift 2
	if timed "downloading $* of $suite" suite_apt_download "$suite" "$dir" "$@"; then return; fi
	need_root "updating the package index of $suite"
	timed "updating the package index of $suite" suite_run "$suite" apt-get update &&
		timed "downloading $* of $suite" suite_apt_download "$suite" "$dir" "$@" ||
		die "cannot download $*; check the network. A mirror keeps only the newest kernel: if this" \
			"one is gone, upgrade the headers: tools/vm sh $suite apt-get -y upgrade"
}

suite_apt_download() {
	local suite=$1 dir=$2
	shift 2
	if suite_is_host "$suite"; then
		(cd "$dir" && apt-get -o APT::Sandbox::User=root download "$@")
	else
		suite_run "$suite" bash -c 'cd "$0" && apt-get -o APT::Sandbox::User=root download "$@"' \
			"$dir" "$@"
	fi
}

# suite_run SUITE CMD...: CMD in the build root, in the current directory, with
# the tree and the cache at the same paths. The mounts live in a namespace of
# their own and end with CMD, however it ends. Inside a chroot, whose root is no mount,
# they cannot be made private first, and are taken down by hand as well.
suite_run() {
	local suite=$1 propagation=private
	shift
	if suite_is_host "$suite"; then
		"$@"
		return
	fi
	need_root "the build root of $suite"
	mountpoint -q / || propagation=unchanged
	unshare --mount --propagation "$propagation" bash -c '
		set -e
		root=$1 tree=$2 cache=$3 dir=$4 propagation=$5; shift 5
		mkdir -p "$cache/kernels" "$root$tree" "$root$cache/kernels"
		mounted=()
		bind() { mount "$1" "$2" "$3" && mounted=("$3" "${mounted[@]}"); }
		leave() { if [[ $propagation == unchanged ]]; then umount -R -l "${mounted[@]}"; fi; }
		trap leave EXIT
		trap "exit 130" INT TERM HUP
		bind --bind "$tree" "$root$tree"
		bind --bind "$cache/kernels" "$root$cache/kernels"
		for d in /proc /dev /sys; do bind --rbind "$d" "$root$d"; done
		cp /etc/resolv.conf "$root/etc/resolv.conf"
		rc=0
		chroot "$root" /bin/sh -c '\''cd "$0" 2>/dev/null || cd /; exec "$@"'\'' "$dir" "$@" || rc=$?
		exit "$rc"
	' suite_run "$(suite_root "$suite")" "$tree" "$cache" "$PWD" "$propagation" \
		env -u TMPDIR LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
