// SPDX-License-Identifier: GPL-2.0-only

// Task 7: the counter of task 1 behind a mutex, or as an atomic.Int64.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"lockspan/workloads/lab"
)

var (
	counter struct {
		mu     sync.Mutex
		value  int64
		atomic atomic.Int64
	}
	yieldEvery = flag.Int64("yield-every", 4, "Gosched at every n-th addition; 0 never")
	variant    = lab.Variant("mutex", "atomic")
)

func maybeYield(w *lab.Worker) {
	if *yieldEvery > 0 && w.Ops%*yieldEvery == 0 {
		runtime.Gosched()
	}
}

//go:noinline
func addMutex(w *lab.Worker) {
	locking := w.Locking()
	counter.mu.Lock()
	w.Locked(locking)
	counter.value++
	maybeYield(w)
	w.Unlocking()
	counter.mu.Unlock()
}

//go:noinline
func addAtomic(w *lab.Worker) {
	counter.atomic.Add(1)
	maybeYield(w)
}

func main() {
	run := lab.Parse("task07", lab.Size{Goroutines: 64, Duration: time.Second},
		lab.Size{Goroutines: 64, Duration: 5 * time.Second})
	run.Variant = *variant
	add := addAtomic
	if *variant == "mutex" {
		add = addMutex
		run.Locks = []string{"main.counter.mu"}
	}
	run.AddAll("adder", func(w *lab.Worker) {
		for ; w.GoesOn(); w.Ops++ {
			add(w)
		}
	})
	run.Do()
	total := counter.value + counter.atomic.Load()
	if total != run.Ops("") {
		fmt.Fprintf(os.Stderr, "task07: counter is %d\n", total)
		os.Exit(1)
	}
	run.Print(map[string]interface{}{"counter": total})
}
