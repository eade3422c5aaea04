// SPDX-License-Identifier: GPL-2.0-only

// Package lab starts the goroutines of a workload together, takes Go's own
// mutex and block profiles of them, and prints what they saw as JSON.
package lab

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Size is how much a workload does.
type Size struct {
	Goroutines int
	Count      int64         // operations per goroutine, 0: run for Duration
	Duration   time.Duration // 0: run for Count
}

// Run is one run of a workload.
type Run struct {
	Name    string
	Variant string
	Locks   []string // names of what Meter and Second of the workers measure
	Size

	dir           string
	blockRate     int
	mutexFraction int
	cpu           bool
	noClock       bool
	thresholdNs   int64

	workers []*Worker
	ready   int64
	stop    int32
	gate    chan struct{}
	wallNs  int64
}

type lock struct {
	Lock string `json:"lock"`
	Meter
}

// Worker is one goroutine of a run.
type Worker struct {
	Role string `json:"role"`
	Ops  int64  `json:"ops"`
	Meter
	Second Meter `json:"-"`

	run   *Run
	count int64
	body  func(*Worker)
}

// Parse reads the command line. Flags of the program itself are defined before.
// lab is the size for a slow machine, seed that of the task's text (-full).
func Parse(name string, lab, seed Size) *Run {
	r := &Run{Name: name, gate: make(chan struct{})}
	full := flag.Bool("full", false, "the sizes of the task's text")
	flag.IntVar(&r.Goroutines, "goroutines", 0, "worker goroutines")
	flag.Int64Var(&r.Count, "count", 0, "operations per goroutine")
	flag.DurationVar(&r.Duration, "duration", 0, "run for so long")
	flag.StringVar(&r.dir, "o", "", "write mutex.pb.gz and block.pb.gz to this directory")
	flag.IntVar(&r.blockRate, "block-rate", 1, "runtime.SetBlockProfileRate, with -o")
	flag.IntVar(&r.mutexFraction, "mutex-fraction", 1, "runtime.SetMutexProfileFraction, with -o")
	flag.BoolVar(&r.cpu, "cpu", false, "write cpu.pb.gz as well, with -o")
	flag.BoolVar(&r.noClock, "no-clock", false, "count only: no clock reads around the locks")
	flag.Int64Var(&r.thresholdNs, "threshold", 5000, "lock calls of so many ns are \"long\"")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "%s: unexpected argument %q\n", name, flag.Arg(0))
		os.Exit(64)
	}
	size := lab
	if *full {
		size = seed
	}
	if r.Goroutines == 0 {
		r.Goroutines = size.Goroutines
	}
	if r.Count == 0 && r.Duration == 0 {
		r.Count, r.Duration = size.Count, size.Duration
	}
	return r
}

// AddAll gives the run as many goroutines of one kind as its size says.
func (r *Run) AddAll(role string, body func(*Worker)) {
	for i := 0; i < r.Goroutines; i++ {
		r.Add(role, body)
	}
}

// Add gives the run one more goroutine.
func (r *Run) Add(role string, body func(*Worker)) *Worker {
	w := &Worker{Role: role, run: r, body: body, count: r.Count}
	if w.count == 0 {
		w.count = 1<<63 - 1
	}
	for _, m := range []*Meter{&w.Meter, &w.Second} {
		m.off = r.noClock
		m.thresholdNs = r.thresholdNs
	}
	r.workers = append(r.workers, w)
	return w
}

// Unlimited lets the worker go on until the run is stopped.
func (w *Worker) Unlimited() { w.count = 1<<63 - 1 }

// GoesOn is true until the worker has done its count or the time is over.
func (w *Worker) GoesOn() bool {
	return w.Ops < w.count && atomic.LoadInt32(&w.run.stop) == 0
}

// Stop ends the run for all workers that ask GoesOn.
func (r *Run) Stop() { atomic.StoreInt32(&r.stop, 1) }

// Do runs all workers to their end. The profiles are switched on while the
// workers stand at the gate, so that the gate is not in them.
func (r *Run) Do() {
	var wg sync.WaitGroup

	for _, w := range r.workers {
		w := w
		wg.Add(1)
		go func() {
			defer wg.Done()
			atomic.AddInt64(&r.ready, 1)
			<-r.gate
			w.body(w)
		}()
	}
	for atomic.LoadInt64(&r.ready) < int64(len(r.workers)) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(10 * time.Millisecond)
	r.profilesStart()
	start := Now()
	close(r.gate)
	if r.Duration > 0 {
		timer := time.AfterFunc(r.Duration, r.Stop)
		defer timer.Stop()
	}
	wg.Wait()
	r.wallNs = Now() - start
	r.profilesWrite()
}

func (r *Run) profilesStart() {
	if r.dir == "" {
		return
	}
	check(os.MkdirAll(r.dir, 0o777))
	runtime.SetMutexProfileFraction(r.mutexFraction)
	runtime.SetBlockProfileRate(r.blockRate)
	if r.cpu {
		f, err := os.Create(filepath.Join(r.dir, "cpu.pb.gz"))
		check(err)
		check(pprof.StartCPUProfile(f))
	}
}

func (r *Run) profilesWrite() {
	if r.dir == "" {
		return
	}
	if r.cpu {
		pprof.StopCPUProfile()
	}
	for _, name := range []string{"mutex", "block"} {
		f, err := os.Create(filepath.Join(r.dir, name+".pb.gz"))
		check(err)
		check(pprof.Lookup(name).WriteTo(f, 0))
		check(f.Close())
	}
}

// Variant defines the flag -variant; the first one is the default. Call before Parse.
func Variant(names ...string) *string {
	v := names[0]
	flag.Func("variant", strings.Join(names, "|")+" ("+v+")", func(text string) error {
		for _, name := range names {
			if name == text {
				v = text
				return nil
			}
		}
		return fmt.Errorf("there is no variant %q", text)
	})
	return &v
}

// Spin computes for so many rounds.
//
//go:noinline
func Spin(rounds int) (x uint32) {
	for ; rounds > 0; rounds-- {
		x = x*1664525 + uint32(rounds)
	}
	return x
}

// Ops sums the operations of the workers of a role, "" for all.
func (r *Run) Ops(role string) (ops int64) {
	for _, w := range r.workers {
		if role == "" || w.Role == role {
			ops += w.Ops
		}
	}
	return ops
}

// Print writes the truth, with the program's own figures beside it.
func (r *Run) Print(more map[string]interface{}) {
	var sum, second Meter
	for _, w := range r.workers {
		sum.add(&w.Meter)
		second.add(&w.Second)
	}
	locks := []lock{}
	for i, m := range []*Meter{&sum, &second} {
		if i < len(r.Locks) {
			locks = append(locks, lock{r.Locks[i], *m})
		}
	}
	out := map[string]interface{}{
		"workload":      r.Name,
		"variant":       r.Variant,
		"language":      "go",
		"pid":           os.Getpid(),
		"goroutines":    len(r.workers),
		"gomaxprocs":    runtime.GOMAXPROCS(0),
		"wall_ns":       r.wallNs,
		"ops":           r.Ops(""),
		"ops_per_s":     float64(r.Ops("")) * 1e9 / float64(r.wallNs),
		"threshold_ns":  r.thresholdNs,
		"acquisitions":  sum.Acquisitions,
		"call_ns":       sum.CallNs,
		"long_calls":    sum.LongCalls,
		"long_call_ns":  sum.LongCallNs,
		"max_call_ns":   sum.MaxCallNs,
		"held_ns":       sum.HeldNs,
		"locks":         locks,
		"members":       r.workers,
		"block_rate":    r.blockRate,
		"mutex_profile": r.dir != "",
	}
	for k, v := range more {
		out[k] = v
	}
	check(json.NewEncoder(os.Stdout).Encode(out))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
