// SPDX-License-Identifier: GPL-2.0-only

// Goroutines that contend for a sync.Mutex, and the program's own block and
// mutex profile of it: go [-o DIR] [-listen ADDRESS -for DURATION].
package main

import (
	"flag"
	"fmt"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

var mu sync.Mutex

//go:noinline
func take() {
	mu.Lock()
	time.Sleep(time.Millisecond)
	mu.Unlock()
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(dir, name string) {
	f, err := os.Create(dir + "/" + name + ".pb.gz")
	must(err)
	must(pprof.Lookup(name).WriteTo(f, 0))
	must(f.Close())
}

func main() {
	dir := flag.String("o", "", "folder for the profiles")
	address := flag.String("listen", "", "serve /debug/pprof there")
	forSo := flag.Duration("for", 300*time.Millisecond, "how long")
	flag.Parse()
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)
	if *address != "" {
		go func() { must(http.ListenAndServe(*address, nil)) }()
	}
	var wg sync.WaitGroup
	end := time.Now().Add(*forSo)
	for i := 0; i < 4; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for time.Now().Before(end) {
				take()
			}
		}()
	}
	wg.Wait()
	if *dir != "" {
		write(*dir, "block")
		write(*dir, "mutex")
	}
}
