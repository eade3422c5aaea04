# SPDX-License-Identifier: GPL-2.0-only
# Which QEMU runs the guest. Sourced by tools/vm.
# shellcheck shell=bash disable=SC2154,SC2034,SC2015,SC2016 # tools/vm joins the parts' variables

# Before 8.1, TCG may miss a write to code that another virtual CPU translates at
# that moment, and runs the stale translation from then on. Kernels rewrite the
# entries of functions whenever a probe is armed: arming and disarming the kernel's
# own kprobe events under contended futexes, without any module, jumps to address 0
# or hangs in text_poke() within 20 s on 7.2, and did in none of 60 cycles on 10.0.
emulator_oldest_good=8.1
emulator_suite=trixie

emulator_dir() { echo "$cache/qemu-$emulator_suite"; }

# version_at_least WANT HAVE
version_at_least() { printf '%s\n%s\n' "$1" "$2" | sort -V -C; }

# emulator_is_good ACCEL: the host's own will do. The fault needs two translating CPUs.
emulator_is_good() {
	local version
	[[ $1 != kvm ]] && ((opt_cpus > 1)) || return 0
	version=$(qemu-system-x86_64 --version | sed -nE '1s/.*version ([0-9.]+).*/\1/p')
	version_at_least "$emulator_oldest_good" "$version"
}

# emulator_select ACCEL: fills the array `emulator`.
emulator_select() {
	emulator=(qemu-system-x86_64)
	! emulator_is_good "$1" || return 0
	local dir lib
	dir=$(emulator_dir)
	[[ -e $dir/usr/bin/qemu-system-x86_64 ]] || with_lock emulator emulator_fetch "$dir"
	lib=$dir/usr/lib/x86_64-linux-gnu
	emulator=("$dir/usr/lib64/ld-linux-x86-64.so.2" --library-path "$lib"
		"$dir/usr/bin/qemu-system-x86_64" -L "$dir/usr/share/qemu" -L "$dir/usr/share/seabios")
}

# Unpacked only, with the libraries that it names: nothing is installed, the host stays as it is.
emulator_fetch() {
	[[ ! -e $1/usr/bin/qemu-system-x86_64 ]] || return 0
	need_root "unpacking QEMU of $emulator_suite (the host's is older than $emulator_oldest_good)"
	need_space 600
	rm -rf "$1.new"
	suite_bootstrap "$emulator_suite" "$1.new" --variant=extract qemu-system-x86
	mv "$1.new" "$1"
}
