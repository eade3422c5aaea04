# SPDX-License-Identifier: GPL-2.0-only
# A copy of the sources per kernel in build/NAME, and make in it with the
# suite's compiler. Sourced by tools/vm.
# shellcheck shell=bash disable=SC2154,SC2034,SC2015,SC2016 # tools/vm joins the parts' variables

build_make() {
	local name=$1 suite version
	shift
	suite=$(kernel_field "$name" 2)
	suite_fetch "$suite" "$name"
	version=$(kernel_headers "$name" "$suite")
	with_lock "make-$name-$(cksum <<<"$tree" | cut -d ' ' -f 1)" build_make_locked "$name" "$suite" \
		"$version" "$@"
}

build_make_locked() {
	local name=$1 suite=$2 version=$3 start=$EPOCHREALTIME rc=0
	shift 3
	build_sync "$tree/build/$name"
	(cd "$tree/build/$name" && suite_run "$suite" make -j"$(nproc)" \
		KDIR="/lib/modules/$version/build" "$@") || rc=$?
	say "make for $name ($version, $suite): exit $rc ($(seconds_since "$start") s)"
	return "$rc"
}

# build_sync DIR: newer files are copied with their times, so make sees exactly
# what has changed; files that have left the tree leave the copy as well.
build_sync() {
	local dir=$1
	mkdir -p "$dir"
	cd "$tree" || return
	build_sources | LC_ALL=C sort -zu >"$dir/.sources.new"
	if [[ -e $dir/.sources ]]; then
		LC_ALL=C comm -z -23 "$dir/.sources" "$dir/.sources.new" | (cd "$dir" && xargs -0r rm -f --)
	fi
	xargs -0r cp -up --parents -t "$dir" -- <"$dir/.sources.new"
	mv "$dir/.sources.new" "$dir/.sources"
}

# Tracked and new files that exist and are not ignored; without git (a tarball
# of a release) everything but build/.
build_sources() {
	if git -C "$tree" rev-parse >/dev/null 2>&1; then
		git ls-files -zco --exclude-standard
	else
		find . -name .git -prune -o -type f -printf '%P\0'
	fi | while IFS= read -r -d '' f; do
		[[ $f == build/* || ! -f $f ]] || printf '%s\0' "$f"
	done
}
