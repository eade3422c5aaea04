// SPDX-License-Identifier: GPL-2.0-only

// Task 13: a hot path for a regression test. -hold-extra makes its critical
// section longer by so many percent. hot_test.go has the benchmark.
package main

import (
	"flag"
	"runtime"
	"sync"

	"lockspan/workloads/lab"
)

var (
	hot struct {
		mu       sync.Mutex
		requests int64
	}
	workIn    = flag.Int("work-in", 100000, "rounds of computing inside the lock")
	holdExtra = flag.Int("hold-extra", 0, "so many percent more of it: the regression")
)

//go:noinline
func hotPath(w *lab.Worker) {
	locking := w.Locking()
	hot.mu.Lock()
	w.Locked(locking)
	hot.requests++
	lab.Spin(*workIn + *workIn**holdExtra/100)
	runtime.Gosched()
	w.Unlocking()
	hot.mu.Unlock()
}

func serve(w *lab.Worker) {
	for ; w.GoesOn(); w.Ops++ {
		hotPath(w)
	}
}

func main() {
	run := lab.Parse("task13", lab.Size{Goroutines: 8, Count: 100}, lab.Size{Goroutines: 8, Count: 5000})
	run.Variant = "mutex"
	run.Locks = []string{"main.hot.mu"}
	run.AddAll("server", serve)
	run.Do()
	run.Print(map[string]interface{}{"hold_extra_percent": *holdExtra})
}
