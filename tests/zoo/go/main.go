// SPDX-License-Identifier: GPL-2.0-only

// Goroutines that contend for a sync.Mutex. Their waits happen in Go's own
// scheduler; what the kernel sees are its threads that park and wake.
package main

import (
	"fmt"
	"sync"
	"time"
)

var mu sync.Mutex

func take() {
	mu.Lock()
	time.Sleep(time.Millisecond)
	mu.Unlock()
}

func main() {
	var wg sync.WaitGroup

	fmt.Println("*;runtime.*")
	fmt.Println("<*;runtime.*")
	for i := 0; i < 4; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := 0; k < 25; k++ {
				take()
			}
		}()
	}
	wg.Wait()
}
