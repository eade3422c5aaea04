// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"
)

// A checker collects what is broken, one sentence each, under the rule's name.
type checker struct {
	p          *profile
	difference bool
	broken     []string
}

func (c *checker) fail(rule, format string, args ...interface{}) {
	c.broken = append(c.broken, rule+": "+fmt.Sprintf(format, args...))
}

func (c *checker) check(ok bool, rule, format string, args ...interface{}) bool {
	if !ok {
		c.fail(rule, format, args...)
	}
	return ok
}

// str gives the string of a number and reports a number out of range.
func (c *checker) str(what string, index int64) string {
	if index < 0 || index >= int64(len(c.p.strings)) {
		c.fail("string-index", "%s is string %d of %d", what, index, len(c.p.strings))
		return "?"
	}
	return c.p.strings[index]
}

func (c *checker) strings() {
	c.check(len(c.p.strings) > 0 && c.p.strings[0] == "", "string-0", "string_table[0] is not \"\"")
	seen := map[string]int{}
	for i, s := range c.p.strings {
		if j, ok := seen[s]; ok {
			c.fail("string-unique", "strings %d and %d are both %q", j, i, s)
		}
		seen[s] = i
		c.check(utf8.ValidString(s), "string-utf8", "string %d, %q, is not UTF-8", i, s)
	}
}

func (c *checker) typeName(t valueType) string {
	return c.str("a type", t.typ) + "/" + c.str("a unit", t.unit)
}

func (c *checker) header() {
	var names []string
	seen := map[string]bool{}
	for _, t := range c.p.types {
		name := c.typeName(t)
		c.check(!seen[name], "sample-type", "%s comes twice", name)
		seen[name] = true
		names = append(names, name)
	}
	def := c.str("default_sample_type", c.p.defaultType)
	if len(names) == 2 {
		got := strings.Join(names, " ")
		c.check(got == "contentions/count delay/nanoseconds", "sample-type", "the types are %s", got)
		c.check(def == "", "default-type", "it is %q, not unset", def)
	} else {
		c.check(len(names) > 2, "sample-type", "there are %d", len(names))
		c.check(def == "delay" && seen["delay/nanoseconds"], "default-type",
			"it is %q, not delay, and the types are %v", def, names)
	}
	if c.check(len(c.p.periodTypes) == 1, "period-type", "there are %d", len(c.p.periodTypes)) {
		got := c.typeName(c.p.periodTypes[0])
		c.check(got == "contentions/count", "period-type", "it is %s", got)
	}
	c.check(c.p.period == 1, "period", "it is %d, not 1", c.p.period)
	c.check(c.p.time > 0, "time", "it is %d", c.p.time)
	c.check(c.p.duration >= 0, "duration", "it is %d", c.p.duration)
	c.str("drop_frames", c.p.drop)
	c.str("keep_frames", c.p.keep)
	c.str("doc_url", c.p.docURL)
	for _, id := range c.p.comments {
		c.str("a comment", id)
	}
}

var hex = regexp.MustCompile("^([0-9a-f]{2})*$")
var library = regexp.MustCompile(`([.]so$|[.]so[._][0-9].*)`)

// What pprof does not take for a file of the program.
func special(name string) bool {
	return strings.HasPrefix(name, "[") || strings.HasPrefix(name, "//anon") || strings.HasPrefix(name, "/memfd:") ||
		strings.HasPrefix(name, "linux-vdso")
}

func (c *checker) mappings() map[uint64]mapping {
	byID := map[uint64]mapping{}
	for i, m := range c.p.mappings {
		name, build := c.str("a file", m.filename), c.str("a build id", m.buildID)
		_, twice := byID[m.id]
		c.check(m.id != 0, "mapping-id", "mapping %d (%s) has id 0", i, name)
		c.check(!twice, "mapping-id", "id %d comes twice", m.id)
		byID[m.id] = m
		c.check(m.start < m.limit, "mapping-range", "%s is %#x..%#x", name, m.start, m.limit)
		c.check((m.start-m.offset)%4096 == 0, "mapping-range", "%s: start %#x and offset %#x disagree within the page",
			name, m.start, m.offset)
		c.check(hex.MatchString(build), "build-id", "%s has %q", name, build)
		c.check(strings.HasPrefix(name, "/") || special(name), "mapping-file", "%q is not absolute", name)
		c.check(m.has[0] == m.has[1] && m.has[1] == m.has[2] && m.has[2] == m.has[3], "mapping-has",
			"%s has some of the four flags only: %v", name, m.has)
		if i == 0 && !(special(name) && len(c.p.mappings) == 1) { // alone: a recording without stacks
			c.check(!special(name) && !library.MatchString(name), "mapping-main",
				"the first mapping is %s, which is no program", name)
		}
	}
	return byID
}

func (c *checker) functions() map[uint64]function {
	byID := map[uint64]function{}
	for _, f := range c.p.functions {
		name, file := c.str("a function", f.name), c.str("a source file", f.filename)
		_, twice := byID[f.id]
		c.check(f.id != 0, "function-id", "%s has id 0", name)
		c.check(!twice, "function-id", "id %d comes twice", f.id)
		byID[f.id] = f
		c.check(name != "", "function-name", "function %d has none", f.id)
		c.check(c.str("a system name", f.system) != "", "function-name", "%s has no system name", name)
		// Builds that leave directories out have names like runtime/proc.go, as Go's own profiles.
		c.check(!strings.HasPrefix(file, "."), "function-file", "%s: %q is relative to no known place", name, file)
		c.check(f.startLine >= 0, "function-line", "%s starts at line %d", name, f.startLine)
	}
	return byID
}

func (c *checker) locations(mappings map[uint64]mapping, functions map[uint64]function) map[uint64]location {
	byID := map[uint64]location{}
	type place struct{ mapping, address uint64 }
	places := map[place]uint64{}
	for _, l := range c.p.locations {
		_, twice := byID[l.id]
		c.check(l.id != 0, "location-id", "the location at %#x has id 0", l.address)
		c.check(!twice, "location-id", "id %d comes twice", l.id)
		byID[l.id] = l
		c.check(l.address != 0, "address", "location %d has none", l.id)
		if other, ok := places[place{l.mapping, l.address}]; ok {
			c.fail("address", "locations %d and %d of mapping %d are both at %#x", other, l.id, l.mapping, l.address)
		}
		places[place{l.mapping, l.address}] = l.id
		m, ok := mappings[l.mapping]
		if l.mapping != 0 && c.check(ok, "location-mapping", "location %d names mapping %d", l.id, l.mapping) {
			c.check(l.address >= m.start && l.address < m.limit, "address",
				"location %d at %#x is outside its mapping %#x..%#x", l.id, l.address, m.start, m.limit)
		}
		c.check(len(l.lines) > 0 || (ok && !m.has[0]), "location-line",
			"location %d at %#x has none, though its mapping has functions or does not exist", l.id, l.address)
		for _, ln := range l.lines {
			_, ok := functions[ln.function]
			c.check(ok, "line-function", "location %d names function %d", l.id, ln.function)
			c.check(ln.line >= 0, "line-number", "location %d has line %d", l.id, ln.line)
		}
	}
	return byID
}

var address = regexp.MustCompile("^0x[0-9a-f]+$")

// What a label with one of these keys may say.
var vocabulary = map[string]string{
	"kind": " mutex block ",
	"sync": " other mutex rwlock_rd rwlock_wr cond sem barrier join once pi runtime ",
}

// labels checks those of one sample and gives them back as a key.
func (c *checker) labels(i int, s sample) string {
	var all []string
	seen := map[string]bool{}
	for _, l := range s.labels {
		key, str, unit := c.str("a label's key", l.key), c.str("a label", l.str), c.str("a label's unit", l.unit)
		c.check(key != "", "label-key", "sample %d has an empty one", i)
		c.check(!strings.HasPrefix(key, "pprof::"), "label-key", "sample %d: %q is reserved", i, key)
		c.check(!seen[key], "label-once", "sample %d has %q twice", i, key)
		seen[key] = true
		if l.str != 0 {
			c.check(l.num == 0 && l.unit == 0, "label-value", "sample %d: %q is both text and number", i, key)
		} else {
			c.check(unit != "", "label-value", "sample %d: %q is neither text nor number with a unit", i, key)
		}
		if words, ok := vocabulary[key]; ok {
			if key == "kind" && len(c.p.types) > 2 {
				words += "handoff " // nobody's: only where there is a type for it
			} else if key == "kind" {
				words += "given_up " // nobody's: only among the delays of locks
			}
			c.check(strings.Contains(words, " "+str+" "), "label-value", "sample %d: %s is %q", i, key, str)
		}
		c.check(key != "lock" || !address.MatchString(str), "label-stable", "sample %d: lock is the address %s", i, str)
		all = append(all, fmt.Sprintf("%q=%q,%d,%q", key, str, l.num, unit))
	}
	sort.Strings(all)
	return strings.Join(all, " ")
}

func (c *checker) has(s sample, key string) bool {
	for _, l := range s.labels {
		if c.str("a label's key", l.key) == key {
			return true
		}
	}
	return false
}

func (c *checker) values(i int, s sample) {
	if !c.check(len(s.values) == len(c.p.types), "value-count", "sample %d has %d for %d types", i, len(s.values),
		len(c.p.types)) {
		return
	}
	any := false
	for _, v := range s.values {
		any = any || v != 0
		c.check(v >= 0 || c.difference, "value-sign", "sample %d has %d", i, v)
	}
	c.check(any, "value-zero", "sample %d is all zero", i)
	if len(s.values) == 2 && !c.difference {
		// The releases of a stack are counted once, with the largest of the things that its holders did.
		c.check(s.values[0] >= 1 || c.has(s, "why"), "value-count-1", "sample %d has %d contentions", i, s.values[0])
	}
	if i > 0 && len(c.p.samples[i-1].values) == len(s.values) && len(s.values) > 0 {
		last := len(s.values) - 1
		before := c.p.samples[i-1].values[last]
		c.check(before >= s.values[last], "sample-order", "sample %d has %d after %d", i, s.values[last], before)
	}
}

func (c *checker) samples(locations map[uint64]location) {
	seen := map[string]int{}
	for i, s := range c.p.samples {
		c.values(i, s)
		c.check(len(s.locations) > 0, "stack", "sample %d has none", i)
		for _, id := range s.locations {
			_, ok := locations[id]
			c.check(ok, "sample-location", "sample %d names location %d", i, id)
		}
		key := fmt.Sprint(s.locations) + c.labels(i, s)
		if j, ok := seen[key]; ok {
			c.fail("sample-unique", "samples %d and %d have one stack and one set of labels", j, i)
		}
		seen[key] = i
	}
}

func (c *checker) all() {
	c.strings()
	c.header()
	c.check(len(c.p.mappings) > 0 || len(c.p.samples) == 0, "mapping", "there is none")
	mappings := c.mappings()
	c.samples(c.locations(mappings, c.functions()))
}
