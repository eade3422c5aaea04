// SPDX-License-Identifier: GPL-2.0-only

// Task 8: back-pressure of a channel: unbuffered, with room for 1024, with eight
// consumers, and with eight consumers of a producer that has work of its own.
package main

import (
	"flag"
	"time"

	"lockspan/workloads/lab"
)

var (
	work    = flag.Duration("work", 5*time.Millisecond, "a consumer's time for an item")
	makes   = flag.Duration("make", time.Millisecond, "the slow producer's time for an item")
	variant = lab.Variant("unbuffered", "buffered", "consumers", "slow-producer")
)

func main() {
	run := lab.Parse("task08", lab.Size{Goroutines: 1, Count: 200}, lab.Size{Goroutines: 1, Count: 10000})
	run.Variant = *variant
	run.Locks = []string{"main.out (send)", "main.out (receive)"}
	capacity, consumers := 0, run.Goroutines
	switch *variant {
	case "buffered":
		capacity = 1024
	case "consumers", "slow-producer":
		if consumers == 1 {
			consumers = 8
		}
	}
	out := make(chan int64, capacity)
	run.Add("producer", func(w *lab.Worker) {
		for ; w.GoesOn(); w.Ops++ {
			if *variant == "slow-producer" {
				time.Sleep(*makes)
			}
			sending := w.Locking()
			out <- w.Ops
			w.Locked(sending)
		}
		close(out)
	})
	for i := 0; i < consumers; i++ {
		run.Add("consumer", func(w *lab.Worker) {
			for receiving := w.Second.Locking(); ; receiving = w.Second.Locking() {
				if _, ok := <-out; !ok {
					return
				}
				w.Second.Locked(receiving)
				time.Sleep(*work)
				w.Ops++
			}
		})
	}
	run.Do()
	run.Print(map[string]interface{}{"capacity": capacity, "items": run.Ops("producer")})
}
