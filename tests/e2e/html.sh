#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# needs: timeout=900
# Would catch: a page that a browser shows with errors or not at all, that
# fetches something, that takes a function's name for markup, whose search or
# choice of a lock does nothing, that shows totals, locks or sites which are not
# of the choice, or that is slow with ten thousand stacks.
# The screenshots in $TEST_DIR are for people. No module is needed.
# shellcheck source=tests/lib.sh
. tests/lib.sh

: "${TEST_DIR:=$(mktemp -d)}"
lockspan=$PWD/user/lockspan

make user/lockspan build/unit/test_report >"$TEST_DIR/make.log" 2>&1 ||
	die "no build: $(tail -n 3 "$TEST_DIR/make.log")"
build/unit/test_report --files "$TEST_DIR" || die 'no files'
cd "$TEST_DIR" || die 'no directory'
type chromium >/dev/null || die 'no chromium'

# browse PAGE OPTION...: standard output is the browser's, its messages are in console.
browse() {
	local page=$1 profile rc=0
	shift
	profile=$(mktemp -d)
	timeout 240 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync \
		--user-data-dir="$profile" --enable-logging=stderr --window-size=1300,1400 "$@" \
		"file://$TEST_DIR/$page" 2>messages </dev/null || rc=$?
	grep -F CONSOLE messages >console || true
	rm -rf "$profile"
	return "$rc"
}
# acted PAGE SCRIPT OPTION...: what SCRIPT, run in the page, leaves in the variable result.
acted() {
	sed '/^<\/body>/d; /^<\/html>/d' "$1" >acted.html
	printf '<script>\nlet result;\n%s\ndocument.documentElement.dataset.result = JSON.stringify(result);\n</script>\n</body>\n</html>\n' \
		"$2" >>acted.html
	browse acted.html --dump-dom "${@:3}" >acted.dom
	sed -nE 's/^<html[^>]* data-result="([^"]*)".*/\1/p' acted.dom | sed 's/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g'
}

for r in exact sampled more empty big; do
	"$lockspan" report --html $r.html $r 2>/dev/null
	check "$r has a page" test -s $r.html
	is "mode of $r.html" "$(stat -c %a $r.html)" 600
	browse $r.html --dump-dom >$r.dom
	is "$r opens" $? 0
	is "errors on the console with $r" "$(<console)" ''
	like "the page of $r comes to its end" "$(head -c 300 $r.dom)" 'data-ready="[0-9]+"'
	browse $r.html --screenshot="$TEST_DIR/$r.png" >/dev/null
	check "a screenshot of $r" test -s $r.png
done
mkfifo pipe
sha256sum <pipe >piped &
"$lockspan" report --html pipe exact 2>/dev/null
wait $!
is 'the same into a pipe' "$(<piped)" "$(sha256sum <exact.html)"
check 'which no file has replaced' test -p pipe
is 'the same on standard output' "$("$lockspan" report --html - exact | sha256sum)" "$(sha256sum <exact.html)"

# ---- what is shown ---------------------------------------------------------------

check 'waiters in a flame graph' grep -q '<title>fast_update: 7.00s, 85.4%, 101 times</title>' exact.dom
check 'releasers too' grep -q '<title>slow_update: 6.70s, 98.5%, 10 times</title>' exact.dom
check 'the shape' grep -q 'slow holder: slow_update' exact.dom
check 'limits where it was sampled' grep -q '6.60s..7.30s' sampled.dom
check 'what was lost' grep -q '12 waits found no room' sampled.dom
check 'an empty one says so' grep -q 'nothing recorded' empty.dom

# ---- names are no markup -----------------------------------------------------------

is 'scripts in the page' "$(grep -o '<script' more.dom | wc -l)" 4
check 'the name is shown' grep -q '<title>&lt;script&gt;alert(1)&lt;/script&gt;: 2.00s' more.dom
is 'no element came of a name' "$(acted more.html 'result = document.querySelectorAll("b").length')" 0
is 'the lock is called what it is called' \
	"$(acted more.html 'result = [...document.querySelectorAll("#locks td.name")].some((td) => td.textContent.startsWith("\x3c/script>\x3cb>\"'"'"'&"))')" true

# ---- search and choice ---------------------------------------------------------------

cat >search.js <<'E2'
const box = document.getElementById("search");
box.value = "SLOW_up";
box.dispatchEvent(new Event("input"));
setTimeout(() => {
	const lit = [...document.querySelectorAll(".frame rect")].filter((r) => r.getAttribute("fill") === "#E600E6");
	document.documentElement.dataset.result = JSON.stringify([lit.length,
		lit.map((r) => r.parentNode.getAttribute("name"))[0],
		[...document.querySelectorAll("#sites td.name")].map((td) => td.textContent.split(" ")[0])]);
}, 300);
E2
is 'search marks frames and narrows tables' "$(acted exact.html "$(<search.js)" --virtual-time-budget=2000)" '[1,"slow_update",["slow_update"]]'
cat >choose.js <<'E2'
const row = [...document.querySelectorAll("#locks tbody tr")].find((tr) => tr.textContent.includes("other_mu"));
row.click();
const first = (id) => [...document.querySelectorAll("#" + id + " td.name")].map((td) => td.textContent.split(" ")[0]);
result = [document.querySelector("#waiters title").textContent, document.getElementById("releasers").textContent,
	first("sites"), first("locks"), document.querySelector("#totals-table tr").textContent];
E2
cat >zoom.js <<'E2'
const frame = () => document.querySelectorAll("#waiters .frame");
const before = frame().length;
[...frame()].find((g) => g.getAttribute("name").startsWith("ns::Class20::")).dispatchEvent(new MouseEvent("click", { bubbles: true }));
result = [before > 100, frame().length > before, new Set([...frame()].map((g) => g.getAttribute("name"))).size > 100];
E2
is 'a click on a frame shows what was too narrow' "$(acted big.html "$(<zoom.js)")" '[true,true,true]'
is 'a click shows one lock alone' "$(acted exact.html "$(<choose.js)")" \
	'["all: 1.00ms, 100.0%, 1 time","nothing of this choice",["fast_update"],["other_mu"],"waited1.00ms1 wait of this choice"]'
cat >kind.js <<'E2'
const kind = document.getElementById("sync");
kind.value = "locks";
kind.dispatchEvent(new Event("change"));
result = [document.querySelector("#waiters title").textContent, document.querySelector("#totals-table tr").textContent,
	[...document.querySelectorAll("#locks td.name")].map((td) => td.textContent.split(" ")[0])];
E2
is 'locks only' "$(acted exact.html "$(<kind.js)")" '["all: 7.00s, 100.0%, 101 times","waited7.00s101 waits of this choice",["g_mu","other_mu"]]'

# ---- ten thousand stacks ---------------------------------------------------------------

is 'stacks of waiters' "$(acted big.html 'const d = JSON.parse(document.getElementById("data").textContent);
result = new Set(d.waiters.map((s) => s[0])).size >= 10000')" true
# spent PAGE: ms of processor time to open it. On a busy machine the clock on the wall tells of the others.
spent() {
	local times
	times=$({ TIMEFORMAT='%U %S' && time browse "$1" --dump-dom >spent.dom; } 2>&1)
	awk '{ printf "%d", ($1 + $2) * 1000 }' <<<"$times"
}
best=99999 none=$(spent empty.html)
for _ in 1 2 3; do
	ms=$(($(spent big.html) - none))
	echo "# $(stat -c %s big.html) bytes, ${ms} ms more than an empty page; ready, by the clock, after" \
		"$(head -c 300 spent.dom | sed -nE 's/.* data-ready="([0-9]+)".*/\1/p') ms"
	((ms >= best)) || best=$ms
done
num 'an empty page takes time too, ms' "$none" '>' 0
num 'best of three, ms of processor time from the beginning of loading until all is drawn' "$best" '<' 2000
finish
