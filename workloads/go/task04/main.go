// SPDX-License-Identifier: GPL-2.0-only

// Task 4: a store whose Get works with the mutex held (before) or after it has
// let it go (after).
package main

import (
	"flag"
	"strconv"
	"sync"
	"time"

	"lockspan/workloads/lab"
)

const keys = 64

// Store is the task's store.
type Store struct {
	mu    sync.Mutex
	cache map[string]int
}

var (
	store   = Store{cache: map[string]int{}}
	work    = flag.Duration("work", 2*time.Millisecond, "the work of one Get")
	variant = lab.Variant("before", "after")
)

// GetBefore works under the lock.
func (s *Store) GetBefore(w *lab.Worker, k string) int {
	locking := w.Locking()
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Locked(locking)
	v := s.cache[k]
	time.Sleep(*work)
	w.Unlocking()
	return v
}

// GetAfter works when the lock is free again.
func (s *Store) GetAfter(w *lab.Worker, k string) int {
	locking := w.Locking()
	s.mu.Lock()
	w.Locked(locking)
	v := s.cache[k]
	w.Unlocking()
	s.mu.Unlock()
	time.Sleep(*work)
	return v
}

func getter(w *lab.Worker) {
	get := store.GetBefore
	if *variant == "after" {
		get = store.GetAfter
	}
	for ; w.GoesOn(); w.Ops++ {
		get(w, strconv.Itoa(int(w.Ops)%keys))
	}
}

func main() {
	run := lab.Parse("task04", lab.Size{Goroutines: 32, Duration: 1500 * time.Millisecond},
		lab.Size{Goroutines: 32, Duration: 5 * time.Second})
	run.Variant = *variant
	run.Locks = []string{"main.store.mu"}
	for i := 0; i < keys; i++ {
		store.cache[strconv.Itoa(i)] = i
	}
	run.AddAll("getter", getter)
	run.Do()
	run.Print(map[string]interface{}{"work_us": work.Microseconds()})
}
