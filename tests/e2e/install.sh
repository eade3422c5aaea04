# SPDX-License-Identifier: GPL-2.0-only
# needs: kernels=6.12 timeout=900
#
# `make install` on Debian trixie, by dkms as on a machine of one's own, and
# `modprobe lockspan` on its kernel. Would catch a source that dkms does not get,
# a dkms.conf that names something else than what is built, a module that
# modprobe does not find or the kernel does not take, and an uninstall that leaves
# something. What the suite's own compiler builds for other kernels is not seen.
. tests/lib.sh

# in_suite CMD...: in the suite's build root, in the tree that was built for it. Never on this
# machine itself, whatever it is.
# shellcheck disable=SC2016 # for the shell in the root
in_suite() { LOCKSPAN_NO_HOST_ROOT=1 tools/vm sh "$KERNEL" bash -c 'cd "build/$0" && "$@"' "$KERNEL" "$@"; }

in_suite bash -c 'command -v dkms >/dev/null || { apt-get update && apt-get -y --no-install-recommends install dkms; }' \
	>"$TEST_DIR/apt" 2>&1
is "dkms in the build root" $? 0
version=$(in_suite bash -c 'ls -d /lib/modules/*-cloud-amd64 | xargs -n 1 basename | sort -V | tail -n 1' 2>/dev/null)
in_suite make install KVER="$version" >"$TEST_DIR/install" 2>&1
is "make install" $? 0
tail -n 3 "$TEST_DIR/install"
# shellcheck disable=SC2016 # for the shell in the root
in_suite bash -c 'tar -c -C / --transform "s,^lib/,usr/lib/," "$(find -L /lib/modules/$1/updates -name "lockspan.ko*" -printf "%P\n" |
	sed "s,^,lib/modules/$1/updates/,")" usr/local/bin/lockspan' - "$version" >"$TEST_DIR/installed.tar" 2>"$TEST_DIR/tar"
is "module and program are there" $? 0
mkdir -p "$TEST_DIR/root"
tar -x -C "$TEST_DIR/root" -f "$TEST_DIR/installed.tar"
is "and one module only" "$(find "$TEST_DIR/root" -name 'lockspan.ko*' | wc -l)" 1

cat >"$TEST_DIR/guest" <<'END'
depmod "$(uname -r)" 2>/dev/null
modprobe lockspan || exit
/usr/local/bin/lockspan record -o /tmp/r -- workloads/c/task01 -n 200 >/dev/null || exit
test -s /tmp/r/block.pb.gz && modprobe -r lockspan && echo unloaded
END
tools/vm run --kernel "$KERNEL" --bin modprobe --bin depmod --add "$TEST_DIR/guest:/lockspan/guest" \
	--add "$TEST_DIR/root/usr/lib/modules/$version/updates:/usr/lib/modules/$version/updates" \
	--add "$TEST_DIR/root/usr/local/bin/lockspan:/usr/local/bin/lockspan" -- bash guest >"$TEST_DIR/out" 2>"$TEST_DIR/err"
is "modprobe, record, modprobe -r" $? 0
cat "$TEST_DIR/err"
is "the guest came to the end" "$(tail -n 1 "$TEST_DIR/out")" unloaded

in_suite make uninstall KVER="$version" >"$TEST_DIR/uninstall" 2>&1
is "make uninstall" $? 0
# shellcheck disable=SC2016 # for the shell in the root
is "what it leaves" "$(in_suite bash -c 'find /usr/src/lockspan* /usr/local/bin/lockspan /var/lib/dkms/lockspan \
	/usr/local/share/man/man1/lockspan* /lib/modules/*/updates -name "*lockspan*" 2>/dev/null')" ""
finish
