# SPDX-License-Identifier: GPL-2.0-only
# From rows of guest.sh to a table on standard output, JSON and a plot.
# state tool_ns kind threads keys parked spin ops ns voluntary involuntary

{
	load = $3 (($4 != 4) ? " t=" $4 : "") (($5 != 1) ? " keys=" $5 : "") \
		(($6 > 0) ? " parked=" $6 : "") (($7 > 0) ? " work=" 2 * $7 : "")
	n++
	state[n] = $1; name[n] = load; ops[n] = $8; ns[n] = $9; tool[n] = $2
	voluntary[n] = $10; involuntary[n] = $11; spin[n] = $7; kind[n] = $3
	if ($1 == "absent") {
		base[load] = $9
		alone[load, ++nalone[load]] = n
	}
}

# The scheduler has several orders for some loads, and one costs more than another: a run is compared
# with the one alone whose switches were most like its own.
function base_of(i,    k, a, off, best, least) {
	for (k = 1; k <= nalone[name[i]]; k++) {
		a = alone[name[i], k]
		off = voluntary[a] + involuntary[a] - voluntary[i] - involuntary[i]
		off = off < 0 ? -off : off
		if (!best || off < least) {
			best = a
			least = off
		}
	}
	return ns[best]
}

function per_op(v, i) { return sprintf("%.0f", v / ops[i]) }

# One line a tool: slowdown over events a second, both on logarithmic axes.
function x_of(rate) { return 70 + (log(rate) / log(10) - 3.5) * 240 }
function y_of(slow) { return 360 - (log(slow) / log(2)) * 100 }

function plot(    i, s, seen, nseen, order, points, y, x, colour) {
	split("#0b6e4f #1b998b #6ab187 #2d3047 #c1292e #f46036 #e0a458 #7768ae #3d5a80 #888888", colour, " ")
	print "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 760 420' font-family='sans-serif' font-size='12'>" >svg
	print "<rect width='760' height='420' fill='white'/>" >svg
	print "<text x='70' y='20'>Times as slow, by waits in 10^9 instructions alone (Linux " kernel ")</text>" >svg
	for (i = 0; i <= 3; i++) {
		y = y_of(2 ^ i)
		printf "<path d='M70 %g H560' stroke='#ddd'/><text x='40' y='%g'>%d x</text>\n", y, y + 4, 2 ^ i >svg
	}
	for (i = 4; i <= 5; i++)
		printf "<text x='%g' y='390'>10^%d</text><path d='M%g 60 V370' stroke='#eee'/>\n", x_of(10 ^ i), i, x_of(10 ^ i) >svg
	for (i = 1; i <= n; i++) {
		if (kind[i] != "chain" || !(name[i] ~ /^chain( work=.*)?$/) || state[i] ~ /absent|idle/)
			continue
		s = state[i]
		if (!(s in seen)) {
			seen[s] = 1
			order[++nseen] = s
		}
		x = x_of(ops[i] * 1e9 / base[name[i]])
		y = y_of(ns[i] / base[name[i]])
		points[s] = points[s] sprintf("%g,%g ", x, y)
	}
	for (i = 1; i <= nseen; i++) {
		s = order[i]
		printf "<polyline points='%s' fill='none' stroke='%s' stroke-width='2'/>\n", points[s], colour[(i - 1) % 10 + 1] >svg
		printf "<text x='590' y='%d' fill='%s'>%s</text>\n", 40 + 18 * i, colour[(i - 1) % 10 + 1], s >svg
	}
	print "</svg>" >svg
}

END {
	printf "%-24s %-14s %9s %9s %10s %10s %9s %10s\n", "load", "state", "alone", "added", \
		"collector", "throughput", "sleeps", "preempted"
	printf "[\n" >json
	for (i = 1; i <= n; i++) {
		if (!(name[i] in base))
			continue
		was = base_of(i)
		printf "%-24s %-14s %9s %9s %10s %10.3f %9d %10d\n", name[i], state[i], \
			per_op(was, i), per_op(ns[i] - was, i), per_op(tool[i], i), \
			was / ns[i], voluntary[i], involuntary[i]
		printf "%s{\"kernel\":\"%s\",\"load\":\"%s\",\"state\":\"%s\",\"operations\":%d,\"alone_instructions\":%d,", \
			(i > 1 ? ",\n" : ""), kernel, name[i], state[i], ops[i], was >json
		printf "\"instructions\":%d,\"tool_instructions\":%d,\"sleeps\":%d,\"preempted\":%d}", \
			ns[i], tool[i], voluntary[i], involuntary[i] >json
	}
	printf "\n]\n" >json
	plot()
}
