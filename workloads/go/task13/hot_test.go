// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"testing"

	"lockspan/workloads/lab"
)

// BenchmarkHot is the task's benchmark: go test -bench Hot -mutexprofile
// mutex.pb.gz -blockprofile block.pb.gz, with -args -hold-extra 30 for the
// regression. The counts of the two runs must be equal: -benchtime 2000x.
func BenchmarkHot(b *testing.B) {
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		w := &lab.Worker{}
		for pb.Next() {
			hotPath(w)
		}
	})
}
