# SPDX-License-Identifier: GPL-2.0-only
# A whole root of a suite with more packages as an ext4 image, for tests that
# need perf, a database or another compiler. Sourced by tools/vm.
# shellcheck shell=bash disable=SC2154,SC2034,SC2015,SC2016 # tools/vm joins the parts' variables

# The programs that init uses come from the initramfs, the rest from here.
image_packages=(bash coreutils procps util-linux iproute2 kmod)

# image_file SUITE PKG...: its path, named by the sorted list.
image_file() {
	local suite=$1 key
	shift
	key=$(printf '%s\n' "$@" | LC_ALL=C sort -u | cksum | tr ' ' -)
	echo "$cache/images/$suite-$key.ext4"
}

cmd_image() {
	(($#)) || die "image needs a suite and packages; suites: $(kernel_suites | xargs)"
	need_programs
	image_fetch "$@"
	image_file "$@"
}

image_fetch() {
	local suite=$1
	kernel_suites | grep -qxF "$suite" ||
		die "unknown suite '$suite'; tests/kernels has: $(kernel_suites | xargs)"
	[[ ! -e $(image_file "$@") ]] || return 0
	need_root "making an image"
	need_space 6000
	with_lock "image-$suite" image_build "$@"
}

image_build() {
	local suite=$1 file root
	file=$(image_file "$@")
	[[ ! -e $file ]] || return 0
	shift
	mkdir -p "$cache/images"
	root=$file.root
	rm -rf "$root" "$file.new"
	suite_bootstrap "$suite" "$root" "${image_packages[@]}" "$@"
	image_prepare "$root"
	# Sparse: what is not written costs no disk. The guest writes to a snapshot.
	truncate -s 8G "$file.new"
	PATH=$PATH:/usr/sbin:/sbin timed "writing $file" mkfs.ext4 -q -F -m 0 -O ^has_journal \
		-E lazy_itable_init=1 -d "$root" "$file.new" ||
		die "mkfs.ext4 failed; see above, and the free space of $cache"
	echo "$suite $*" >"$file.list"
	mv "$file.new" "$file"
	rm -rf "$root"
}

# Places that init mounts on or fills, and no service that starts by itself.
image_prepare() {
	mkdir -p "$1"/{lockspan,vm,out,busybox,proc,sys,dev,run,tmp}
	printf '127.0.0.1 localhost lockspan\n' >"$1/etc/hosts"
	rm -rf "${1:?}"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*
}
