// SPDX-License-Identifier: GPL-2.0-only

// Task 5: a cache that many read and one writes now and then, behind a Mutex or
// an RWMutex; -writer-hold makes the writer slow.
package main

import (
	"flag"
	"sync"
	"time"

	"lockspan/workloads/lab"
)

const keys = 64

var (
	cache struct {
		mu    sync.Mutex
		rw    sync.RWMutex
		value [keys]int64
	}
	read    = flag.Duration("read", 100*time.Microsecond, "a reader's time under the lock")
	hold    = flag.Duration("writer-hold", 0, "the writer's; the task's slow writer: 100ms")
	period  = flag.Duration("period", 100*time.Millisecond, "the writer's pause")
	variant = lab.Variant("mutex", "rwlock")
)

//go:noinline
func get(w *lab.Worker, l sync.Locker, key int64) int64 {
	locking := w.Locking()
	l.Lock()
	w.Locked(locking)
	v := cache.value[key]
	time.Sleep(*read)
	w.Unlocking()
	l.Unlock()
	return v
}

//go:noinline
func put(w *lab.Worker, l sync.Locker, key int64) {
	locking := w.Locking()
	l.Lock()
	w.Locked(locking)
	cache.value[key]++
	time.Sleep(*hold)
	w.Unlocking()
	l.Unlock()
}

func main() {
	run := lab.Parse("task05", lab.Size{Goroutines: 33, Duration: 1500 * time.Millisecond},
		lab.Size{Goroutines: 33, Duration: 5 * time.Second})
	run.Variant = *variant
	var forRead, forWrite sync.Locker = &cache.mu, &cache.mu
	run.Locks = []string{"main.cache.mu"}
	if *variant == "rwlock" {
		forRead, forWrite = cache.rw.RLocker(), &cache.rw
		run.Locks = []string{"main.cache.rw"}
	}
	run.Add("writer", func(w *lab.Worker) {
		for ; w.GoesOn(); w.Ops++ {
			time.Sleep(*period)
			put(w, forWrite, w.Ops%keys)
		}
	})
	for i := 1; i < run.Goroutines; i++ {
		run.Add("reader", func(w *lab.Worker) {
			for ; w.GoesOn(); w.Ops++ {
				get(w, forRead, w.Ops%keys)
			}
		})
	}
	run.Do()
	run.Print(map[string]interface{}{
		"reads": run.Ops("reader"), "writes": run.Ops("writer"),
		"writer_hold_us": hold.Microseconds(),
	})
}
