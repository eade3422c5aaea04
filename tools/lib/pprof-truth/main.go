// SPDX-License-Identifier: GPL-2.0-only

// Checks pprof files against the rules that lockspan promises to keep: those of
// the format, those of Go's mutex and block profiles, and lockspan's own about
// labels and order. It shares no code with lockspan, nor with pprof, which it
// asks for a second opinion.
package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

const shown = 10 // broken rules of one file

// gunzip takes exactly one gzip member.
func gunzip(data []byte) ([]byte, error) {
	r := bytes.NewReader(data)
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	plain, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	if r.Len() > 0 {
		return nil, fmt.Errorf("%d bytes follow", r.Len())
	}
	return plain, nil
}

func sums(p *profile) []int64 {
	out := make([]int64, len(p.types))
	for _, s := range p.samples {
		for i, v := range s.values {
			if i < len(out) {
				out[i] += v
			}
		}
	}
	return out
}

var sampleRow = regexp.MustCompile(`^\s*((?:-?\d+\s+)*-?\d+):`)

// pprofSums lets pprof read the file and adds up the samples that it prints.
func pprofSums(path string, types int) ([]int64, error) {
	var stderr bytes.Buffer
	cmd := exec.Command("go", "tool", "pprof", "-symbolize=none", "-raw", path)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %s", err, strings.TrimSpace(stderr.String()))
	}
	total := make([]int64, types)
	inside := false
	for _, row := range strings.Split(string(out), "\n") {
		if row == "Samples:" || row == "Locations" {
			inside = row == "Samples:"
			continue
		}
		m := sampleRow.FindStringSubmatch(row)
		if !inside || m == nil {
			continue
		}
		for i, word := range strings.Fields(m[1]) {
			v, err := strconv.ParseInt(word, 10, 64)
			if err != nil || i >= types {
				return nil, fmt.Errorf("cannot read %q", row)
			}
			total[i] += v
		}
	}
	return total, nil
}

func checkFile(path string, difference, pprof bool) (summary string, broken []string) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", []string{"file: " + err.Error()}
	}
	plain, err := gunzip(data)
	if err != nil {
		return "", []string{"gzip: " + err.Error()}
	}
	p, err := parseProfile(plain)
	if err != nil {
		return "", []string{"protobuf: " + err.Error()}
	}
	c := checker{p: p, difference: difference}
	c.all()
	totals := sums(p)
	if pprof {
		theirs, err := pprofSums(path, len(p.types))
		if c.check(err == nil, "pprof", "it refuses the file: %v", err) {
			c.check(fmt.Sprint(theirs) == fmt.Sprint(totals), "pprof", "it adds up to %v, not %v", theirs, totals)
		}
	}
	summary = fmt.Sprintf("ok: %d samples, %d locations, %d functions, %d mappings", len(p.samples),
		len(p.locations), len(p.functions), len(p.mappings))
	for i, t := range p.types {
		summary += fmt.Sprintf(", %s %d", c.str("a type", t.typ), totals[i])
	}
	return summary, c.broken
}

func main() {
	difference := flag.Bool("difference", false, "values may be negative and counts 0")
	pprof := flag.Bool("pprof", true, "let go tool pprof read the file too")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "Usage: tools/pprof-truth [OPTION...] FILE...\n"+
			"One line a file: ok and its totals, or the rules that it breaks. Status 1 if any does.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(64)
	}
	status := 0
	for _, path := range flag.Args() {
		summary, broken := checkFile(path, *difference, *pprof)
		if len(broken) == 0 {
			fmt.Printf("%s: %s\n", path, summary)
			continue
		}
		status = 1
		for i, sentence := range broken {
			if i == shown {
				fmt.Printf("%s: and %d more\n", path, len(broken)-shown)
				break
			}
			fmt.Printf("%s: %s\n", path, sentence)
		}
	}
	os.Exit(status)
}
