// SPDX-License-Identifier: GPL-2.0-only

// Task 10: a store of feature flags, copy-on-write by atomic.Pointer or behind
// an RWMutex.
package main

import (
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"lockspan/workloads/lab"
)

const flagCount = 64

var (
	flags struct {
		current atomic.Pointer[map[string]bool]
		rw      sync.RWMutex
		m       map[string]bool
	}
	load    = flag.Duration("load", 5*time.Millisecond, "what loading the flags takes")
	period  = flag.Duration("period", 100*time.Millisecond, "pause between reloads")
	burst   = flag.Int64("burst", 20, "Gets between two pauses of a reader")
	think   = flag.Duration("think", 20*time.Millisecond, "a reader's pause; 0: readers fill the CPUs")
	variant = lab.Variant("cow", "rwlock")
	names   [flagCount]string
	tables  int64 // maps allocated, by the reloader alone
)

func fill(m map[string]bool, generation int64) map[string]bool {
	for i := int64(0); i < flagCount; i++ {
		m[names[i]] = (generation+i)%2 == 1
	}
	return m
}

//go:noinline
func getCow(_ *lab.Worker, name string) bool {
	return (*flags.current.Load())[name]
}

//go:noinline
func getRW(w *lab.Worker, name string) bool {
	locking := w.Locking()
	flags.rw.RLock()
	w.Locked(locking)
	on := flags.m[name]
	w.Unlocking()
	flags.rw.RUnlock()
	return on
}

//go:noinline
func reloadCow(w *lab.Worker) {
	m := fill(make(map[string]bool, flagCount), w.Ops)
	tables++
	time.Sleep(*load)
	flags.current.Store(&m)
}

//go:noinline
func reloadRW(w *lab.Worker) {
	locking := w.Second.Locking()
	flags.rw.Lock()
	w.Second.Locked(locking)
	fill(flags.m, w.Ops)
	time.Sleep(*load)
	w.Second.Unlocking()
	flags.rw.Unlock()
}

// tableBytes measures what one map takes.
func tableBytes() uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m := fill(make(map[string]bool, flagCount), 0)
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(m)
	return after.TotalAlloc - before.TotalAlloc
}

func main() {
	run := lab.Parse("task10", lab.Size{Goroutines: 101, Duration: 1500 * time.Millisecond},
		lab.Size{Goroutines: 101, Duration: 5 * time.Second})
	run.Variant = *variant
	for i := range names {
		names[i] = fmt.Sprint("flag-", i)
	}
	m := fill(map[string]bool{}, 0)
	flags.current.Store(&m)
	flags.m = fill(map[string]bool{}, 0)
	get, reload := getCow, reloadCow
	if *variant == "rwlock" {
		get, reload = getRW, reloadRW
		run.Locks = []string{"main.flags.rw (read)", "main.flags.rw (write)"}
	}
	run.Add("reloader", func(w *lab.Worker) {
		for ; w.GoesOn(); w.Ops++ {
			time.Sleep(*period)
			reload(w)
		}
	})
	for i := 1; i < run.Goroutines; i++ {
		name := names[i%flagCount]
		run.Add("reader", func(w *lab.Worker) {
			for ; w.GoesOn(); w.Ops++ {
				get(w, name)
				if *think > 0 && w.Ops%*burst == 0 {
					time.Sleep(*think)
				}
			}
		})
	}
	bytes := tableBytes()
	run.Do()
	run.Print(map[string]interface{}{
		"reads": run.Ops("reader"), "reloads": run.Ops("reloader"),
		"allocations": tables, "allocated_bytes": uint64(tables) * bytes,
	})
}
