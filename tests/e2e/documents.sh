#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# needs: timeout=900
# Would catch: a document that sends its reader to a file, a heading, a make
# target or a test that is not there, or that shows a command with an option
# that the program does not have; a word that is spelt wrongly. Only what is
# set as code is taken for a command: `so`, in a block, or in a man page's
# bold font or example. No module is needed.
# shellcheck source=tests/lib.sh
. tests/lib.sh

: "${TEST_DIR:=$(mktemp -d)}"
lockspan=$PWD/user/lockspan
mapfile -t texts < <(ls README.md NEWS.md docs/*.md docs/tasks/*.md)
mapfile -t pages < <(ls docs/man/*.1)

make user/lockspan >"$TEST_DIR/make.log" 2>&1 || die "no build: $(tail -n 3 "$TEST_DIR/make.log")"

# ---- what there is --------------------------------------------------------------

declare -A help=()
while read -r c; do
	help[$c]=" $("$lockspan" "$c" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]+' | xargs) "
done < <("$lockspan" | sed -nE 's/^  ([a-z]+) .*/\1/p')
num 'commands that tell their options' "${#help[@]}" '>=' 9
targets=" $(sed -nE 's/^([a-z][a-z-]*):.*/\1/p' Makefile | sort -u | xargs) "
# Options of the tools and of the tests' scripts stand in their texts.
script_options=" $(find tools tests .ci -type f ! -name '*.[ch]' -size -100k -exec grep -ohIE -- '--[a-z][a-z-]+' {} + | sort -u | xargs) "

# ---- what the documents say -------------------------------------------------------

# code FILE: FILE:LINE, a tab, and a piece of code, one a line.
code() {
	case $1 in
	*.md) awk -v file="$1" '
		function put(text) { print file ":" FNR "\t" text }
		/^(<!-- output -->|<!-- generated)/ { shut = 1 }
		/^<!-- end / { shut = 0 }
		/^```/ { fenced = !fenced; rest = ""; next }
		fenced || /^(    |\t)/ {
			sub(/^[ \t]+/, "")
			if (!shut && ($0 ~ /^(\$|sudo|lockspan|make|go|tools\/|tests\/|build\/)/ || joined)) put($0)
			joined = /\\$/
			next
		}
		shut { next }
		# A piece may begin in one line and end in the next.
		/^$/ { rest = "" }
		{
			line = rest $0; rest = ""
			while (match(line, /`[^`]+`/)) {
				put(substr(line, RSTART + 1, RLENGTH - 2))
				line = substr(line, RSTART + RLENGTH)
			}
			if (index(line, "`")) rest = substr(line, index(line, "`")) " "
		}' "$1" ;;
	*) awk -v file="$1" '
		function put(text) { print file ":" FNR "\t" text }
		{ gsub(/\\f[A-Z]/, ""); gsub(/\\-/, "-") }
		/^\.nf/ { block = 1; next }
		/^\.fi/ { block = 0; next }
		block { put($0); next }
		/^\.(B|BR|RB|BI|IB) / {
			sub(/^\.[A-Z]+ /, "")
			if (index($0, "\"")) { n = split($0, part, "\""); for (i = 2; i <= n; i += 2) put(part[i]) }
			else put($0)
		}' "$1" ;;
	esac
}

for f in "${texts[@]}" "${pages[@]}"; do code "$f"; done >"$TEST_DIR/code"
num 'pieces of code' "$(wc -l <"$TEST_DIR/code")" '>' 500

# good N WHAT FILE: how many were looked at, and FILE has no line of complaint.
good() {
	num "$2 that were looked at" "$1" '>' "${4:-20}"
	is "$2 that are not there" "$(sort -u "$3" | head -n 20)" ''
}

# ---- links ------------------------------------------------------------------------

# headings FILE: as a link names them.
headings() {
	sed -nE 's/^#+ +//p' "$1" | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'
}
n=0
: >"$TEST_DIR/links"
for f in "${texts[@]}"; do
	while read -r link; do
		n=$((n + 1))
		to=${link%%#*} anchor=
		[[ $link != *'#'* ]] || anchor=${link#*#}
		to=$(dirname "$f")/${to:-$(basename "$f")}
		[[ -e $to ]] || { echo "$f: $link" >>"$TEST_DIR/links" && continue; }
		[[ -z $anchor ]] || grep -qxF -- "$anchor" <(headings "$to") || echo "$f: $link" >>"$TEST_DIR/links"
	done < <(grep -oE '\]\([^) ]+\)' "$f" | sed 's/^](//; s/)$//' | grep -vE '^[a-z]+:')
done
good "$n" 'links' "$TEST_DIR/links"

# ---- commands ------------------------------------------------------------------------

# words TEXT: the command that it begins with, without what it is run by, up to a pipe, a comment or its `--`.
words() {
	sed -E 's/^\$ +//; s/^sudo +(-u +[A-Za-z]+ +)?//; s/ +(--|#|\||\|\||&&|>|;)( .*|$)//; s/[;|)>#].*//' <<<"$1"
}
commands=0 wrong=$TEST_DIR/commands
: >"$wrong"
lone() { # WHERE OPTION: an option that stands alone is somebody's.
	[[ " ${help[*]} --help --version $script_options" == *" ${2%%[=[]*} "* ]] || echo "$1: $2" >>"$wrong"
}
command_check() { # WHERE WORD...
	local where=$1 name known w
	shift
	name=$1 known=
	case $name in
	lockspan)
		shift
		[[ ${1:-} != --version && ${1:-} != --help && ${1:-} == [a-z-]* ]] || return 0
		[[ -n ${help[$1]:-} ]] || { echo "$where: lockspan $1" >>"$wrong" && return; }
		known=${help[$1]}
		name="lockspan $1"
		;;
	make)
		shift
		for w; do
			[[ $w == [a-z]* && $targets != *" $w "* ]] || continue
			echo "$where: make $w" >>"$wrong"
		done
		;;
	tools/* | tests/*)
		[[ ! -f $name ]] || known=" $(cat "$name" "${name}"[-_.]* "tools/lib/${name#tools/}"/* 2>/dev/null |
			grep -oaE -- '--[a-z][a-z-]+' | sort -u | xargs) ${help[*]}" # some hand options on to lockspan
		;;
	--[a-z]*) lone "$where" "$name" && return ;;
	*)
		# `record --with-user` is said for `lockspan record --with-user`.
		[[ -n ${help[$name]:-} ]] || return 0
		known=${help[$name]}
		;;
	esac
	commands=$((commands + 1))
	[[ -n $known ]] || return 0
	shift
	for w; do
		[[ $w != -- ]] || break
		[[ $w != --[a-z]* || $known == *" ${w%%[=[]*} "* ]] || echo "$where: $name ${w}" >>"$wrong"
	done
}
while IFS=$'\t' read -r where text; do
	# Each of the commands that && joins, and one that a pipe leads to.
	while IFS= read -r part; do
		read -ra word < <(words "$part")
		((${#word[@]})) && command_check "$where" "${word[@]}"
	done < <(sed -E 's/ (&&|\|) /\n/g' <<<"$text")
done <"$TEST_DIR/code"
good "$commands" 'commands' "$wrong" 150

# ---- files and tests ---------------------------------------------------------------------

n=0 paths=$TEST_DIR/paths
: >"$paths"
while IFS=: read -r f path; do
	path=${path%%[.,:;]}
	n=$((n + 1))
	# `tests/vm/ops` is said of a script, `workloads/c/task01` of a program that make builds;
	# capitals stand for any name.
	[[ $path =~ [A-Z]{3} ]] || compgen -G "$path" >/dev/null || compgen -G "$path.[chs]*" >/dev/null ||
		[[ $path == user/lockspan || $path == *.so ]] || echo "$f: $path" >>"$paths"
done < <(grep -oHE '(^|[^A-Za-z0-9_./-])(\.\./)?(kmod|user|tests|tools|docs|workloads)/[A-Za-z0-9_./*{-]+' \
	"${texts[@]}" "${pages[@]}" | sed -E 's/:[^A-Za-z.]?(\.\.\/)?/:/' | grep -vE '[{]|tasks/task|:docs/man/man' | sort -u)
while read -r path; do
	n=$((n + 1))
	case $path in
	unit/*) [[ -f tests/unit/test_${path#*/}.c ]] ;;
	*) [[ -f tests/$path.sh ]] ;;
	esac || echo "$path" >>"$paths"
done < <(grep -ohE "\`(unit|vm|e2e|storms)/[a-z0-9-]+\`" "${texts[@]}" | tr -d "\`" | sort -u)
good "$n" 'files and tests' "$paths" 100

# ---- long work ------------------------------------------------------------------

# What takes minutes by docs/HACKING.md says meanwhile where it is.
mapfile -t long < <(sed -nE '/minutes|hour/s/^\| (`[^|]*) \|.*/\1/p' docs/HACKING.md | grep -oE 'tools/[a-z-]+' | sort -u)
num 'tools that take minutes' "${#long[@]}" '>=' 6
is 'of them silent meanwhile' "$(grep -LE 'progress_run|: line ' "${long[@]}" tests/storms/run tools/tasks | xargs)" ''
echo 'the last word' >"$TEST_DIR/log"
out=$(PROGRESS_SECONDS=0.2 bash -c '. tools/lib/progress/progress.sh
	progress_log=$1
	progress_run "work" bash -c "sleep 1; exit 7" >/dev/null 2>&1' - "$TEST_DIR/log" 2>&1)
is 'the exit status of long work' $? 7
like 'where it is' "$out" '^work: \[ +[0-9]+ s\] the last word'

# ---- spelling, and the version -------------------------------------------------------------

if type codespell >/dev/null 2>&1; then
	# rust's crates, DWARF's statics, a count of what is known, a function of task13, and a command that is spelt wrongly on purpose.
	is 'words spelt wrongly' "$(git ls-files 2>/dev/null | grep -vE '\.(min\.js|css|LICENSE|png|lspan)$|^tests/fuzz/corpus' |
		xargs codespell -q 3 -L crate,statics,nknown,workin,recrod 2>&1)" ''
else
	skip 'words spelt wrongly' 'no codespell'
fi
like 'the news begin with this version' "$(sed -nE 's/^## //p' NEWS.md | head -n 1)" \
	"^$("$lockspan" --version | sed -E 's/^lockspan ([0-9.]+) .*/\1/')( |\$)"

finish
