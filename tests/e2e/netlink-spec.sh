# SPDX-License-Identifier: GPL-2.0-only
#
# Holds docs/lockspan.yaml against the contract header: commands, attributes,
# operations, outcomes and counters, by name and number. Would catch a command
# or attribute that was added, renamed or moved in one and not in the other.
. tests/lib.sh

header=kmod/uapi/lockspan.h spec=docs/lockspan.yaml

# Names of an enum of the header, in order, without the first (UNSPEC) and the end marks.
enum_names() {
	awk -v enum="enum $1 {" -v prefix="$2" 'index($0, enum) { on = 1; next } on && /^};/ { exit }
		on && match($1, "^" prefix) { sub(prefix, "", $1); sub(/,.*/, "", $1); print tolower($1) }' \
		$header | grep -v unspec | tr _ -
}

# Names of an X-macro list of the header, in order.
macro_names() {
	awk -v macro="#define $1(X)" 'index($0, macro) { on = 1; next } on && /^$/ { exit }
		on && match($0, /X\([A-Z0-9_]+,/) { print tolower(substr($0, RSTART + 2, RLENGTH - 3)) }' \
		$header | tr _ -
}

# Names listed in the spec: of a section's `name:` items, or of a definition's entries.
section_names() {
	awk -v section="$1" -v indent="$2" '$0 == section ":" { on = 1; next } on && /^[a-z]/ { exit }
		on && match($0, "^" indent "name: ") { print substr($0, RLENGTH + 1) }' $spec
}
entry_names() {
	awk -v name="    name: $1" '$0 == name { on = 1; next } on && /^  -$/ { exit }
		on && /^      - / { print $2 }' $spec
}

same() {
	num "$1: names found" "$(wc -l <<<"$2")" ">=" "$4"
	is "$1: spec against header, differing lines" "$(diff <(echo "$2") <(echo "$3") | grep -c '^[<>]')" 0
}

same commands "$(section_names operations '      ')" "$(enum_names lockspan_cmd LOCKSPAN_CMD_)" 7
same attributes "$(section_names attribute-sets '        ')" "$(enum_names lockspan_attr LOCKSPAN_A_)" 20
same operations "$(entry_names op)" "$(macro_names LOCKSPAN_OPS)" 8
same outcomes "$(entry_names outcome)" "$(macro_names LOCKSPAN_OUTCOMES)" 9
same counters "$(entry_names counter)" "$(macro_names LOCKSPAN_COUNTERS)" 30
is "the family's version" "$(sed -n 's/^version: //p' $spec)" "$(sed -n 's/^#define LOCKSPAN_GENL_VERSION //p' $header)"
is "the contract's version" "$(sed -n '/name: version$/,/value:/s/^    value: //p' $spec | head -n 1)" \
	"$(sed -n 's/^#define LOCKSPAN_VERSION //p' $header)"
finish
