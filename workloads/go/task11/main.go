// SPDX-License-Identifier: GPL-2.0-only

// Task 11: the thundering herd. A cached value goes out of date and every
// goroutine that misses it loads it again; the repair (single) is a
// singleflight.Group.
package main

import (
	"flag"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"lockspan/workloads/lab"
)

var (
	cache struct {
		mu    sync.Mutex
		value int64
		until time.Time
	}
	backend struct {
		mu    sync.Mutex
		loads int64
	}
	group   singleflight.Group
	shared  int64
	load    = flag.Duration("load", 5*time.Millisecond, "a load's time at the backend")
	valid   = flag.Duration("valid", 250*time.Millisecond, "how long a value lasts")
	think   = flag.Duration("think", 2*time.Millisecond, "pause between two Gets")
	variant = lab.Variant("herd", "single")
)

//go:noinline
func lookup() (int64, bool) {
	cache.mu.Lock()
	defer cache.mu.Unlock()
	return cache.value, time.Now().Before(cache.until)
}

//go:noinline
func fill(value int64) {
	cache.mu.Lock()
	defer cache.mu.Unlock()
	cache.value = value
	cache.until = time.Now().Add(*valid)
}

//go:noinline
func backendLoad(w *lab.Worker) int64 {
	locking := w.Locking()
	backend.mu.Lock()
	w.Locked(locking)
	backend.loads++
	v := backend.loads
	time.Sleep(*load)
	w.Unlocking()
	backend.mu.Unlock()
	return v
}

// getHerd has the bug: nobody looks again whether the value has come meanwhile.
func getHerd(w *lab.Worker) int64 {
	if v, ok := lookup(); ok {
		return v
	}
	v := backendLoad(w)
	fill(v)
	return v
}

func getSingle(w *lab.Worker) int64 {
	if v, ok := lookup(); ok {
		return v
	}
	mine := false
	flying := w.Second.Locking()
	v, _, _ := group.Do("value", func() (interface{}, error) {
		mine = true
		if v, ok := lookup(); ok {
			return v, nil
		}
		v := backendLoad(w)
		fill(v)
		return v, nil
	})
	w.Second.Locked(flying)
	if !mine {
		atomic.AddInt64(&shared, 1)
	}
	return v.(int64)
}

func main() {
	run := lab.Parse("task11", lab.Size{Goroutines: 32, Duration: 1500 * time.Millisecond},
		lab.Size{Goroutines: 64, Duration: 5 * time.Second})
	run.Variant = *variant
	run.Locks = []string{"main.backend.mu", "main.group"}
	get := getHerd
	if *variant == "single" {
		get = getSingle
	}
	run.AddAll("client", func(w *lab.Worker) {
		for ; w.GoesOn(); w.Ops++ {
			get(w)
			time.Sleep(*think)
		}
	})
	run.Do()
	run.Print(map[string]interface{}{"loads": backend.loads, "shared": shared})
}
