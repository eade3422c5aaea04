// SPDX-License-Identifier: GPL-2.0-only

// Task 2: one goroutine sleeps while it holds the mutex, the others need it for
// a microsecond.
package main

import (
	"flag"
	"sync"
	"time"

	"lockspan/workloads/lab"
)

var (
	shared struct {
		mu    sync.Mutex
		value int64
	}
	hold  = flag.Duration("hold", 100*time.Millisecond, "how long the slow one sleeps with the mutex")
	pause = flag.Duration("pause", 10*time.Millisecond, "and without it")
)

//go:noinline
func slowUpdate(w *lab.Worker) {
	locking := w.Locking()
	shared.mu.Lock()
	w.Locked(locking)
	shared.value++
	time.Sleep(*hold)
	w.Unlocking()
	shared.mu.Unlock()
}

//go:noinline
func fastUpdate(w *lab.Worker) {
	locking := w.Locking()
	shared.mu.Lock()
	w.Locked(locking)
	shared.value++
	lab.Spin(1000)
	w.Unlocking()
	shared.mu.Unlock()
}

func main() {
	run := lab.Parse("task02", lab.Size{Goroutines: 8, Count: 10}, lab.Size{Goroutines: 8, Count: 50})
	run.Variant = "mutex"
	run.Locks = []string{"main.shared.mu"}
	run.Add("slow", func(w *lab.Worker) {
		for ; w.GoesOn(); w.Ops++ {
			slowUpdate(w)
			time.Sleep(*pause)
		}
		run.Stop()
	})
	for i := 1; i < run.Goroutines; i++ {
		run.Add("fast", func(w *lab.Worker) {
			for ; w.GoesOn(); w.Ops++ {
				fastUpdate(w)
				time.Sleep(200 * time.Microsecond)
			}
		}).Unlimited()
	}
	run.Do()
	run.Print(map[string]interface{}{"hold_ms": hold.Milliseconds(), "holds": run.Ops("slow")})
}
