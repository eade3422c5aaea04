/* SPDX-License-Identifier: MIT */
/* Fills the page from the JSON in it. Names come from programs: they are only ever set as text. */
"use strict";
(() => {
	const data = JSON.parse(document.getElementById("data").textContent);
	const at = (id) => document.getElementById(id);
	const ROWS_SHOWN = 500;
	const LOCK_CLASSES = ["mutex", "rwlock_rd", "rwlock_wr", "pi"];
	/* Of whatever class, what somebody is blamed for. */
	const blamed = new Set(data.releasers.map((s) => s[1]));

	/* ---- words ---- */

	/* The same as in the text of lockspan report. */
	function time(ns) {
		const units = [[3600e9, "h"], [60e9, "min"], [1e9, "s"], [1e6, "ms"], [1e3, "us"], [1, "ns"]];
		let i = 0;
		if (Math.abs(ns) < 0.5)
			return "0";
		while (i < 5 && Math.abs(ns) < units[i][0] * (i < 2 ? 2 : 0.9995))
			i++;
		const value = ns / units[i][0], size = Math.abs(value);
		return value.toFixed(size < 9.995 && i < 5 ? 2 : size < 99.95 && i < 5 ? 1 : 0) + units[i][1];
	}
	const count = (n) => (Math.round(n * 10) / 10).toLocaleString("en");
	const counted = (n, word) => count(n) + " " + word + (count(n) === "1" ? "" : "s");
	const share = (part, whole) => whole > 0 ? (100 * part / whole).toFixed(1) + "%" : "";

	function bounds(side) {
		if (!side || side.interval === "exact")
			return "";
		return side.interval === "95%" ? time(side.low_ns) + ".." + time(side.high_ns) : side.interval;
	}

	function put(parent, tag, text, className) {
		const e = document.createElement(tag);
		if (text !== undefined)
			e.textContent = text;
		if (className)
			e.className = className;
		parent.appendChild(e);
		return e;
	}

	/* ---- head ---- */

	function head() {
		at("recordings").textContent = data.recordings.map((r) =>
			r.begun + " on " + r.kernel + ": " + r.command.join(" ")).join("\n");
		if (data.recordings.length)
			document.title = "lockspan: " + data.recordings[0].command.join(" ");
		for (const reason of data.report.partial_reasons)
			put(at("lost"), "li", "lost: " + reason);
		for (const note of data.report.notes)
			put(at("lost"), "li", "note: " + note);
		at("shapes").hidden = !data.shapes.length;
		for (const shape of data.shapes)
			put(at("shapes-list"), "li", shape);
	}

	/* What the choice comes to; of all, the exact totals where there are any. */
	function totals(sums) {
		const e = sums ? undefined : data.report.exact, t = sums || data.report.total;
		const table = at("totals-table");
		table.textContent = "";
		const line = (name, ns, words) => {
			const tr = put(table, "tr");
			put(tr, "td", name, "name");
			put(tr, "td", time(ns));
			put(tr, "td", words, "name");
		};
		if (e) {
			const whole = e.hold_ns + e.handoff_ns + e.tail_ns;
			line("waited", e.delay_ns, counted(e.contentions, "wait") + " of every class");
			if (e.open)
				line("and open", e.open_ns, counted(e.open, "wait") + " that had not ended");
			line("hold", e.hold_ns, share(e.hold_ns, whole) + " until a release, charged to the releaser");
			line("handoff", e.handoff_ns, share(e.handoff_ns, whole) + " released, not yet taken up, charged to nobody");
			if (e.recorder_handoff_ns)
				line("of it", e.recorder_handoff_ns, share(e.recorder_handoff_ns, whole) +
					" at most: the recorder's own work at releases");
			line("tail", e.tail_ns, share(e.tail_ns, whole) + " waits that no release ended");
			line("late to run", e.sched_delay_ns, "released already, waiting for a processor");
		} else if (t.block) {
			line("waited", t.block.delay_ns, counted(t.block.contentions, "wait") + (sums ? " of this choice" : ""));
		}
		if (t.mutex)
			line("blamed", t.mutex.delay_ns, "hold that " + counted(t.mutex.contentions, "release") + " of locks ended" +
				(sums ? " of this choice" : data.report.mutex_fraction > 1 ? ", estimated" : ""));
		if (!sums && t.given_up_ns)
			line("given up", t.given_up_ns, "waits for locks that nobody ended and nobody answers for");
	}

	/* What was too much for a page. */
	function leftOut() {
		const words = [["waiters", "wait"], ["releasers", "release"]];
		for (const [key, word] of words) {
			const left = data.leftOut[key];
			if (left.samples)
				put(at("lost"), "li", "not in this page: the " + counted(left.samples, "shortest stack") + " of " +
					key + ", with " + time(left.ns) + " in " + counted(left.count, word));
		}
		if (data.sitesLeftOut)
			put(at("lost"), "li", "not in this page: " + counted(data.sitesLeftOut, "site") + " that waited least");
		if (data.locksLeftOut)
			put(at("lost"), "li", "not in this page: " + counted(data.locksLeftOut, "lock") + " that were waited for least");
	}

	/* ---- flame graphs ---- */

	/* [stack, lock, sync, site, ns, count]; a stack is indices into names, root first. */
	function tree(samples, keep) {
		const root = { name: "all", value: 0, count: 0, byName: new Map() };
		for (const s of samples) {
			if (!keep(s))
				continue;
			let node = root;
			node.value += s[4];
			node.count += s[5];
			for (const index of data.stacks[s[0]]) {
				let child = node.byName.get(index);
				if (!child) {
					child = { name: data.names[index], value: 0, count: 0, byName: new Map() };
					node.byName.set(index, child);
				}
				child.value += s[4];
				child.count += s[5];
				node = child;
			}
		}
		const pending = [root];
		while (pending.length) {
			const node = pending.pop();
			node.children = Array.from(node.byName.values());
			delete node.byName;
			pending.push(...node.children);
		}
		return root;
	}

	const charts = {};
	let zooming = false;

	/* What is at least @limit wide; the library is slow with frames that cannot be seen. */
	function pruned(root, limit) {
		const copy = (n) => ({ name: n.name, value: n.value, count: n.count, full: n, children: [] });
		const top = copy(root), pending = [top];
		while (pending.length) {
			const node = pending.pop();
			node.children = node.full.children.filter((n) => n.value >= limit).map(copy);
			pending.push(...node.children);
		}
		return top;
	}

	/* Draws the tree again as fine as @focus, a node of the library's, needs it, and goes there. */
	function refine(box, chart, root, focus) {
		const path = focus.ancestors().map((d) => d.data.full).reverse().slice(1);
		d3.select(box).datum(pruned(root, focus.data.value / box.clientWidth)).call(chart);
		let node = d3.select(box).datum();
		for (const full of path)
			node = node.children.find((d) => d.data.full === full);
		zooming = true;
		chart.zoomTo(node);
		zooming = false;
	}

	function flame(id, samples, keep) {
		const box = at(id), root = tree(samples, keep);
		box.textContent = "";
		delete charts[id];
		if (!root.value) {
			put(box, "p", samples.length ? "nothing of this choice" : "nothing recorded", "empty");
			return;
		}
		const details = at(id + "-details");
		const words = (d) => d.data.name + ": " + time(d.data.value) + ", " +
			share(d.data.value, root.value) + ", " + counted(d.data.count, "time");
		const chart = flamegraph().width(box.clientWidth).cellHeight(18).minFrameSize(1).inverted(true)
			.transitionDuration(0).sort(true).selfValue(false).setLabelHandler(words)
			.resetHeightOnZoom(true)
			.setSearchMatch((d, term) => d.data.name.toLowerCase().includes(term.toLowerCase()))
			.setSearchHandler(() => {})
			.setDetailsHandler((text) => { details.textContent = text || "\u00a0"; })
			.onClick((d) => { if (!zooming) refine(box, chart, root, d); });
		d3.select(box).datum(pruned(root, root.value / box.clientWidth)).call(chart);
		charts[id] = chart;
	}

	/* ---- tables ---- */

	/* Where all is exact there is no need for a column that says so. */
	const sampled = data.locks.concat(data.report.rows).some((r) => bounds(r.block) || bounds(r.mutex));

	function side(tr, s, total, late) {
		put(tr, "td", s ? time(s.delay_ns) : "");
		put(tr, "td", s ? share(s.delay_ns, total) : "");
		if (sampled)
			put(tr, "td", bounds(s));
		put(tr, "td", s ? count(s.contentions) : "");
		if (late)
			put(tr, "td", s && s.sched_delay_ns !== undefined ? time(s.sched_delay_ns) : "");
	}

	/* @all as far as it is of the choice: by the samples, where that leaves only a part of a row. */
	function narrowed(all, name, kept) {
		if (!kept)
			return all;
		const part = (side, sums) => {
			if (!side || (sums && Math.abs(sums.delay_ns - side.delay_ns) <= 1e-6 * side.delay_ns + 1 &&
				Math.abs(sums.contentions - side.contentions) < 0.5))
				return side;
			return { delay_ns: sums ? sums.delay_ns : 0, contentions: sums ? sums.contentions : 0, interval: "exact" };
		};
		return all.map((row) => {
			const sums = kept.get(row[name]);
			if (!sums)
				return null;
			const copy = Object.assign({}, row, { block: part(row.block, sums.block), mutex: part(row.mutex, sums.mutex) });
			if (copy.block !== row.block || copy.mutex !== row.mutex)
				Object.assign(copy, { handoff_ns: 0, open: 0 });
			return copy;
		}).filter((row) => row);
	}

	/* Sums of the chosen samples by lock, by site and of all; undefined when all are chosen. */
	function sumsOf(keep) {
		const sums = { lock: new Map(), site: new Map(), total: {} };
		const into = (o, side, s) => {
			o[side] = o[side] || { delay_ns: 0, contentions: 0 };
			o[side].delay_ns += s[4];
			o[side].contentions += s[5];
		};
		const entry = (map, name) => map.get(name) || map.set(name, {}).get(name);
		for (const [side, samples] of [["block", data.waiters], ["mutex", data.releasers]]) {
			if (data.report.total[side])
				sums.total[side] = { delay_ns: 0, contentions: 0 };
			for (const s of samples.filter(keep)) {
				into(sums.total, side, s);
				into(entry(sums.lock, data.lockNames[s[1]]), side, s);
				into(entry(sums.site, data.names[s[3]]), side, s);
			}
		}
		return sums;
	}

	function rows(id, all, key, cells, extra, total) {
		const table = at(id);
		table.textContent = "";
		const tr = put(put(table, "thead"), "tr");
		const limits = sampled ? ["95%"] : [];
		for (const title of ["waited", "", ...limits, "waits", "late", "blamed", "", ...limits, "releases", ...extra])
			put(tr, "th", title);
		put(tr, "th", key, "name");
		const body = put(table, "tbody");
		for (const row of all.slice(0, ROWS_SHOWN)) {
			const line = put(body, "tr");
			side(line, row.block, total.block && total.block.delay_ns, true);
			side(line, row.mutex, total.mutex && total.mutex.delay_ns, false);
			cells(line, row);
		}
		if (all.length > ROWS_SHOWN)
			put(put(body, "tr"), "td", (all.length - ROWS_SHOWN) + " more; search narrows", "more").colSpan = 12;
	}

	const lower = (...texts) => texts.join("\n").toLowerCase();

	let chosenSums;	/* of the choice; undefined: everything */

	function tables(term) {
		const total = chosenSums ? chosenSums.total : data.report.total;
		const locks = narrowed(data.locks, "lock", chosenSums && chosenSums.lock).filter((r) => lower(r.lock, r.sync).includes(term));
		const sites = narrowed(data.report.rows, "site", chosenSums && chosenSums.site).filter((r) => lower(r.site, r.file, r.lock, r.sync).includes(term));
		rows("locks", locks, "lock", (line, row) => {
			put(line, "td", time(row.handoff_ns || 0));
			put(line, "td", row.open ? count(row.open) : "");
			put(put(line, "td", row.lock || "(not known)", "name"), "span", "  " + row.sync);
			line.addEventListener("click", () => { choose(row.lock); });
			line.classList.toggle("chosen", chosen() === row.lock);
		}, ["handoff", "open"], total);
		rows("sites", sites, "site", (line, row) => {
			const file = row.file.slice(row.file.lastIndexOf("/") + 1);
			const lines = [...new Set([row.wait_line, row.release_line])].filter((n) => n).join("/");
			put(line, "td", row.open ? count(row.open) : "");
			put(put(line, "td", row.site || "(not known)", "name"), "span",
				(file ? "  " + file + ":" + lines : "") + "  " + row.lock);
		}, ["open"], total);
	}

	function openWaits() {
		const all = data.report.open_waits;
		at("open").hidden = !all.length;
		const tr = put(put(at("open-table"), "thead"), "tr");
		for (const title of ["longest", "waits"])
			put(tr, "th", title);
		put(tr, "th", "who, on what, where", "name");
		const body = put(at("open-table"), "tbody");
		for (const w of all.slice(0, ROWS_SHOWN)) {
			const line = put(body, "tr");
			put(line, "td", time(w.longest_ns));
			put(line, "td", count(w.waits));
			put(line, "td", w.comm + " (pid " + w.pid + ") on " + w.lock + " " + w.sync + ": " +
				w.stack.join(" < "), "name");
		}
	}

	/* ---- choices ---- */

	const option = (select, text, value) => { put(select, "option", text).value = value; };
	const chosen = () => at("lock").value === "" ? null : data.lockNames[at("lock").value];

	function choose(lock) {
		at("lock").value = chosen() === lock ? "" : String(data.lockNames.indexOf(lock));
		draw();
	}

	let keepChosen = () => true;

	/* Over all stacks of the choice, also those too narrow to be drawn. */
	function found(term) {
		const match = data.names.map((name) => name.toLowerCase().includes(term));
		const stacks = data.stacks.map((stack) => stack.some((index) => match[index]));
		const sum = (samples) => time(samples.reduce((ns, s) => ns + (stacks[s[0]] && keepChosen(s) ? s[4] : 0), 0));
		return "in stacks with " + sum(data.waiters) + " of waiting and " + sum(data.releasers) + " of blame";
	}

	function search() {
		const term = at("search").value.trim().toLowerCase();
		for (const id in charts)
			if (term)
				charts[id].search(term);
			else
				charts[id].clear();
		tables(term);
		at("found").textContent = term ? found(term) : "";
	}

	function draw() {
		const lock = at("lock").value, sync = at("sync").value;
		const classes = data.syncNames.map((name) => sync === "" || sync === name ||
			(sync === "locks" && LOCK_CLASSES.includes(name)));
		const keep = (s) => (lock === "" || s[1] === Number(lock)) &&
			(classes[s[2]] || (sync === "locks" && blamed.has(s[1])));
		keepChosen = keep;
		chosenSums = lock === "" && sync === "" ? undefined : sumsOf(keep);
		totals(chosenSums && chosenSums.total);
		flame("waiters", data.waiters, keep);
		flame("releasers", data.releasers, keep);
		search();
	}

	head();
	leftOut();
	option(at("sync"), "all", "");
	option(at("sync"), "locks only", "locks");
	for (const name of data.syncNames)
		option(at("sync"), name || "(not known)", name);
	option(at("lock"), "all", "");
	data.lockNames.forEach((name, i) => option(at("lock"), name || "(not known)", String(i)));
	openWaits();
	draw();
	at("sync").addEventListener("change", draw);
	at("lock").addEventListener("change", draw);
	let timer = 0;
	at("search").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, 150); });
	/* The graphs are as wide as the window was when they were drawn. */
	let resized = 0, width = innerWidth;
	addEventListener("resize", () => {
		clearTimeout(resized);
		if (innerWidth !== width)
			resized = setTimeout(() => { width = innerWidth; draw(); }, 150);
	});
	document.documentElement.dataset.ready = String(Math.round(performance.now()));
})();
