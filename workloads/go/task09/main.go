// SPDX-License-Identifier: GPL-2.0-only

// Task 9: a long run that serves /debug/pprof, for profiles taken one after the
// other. SIGUSR1 (or -halve-at) sends half of its goroutines home.
package main

import (
	"flag"
	"fmt"
	"net/http"
	_ "net/http/pprof"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"lockspan/workloads/lab"
)

var (
	jobs struct {
		mu   sync.Mutex
		done int64
	}
	listen  = flag.String("listen", "", "serve net/http/pprof there, with both profiles at rate 1")
	halveAt = flag.Duration("halve-at", 0, "halve the goroutines then, without a signal")
	active  int64
)

//go:noinline
func doJob(w *lab.Worker) {
	locking := w.Locking()
	jobs.mu.Lock()
	w.Locked(locking)
	jobs.done++
	lab.Spin(2000)
	runtime.Gosched()
	w.Unlocking()
	jobs.mu.Unlock()
}

func halve() {
	if n := atomic.LoadInt64(&active); n > 1 {
		atomic.StoreInt64(&active, n/2)
	}
}

func serve() {
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(1)
	if err := http.ListenAndServe(*listen, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	run := lab.Parse("task09", lab.Size{Goroutines: 16, Duration: 3 * time.Second},
		lab.Size{Goroutines: 64, Duration: 5 * time.Minute})
	run.Variant = "mutex"
	run.Locks = []string{"main.jobs.mu"}
	active = int64(run.Goroutines)
	usr1 := make(chan os.Signal, 1)
	signal.Notify(usr1, syscall.SIGUSR1)
	go func() {
		for range usr1 {
			halve()
		}
	}()
	if *listen != "" {
		go serve()
	}
	if *halveAt > 0 {
		time.AfterFunc(*halveAt, halve)
	}
	for i := int64(0); i < int64(run.Goroutines); i++ {
		i := i
		run.Add("worker", func(w *lab.Worker) {
			for ; w.GoesOn() && i < atomic.LoadInt64(&active); w.Ops++ {
				doJob(w)
			}
		})
	}
	run.Do()
	run.Print(map[string]interface{}{"active": active})
}
