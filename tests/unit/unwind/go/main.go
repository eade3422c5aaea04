// SPDX-License-Identifier: GPL-2.0-only

// Goroutines, each on a thread of its own, that hand a mutex around. What the
// kernel sees of them is the runtime parking and waking its threads, on stacks
// of its own; see test_unwind.c.
package main

import (
	"runtime"
	"sync"
)

func main() {
	var mu sync.Mutex
	var wg sync.WaitGroup

	for i := 0; i < 4; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread()
			for k := 0; k < 200; k++ {
				mu.Lock()
				runtime.Gosched()
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
}
