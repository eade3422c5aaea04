// SPDX-License-Identifier: GPL-2.0-only

package lab

import "time"

// Meter is what one goroutine sees of its lock from outside. The program calls
// the lock itself, between two calls of the meter.
type Meter struct {
	Acquisitions int64 `json:"acquisitions"`
	CallNs       int64 `json:"call_ns"`
	LongCalls    int64 `json:"long_calls"`
	LongCallNs   int64 `json:"long_call_ns"`
	MaxCallNs    int64 `json:"max_call_ns"`
	HeldNs       int64 `json:"held_ns"`

	off         bool
	thresholdNs int64
	lockedAt    int64
}

var epoch = time.Now()

// Now is the monotonic clock in ns since the start of the program.
func Now() int64 { return int64(time.Since(epoch)) }

// Locking comes right before the lock call, its result goes to Locked.
func (m *Meter) Locking() int64 {
	if m.off {
		return 0
	}
	return Now()
}

// Locked comes right after the lock call.
func (m *Meter) Locked(locking int64) {
	m.Acquisitions++
	if m.off {
		return
	}
	m.lockedAt = Now()
	call := m.lockedAt - locking
	m.CallNs += call
	if call >= m.thresholdNs {
		m.LongCalls++
		m.LongCallNs += call
	}
	if call > m.MaxCallNs {
		m.MaxCallNs = call
	}
}

// Unlocking comes right before the unlock call.
func (m *Meter) Unlocking() {
	if !m.off {
		m.HeldNs += Now() - m.lockedAt
	}
}

func (m *Meter) add(from *Meter) {
	m.Acquisitions += from.Acquisitions
	m.CallNs += from.CallNs
	m.LongCalls += from.LongCalls
	m.LongCallNs += from.LongCallNs
	m.HeldNs += from.HeldNs
	if from.MaxCallNs > m.MaxCallNs {
		m.MaxCallNs = from.MaxCallNs
	}
}
