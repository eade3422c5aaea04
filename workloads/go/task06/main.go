// SPDX-License-Identifier: GPL-2.0-only

// Task 6: a map behind one mutex, or in 32 shards with a mutex each. As in the
// C program an operation sleeps under its lock and outside it: computing on few
// CPUs would measure the scheduler.
package main

import (
	"flag"
	"hash/fnv"
	"strconv"
	"sync"
	"time"

	"lockspan/workloads/lab"
)

const (
	shardCount = 32
	keyCount   = 2048
)

type shard struct {
	mu sync.Mutex
	m  map[string]int
}

// Map is a thread-safe map[string]int.
type Map struct{ shards []shard }

var (
	hold    = flag.Duration("hold", 4*time.Millisecond, "sleep under the lock")
	think   = flag.Duration("think", 20*time.Millisecond, "sleep outside it")
	variant = lab.Variant("single", "sharded")
	keys    [keyCount]string
)

func newMap(shards int) *Map {
	m := &Map{shards: make([]shard, shards)}
	for i := range m.shards {
		m.shards[i].m = map[string]int{}
	}
	return m
}

func (m *Map) shard(k string) *shard {
	h := fnv.New32a()
	h.Write([]byte(k))
	return &m.shards[h.Sum32()%uint32(len(m.shards))]
}

// Get returns the value of k.
func (m *Map) Get(w *lab.Worker, k string) int {
	s := m.shard(k)
	locking := w.Locking()
	s.mu.Lock()
	w.Locked(locking)
	v := s.m[k]
	time.Sleep(*hold)
	w.Unlocking()
	s.mu.Unlock()
	return v
}

// Put sets the value of k.
func (m *Map) Put(w *lab.Worker, k string, v int) {
	s := m.shard(k)
	locking := w.Locking()
	s.mu.Lock()
	w.Locked(locking)
	s.m[k] = v
	time.Sleep(*hold)
	w.Unlocking()
	s.mu.Unlock()
}

func main() {
	run := lab.Parse("task06", lab.Size{Goroutines: 64, Duration: 1500 * time.Millisecond},
		lab.Size{Goroutines: 64, Duration: 5 * time.Second})
	run.Variant = *variant
	run.Locks = []string{"main.Map.shards[].mu"}
	n := 1
	if *variant == "sharded" {
		n = shardCount
	}
	m := newMap(n)
	for i := range keys {
		keys[i] = "key-" + strconv.Itoa(i)
	}
	for i := 0; i < run.Goroutines; i++ {
		random := uint64(i + 1)
		run.Add("user", func(w *lab.Worker) {
			for ; w.GoesOn(); w.Ops++ {
				random = random*6364136223846793005 + 1442695040888963407
				k := keys[random>>33%keyCount]
				if random>>32&1 == 1 {
					m.Get(w, k)
				} else {
					m.Put(w, k, int(w.Ops))
				}
				time.Sleep(*think)
			}
		})
	}
	run.Do()
	run.Print(map[string]interface{}{"shards": n})
}
