# SPDX-License-Identifier: GPL-2.0-only
# One supported kernel: its line in tests/kernels, its package, its vmlinux and
# the few modules that a guest needs. Sourced by tools/vm.
# shellcheck shell=bash disable=SC2154,SC2034,SC2015,SC2016 # tools/vm joins the parts' variables

kernel_names() { sed 's/#.*//' "$tree/tests/kernels" | awk 'NF { print $1 }'; }

kernel_suites() { sed 's/#.*//' "$tree/tests/kernels" | awk 'NF { print $2 }' | sort -u; }

# kernel_field NAME N: column N of its line, or an error that lists the names. A
# kernel that tools/debug-kernel has built brings its line along.
kernel_field() {
	local v line
	line=$(kernel_dir "$1")/line
	[[ -e $line ]] || line=$tree/tests/kernels
	v=$(sed 's/#.*//' "$line" | awk -v n="$1" -v f="$2" 'NF && $1 == n { print $f }')
	[[ -n $v ]] || die "unknown kernel '$1'; tests/kernels has: $(kernel_names | xargs)"
	echo "$v"
}

kernel_dir() { echo "$cache/kernels/$1"; }

# kernel_fetch NAME: afterwards kernel_dir has version, config, vmlinux, modules/
# and the base archive. The version is that of the headers in the build root: a module
# must meet the kernel that it was built for, even when the mirror moves on.
kernel_fetch() {
	local name=$1 suite dir version
	suite=$(kernel_field "$name" 2)
	dir=$(kernel_dir "$name")
	suite_fetch "$suite" "$name"
	version=$(kernel_headers "$name" "$suite")
	if [[ ! -e $dir/vmlinux || $(<"$dir/version") != "$version" ]]; then
		need_space 1500
		with_lock "kernel-$name" kernel_unpack "$name" "$suite" "$version"
	fi
	[[ -e $(initramfs_base_file "$name") ]] || with_lock "kernel-$name" initramfs_base "$name" "$suite"
}

# kernel_headers NAME SUITE: the release whose headers the build root holds.
kernel_headers() {
	local package depends
	if [[ -e $(kernel_dir "$1")/line ]]; then
		cat "$(kernel_dir "$1")/version"
		return
	fi
	package=$(kernel_field "$1" 3)
	depends=$(dpkg-query --admindir="$(suite_root "$2")/var/lib/dpkg" -W -f '${Depends}' \
		"${package/image/headers}") || die "no headers of $1 in the build root of $2;" \
		"remove $(suite_dir "$2") and run: tools/vm fetch $1"
	sed -nE 's/.*linux-headers-([0-9][^ ]*).*/\1/p' <<<"$depends"
}

kernel_unpack() {
	local name=$1 suite=$2 version=$3 dir tmp start=$EPOCHREALTIME
	dir=$(kernel_dir "$name")
	[[ ! -e $dir/vmlinux || $(<"$dir/version") != "$version" ]] || return 0
	tmp=$dir.new
	rm -rf "$tmp"
	mkdir -p "$tmp/x"
	suite_download "$suite" "$tmp" "linux-image-$version"
	# Newer kernels come in parts: the image package only names the others.
	local -a parts=()
	mapfile -t parts < <(dpkg-deb -f "$tmp"/linux-image-*.deb Depends Pre-Depends |
		grep -oE "linux-(base|binary|modules)-[^ ,]*${version//+/[+]}" | sort -u)
	((${#parts[@]} == 0)) || suite_download "$suite" "$tmp" "${parts[@]}"
	local deb
	for deb in "$tmp"/*.deb; do dpkg-deb -x "$deb" "$tmp/x"; done
	kernel_merge_usr "$tmp/x"
	kernel_vmlinux "$(kernel_file "$tmp/x" "$version" vmlinuz)" "$tmp/vmlinux"
	cp "$(kernel_file "$tmp/x" "$version" config)" "$tmp/config"
	kernel_modules "$tmp" "$version"
	echo "$version" >"$tmp/version"
	rm -rf "$tmp/x" "$tmp"/*.deb "$dir.old"
	[[ ! -e $dir ]] || mv "$dir" "$dir.old"
	mv "$tmp" "$dir"
	rm -rf "$dir.old"
	say "kernel $name is $version ($(seconds_since "$start") s)"
}

# Packages up to bookworm have /lib/modules, later ones /usr/lib/modules.
kernel_merge_usr() {
	[[ -d $1/usr/lib/modules || ! -d $1/lib/modules ]] || {
		mkdir -p "$1/usr/lib"
		mv "$1/lib/modules" "$1/usr/lib/modules"
	}
	rm -rf "${1:?}/lib"
	ln -s usr/lib "$1/lib"
}

kernel_file() {
	local f
	for f in "$1/boot/$3-$2" "$1/usr/lib/modules/$2/$3" "$1/usr/lib/linux-base/$3-$2"; do
		[[ ! -f $f ]] || { echo "$f" && return; }
	done
	f=$(find "$1" -type f -name "$3*" -print -quit)
	[[ -n $f ]] || die "the packages of kernel $2 hold no $3; tools/lib/vm/kernel.sh must learn where it is"
	echo "$f"
}

# kernel_vmlinux VMLINUZ OUT: cut the ELF image out. QEMU starts it through its
# PVH entry and so skips real mode and the decompressor, which costs seconds
# under TCG. Offsets: Documentation/arch/x86/boot.rst of the kernel. The last
# four bytes of the payload are the length, which belongs to no compressor.
kernel_vmlinux() {
	local setup offset length magic
	setup=$(u_at "$1" 0x1f1 1)
	offset=$(($(u_at "$1" 0x248 4) + (${setup/#0/4} + 1) * 512))
	length=$(($(u_at "$1" 0x24c 4) - 4))
	magic=$(od -An -tx1 -j "$offset" -N 4 "$1" | tr -d ' ')
	local -a unpack
	case $magic in
	1f8b*) unpack=(gzip -dc) length=$((length + 4)) ;;
	28b52ffd) unpack=(zstd -dcq) ;;
	02214c18) unpack=(lz4 -dcq) ;;
	fd377a58) unpack=(xz -dcq) ;;
	*) die "$1 is compressed in an unknown way ($magic); tools/lib/vm/kernel.sh must learn it" ;;
	esac
	# A decompressor may complain of bytes after the end; readelf judges instead.
	tail -c +$((offset + 1)) "$1" | head -c "$length" | "${unpack[@]}" >"$2" 2>/dev/null || true
	readelf -n "$2" 2>/dev/null | grep -q Xen ||
		die "the kernel in $1 has no PVH entry; only kernels with CONFIG_PVH=y can be started"
}

u_at() { od -An -tu"$3" -j $(($2)) -N "$3" "$1" | tr -d ' '; }

# kernel_modules TMP VERSION: what a guest loads, with what they stand on, as
# plain .ko in load order. What is built in is simply not found here.
kernel_modules() {
	local tmp=$1 version=$2 base=$1/x/usr/lib/modules/$2 m line
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$tmp/x" "$version"
	mkdir -p "$tmp/modules"
	for m in virtio_pci virtio_console virtio_rng virtio_blk crc32c_generic ext4 overlay; do
		line=$(grep -E "(^|/)$m\.ko[.a-z]*:" "$base/modules.dep" || true)
		[[ -n $line ]] || continue
		# modules.dep lists the nearest first; insmod wants the farthest first.
		tr -d : <<<"$line" | tr ' ' '\n' | tac | while read -r line; do
			[[ -n $line ]] || continue
			local name
			name=$(basename "${line%%.ko*}").ko
			case $line in
			*.xz) xz -dc "$base/$line" >"$tmp/modules/$name" ;;
			*.zst) zstd -dcq "$base/$line" >"$tmp/modules/$name" ;;
			*.gz) gzip -dc "$base/$line" >"$tmp/modules/$name" ;;
			*) cp "$base/$line" "$tmp/modules/$name" ;;
			esac
			printf '%s\n' "$name"
		done >"$tmp/modules/$m.load"
	done
}
