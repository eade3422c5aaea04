// SPDX-License-Identifier: GPL-2.0-only

// Tasks 1 and 3: goroutines increment one counter behind one sync.Mutex, with
// Go's own mutex and block profiles of it.
package main

import (
	"flag"
	"runtime"
	"sync"

	"lockspan/workloads/lab"
)

var (
	counterMu  sync.Mutex
	counter    int64
	yieldEvery = flag.Int64("yield-every", 4, "Gosched in the lock at every n-th increment; 0 never")
)

//go:noinline
func increment(w *lab.Worker) {
	locking := w.Locking()
	counterMu.Lock()
	w.Locked(locking)
	counter++
	if *yieldEvery > 0 && counter%*yieldEvery == 0 {
		runtime.Gosched()
	}
	w.Unlocking()
	counterMu.Unlock()
}

func worker(w *lab.Worker) {
	for ; w.GoesOn(); w.Ops++ {
		increment(w)
	}
}

func main() {
	run := lab.Parse("task01", lab.Size{Goroutines: 8, Count: 4000},
		lab.Size{Goroutines: 8, Count: 100000})
	run.Variant = "mutex"
	run.Locks = []string{"main.counterMu"}
	run.AddAll("worker", worker)
	run.Do()
	run.Print(map[string]interface{}{"counter": counter})
}
