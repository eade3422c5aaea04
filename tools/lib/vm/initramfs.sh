# SPDX-License-Identifier: GPL-2.0-only
# The guest's file system: a base per kernel, kept in the cache, and a small
# archive per run with the tree's outputs. The kernel unpacks one after the
# other from the same initrd. Sourced by tools/vm.
# shellcheck shell=bash disable=SC2154,SC2034,SC2015,SC2016 # tools/vm joins the parts' variables

# Two checkouts may share a cache: the base is named by what it is made from.
initramfs_base_file() {
	echo "$(kernel_dir "$1")/base-$(cat "$vmlib/init" "$vmlib/initramfs.sh" | cksum | cut -d ' ' -f 1).cpio"
}

# initramfs_base NAME SUITE: busybox, bash, libc and the kernel's modules.
initramfs_base() {
	local name=$1 suite=$2 dir stage root applet
	dir=$(kernel_dir "$name")
	stage=$dir/base.new
	root=$(suite_root "$suite")
	rm -rf "$stage"
	initramfs_skeleton "$stage"
	cp "$(busybox_static)" "$stage/busybox/busybox"
	while read -r applet; do
		[[ $applet == busybox ]] || ln -s busybox "$stage/busybox/$applet"
	done < <("$stage/busybox/busybox" --list)
	ln -s ../../busybox/env "$stage/usr/bin/env"
	cp "$vmlib/init" "$stage/init"
	chmod 755 "$stage/init"
	cp -r "$dir/modules" "$stage/usr/lib/modules"
	mkdir -p "$stage/boot"
	cp "$dir/config" "$stage/boot/config-$(<"$dir/version")"
	local -a files=()
	mapfile -t files < <(root_program "$root" bash && root_program "$root" sh &&
		root_library "$root" libgcc_s.so.1)
	initramfs_add_programs "$stage" "$root" "${files[@]}"
	# The kernel starts ld.so by this name, whatever the suite's own layout.
	mkdir -p "$stage/usr/lib64"
	ln -sf ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$stage/usr/lib64/ld-linux-x86-64.so.2"
	initramfs_pack "$stage" "$(initramfs_base_file "$name")"
	rm -rf "$stage"
	find "$dir" -name 'base-*.cpio' -mtime +7 -delete
}

initramfs_skeleton() {
	local d
	mkdir -p "$1"/{busybox,proc,sys,dev,tmp,run,out,root,etc,vm,var,mnt,lockspan,boot} \
		"$1"/usr/{bin,sbin,lib,lib64,local/bin,local/sbin}
	chmod 1777 "$1/tmp"
	for d in bin sbin lib lib64; do ln -s "usr/$d" "$1/$d"; done
	ln -s ../run "$1/var/run"
	ln -s ../tmp "$1/var/tmp"
	ln -s /proc/mounts "$1/etc/mtab"
	printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/sh\n' >"$1/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$1/etc/group"
	printf '127.0.0.1 localhost lockspan\n' >"$1/etc/hosts"
	printf 'ID=lockspan-vm\n' >"$1/etc/os-release"
	mkdir -p "$1/vm/dev"
	initramfs_mounts >"$1/vm/fstab"
	mkfifo "$1/vm/pipe-out" "$1/vm/pipe-err"
	ln -s /proc/self/fd "$1/vm/dev/fd"
	ln -s /proc/self/fd/0 "$1/vm/dev/stdin"
	ln -s /proc/self/fd/1 "$1/vm/dev/stdout"
	ln -s /proc/self/fd/2 "$1/vm/dev/stderr"
}

initramfs_mounts() {
	cat <<-'END'
	proc /proc proc defaults 0 0
	sysfs /sys sysfs defaults 0 0
	dev /dev devtmpfs defaults 0 0
	devpts /dev/pts devpts defaults 0 0
	tmpfs /dev/shm tmpfs mode=1777 0 0
	tmpfs /tmp tmpfs mode=1777 0 0
	tmpfs /run tmpfs mode=755 0 0
	debugfs /sys/kernel/debug debugfs defaults 0 0
	tracefs /sys/kernel/tracing tracefs defaults 0 0
	cgroup2 /sys/fs/cgroup cgroup2 defaults 0 0
	bpf /sys/fs/bpf bpf defaults 0 0
	END
}

# initramfs_pack DIR OUT: plain cpio; see docs in tools/vm --help for why.
initramfs_pack() {
	(cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
		cpio -0 -o -H newc --quiet -R 0:0) >"$2.new"
	mv "$2.new" "$2"
}

# root_resolve ROOT PATH: follow links, absolute ones within ROOT.
root_resolve() {
	local root=$1 path=$2 link n=0
	while [[ -L $root$path ]] && ((n++ < 20)); do
		link=$(readlink "$root$path")
		[[ $link == /* ]] || link=${path%/*}/$link
		path=$link
	done
	echo "$path"
}

# root_program ROOT NAME: its path inside ROOT.
root_program() {
	local d
	[[ $2 != /* ]] || { echo "$2" && return; }
	for d in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
		[[ ! -e $1$(root_resolve "$1" "$d/$2") ]] || { echo "$d/$2" && return; }
	done
	die "no program '$2' in the build root; install its package:" \
		"tools/vm sh SUITE apt-get install PACKAGE"
}

root_library() {
	local d
	for d in /lib/x86_64-linux-gnu /usr/lib/x86_64-linux-gnu /lib64 /usr/lib64 \
		/usr/lib /lib /usr/local/lib; do
		[[ ! -f $1$(root_resolve "$1" "$d/$2") ]] || { echo "$d/$2" && return; }
	done
	return 1
}

# initramfs_add_programs STAGE ROOT PATH...: programs of ROOT with all that they
# load. Paths are made those of a merged /usr, which the guest has.
initramfs_add_programs() {
	local stage=$1 root=$2 path to
	shift 2
	for path; do
		to=$path
		[[ $to == /usr/* || $to != /@(bin|sbin|lib|lib64)/* ]] || to=/usr$to
		mkdir -p "$stage${to%/*}"
		rm -f "$stage$to"
		cp "$root$(root_resolve "$root" "$path")" "$stage$to"
		initramfs_libraries "$stage" "$root" "$stage$to"
	done
}

# initramfs_libraries STAGE ROOT FILE...: the closure of DT_NEEDED, taken from
# ROOT, left out where base or STAGE has it. ldd would run the program.
initramfs_libraries() {
	local stage=$1 root=$2 lib from to
	shift 2
	local -a todo=("$@") next
	while ((${#todo[@]})); do
		next=()
		while read -r lib; do
			to=$stage/usr/lib/x86_64-linux-gnu/$lib
			[[ ! -e $to ]] || continue
			from=$(root_library "$root" "$lib") || continue
			mkdir -p "${to%/*}"
			cp "$root$(root_resolve "$root" "$from")" "$to"
			next+=("$to")
		done < <(readelf -dW "${todo[@]}" 2>/dev/null |
			sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' | sort -u)
		todo=("${next[@]}")
	done
}

# initramfs_run STAGE NAME SUITE: the outputs of build/NAME in the tree's layout.
initramfs_run() {
	local stage=$1 name=$2 root build=$tree/build/$2
	root=$(suite_root "$3")
	mkdir -p "$stage/lockspan" "$stage/vm"
	[[ -d $build ]] || return 0
	local -a files=()
	mapfile -d '' -t files < <(cd "$build" && {
		find . -maxdepth 1 -name '*.ko' -print0
		[[ ! -f user/lockspan ]] || printf 'user/lockspan\0'
		find user/preload -name '*.so' -print0
		find workloads tests tools -type f \( -perm -u+x -o -name '*.sh' \) -print0
	} 2>/dev/null || true)
	((${#files[@]})) || return 0
	(cd "$build" && cp -p --parents -t "$stage/lockspan" -- "${files[@]}")
	# Scripts and text have no DT_NEEDED; readelf says so on stderr only.
	initramfs_libraries "$stage" "$root" "${files[@]/#/$stage/lockspan/}"
}

# initramfs_debug STAGE ROOT: detached debug info for libc and ld.so, by build-id.
initramfs_debug() {
	local stage=$1 root=$2 lib from id
	for lib in libc.so.6 ld-linux-x86-64.so.2 libpthread.so.0 libstdc++.so.6; do
		from=$(root_library "$root" "$lib") || continue
		id=$(readelf -n "$root$(root_resolve "$root" "$from")" | sed -n 's/.*Build ID: //p')
		id=.build-id/${id:0:2}/${id:2}.debug
		[[ -e $root/usr/lib/debug/$id ]] || continue
		mkdir -p "$stage/usr/lib/debug/${id%/*}"
		cp -L "$root/usr/lib/debug/$id" "$stage/usr/lib/debug/$id"
	done
}
